"""Columns of bars as an answer carries them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from miraikakaku_assets.simulator.core.noise import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Bars in the order of their stamps; NaN is a null of the answer.

    Attributes:
        stamps: UTC seconds.
        open: In the instrument's currency, split-adjusted, like the next three.
        high: See ``open``.
        low: See ``open``.
        close: See ``open``.
        volume: Shares, split-adjusted.
        adjclose: Close that is dividend-adjusted as well; ``None`` for intraday bars.
    """

    stamps: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    adjclose: FloatArray | None = None

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.stamps)

    def take(self, selection: slice | IntArray) -> "Bars":
        """Return some of the bars."""
        return Bars(
            stamps=self.stamps[selection],
            open=self.open[selection],
            high=self.high[selection],
            low=self.low[selection],
            close=self.close[selection],
            volume=self.volume[selection],
            adjclose=None if self.adjclose is None else self.adjclose[selection],
        )

    def between(self, start: int, end: int) -> "Bars":
        """Return the bars with ``start <= stamp < end``."""
        first, stop = np.searchsorted(self.stamps, [start, end], side="left").tolist()
        return self.take(slice(first, stop))

    def then(self, other: "Bars") -> "Bars":
        """Return these bars followed by others."""
        adjclose = None
        if self.adjclose is not None and other.adjclose is not None:
            adjclose = np.concatenate((self.adjclose, other.adjclose))
        return Bars(
            stamps=np.concatenate((self.stamps, other.stamps)),
            open=np.concatenate((self.open, other.open)),
            high=np.concatenate((self.high, other.high)),
            low=np.concatenate((self.low, other.low)),
            close=np.concatenate((self.close, other.close)),
            volume=np.concatenate((self.volume, other.volume)),
            adjclose=adjclose,
        )

    def sorted(self) -> "Bars":
        """Return the bars in the order of their stamps."""
        return self.take(np.argsort(self.stamps, kind="stable"))

    def rescaled(self, price: FloatArray | float, volume: FloatArray | float) -> "Bars":
        """Return the bars with prices and volumes multiplied."""
        return replace(
            self,
            open=self.open * price,
            high=self.high * price,
            low=self.low * price,
            close=self.close * price,
            volume=self.volume * volume,
            adjclose=None if self.adjclose is None else self.adjclose * price,
        )

    def blanked(self, rows: BoolArray) -> "Bars":
        """Return the bars with every value of some rows null."""
        columns = (self.open, self.high, self.low, self.close, self.volume)
        blank = from_columns(self.stamps, [np.where(rows, np.nan, column) for column in columns])
        return (
            blank if self.adjclose is None else replace(blank, adjclose=np.where(rows, np.nan, self.adjclose))
        )


def no_bars() -> Bars:
    """Return no bars."""
    nothing = np.zeros(0, dtype=np.float64)
    return Bars(np.zeros(0, dtype=np.int64), nothing, nothing, nothing, nothing, nothing, None)


def from_columns(stamps: IntArray, columns: Sequence[FloatArray]) -> Bars:
    """Return bars from the columns open, high, low, close and volume."""
    opened, high, low, close, volume = columns
    return Bars(stamps, opened, high, low, close, volume)


def single_bar(stamp: int, values: tuple[float, float, float, float, float], *, adjusted: bool) -> Bars:
    """Return one bar from (open, high, low, close, volume)."""
    bar = from_columns(np.array([stamp], dtype=np.int64), [np.array([value]) for value in values])
    return replace(bar, adjclose=bar.close) if adjusted else bar
