"""Daily bars as traded: raw prices, raw volumes, splits and dividends of one instrument.

Everything is indexed by session, from the first one of the simulated world. A bar does not depend on which
others are made with it: the clock may move, the process restart or the window change, and it stays the same.
"""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from miraikakaku_assets.simulator.core.noise import FloatArray, Noise, as_normal, as_uniform
from miraikakaku_assets.simulator.core.sessions import SessionGrid
from miraikakaku_assets.simulator.listings.issues import Trading
from miraikakaku_assets.simulator.prices import tse_rules
from miraikakaku_assets.simulator.prices.price_model import PriceModel
from miraikakaku_assets.simulator.prices.walk import BLOCK, MarketFactor, Walk, walk

_SPLIT_CHANCE = 0.15 * BLOCK / 245  # a block
_SMALLEST_ACTIVE_LOTS = 6  # below, a session is one print: open, high, low and close are equal
# A strong move that comes this near to its limit ends at it: orders pile up there.
_LIMIT_ATTRACTS = 0.065
_STRONG_MOVE = 0.08
_NARROWEST_LIMIT = 0.14
_MOST_EXCITED = 6.0  # calm days' volatilities: beyond, a stronger move brings no more volume


@dataclass(frozen=True, slots=True)
class Split:
    """A split: ``numerator`` new shares for ``denominator`` old ones from a session on."""

    session: int
    numerator: int
    denominator: int

    @property
    def ratio(self) -> float:
        """New shares per old share."""
        return self.numerator / self.denominator


@dataclass(frozen=True, slots=True)
class Dividend:
    """A dividend per share of its own day, before any later split."""

    session: int
    amount: float


@dataclass(frozen=True, slots=True, eq=False)
class DailyPath:
    """Raw daily bars of the sessions ``first`` to ``first + len - 1``.

    Attributes:
        splits: All since the instrument's first session.
        dividends: Those of the sessions after ``first``.
    """

    first: int
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    splits: tuple[Split, ...]
    dividends: tuple[Dividend, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Sessions of a path by index: ``listed`` is the instrument's first one, ``first`` to ``stop`` are wanted."""

    listed: int
    first: int
    stop: int


def daily_path(
    model: PriceModel, noise: Noise, grid: SessionGrid, market: MarketFactor, span: Span
) -> DailyPath:
    """Simulate some sessions.

    Args:
        model: Parameters of the instrument.
        noise: Its noise.
        grid: Sessions of its exchange.
        market: Common factor of its exchange.
        span: The sessions; at least one.
    """
    # One session before the first wanted one: its close is the base of the first bar's open and limits.
    base_session = max(span.first - 1, span.listed)
    way = walk(model, noise, market, base_session, span.stop)
    splits, divisors = _splits(model, way, span)
    divisor = np.repeat(divisors[-(len(way.latent) // BLOCK) :], BLOCK)
    close = model.prices.snap(way.latent / divisor)
    if model.limited:
        _to_limits(model, way, close)
    ratio = np.ones(len(close))
    for split in splits:
        if split.session >= way.first:
            ratio[split.session - way.first] = split.ratio
    begin, end = span.first - way.first, span.stop - way.first
    base = close[begin - 1 : end - 1] / ratio[begin:end] if begin else _bases(close, ratio)[begin:end]
    if span.first == span.listed:
        base[0] = close[begin]  # a first session has no base price
    part = _Part(model, way, slice(begin, end))
    close = close[begin:end]
    volume = part.volume(close)
    opened, high, low = part.open_high_low(close, base)
    if model.turnover:
        single = np.flatnonzero(volume < _SMALLEST_ACTIVE_LOTS * model.lot)
        for column in (opened, high, low):
            column[single] = close[single]
    dividends = _dividends(model, grid, way, close, span.first)
    return DailyPath(span.first, opened, high, low, close, volume, splits, dividends)


def _splits(model: PriceModel, way: Walk, span: Span) -> tuple[tuple[Split, ...], FloatArray]:
    """Return the splits up to the end of the span and, per block, by what the latent price is divided."""
    divisors = np.ones(len(way.edges))
    if model.split_above is None or model.trading is not Trading.NORMAL:
        return (), divisors
    splits: list[Split] = []
    for block in np.flatnonzero(as_uniform(way.edge_draws[1]) < _SPLIT_CHANCE).tolist():
        session = int(way.edges[block])
        if not span.listed < session < span.stop:
            continue
        price = float(np.exp(way.before[block])) / float(divisors[block])
        if price > model.split_above:
            split = Split(session, min(10, max(2, round(price / model.split_above * 1.5))), 1)
        elif price < model.split_below:
            split = Split(session, 1, 10)
        else:
            continue
        splits.append(split)
        divisors[block:] *= split.ratio
    return tuple(splits), divisors


def _bases(close: FloatArray, ratio: FloatArray) -> FloatArray:
    """Return the previous closes, after a split divided by its ratio."""
    return np.concatenate((close[:1], close[:-1])) / ratio


def _to_limits(model: PriceModel, way: Walk, close: FloatArray) -> None:
    """Move the closes of strong sessions to the day's limit where it is near, in place.

    Only inside a block, and not before another strong session: the next one starts from the latent price
    again and has to find its way back within its own limits.
    """
    strong = np.abs(way.moves) >= _STRONG_MOVE
    for place in np.flatnonzero(strong).tolist():
        inside = place % BLOCK not in {0, BLOCK - 1}
        if not inside or strong[place - 1] or strong[place + 1] or way.idle[place + 1]:
            continue
        lowest, highest = tse_rules.limit_band(close[place - 1 : place], fine=model.prices.is_fine)
        limit = float(highest[0] if way.moves[place] > 0 else lowest[0])
        if abs(limit / close[place] - 1.0) > _LIMIT_ATTRACTS:
            continue
        lowest, highest = tse_rules.limit_band(np.array([limit]), fine=model.prices.is_fine)
        if lowest[0] <= close[place + 1] <= highest[0]:
            close[place] = limit


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Some sessions of a walk."""

    model: PriceModel
    way: Walk
    part: slice

    def volume(self, close: FloatArray) -> FloatArray:
        """Return the shares of each session; at least one lot where there is a trade."""
        model = self.model
        if not model.turnover or model.trading is not Trading.NORMAL:
            return np.zeros(len(close))
        excitement = np.minimum(np.abs(self.way.moves[self.part]) / model.volatility, _MOST_EXCITED)
        draw = as_normal(self.way.draws[0, self.part])
        lots = model.turnover / model.lot * np.exp(0.45 * draw + 0.35 * excitement - 0.3) / close
        volume: FloatArray = np.maximum(np.floor(lots), 1.0) * model.lot
        volume[self.way.idle[self.part]] = 0.0
        return volume

    def open_high_low(self, close: FloatArray, base: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the other prices of each session."""
        model = self.model
        if model.trading is not Trading.NORMAL:
            return close.copy(), close.copy(), close.copy()
        draws = as_normal(self.way.draws[1:4, self.part])
        reach = np.exp(model.volatility * np.abs(draws[1:]) * _REACHES)
        opened = base * np.exp(0.45 * model.volatility * draws[0])
        targets = np.stack(
            (opened, np.maximum(opened, close) * reach[0], np.minimum(opened, close) * reach[1])
        )
        opened, high, low = model.prices.snap(targets)
        if model.limited:
            self._limit(base, targets, (opened, high, low))
        return opened, np.maximum(high, np.maximum(opened, close)), np.minimum(low, np.minimum(opened, close))

    def _limit(
        self, base: FloatArray, targets: FloatArray, columns: tuple[FloatArray, FloatArray, FloatArray]
    ) -> None:
        """Hold prices within the limits of their day, in place; most sessions stay far from them."""
        far = (targets.max(axis=0) > base * (1 + _NARROWEST_LIMIT - 0.01)) | (
            targets.min(axis=0) < base * (1 - _NARROWEST_LIMIT + 0.01)
        )
        rows = np.flatnonzero(far)
        if not len(rows):
            return
        lowest, highest = tse_rules.limit_band(base[rows], fine=self.model.prices.is_fine)
        for column in columns:
            column[rows] = np.clip(column[rows], lowest, highest)


_REACHES = np.array([[0.6], [-0.6]])


def _dividends(
    model: PriceModel, grid: SessionGrid, way: Walk, close: FloatArray, first: int
) -> tuple[Dividend, ...]:
    if not model.dividend_yield or model.trading is not Trading.NORMAL:
        return ()
    due: list[int] = []
    for month in model.dividend_months:
        sessions = grid.ex_sessions_of(month)
        due += sessions[bisect_left(sessions, first + 1) : bisect_left(sessions, first + len(close))]
    if not due:
        return ()
    due.sort()
    part = model.dividend_yield / len(model.dividend_months)
    draws = as_normal(way.draws[4].take([session - way.first for session in due])).tolist()
    dividends = []
    for session, draw in zip(due, draws, strict=True):
        amount = float(close[session - first - 1]) * part * (1.0 + 0.1 * draw)
        rounded = round(round(amount / model.dividend_step) * model.dividend_step, 2)
        if rounded > 0:
            dividends.append(Dividend(session, rounded))
    return tuple(dividends)
