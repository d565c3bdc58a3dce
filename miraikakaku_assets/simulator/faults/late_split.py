"""Splits that a source learns of too late.

A split's first session trades at a fifth of the price. Yahoo sometimes goes on serving the history before it
unadjusted, and sends the event and the rescaled history days later: every stored bar before the ex-date is
then five times too high.
"""

from dataclasses import dataclass, replace

import numpy as np

from miraikakaku_assets.simulator.core.bars import Bars
from miraikakaku_assets.simulator.core.noise import Noise
from miraikakaku_assets.simulator.core.sessions import SessionGrid
from miraikakaku_assets.simulator.faults.specs import Fault
from miraikakaku_assets.simulator.prices.quotes import DividendEvent, Quotes, SplitEvent

RATIO = 5
_SESSIONS_BEFORE_START = 3
_SESSIONS_UNTIL_PUBLISHED = 5


@dataclass(slots=True)
class _Installed:
    fault: Fault
    since: int
    from_start: bool
    cleared: bool = False


@dataclass(frozen=True, slots=True)
class LateSplit:
    """One such split as of now.

    Attributes:
        ex_stamp: Open of the first session at the new price, UTC seconds.
        published: Whether the event is out and the history before it rescaled.
    """

    ex_stamp: int
    published: bool


class LateSplits:
    """The late splits of a world. They stay after their fault is cleared: a split cannot be undone.

    A fault in force from the start has its ex-session three sessions back. One that is installed later takes
    the next session to open, because the sessions before it have been served. Both are published when the
    fault is cleared or after five more sessions.

    Args:
        seed: Seed of the world.
    """

    def __init__(self, seed: int) -> None:
        self._noise = Noise(seed, "late splits")
        self._installed: list[_Installed] = []

    def update(self, faults: tuple[Fault, ...], now: int, *, from_start: bool = False) -> None:
        """Install new ``late-split`` faults and publish those that are gone."""
        late = {fault.spec: fault for fault in faults if fault.kind == "late-split"}
        for installed in self._installed:
            installed.cleared = installed.cleared or installed.fault.spec not in late
        open_specs = {installed.fault.spec for installed in self._installed if not installed.cleared}
        for spec, fault in late.items():
            if spec not in open_specs:
                self._installed.append(_Installed(fault, now, from_start))

    def of(self, symbol: str, grid: SessionGrid, now: int) -> list[LateSplit]:
        """Return the late splits of a symbol whose ex-session has opened."""
        late: list[LateSplit] = []
        if not self._installed or grid.name in {"CCY", "CMX"}:  # currencies and metals have no shares
            return late
        for installed in self._installed:
            if not installed.fault.concerns(symbol) or self._noise.chance(symbol) >= installed.fault.rate:
                continue
            opened = grid.opened(installed.since)
            ex_session = opened - _SESSIONS_BEFORE_START if installed.from_start else opened
            if ex_session < grid.opened(now):
                published = installed.cleared or grid.opened(now) >= opened + _SESSIONS_UNTIL_PUBLISHED
                late.append(LateSplit(int(grid.opens[ex_session]), published))
        return late


def with_late_splits(quotes: Quotes, splits: list[LateSplit]) -> Quotes:
    """Return quotes as the source shows them with these splits."""
    for split in splits:
        quotes = replace(
            quotes,
            daily=rescaled(quotes.daily, split),
            live=None if quotes.live is None else rescaled(quotes.live, split),
            dividends=tuple(
                DividendEvent(d.stamp, round(d.amount / RATIO, 6))
                if split.published or d.stamp >= split.ex_stamp
                else d
                for d in quotes.dividends
            ),
            splits=(*quotes.splits, SplitEvent(split.ex_stamp, RATIO, 1))
            if split.published
            else quotes.splits,
        )
    return quotes


def rescaled(bars: Bars, split: LateSplit) -> Bars:
    """Return bars as the source shows them with a split: adjusted wholly, or from the ex-session on."""
    after = np.ones(len(bars), dtype=np.bool_) if split.published else bars.stamps >= split.ex_stamp
    return bars.rescaled(np.where(after, 1.0 / RATIO, 1.0), np.where(after, float(RATIO), 1.0))
