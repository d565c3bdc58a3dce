"""Raw paths as Yahoo shows them: split-adjusted as of now, with a dividend-adjusted close beside."""

from dataclasses import dataclass, replace

import numpy as np

from miraikakaku_assets.simulator.core.bars import Bars, no_bars
from miraikakaku_assets.simulator.core.noise import FloatArray, IntArray
from miraikakaku_assets.simulator.core.sessions import SessionGrid
from miraikakaku_assets.simulator.listings.issues import Trading
from miraikakaku_assets.simulator.prices.daily_path import DailyPath
from miraikakaku_assets.simulator.prices.quotes import DividendEvent, SplitEvent


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Last part of the path of a symbol up to its last opened session, raw and as Yahoo shows it.

    Attributes:
        opened: Sessions of the exchange opened so far.
        path: Raw daily bars.
        price_factors: By session of the path: from raw to split-adjusted prices.
        shown: Daily bars stamped at the open; the last one belongs to the last opened session.
        splits: Splits within, by stamp.
        dividends: Dividends within, by stamp.
    """

    opened: int
    path: DailyPath
    price_factors: FloatArray
    shown: Bars
    splits: tuple[SplitEvent, ...]
    dividends: tuple[DividendEvent, ...]


def adjusted_history(
    path: DailyPath, grid: SessionGrid, opened: int, trading: Trading, *, fills_holidays: bool
) -> History:
    """Adjust a path for the splits and dividends it contains.

    Args:
        path: Raw bars up to the last opened session.
        grid: Sessions of the exchange.
        opened: Sessions opened so far.
        trading: What Yahoo shows of the issue.
        fills_holidays: Whether holidays carry a bar of volume 0 at the last close.
    """
    stop = path.first + len(path.close)
    stamps = grid.opens[path.first : stop]
    factors = np.ones(len(stamps))
    # Sessions before the first one, too: their splits are behind every bar of the path.
    later = [split for split in path.splits if split.session > path.first]
    bars = Bars(stamps, path.open, path.high, path.low, path.close, path.volume, path.close)
    if later:
        for split in later:
            factors[: split.session - path.first] /= split.ratio
        bars = bars.rescaled(factors, 1.0 / factors)
    # The amount refers to the shares of the day before, which a split of the same day has not touched.
    dividends = tuple(
        DividendEvent(
            int(grid.opens[d.session]), round(d.amount * float(factors[d.session - path.first - 1]), 6)
        )
        for d in path.dividends
    )
    bars = _dividend_adjusted(bars, dividends)
    if trading is Trading.NULL:
        bars = bars.blanked(np.ones(len(bars), dtype=np.bool_))
    elif fills_holidays:
        bars = _with_holidays(bars, grid.holidays)
    splits = tuple(
        SplitEvent(int(grid.opens[split.session]), split.numerator, split.denominator) for split in later
    )
    return History(opened, path, factors, bars, splits, dividends)


def no_history(path_of: int) -> History:
    """Return the history of an issue whose first session has not opened yet.

    Args:
        path_of: Sessions of the exchange opened so far.
    """
    nothing = np.zeros(0)
    path = DailyPath(path_of, nothing, nothing, nothing, nothing, nothing, (), ())
    return History(path_of, path, nothing, no_bars(), (), ())


def _dividend_adjusted(bars: Bars, dividends: tuple[DividendEvent, ...]) -> Bars:
    """Return the bars with Yahoo's adjclose: every ex-date scales all closes before it."""
    if not dividends:
        return bars
    adjclose = bars.close.copy()
    for dividend in dividends:
        row = int(np.searchsorted(bars.stamps, dividend.stamp))
        before = float(bars.close[row - 1]) if row else 0.0
        if before > dividend.amount:
            adjclose[:row] *= 1.0 - dividend.amount / before
    return replace(bars, adjclose=adjclose)


def _with_holidays(bars: Bars, holidays: IntArray) -> Bars:
    if not len(bars):
        return bars
    inside = holidays[(holidays > bars.stamps[0]) & (holidays < bars.stamps[-1])]
    rows = np.searchsorted(bars.stamps, inside) - 1
    close = bars.close[rows]
    adjclose = bars.adjclose[rows] if bars.adjclose is not None else None
    idle = Bars(inside, close, close, close, close, np.zeros(len(inside)), adjclose)
    return bars.then(idle).sorted()
