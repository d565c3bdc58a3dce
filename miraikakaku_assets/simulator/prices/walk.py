"""Where the price of an instrument goes, session by session, before ticks and splits.

The sessions are cut into blocks. The log price at the edges of the blocks is a random walk of its own, made of
one number a block; within a block the sessions' returns are a bridge from one edge to the next. So ten sessions
of 2026 cost some blocks, not the ten years before them, and are the same as in an answer of ten years. The
edges lie on other sessions for every symbol: nothing happens to all symbols at once.
"""

import math
from dataclasses import dataclass

import numpy as np

from miraikakaku_assets.simulator.core.noise import (
    BoolArray,
    FloatArray,
    IntArray,
    Noise,
    as_normal,
    as_uniform,
    fields,
)
from miraikakaku_assets.simulator.core.sessions import SessionGrid
from miraikakaku_assets.simulator.listings.issues import Trading
from miraikakaku_assets.simulator.prices.price_model import PriceModel

BLOCK = 64
"""Sessions between two edges."""

# Volatility clusters: a shock to the log volatility fades by 6 % a session, cut off after a block.
_CLUSTER = 0.94 ** np.arange(BLOCK)
_CLUSTER_SHOCK = 0.11
_MARKET_SHARE = 0.45  # correlation with the market factor
_OWN_SHARE = math.sqrt(1.0 - _MARKET_SHARE**2)
_JUMP_CHANCE = 0.006
_JUMP_SIZE = 5.0  # calm days' volatilities
_LARGEST_RETURN = 0.28
# The narrowest daily limit of the TSE is 14 %. With 8 % a session and up to 4.5 % from the bridge, a close stays
# inside it on its own, and no session depends on the one before.
_LARGEST_LIMITED_RETURN = 0.08
_LARGEST_EDGE = 3.4
_ROOT_OF_BLOCK = math.sqrt(BLOCK)
_ANCHOR_SPREAD = 0.09  # of the edges around the level of an anchored price


@dataclass(frozen=True, slots=True, eq=False)
class MarketFactor:
    """What all instruments of an exchange have in common.

    Attributes:
        values: Standardized return of each session, a block more at both ends.
        sums: Running sum of the values, beginning with 0.
    """

    values: FloatArray
    sums: FloatArray

    @classmethod
    def of(cls, grid: SessionGrid, seed: int) -> "MarketFactor":
        """Return the factor of an exchange."""
        index = np.arange(-2 * BLOCK, len(grid.days) + 2 * BLOCK)
        values = Noise(seed, "market", grid.name).normal("factor", index)
        return cls(values, np.concatenate(([0.0], np.cumsum(values))))

    def between(self, first: int, stop: int) -> FloatArray:
        """Return the values of some sessions."""
        return self.values[first + 2 * BLOCK : stop + 2 * BLOCK]

    def over_blocks(self, edges: IntArray) -> FloatArray:
        """Return the sum of the values between each edge and the next."""
        at_edges = self.sums.take(edges + 2 * BLOCK)
        return at_edges[1:] - at_edges[:-1]


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """Some sessions of the way of a price, whole blocks of them.

    Attributes:
        first: Index of the first session.
        latent: Price of each session in money of the world's first day: not snapped, no split.
        moves: Log return of each session.
        idle: Sessions without a trade, which leave the price where it is.
        draws: Numbers for the rest of a session, 5 rows.
        before: Log price before the first session of each block since the world's first, up to the last block.
        edges: Index of the first session of each of these blocks.
        edge_draws: Numbers of each of these blocks, 5 rows; the first one is in ``before``.
    """

    first: int
    latent: FloatArray
    moves: FloatArray
    idle: BoolArray
    draws: IntArray
    before: FloatArray
    edges: IntArray
    edge_draws: IntArray


def walk(model: PriceModel, noise: Noise, market: MarketFactor, first: int, stop: int) -> Walk:
    """Return the way of a price over the blocks that cover some sessions.

    Args:
        model: Parameters of the instrument.
        noise: Its noise.
        market: Common factor of its exchange.
        first: Index of the first session wanted.
        stop: Index after the last one.
    """
    phase = noise.stream("phase") % BLOCK
    begin, end = (first + phase) // BLOCK, (stop - 1 + phase) // BLOCK + 1
    edges = np.arange(end + 1, dtype=np.int64) * BLOCK - phase
    edge_draws = fields(noise.stream("edges"), np.arange(end + 1, dtype=np.int64))
    before = _before(model, as_normal(edge_draws[0]), market, edges)
    start, count = int(edges[begin]), (end - begin) * BLOCK
    index = np.arange(start - BLOCK, start + count, dtype=np.int64)
    way = fields(noise.stream("way"), index)
    idle = np.zeros(count, dtype=np.bool_)
    if model.idle_share:
        idle = as_uniform(way[3, BLOCK:]) < model.idle_share
        idle[::BLOCK] = False  # every block has its trades, and a split session has one
    raw = _returns(model, market.between(start, start + count), way)
    if model.idle_share:
        raw[idle] = 0.0
    if model.limited:
        raw[::BLOCK] = np.clip(
            raw[::BLOCK], -0.05, 0.05
        )  # a split may begin there: its price is rounded twice
    moves = _bridged(raw, idle, before[begin + 1 : end + 1] - before[begin:end])
    latent = np.exp(before[begin:end, None] + moves.reshape(-1, BLOCK).cumsum(axis=1)).ravel()
    draws = fields(noise.stream("bars"), index[BLOCK:])
    return Walk(start, latent, moves, idle, draws, before[:end], edges[:end], edge_draws[:, :end])


def _before(model: PriceModel, own: FloatArray, market: MarketFactor, edges: IntArray) -> FloatArray:
    """Return the log price at each edge."""
    level = math.log(model.start)
    if model.trading is Trading.FLAT:
        return np.full(len(edges), level)
    if model.anchored:
        # A futures contract rolls and its commodity is mined: over the years the price keeps its level.
        return level + _ANCHOR_SPREAD * own
    # Summed over a block the market has the variance of its sessions, and so has the own part.
    shocks = _MARKET_SHARE * market.over_blocks(edges) + _OWN_SHARE * _ROOT_OF_BLOCK * own[:-1]
    path = np.empty(len(edges))
    path[0] = level
    path[1:] = model.volatility * _bounded(shocks, _LARGEST_EDGE * _ROOT_OF_BLOCK)
    return path.cumsum()


def _returns(model: PriceModel, market: FloatArray, way: IntArray) -> FloatArray:
    """Return what the sessions' returns would be without edges; ``way`` begins a block earlier."""
    if model.trading is Trading.FLAT:
        return np.zeros(len(market))
    log_volatility = _CLUSTER_SHOCK * np.convolve(as_normal(way[0]), _CLUSTER, mode="valid")[1:]
    shock = _MARKET_SHARE * market + _OWN_SHARE * as_normal(way[1, BLOCK:])
    returns = model.volatility * np.exp(log_volatility) * shock
    if model.turnover:
        jumps = np.flatnonzero(as_uniform(way[2, BLOCK:]) < _JUMP_CHANCE)
        returns[jumps] += _JUMP_SIZE * model.volatility * as_normal(way[4, BLOCK:].take(jumps))
    bound = _LARGEST_LIMITED_RETURN if model.limited else _LARGEST_RETURN
    return _bounded(returns, bound)


def _bounded(values: FloatArray, bound: float) -> FloatArray:
    """Return the values within ± a bound; numpy's clip takes twice as long for so few."""
    return np.minimum(np.maximum(values, -bound), bound)


def _bridged(raw: FloatArray, idle: BoolArray, steps: FloatArray) -> FloatArray:
    """Return the returns with an equal correction of each, so that a block ends where the next begins."""
    blocks = raw.reshape(-1, BLOCK)
    trading = ~idle.reshape(-1, BLOCK)
    missing = (steps - blocks.sum(axis=1)) / trading.sum(axis=1)
    moves: FloatArray = (blocks + missing[:, None] * trading).ravel()
    return moves
