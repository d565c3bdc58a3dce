"""Faults inside an otherwise good answer."""

from collections.abc import Collection

import numpy as np

from miraikakaku_assets.simulator.bars import Bars
from miraikakaku_assets.simulator.noise import BoolArray, IntArray
from miraikakaku_assets.simulator.sessions import SessionGrid

# The same session is hit in every answer: a source's wrong value stays until the source corrects it.
_NULL_EVERY, _NULL_PLACE = 10, 7
_GARBAGE_EVERY, _GARBAGE_PLACE = 20, 13
# 1821.T was seen to go from 596 to 2.985e10 after it had been delisted.
_GARBAGE_FACTOR = 1e7


def altered(bars: Bars, kinds: Collection[str], grid: SessionGrid) -> Bars:
    """Return bars with the value faults among ``kinds`` applied.

    Args:
        bars: Daily or 5-minute bars of one symbol.
        kinds: Kinds of faults that hit the answer; others than value faults are ignored.
        grid: Sessions of the exchange.
    """
    if not len(bars):
        return bars
    session = np.searchsorted(grid.opens, bars.stamps, side="right") - 1
    if "nan-bars" in kinds:
        bars = bars.blanked(session % _NULL_EVERY == _NULL_PLACE)
    if "garbage-tick" in kinds:
        bars = _with_garbage(bars, session)
    return bars


def _with_garbage(bars: Bars, session: IntArray) -> Bars:
    last_of_session: BoolArray = np.append(session[1:] != session[:-1], True)
    factor = np.where((session % _GARBAGE_EVERY == _GARBAGE_PLACE) & last_of_session, _GARBAGE_FACTOR, 1.0)
    adjclose = None if bars.adjclose is None else bars.adjclose * factor
    return Bars(
        bars.stamps, bars.open, bars.high * factor, bars.low, bars.close * factor, bars.volume, adjclose
    )
