"""Which forecast to show: a weighted mean of all, and the model that has proved itself.

Weights and champions come from errors that were known at the origin, and every decision is a record that says what it
was made from. "No change" has the first word: weights are shrunk towards it, and a model takes its place only by
winning over a year of sessions, after correction for the number of models tried.

A forecast answers two questions: where the market goes, and which instruments go further than others. A day answers the
first one once and the second as often as there are instruments, so that a year is little evidence of the one and much
of the other. Each model's point is split into its mean over the session and the distance from it, and the two parts are
weighed apart, each by outcomes that were split likewise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.comparison import FEWEST_DAYS
from miraikakaku_assets.domain.forecasting.contract import FORECASTS, HORIZONS, Z_80, Z_95
from miraikakaku_assets.domain.forecasting.stacking import Prior, Stack, products, stack

NO_CHANGE = "random_walk"

MARKET, APART = "market", "apart"
"""Parts of a forecast: the mean over the instruments of a session, and the distances from it."""

FEWEST_APART = 5
"""Instruments of a session below which there is no telling them apart: all of a forecast is about the market."""

_FAR = 5.0  # standardised outcomes beyond it count as this far
_OF_MARKET, _APART = Prior(days=250, level=0.01), Prior(days=60, level=0.05)
_BELIEFS = np.linspace(0.0, 1.0, 5)


@dataclass(frozen=True)
class WeightRule:
    """How weights come about.

    Attributes:
        window: Origins whose errors count, back from the newest with a known outcome.
        market: What is believed of the market before: a year of days is one year of evidence, and what was right for
            a year is often wrong in the next. At 5 % copper's LSTM was believed for a month in which its departures,
            a hundredth of the size of what came, were multiplied by a hundred.
        apart: What is believed of distances before: a quarter of a year, since a day holds hundreds of them.
    """

    window: int = 250
    market: Prior = _OF_MARKET
    apart: Prior = _APART


@dataclass(frozen=True)
class Weights:
    """A decision on weights.

    Attributes:
        as_of: Origin from which on they may be used.
        horizon: Sessions ahead.
        days: Origins whose errors were known and count.
        shrinkage: Part of what least squares give a single model that goes to no change all the same.
        mean_squares: Model → mean squared error in units of the random walk's variance, over days.
        weights: Model → weight of its departure, brought to scale; they sum to 1 with no change. Where instruments
            are told apart, those of the distances, else those of the market.
        chances: Model → one-sided p-value of "its departures do not point the right way", of the same part.
        factors: Part → model → by what its departure is multiplied; empty: by its weight.
    """

    as_of: date
    horizon: int
    days: int
    shrinkage: float
    mean_squares: Mapping[str, float]
    weights: Mapping[str, float]
    chances: Mapping[str, float] = field(default_factory=dict)
    factors: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def factor(self, part: str, model: str) -> float:
        """By what a model's departure is multiplied in a part."""
        own = self.factors.get(part) if self.factors else self.weights
        return 0.0 if own is None else own.get(model, 0.0)


DEFAULT_WEIGHTS = WeightRule()


def choose_weights(scored: pl.DataFrame, as_of: date, rule: WeightRule = DEFAULT_WEIGHTS) -> list[Weights]:
    """Weights for forecasts from an origin: stacked on past outcomes (`stacking.stack`), shrunk towards no change.

    Outcomes are in units of the random walk's standard deviation, at most five, or the wildest issues would decide
    alone; every day counts the same. A model with forecasts on fewer than 20 days gets nothing yet. Of each part so
    much is believed as had the least absolute error over the window.

    Args:
        scored: Forecasts of all members with outcomes (`evaluation.outcomes`), no change among them.
        as_of: The origin; outcomes of later targets do not count.
        rule: Window and strength of the priors.

    Returns:
        One record per horizon.

    Raises:
        ConfigurationError: No change is not among the members.
    """
    known = scored.filter(pl.col("target") <= as_of)
    every = [member for member in _members(scored) if member != NO_CHANGE]
    others = [member for member in every if _days_of(known, member) >= FEWEST_DAYS]
    models = [NO_CHANGE, *others]
    wide = _standardised(known, models)
    decisions = []
    for horizon in HORIZONS:
        rows = wide.filter(pl.col("horizon") == horizon)
        rows = rows.filter(pl.col("as_of").is_in(rows["as_of"].unique().sort().tail(rule.window).implode()))
        days = rows["as_of"].n_unique()
        parts = {part: _stacked(part, rows, others, horizon, rule) for part in (MARKET, APART)}
        shown = APART if _are_told_apart(rows) else MARKET
        prior = rule.apart if shown == APART else rule.market
        none = dict.fromkeys(every, 0.0)
        weights = none | {model: parts[shown].weights.get(model, 0.0) for model in others}
        decisions.append(
            Weights(
                as_of,
                horizon,
                days,
                prior.days / (prior.days + days) if days else 1.0,
                _mean_squares(rows, models),
                weights | {NO_CHANGE: 1 - sum(weights.values())},
                parts[shown].chances,
                {part: stacked.factors for part, stacked in parts.items()} if others else {},
            )
        )
    return decisions


def _stacked(part: str, rows: pl.DataFrame, models: list[str], horizon: int, rule: WeightRule) -> Stack:
    """What is believed of one part of the forecasts."""
    own = _of_part(part, rows, models)
    stacked = stack(products(own, models), models, horizon, rule.market if part == MARKET else rule.apart)
    belief = _belief(own, stacked)
    return Stack(
        {model: belief * weight for model, weight in stacked.weights.items()}, stacked.scales, stacked.chances
    )


def _of_part(part: str, rows: pl.DataFrame, models: list[str]) -> pl.DataFrame:
    """``as_of``, ``actual`` and a column per model: means of sessions, or the distances from them."""
    names = ["actual", *models]
    if part == MARKET:
        return rows.group_by("as_of", maintain_order=True).agg(pl.col(names).mean())
    several = rows.filter(pl.len().over("as_of") >= FEWEST_APART)
    return several.select("as_of", *(pl.col(name) - pl.col(name).mean().over("as_of") for name in names))


def _are_told_apart(rows: pl.DataFrame) -> bool:
    counts = rows.group_by("as_of").len()["len"]
    return 2 * (counts >= FEWEST_APART).sum() >= len(counts) > 0  # most of the days


def _belief(rows: pl.DataFrame, stacked: Stack) -> float:
    """The share of the stacked departures with the least absolute error, over days."""
    factors = {model: factor for model, factor in stacked.factors.items() if factor > 0}
    if not factors or rows.is_empty():
        return 0.0
    combined = pl.sum_horizontal(pl.col(model) * factor for model, factor in factors.items())
    losses = [
        (pl.col("actual") - belief * combined).abs().mean().alias(str(place))
        for place, belief in enumerate(_BELIEFS.tolist())
    ]
    daily = rows.group_by("as_of", maintain_order=True).agg(losses).drop("as_of")
    return float(_BELIEFS[int(daily.mean().to_numpy()[0].argmin())])


def _standardised(known: pl.DataFrame, models: list[str]) -> pl.DataFrame:
    """Rows of no change: ``symbol``, ``as_of``, ``horizon``, ``actual`` and a column per model.

    A model that is missing in a row departs by nothing there, as it will in the ensemble.
    """
    keys = ["symbol", "as_of", "horizon"]
    unit = known.filter(pl.col("model") == NO_CHANGE).select(*keys, "actual", unit="sd")
    unit = unit.filter(pl.col("unit") > 0, pl.col("actual").is_not_null())
    unit = unit.with_columns(actual=(pl.col("actual") / pl.col("unit")).clip(-_FAR, _FAR))
    for model in models:
        points = known.filter(pl.col("model") == model).select(*keys, pl.col("point").alias(model))
        unit = unit.join(points, on=keys, how="left").with_columns(pl.col(model).fill_null(0.0))
    # Sorted: sums in another order would be other numbers.
    return unit.sort(keys).with_columns(pl.col(model) / pl.col("unit") for model in models)


def _days_of(known: pl.DataFrame, model: str) -> int:
    """Origins at which a model has forecast anything."""
    own = known.filter((pl.col("model") == model) & pl.col("point").is_not_null())
    return own["as_of"].n_unique()


def _mean_squares(rows: pl.DataFrame, models: list[str]) -> dict[str, float]:
    """Mean squared error of each model; every day counts the same."""
    if rows.is_empty():
        return {}
    errors = [(pl.col(model) - pl.col("actual")).pow(2).mean().alias(model) for model in models]
    return dict(
        zip(
            models,
            rows.group_by("as_of", maintain_order=True).agg(errors).select(models).mean().row(0),
            strict=True,
        )
    )


def combine(
    forecasts: pl.DataFrame,
    decisions: list[Weights],
    name: str = "ensemble",
    market: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The weighted mean of forecasts, market and distances apart.

    A member without a forecast for a symbol leaves its weight to no change; without no change there is no ensemble,
    and its reason is given. The standard deviation is that of no change: averaging points says nothing of width.

    Args:
        forecasts: Schema `contract.FORECASTS` of the members at the origins of the decisions; others are left out.
        decisions: Weights per origin and horizon.
        name: Of the ensemble.
        market: `market_means` of all instruments, where these are only some; None: these are all.

    Returns:
        Schema `contract.FORECASTS`, sorted by symbol, as_of, horizon.
    """
    records = [
        {
            "as_of": decision.as_of,
            "horizon": decision.horizon,
            "model": model,
            MARKET: decision.factor(MARKET, model),
            APART: decision.factor(APART, model),
        }
        for decision in decisions
        for model in decision.weights
    ]
    schema = {name: FORECASTS[name] for name in ("as_of", "horizon", "model")}
    schema |= dict.fromkeys((MARKET, APART), pl.Float64())
    rows = forecasts.join(pl.DataFrame(records, schema=schema), on=["as_of", "horizon", "model"])
    keys, day = ["symbol", "as_of", "horizon"], ["as_of", "horizon", "model"]
    units = forecasts.filter(pl.col("model") == NO_CHANGE).select(*keys, unit="sd")
    means = market_means(forecasts) if market is None else market
    parts = rows.join(units, on=keys, how="left").join(means, on=day, how="left")
    of_market = (pl.col("mean") * pl.col("unit")).fill_null(pl.col("point"))
    taken = pl.col(MARKET) * of_market + pl.col(APART) * (pl.col("point") - of_market)
    mean = parts.sort(*keys, "model").group_by(keys).agg(mean=taken.fill_null(0.0).sum())
    combined = rows.filter(pl.col("model") == NO_CHANGE).join(mean, on=keys)
    point = pl.when(pl.col("reason").is_null()).then("mean")
    combined = combined.with_columns(point=point, model=pl.lit(name), version=pl.lit("2"))
    for low, high, z in (("lo80", "hi80", Z_80), ("lo95", "hi95", Z_95)):
        reach = z * pl.col("sd")
        combined = combined.with_columns(
            (pl.col("point") - reach).alias(low), (pl.col("point") + reach).alias(high)
        )
    return combined.select(*FORECASTS).sort(keys)


def market_means(forecasts: pl.DataFrame) -> pl.DataFrame:
    """What every model says of the market: the mean of its points over the instruments, in units of no change's width.

    Args:
        forecasts: Schema `contract.FORECASTS` of all instruments of a universe, no change among the models.

    Returns:
        ``as_of``, ``horizon``, ``model``, ``mean``. Of a session with fewer than five instruments `combine` takes all
        of a forecast for the market's: the mean is null, and each forecast is its own.
    """
    keys = ["symbol", "as_of", "horizon"]
    units = forecasts.filter(pl.col("model") == NO_CHANGE, pl.col("sd") > 0).select(*keys, unit="sd")
    # A model that says nothing of an instrument departs by nothing there, as it did when weights were chosen.
    count = units.group_by("as_of", "horizon").agg(count=pl.len())
    totals = (
        forecasts.join(units, on=keys)
        .sort(*keys)
        .group_by("as_of", "horizon", "model")
        .agg(total=(pl.col("point").fill_null(0.0) / pl.col("unit")).sum())
    )
    mean = pl.when(pl.col("count") >= FEWEST_APART).then(pl.col("total") / pl.col("count"))
    return totals.join(count, on=["as_of", "horizon"]).select("as_of", "horizon", "model", mean=mean)


def _members(scored: pl.DataFrame) -> list[str]:
    models = sorted(scored["model"].unique())
    if NO_CHANGE not in models:
        raise ConfigurationError(f"{NO_CHANGE} must be among the members: every weight is shrunk towards it")
    return models
