"""Frames of many symbols as what they are: one unbroken series after the other."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.errors import PermanentSymbolError

Positions = NDArray[np.intp]


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
    heads = np.flatnonzero((symbol != symbol.shift(1)).fill_null(value=True).to_numpy())
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
