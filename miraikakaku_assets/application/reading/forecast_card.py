"""Use case: everything that is known of the newest forecast of one instrument, for a page about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import exp, log1p
from typing import Any

import polars as pl

from miraikakaku_assets.application.forecasting.predict import ENSEMBLE
from miraikakaku_assets.application.forecasting.view import YEAR, direction_edges
from miraikakaku_assets.application.ports.forecasts import ForecastStore
from miraikakaku_assets.domain.forecasting.bands import QUANTILES
from miraikakaku_assets.domain.forecasting.edges import NO_EDGE
from miraikakaku_assets.domain.forecasting.judging.density_scores import move_beyond
from miraikakaku_assets.domain.forecasting.scores import score
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import sessions_back

BEYOND = (0.01, 0.03, 0.05)
"""Moves of the price, as shares of 1, of which the probability is told."""

_QUARTILES = (QUANTILES.index(0.25), QUANTILES.index(0.75))
_NORMAL_QUARTILES = 1.3489795003921634  # standard deviations between the quartiles of a normal distribution


@dataclass(frozen=True)
class FanPoint:
    """One horizon of a fan; prices in the instrument's unit, on the basis of its close.

    Attributes:
        horizon: Sessions ahead.
        target: Session that is forecast (exchange date).
        median: Median price; None with a reason.
        bands: Share of outcomes → lower and upper price, of 80 % and 95 %.
        quantiles: Level → price, ascending; empty in forecasts from before there were any.
        volatility: Standard deviation of the log return over the horizon, as its middle half tells; a forecast of its
            own. None without quantiles.
        beyond: Size of a move (share of the price) → probability that it goes further, up or down.
        edge: 優位性なし unless the direction was called better than by luck; None if so.
        reason: Why there is no forecast, or None.
    """

    horizon: int
    target: date
    median: float | None
    bands: dict[float, tuple[float, float]]
    quantiles: dict[float, float]
    volatility: float | None
    beyond: dict[float, float]
    edge: str | None
    reason: str | None


@dataclass(frozen=True)
class PastSkill:
    """What forecasts of the instrument one session ahead were worth over a window of origins.

    Attributes:
        until: Newest target that counts.
        days: Sessions that count.
        mae_to_no_change: Error over that of no change; below 1 is better.
        hit_rate: Share of directions called right, with Wilson's 95 % interval in `hit_low` and `hit_high`.
        hit_low: Lower end.
        hit_high: Upper end.
        calls: Directions that were called.
        coverage_80: Share of outcomes within the 80 % band.
        coverage_95: Share within the 95 % band.
    """

    until: date
    days: int
    mae_to_no_change: float | None
    hit_rate: float | None
    hit_low: float | None
    hit_high: float | None
    calls: int
    coverage_80: float | None
    coverage_95: float | None


@dataclass(frozen=True)
class ForecastCard:
    """The newest forecast of an instrument.

    Attributes:
        symbol: Whose.
        as_of: Origin (exchange date).
        made_at: When it was made (UTC).
        close: At the origin; None without a bar.
        fan: Horizons, ascending.
        rank: Place among all instruments of the universe by the forecast one session ahead, 1 for the highest; None
            without a forecast.
        ranked: How many have one.
        skill: None while nothing is scored.
        inputs: What was known of other markets when it was made.
    """

    symbol: str
    as_of: date
    made_at: datetime
    close: float | None
    fan: tuple[FanPoint, ...]
    rank: int | None
    ranked: int
    skill: PastSkill | None
    inputs: tuple[str, ...]


def forecast_card(
    universe: Universe, symbol: str, store: ForecastStore, beyond: Sequence[float] = BEYOND
) -> ForecastCard | None:
    """The newest forecast of the ensemble for one instrument, with what such forecasts were worth.

    Args:
        universe: Whose instrument.
        symbol: As the source writes it.
        store: Holds forecasts and scores, of one clock.
        beyond: Moves whose probability is told, as shares of the price.

    Returns:
        None if nothing was forecast of it from the newest session.
    """
    as_of = store.newest_origin(universe)
    whole = None if as_of is None else store.predictions(universe, as_of, as_of, None, [ENSEMBLE])
    own = None if whole is None else whole.filter(pl.col("symbol") == symbol).sort("horizon")
    if as_of is None or whole is None or own is None or own.is_empty():
        return None
    edges = direction_edges(universe, store, as_of, [symbol])
    first = own.row(0, named=True)
    next_session = whole.filter(pl.col("horizon") == 1, pl.col("point").is_not_null())
    place = next_session.filter(pl.col("symbol") == symbol)["point"]
    rank = None if place.is_empty() else 1 + next_session.filter(pl.col("point") > place[0]).height
    return ForecastCard(
        symbol=symbol,
        as_of=as_of,
        made_at=first["made_at"],
        close=first["close"],
        fan=tuple(
            _fan_point(row, edges.get((symbol, row["horizon"]), NO_EDGE), beyond)
            for row in own.iter_rows(named=True)
        ),
        rank=rank,
        ranked=next_session.height,
        skill=_skill(universe, symbol, as_of, store),
        inputs=tuple(filter(None, (first.get("inputs") or "").split(","))),
    )


def _fan_point(row: dict[str, Any], edge: str | None, beyond: Sequence[float]) -> FanPoint:
    close, quantiles = row["close"], row["quantiles"]

    def price(value: float) -> float:
        return float(close * exp(value))

    made = row["reason"] is None
    levels: list[float] = list(quantiles or ())
    chances = {size: _chance_beyond(levels, size) for size in beyond} if levels else {}
    width = None
    if levels:
        width = (levels[_QUARTILES[1]] - levels[_QUARTILES[0]]) / _NORMAL_QUARTILES
    return FanPoint(
        horizon=row["horizon"],
        target=row["target"],
        median=price(row["point"]) if made else None,
        bands={
            share: (price(row[low]), price(row[high]))
            for share, low, high in ((0.80, "lo80", "hi80"), (0.95, "lo95", "hi95"))
            if made
        },
        quantiles={level: price(value) for level, value in zip(QUANTILES, levels, strict=False)},
        volatility=width,
        beyond={size: chance for size, chance in chances.items() if chance is not None},
        edge=edge,
        reason=None if made else row["reason"],
    )


def _chance_beyond(levels: list[float], size: float) -> float | None:
    """Probability of a move of the price by more than a share of it, either way: in log returns the ends differ."""
    up, down = log1p(size), -log1p(-size)
    upper, lower = move_beyond(levels, up, down=False), move_beyond(levels, down, up=False)
    return None if upper is None or lower is None else upper + lower


def _skill(universe: Universe, symbol: str, as_of: date, store: ForecastStore) -> PastSkill | None:
    since = sessions_back(universe.calendar, as_of, YEAR)
    rows = store.scored(universe, since, as_of, [symbol], [ENSEMBLE])
    own = rows.filter(pl.col("horizon") == 1, (pl.col("actual") - pl.col("point")).is_not_null())
    if own.is_empty():
        return None
    figures = score(own).row(0, named=True) | {"until": own["target"].max()}
    return PastSkill(**{name: figures[name] for name in PastSkill.__dataclass_fields__})
