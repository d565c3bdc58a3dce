"""Faults inside an otherwise good answer."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from miraikakaku_assets.simulator.core.bars import Bars, single_bar
from miraikakaku_assets.simulator.core.noise import BoolArray, IntArray
from miraikakaku_assets.simulator.core.sessions import SessionGrid

# The same session is hit in every answer: a source's wrong value stays until the source corrects it.
_NULL_EVERY, _NULL_PLACE = 10, 7
_GARBAGE_EVERY, _GARBAGE_PLACE = 20, 13
# 1884.T was seen to close at 1.3063e10 after 2,510, with its usual volume.
_GARBAGE_FACTOR = 1e7
_TAIL = 3
# The whole bar of 1821.T on 2025-12-18, a day after it closed at 596.
_SQUEEZED_OUT = (2.99e10, 2.995e10, 2.985e10, 2.985e10, 0.0)


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
    if "nan-tail" in kinds:
        bars = bars.blanked(session > session[-1] - _TAIL)
    if "garbage-tick" in kinds:
        bars = _with_garbage(bars, session)
    if "squeeze-out" in kinds:
        last = single_bar(int(bars.stamps[-1]), _SQUEEZED_OUT, adjusted=bars.adjclose is not None)
        bars = bars.take(slice(0, -1)).then(last)
    if "duplicate-stamps" in kinds:
        bars = bars.then(bars.take(slice(-1, None)))
    return bars


def _with_garbage(bars: Bars, session: IntArray) -> Bars:
    last_of_session: BoolArray = np.append(session[1:] != session[:-1], True)
    factor = np.where((session % _GARBAGE_EVERY == _GARBAGE_PLACE) & last_of_session, _GARBAGE_FACTOR, 1.0)
    adjclose = None if bars.adjclose is None else bars.adjclose * factor
    return replace(bars, high=bars.high * factor, close=bars.close * factor, adjclose=adjclose)
