"""Daily bars as traded: raw prices, raw volumes, splits and dividends of one instrument.

Everything is indexed by session, from the first one served. A longer path begins with the shorter one, bar
for bar: the clock may move or the process restart without a bar of the past changing.
"""

from dataclasses import dataclass

import numpy as np

from miraikakaku_assets.simulator import tse_rules
from miraikakaku_assets.simulator.listings import Trading
from miraikakaku_assets.simulator.noise import BoolArray, FloatArray, IntArray, Noise
from miraikakaku_assets.simulator.price_model import PriceModel
from miraikakaku_assets.simulator.sessions import SessionGrid

# Volatility clusters: a shock to the log volatility fades by 6 % a session, cut off after 64 sessions.
_CLUSTER = 0.94 ** np.arange(64)
_CLUSTER_SHOCK = 0.11
_MARKET_SHARE = 0.45  # correlation with the market factor
_JUMP_CHANCE = 0.006
_JUMP_SIZE = 0.10
_LARGEST_RETURN = 0.28
_SPLIT_CHANCE = 0.15 / 245
_SMALLEST_ACTIVE_LOTS = 6  # below, a session is one print: open, high, low and close are equal


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
    """Raw daily bars of the sessions ``first`` to ``first + len - 1``."""

    first: int
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    splits: tuple[Split, ...]
    dividends: tuple[Dividend, ...]


def market_returns(grid: SessionGrid, seed: int, sessions: int) -> FloatArray:
    """Return the standardized market factor of an exchange."""
    return Noise(seed, "market", grid.name).normal("factor", np.arange(sessions))


def daily_path(
    model: PriceModel, noise: Noise, grid: SessionGrid, market: FloatArray, span: tuple[int, int]
) -> DailyPath:
    """Simulate the sessions up to the end of the market factor.

    Args:
        model: Parameters of the instrument.
        noise: Its noise.
        grid: Sessions of its exchange.
        market: Market factor of all sessions from the world's first to the last one wanted.
        span: Index of its first session, and of the first one to return; those between only lead to it.
    """
    first, since = span
    index = np.arange(first, len(market))
    returns = _returns(model, noise, market[first:], index)
    latent = model.start * np.exp(np.cumsum(returns))
    splits, divisor = _splits(model, noise, latent, index)
    wanted = model.prices.snap(latent / divisor)
    ratio = divisor / np.concatenate((divisor[:1], divisor[:-1]))
    volume = _volume(model, noise, wanted, returns, index)
    idle = (volume == 0) if model.turnover else np.zeros(len(index), dtype=np.bool_)
    course = _Course(model, wanted, ratio, idle)
    close = course.closes()
    dividends = _dividends(model, noise, grid, close, first)
    # Open, high and low need no history: they cost a third and are made for the returned sessions only.
    begin = max(since - first, 0)
    band = course.band(close, slice(begin, None))
    base = _bases(close, ratio)[begin:]
    close, volume = close[begin:], volume[begin:]
    opened, high, low = _open_high_low(model, _DayNoise(noise, index[begin:]), close, base, band)
    if model.turnover:
        single = volume < _SMALLEST_ACTIVE_LOTS * model.lot
        for column in (opened, high, low):
            column[single] = close[single]
    return DailyPath(first + begin, opened, high, low, close, volume, splits, dividends)


def _returns(model: PriceModel, noise: Noise, market: FloatArray, index: IntArray) -> FloatArray:
    if model.trading is Trading.FLAT:
        return np.zeros(len(index))
    # The kernel reaches back before the first session, so that it never depends on where a path begins.
    reach = np.arange(index[0] - len(_CLUSTER) + 1, index[-1] + 1) + len(_CLUSTER)
    log_volatility = _CLUSTER_SHOCK * np.convolve(noise.normal("volatility", reach), _CLUSTER, mode="valid")
    own = noise.normal("return", index)
    shock = _MARKET_SHARE * market + np.sqrt(1.0 - _MARKET_SHARE**2) * own
    returns = model.volatility * np.exp(log_volatility) * shock
    if model.turnover:
        jumps = noise.uniform("jump", index) < _JUMP_CHANCE
        returns = returns + jumps * _JUMP_SIZE * noise.normal("jump size", index)
    bounded: FloatArray = np.clip(returns, -_LARGEST_RETURN, _LARGEST_RETURN)
    return bounded


def _splits(
    model: PriceModel, noise: Noise, latent: FloatArray, index: IntArray
) -> tuple[tuple[Split, ...], FloatArray]:
    """Return the splits and, per session, by what the latent price is divided."""
    divisor = np.ones(len(index))
    found: list[Split] = []
    if model.split_above is None or model.trading is not Trading.NORMAL:
        return (), divisor
    for place in np.flatnonzero(noise.uniform("split", index) < _SPLIT_CHANCE).tolist():
        price = latent[place] / divisor[place]
        if place == 0:
            continue
        if price > model.split_above:
            split = Split(int(index[place]), min(10, max(2, round(price / model.split_above * 1.5))), 1)
        elif price < model.split_below:
            split = Split(int(index[place]), 1, 10)
        else:
            continue
        found.append(split)
        divisor[place:] *= split.ratio
    return tuple(found), divisor


def _volume(
    model: PriceModel, noise: Noise, price: FloatArray, returns: FloatArray, index: IntArray
) -> FloatArray:
    if not model.turnover or model.trading is not Trading.NORMAL:
        return np.zeros(len(index))
    excitement = np.abs(returns) / model.volatility
    value = model.turnover * np.exp(0.45 * noise.normal("volume", index) + 0.35 * excitement - 0.3)
    return np.floor(value / price / model.lot) * model.lot


@dataclass(frozen=True, slots=True, eq=False)
class _Band:
    """Lowest and highest price of each session."""

    lowest: FloatArray
    highest: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """Where the closes want to go, and what holds them back.

    Attributes:
        model: Parameters of the instrument.
        wanted: Closes without limits and idle sessions.
        ratio: New shares per old share of each session, 1 without a split.
        idle: Sessions without a trade.
    """

    model: PriceModel
    wanted: FloatArray
    ratio: FloatArray
    idle: BoolArray

    def closes(self) -> FloatArray:
        """Return closes that stand still without trades and stay within the limits of their day."""
        close = self._standing_still()
        if not self.model.limited:
            return close
        band = self.band(close, slice(None))
        for start in np.flatnonzero((close < band.lowest) | (close > band.highest)).tolist():
            self._hold(close, start)
        return close

    def band(self, close: FloatArray, part: slice) -> _Band:
        """Return the price limits of some sessions; none for a first session, which has no base price."""
        base = _bases(close, self.ratio)[part]
        if not self.model.limited:
            return _Band(np.zeros(len(base)), np.full(len(base), np.inf))
        lowest, highest = tse_rules.limit_band(base, fine=self.model.prices.is_fine)
        if not part.start:
            lowest[0], highest[0] = 0.0, np.inf
        return _Band(lowest, highest)

    def _standing_still(self) -> FloatArray:
        if not self.idle.any():
            return self.wanted.copy()
        source = np.where(self.idle, 0, np.arange(len(self.wanted)))
        np.maximum.accumulate(source, out=source)
        divided = np.cumprod(self.ratio)
        carried = self.wanted[source] * divided[source] / divided
        return np.where(self.idle, self.model.prices.snap(carried), self.wanted)

    def _hold(self, close: FloatArray, start: int) -> None:
        """Correct one close and those after it that its correction puts out of bounds, in place."""
        fine = self.model.prices.is_fine
        for place in range(start, len(close)):
            base = close[place - 1 : place] / self.ratio[place]
            if self.idle[place]:
                right = self.model.prices.snap(base)[0]
            else:
                lowest, highest = tse_rules.limit_band(base, fine=fine)
                right = min(max(self.wanted[place], lowest[0]), highest[0])
            if right == close[place]:
                return
            close[place] = right


def _bases(close: FloatArray, ratio: FloatArray) -> FloatArray:
    """Return the previous closes, after a split divided by its ratio."""
    return np.concatenate((close[:1], close[:-1])) / ratio


@dataclass(frozen=True, slots=True, eq=False)
class _DayNoise:
    """Noise of some sessions."""

    noise: Noise
    index: IntArray

    def __call__(self, stream: str) -> FloatArray:
        return self.noise.normal(stream, self.index)


def _open_high_low(
    model: PriceModel, draw: _DayNoise, close: FloatArray, base: FloatArray, band: _Band
) -> tuple[FloatArray, FloatArray, FloatArray]:
    if model.trading is not Trading.NORMAL:
        return close.copy(), close.copy(), close.copy()
    spread = model.volatility
    opened = base * np.exp(0.45 * spread * draw("gap"))
    high = np.maximum(opened, close) * np.exp(0.6 * spread * np.abs(draw("high")))
    low = np.minimum(opened, close) * np.exp(-0.6 * spread * np.abs(draw("low")))
    opened = np.clip(model.prices.snap(opened), band.lowest, band.highest)
    high = np.clip(model.prices.snap(high), np.maximum(opened, close), band.highest)
    low = np.clip(model.prices.snap(low), band.lowest, np.minimum(opened, close))
    return opened, high, low


def _dividends(
    model: PriceModel, noise: Noise, grid: SessionGrid, close: FloatArray, first: int
) -> tuple[Dividend, ...]:
    if not model.dividend_yield or model.trading is not Trading.NORMAL:
        return ()
    due = np.isin(grid.ex_months, model.dividend_months)
    sessions = grid.ex_sessions[due]
    sessions = sessions[(sessions > first) & (sessions < first + len(close))]
    part = model.dividend_yield / len(model.dividend_months)
    amounts = close[sessions - first - 1] * part * (1.0 + 0.1 * noise.normal("dividend", sessions))
    steps = np.round(amounts / model.dividend_step) * model.dividend_step
    return tuple(
        Dividend(session, round(amount, 2))
        for session, amount in zip(sessions.tolist(), steps.tolist(), strict=True)
        if amount > 0
    )
