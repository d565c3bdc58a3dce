"""When there is something to collect: asked by schedules before they start, and by whoever watches that they did."""

from datetime import datetime, timedelta
from typing import Literal

from miraikakaku_assets.application.collection.windows import changes_between, collected_since
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.tokyo_time import TOKYO

DueTicks = Literal["final", "changed", "all"]
"""Which ticks of a daily schedule collect: those on whose day a session has become final, those since whose predecessor
one has run or become final, or all."""

_A_DAY = timedelta(hours=20)  # a session that became final longer ago is yesterday's
_MONDAY = 0


def is_due(universe: Universe, ticks: DueTicks, moment: datetime) -> bool:
    """Whether a tick of a daily schedule finds something to collect.

    Args:
        universe: What it collects.
        ticks: Which of its ticks do.
        moment: Of the tick.
    """
    if ticks == "final":
        return moment - collected_since(universe, Timeframe.D1, moment) <= _A_DAY
    return ticks == "all" or changes_between(universe, tick_before(moment), moment)


def tick_before(moment: datetime) -> datetime:
    """The tick before one of a schedule of weekdays in Tokyo."""
    days = 3 if moment.astimezone(TOKYO).weekday() == _MONDAY else 1
    return moment - timedelta(days=days)
