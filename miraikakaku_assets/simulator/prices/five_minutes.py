"""5-minute bars of finished sessions, consistent with their daily bars.

The first bar opens at the daily open, and the highest high and lowest low are the daily ones. On the TSE the
closing auction sets the daily close and has no 5-minute bar: in recorded data the 5-minute volume sums to a
median of 71 % of the daily one, and 11:30 holds the single print of the morning's closing auction.
"""

from dataclasses import dataclass

import numpy as np

from miraikakaku_assets.simulator.core.bars import Bars, from_columns, no_bars
from miraikakaku_assets.simulator.core.noise import BoolArray, FloatArray, IntArray, Noise
from miraikakaku_assets.simulator.core.sessions import FIVE_MINUTES, SessionGrid
from miraikakaku_assets.simulator.prices.daily_path import DailyPath
from miraikakaku_assets.simulator.prices.price_model import PriceModel

_CONTINUOUS_VOLUME_SHARE = 0.71
_SLOTS_RESERVED = 512  # more than the 288 of a currency day: a slot's noise never depends on its neighbours
_NO_ORDERS_MATCHED = 5 * 60  # the TSE collects orders without matching for five minutes before 15:30
_AUCTION_ERA = 1_730_764_800  # 2024-11-05, when the close moved from 15:00 to 15:30 with that auction


@dataclass(frozen=True, slots=True, eq=False)
class _Slots:
    """The 5-minute slots of sessions of equal length; arrays are sessions x slots."""

    sessions: IntArray
    stamps: IntArray
    trading: BoolArray  # by slot: whether orders are matched
    single_print: int  # slot with one auction price, -1 for none


def five_minute_bars(
    model: PriceModel, noise: Noise, grid: SessionGrid, path: DailyPath, sessions: IntArray
) -> Bars:
    """Return the raw 5-minute bars of some sessions, null rows where nothing trades.

    Args:
        model: Parameters of the instrument.
        noise: Its noise.
        grid: Sessions of its exchange.
        path: Its raw daily bars.
        sessions: Indices of the sessions, in order, all within the path.
    """
    if not len(sessions):
        return no_bars()
    counts = (grid.closes[sessions] - grid.opens[sessions]) // FIVE_MINUTES
    bars = no_bars()
    for count in np.unique(counts).tolist():
        of_length = sessions[counts == count]
        # The close moved and half days exist: slots are judged per session shape, not per exchange.
        for eras in _same_shape(grid, of_length):
            bars = bars.then(_session_bars(model, noise, path, _slots(grid, eras, count)))
    return bars.sorted()


def _same_shape(grid: SessionGrid, sessions: IntArray) -> list[IntArray]:
    lunch = (grid.break_starts[sessions] > 0) * 2 + (grid.opens[sessions] >= _AUCTION_ERA)
    return [sessions[lunch == shape] for shape in np.unique(lunch).tolist()]


def _slots(grid: SessionGrid, sessions: IntArray, count: int) -> _Slots:
    starts = np.arange(count, dtype=np.int64) * FIVE_MINUTES
    example = sessions[0]
    opened = int(grid.opens[example])
    trading = np.ones(count, dtype=np.bool_)
    single_print = -1
    if grid.break_starts[example]:
        lunch, back = int(grid.break_starts[example]) - opened, int(grid.break_ends[example]) - opened
        trading &= (starts <= lunch) | (starts >= back)
        single_print = lunch // FIVE_MINUTES
        if opened >= _AUCTION_ERA:
            trading &= starts < int(grid.closes[example]) - opened - _NO_ORDERS_MATCHED
    return _Slots(sessions, grid.opens[sessions][:, None] + starts[None, :], trading, single_print)


def _session_bars(model: PriceModel, noise: Noise, path: DailyPath, slots: _Slots) -> Bars:
    rows = slots.sessions - path.first
    active = np.flatnonzero(slots.trading)
    index = slots.sessions[:, None] * _SLOTS_RESERVED + active[None, :]
    low, high = path.low[rows][:, None], path.high[rows][:, None]
    points = _points(model, noise, path, rows, index)
    opened, closed = points[:, :-1].copy(), points[:, 1:].copy()
    single = int(np.searchsorted(active, slots.single_print)) if slots.single_print >= 0 else -1
    if single >= 0:
        opened[:, single] = closed[:, single]
    reach = 0.12 * (high - low)
    top = model.prices.snap(np.maximum(opened, closed) + reach * noise.uniform("5m high", index))
    bottom = model.prices.snap(
        np.maximum(np.minimum(opened, closed) - reach * noise.uniform("5m low", index), 0)
    )
    top = np.clip(top, np.maximum(opened, closed), high)
    bottom = np.clip(bottom, low, np.minimum(opened, closed))
    if single >= 0:
        top[:, single] = bottom[:, single] = closed[:, single]
    each = np.arange(len(rows))
    highest, lowest = _extreme(top, single), _extreme(-bottom, single)
    top[each, highest] = high[:, 0]
    bottom[each, lowest] = low[:, 0]
    volume = _slot_volumes(model, noise, path.volume[rows], index, (highest, lowest))
    columns = [opened, top, bottom, closed, volume]
    if model.turnover:
        columns = [np.where(volume > 0, column, np.nan) for column in columns]
    return _flattened(slots, active, columns)


def _extreme(values: FloatArray, single: int) -> IntArray:
    """Return the slot with the largest value of each session, never the single print."""
    candidates = values.copy()
    if single >= 0:
        candidates[:, single] = -np.inf
    place: IntArray = np.argmax(candidates, axis=1)
    return place


def _points(model: PriceModel, noise: Noise, path: DailyPath, rows: IntArray, index: IntArray) -> FloatArray:
    """Return the price before, between and after the slots: a bridge from the open to the last print."""
    opened, close = path.open[rows][:, None], path.close[rows][:, None]
    low, high = path.low[rows][:, None], path.high[rows][:, None]
    last = close
    if model.auction_moves_close:
        step = 0.08 * (high - low) * noise.normal("5m auction", index[:, :1])
        last = np.clip(model.prices.snap(np.maximum(close + step, 0.1)), low, high)
    count = index.shape[1]
    walk = np.cumsum(noise.normal("5m path", index), axis=1) / np.sqrt(count)
    time = (np.arange(1, count + 1) / count)[None, :]
    bridge = opened + (last - opened) * time + 0.7 * (high - low) * (walk - time * walk[:, -1:])
    inner = np.clip(model.prices.snap(np.maximum(bridge, 0.0)), low, high)
    inner[:, -1:] = last
    return np.concatenate((opened, inner), axis=1)


def _slot_volumes(
    model: PriceModel, noise: Noise, daily: FloatArray, index: IntArray, kept: tuple[IntArray, IntArray]
) -> FloatArray:
    """Return lots spread over the slots, more at both ends, and at least one at the open and the extremes."""
    if not model.turnover:
        return np.zeros(index.shape)
    count = index.shape[1]
    place = np.linspace(-1.0, 1.0, count)
    weights = (0.5 + place**2)[None, :] * np.exp(0.6 * noise.normal("5m volume", index))
    # Three lots stay back for the open and the extremes, so that the sum never passes the daily volume.
    lots = np.maximum(np.floor(daily / model.lot * _CONTINUOUS_VOLUME_SHARE) - 3.0, 0.0)[:, None]
    share = np.cumsum(weights, axis=1)
    filled = np.floor(lots * share / share[:, -1:] + 1e-9)
    spread = np.diff(filled, axis=1, prepend=0.0)
    each = np.arange(len(daily))
    traded = daily > 0
    for slot in (np.zeros(len(daily), dtype=np.int64), *kept):
        spread[each, slot] = np.where(traded, np.maximum(spread[each, slot], 1.0), 0.0)
    return spread * model.lot


def _flattened(slots: _Slots, active: IntArray, columns: list[FloatArray]) -> Bars:
    shape = slots.stamps.shape
    wide = []
    for column in columns:
        full = np.full(shape, np.nan)
        full[:, active] = column
        wide.append(full.ravel())
    return from_columns(slots.stamps.ravel(), wide)
