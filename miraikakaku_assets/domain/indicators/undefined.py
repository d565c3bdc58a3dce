"""Where TA-Lib says 0 and an indicator's definition says 0/0."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from miraikakaku_assets.domain.bars.series import Positions

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]

Undefined = Callable[[Numbers, Mapping[str, Numbers], Positions], Marks]
"""From an indicator's values, the columns of the bars and each bar's place in its series to the rows without value."""


def without_move(values: Numbers, bars: Mapping[str, Numbers], place: Positions) -> Marks:
    """An RSI of 14 whose price has not moved at all."""
    still = _unchanged(bars["close"], place)
    return np.asarray((values == 0) & (still >= 14), dtype=np.bool_)  # noqa: PLR2004 - the period


def without_range(smoothed: int) -> Undefined:
    """A stochastic of 14 that is a mean over the row and so many before it, one of them without a range."""

    def undefined(_values: Numbers, bars: Mapping[str, Numbers], place: Positions) -> Marks:
        pressed = bars["high"] == bars["low"]
        still = _unchanged(np.where(pressed, bars["close"], np.nan), place)
        return _within(pressed & (still >= 13), place, smoothed)  # noqa: PLR2004 - 14 bars have 13 steps

    return undefined


def without_volume(_values: Numbers, bars: Mapping[str, Numbers], place: Positions) -> Marks:
    """A sum of volumes before the first bar with one."""
    return ~_within(bars["volume"] > 0, place, len(place))


def _unchanged(values: Numbers, place: Positions) -> Positions:
    """How many bars before each have had its value without interruption; NaN never equals."""
    rows = np.arange(len(values))
    changed = np.ones(len(values), dtype=np.bool_)
    changed[1:] = (values[1:] != values[:-1]) | (place[1:] == 0)
    return rows - np.maximum.accumulate(np.where(changed, rows, 0))


def _within(marked: Marks, place: Positions, bars: int) -> Marks:
    """Whether the row, or one of so many bars before it in its own series, is marked."""
    rows = np.arange(len(marked))
    latest = np.maximum.accumulate(np.where(marked, rows, -1))
    distance = rows - latest
    return (latest >= 0) & (distance <= bars) & (distance <= place)
