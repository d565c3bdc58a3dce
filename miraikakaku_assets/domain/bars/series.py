"""Frames of many symbols as what they are: one unbroken series after the other."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.errors import PermanentSymbolError

Positions = NDArray[np.intp]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stamps(column: pl.Series) -> NDArray[np.int64]:
    """Moments as microseconds since 1970 (UTC), without a copy where the column has that unit already."""
    return column.cast(pl.Datetime("us", "UTC")).to_physical().to_numpy()


def series_bounds(bars: pl.DataFrame) -> Positions:
    """Where each symbol's rows begin, and behind them the number of rows.

    Args:
        bars: Columns ``symbol`` and ``ts``, sorted by both, no bar twice.

    Raises:
        PermanentSymbolError: The rows are not in that order; nothing computed from them would be right.
    """
    if bars.is_empty():
        return np.zeros(1, dtype=np.intp)
    symbol = bars["symbol"]
    # Expressions cost 0.1 ms apiece however few the rows, and a five-minute cycle asks this 18 times.
    changes = np.flatnonzero((symbol[1:] != symbol[:-1]).to_numpy())
    heads = np.concatenate([[0], changes + 1])
    moments = stamps(bars["ts"])
    backwards = moments[1:] <= moments[:-1]
    backwards[heads[1:] - 1] = False
    if backwards.any():
        row = int(np.argmax(backwards)) + 1
        explanation = (
            f"the bar of {bars['ts'][row]} comes after a later or equal one; sort the bars by symbol and ts"
        )
        raise PermanentSymbolError(symbol[row], "unordered_bars", explanation)
    names = symbol.gather(heads)
    if names.n_unique() < len(heads):
        twice = names.filter(names.is_duplicated())[0]
        explanation = "its bars are in several places of the frame; sort the bars by symbol and ts"
        raise PermanentSymbolError(twice, "unordered_bars", explanation)
    return np.append(heads, bars.height)


def positions(bounds: Positions) -> Positions:
    """Number of bars before each row in its own series: 0 for the first bar of every symbol."""
    lengths = np.diff(bounds)
    return np.arange(bounds[-1]) - np.repeat(bounds[:-1], lengths)


def tails(bars: pl.DataFrame, since: Mapping[str, datetime | None], before: int = 0) -> pl.DataFrame:
    """The end of every series.

    Args:
        bars: Columns ``symbol`` and ``ts``, sorted by both; others are kept.
        since: Symbol → start of the first bar that is kept (UTC); None keeps the whole series.
        before: How many bars before it are kept as well.

    Raises:
        PermanentSymbolError: The rows are not in that order.
    """
    if all(moment is None for moment in since.values()):
        return bars
    bounds, moments = series_bounds(bars), stamps(bars["ts"])
    symbols = bars["symbol"].gather(bounds[:-1]).to_list()
    kept = []
    for symbol, start, end in zip(symbols, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        moment, first = since[symbol], start
        if moment is not None:
            at = start + int(np.searchsorted(moments[start:end], _microseconds(moment)))
            first = max(at - before, start)
        kept.append(np.arange(first, end))
    return bars.select(pl.all().gather(np.concatenate(kept))) if kept else bars


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
