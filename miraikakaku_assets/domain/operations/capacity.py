"""How long the disk lasts at the rate at which it has filled so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

_FEWEST, _SHORTEST = 4, timedelta(days=2)
_FAR = 3_650
"""Days beyond which nobody plans a disk."""


@dataclass(frozen=True)
class DiskForecast:
    """What the disk will do.

    Attributes:
        bytes_per_day: Growth, the median slope between measurements (Theil and Sen): one VACUUM or one large import
            does not bend it.
        low: Lower end of its 95 % interval.
        high: Upper end.
        days_left: Until what is free is used up at that rate; None: it does not fill, or not within ten years.
        full_on: The moment (UTC), likewise.
    """

    bytes_per_day: float
    low: float
    high: float
    days_left: float | None
    full_on: datetime | None


def forecast_disk(sizes: Sequence[tuple[datetime, int]], free: int | None) -> DiskForecast | None:
    """When the disk is full.

    Args:
        sizes: Moment (UTC) and bytes used, ascending.
        free: Bytes that are free now; None: not known (a server elsewhere).

    Returns:
        None while there are fewer than four measurements, or less than two days between them.
    """
    if len(sizes) < _FEWEST or sizes[-1][0] - sizes[0][0] < _SHORTEST:
        return None
    from scipy.stats import theilslopes

    days = [(moment - sizes[0][0]) / timedelta(days=1) for moment, _ in sizes]
    slope, _, low, high = theilslopes([size for _, size in sizes], days)
    left = None if free is None or slope <= 0 or free / slope > _FAR else float(free / slope)
    full_on = None if left is None else sizes[-1][0] + timedelta(days=left)
    return DiskForecast(float(slope), float(low), float(high), left, full_on)
