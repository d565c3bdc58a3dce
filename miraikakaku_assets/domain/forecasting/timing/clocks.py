"""The times of day at which forecasts are made."""

from datetime import time
from enum import StrEnum

MORNING = time(8, 0)
"""When forecasts of the morning are made, in the exchange's own zone: an hour before Tokyo opens."""


class ForecastClock(StrEnum):
    """When forecasts from an origin are made."""

    EVENING = "evening"
    """As soon as the bar at the origin is final."""
    MORNING = "morning"
    """Before the next session opens, when the night's markets have closed."""
