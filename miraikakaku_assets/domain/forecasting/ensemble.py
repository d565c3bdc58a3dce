"""Which forecast to show: a weighted mean of all, and the model that has proved itself.

Weights and champions come from errors that were known at the origin, and every decision is a record that says what it
was made from. "No change" has the first word: weights are shrunk towards it, and a model takes its place only by
winning over a year of sessions, after correction for the number of models tried.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.contract import FORECASTS, HORIZONS, Z_80, Z_95
from miraikakaku_assets.domain.forecasting.stacking import FEWEST_DAYS, products, stack

NO_CHANGE = "random_walk"

_FAR = 5.0  # standardised outcomes beyond it count as this far


@dataclass(frozen=True)
class WeightRule:
    """How weights come about.

    Attributes:
        window: Origins whose errors count, back from the newest with a known outcome.
        prior_days: So many days of errors weigh as much as the belief that no change is best: ten years. With one
            year the ensemble had 1.0001 of the error of no change in Tokyo and 1.0017 for copper, because what
            was right for a year is often wrong in the next.
    """

    window: int = 250
    prior_days: int = 2_500


@dataclass(frozen=True)
class Weights:
    """A decision on weights.

    Attributes:
        as_of: Origin from which on they may be used.
        horizon: Sessions ahead.
        days: Origins whose errors were known and count.
        shrinkage: Part of what least squares give a single model that goes to no change all the same.
        mean_squares: Model → mean squared error in units of the random walk's variance, over days.
        weights: Model → weight; they sum to 1.
        chances: Model → one-sided p-value of "its departures from no change do not point the right way".
    """

    as_of: date
    horizon: int
    days: int
    shrinkage: float
    mean_squares: Mapping[str, float]
    weights: Mapping[str, float]
    chances: Mapping[str, float] = field(default_factory=dict)


DEFAULT_WEIGHTS = WeightRule()


def choose_weights(scored: pl.DataFrame, as_of: date, rule: WeightRule = DEFAULT_WEIGHTS) -> list[Weights]:
    """Weights for forecasts from an origin: stacked on past outcomes (`stacking.stack`), shrunk towards no change.

    Outcomes are in units of the random walk's standard deviation, at most five, or the wildest issues would decide
    alone; every day counts the same. A model with forecasts on fewer than 20 days gets nothing yet.

    Args:
        scored: Forecasts of all members with outcomes (`evaluation.outcomes`), no change among them.
        as_of: The origin; outcomes of later targets do not count.
        rule: Window and strength of the prior.

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
        stacked = stack(products(rows, others), others, horizon, rule.prior_days)
        days = rows["as_of"].n_unique()
        shrinkage = rule.prior_days / (rule.prior_days + days) if days else 1.0
        none = dict.fromkeys(every, 0.0)
        weights = none | stacked.weights | {NO_CHANGE: 1 - sum(stacked.weights.values())}
        decisions.append(
            Weights(as_of, horizon, days, shrinkage, _mean_squares(rows, models), weights, stacked.chances)
        )
    return decisions


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


def combine(forecasts: pl.DataFrame, decisions: list[Weights], name: str = "ensemble") -> pl.DataFrame:
    """The weighted mean of forecasts.

    A member without a forecast for a symbol leaves its weight to no change; without no change there is no ensemble,
    and its reason is given. The standard deviation is that of no change: averaging points says nothing of width.

    Args:
        forecasts: Schema `contract.FORECASTS` of the members at the origins of the decisions; others are left out.
        decisions: Weights per origin and horizon.
        name: Of the ensemble.

    Returns:
        Schema `contract.FORECASTS`, sorted by symbol, as_of, horizon.
    """
    records = [
        {"as_of": decision.as_of, "horizon": decision.horizon, "model": model, "weight": weight}
        for decision in decisions
        for model, weight in decision.weights.items()
    ]
    schema = {name: FORECASTS[name] for name in ("as_of", "horizon", "model")} | {"weight": pl.Float64()}
    rows = forecasts.join(pl.DataFrame(records, schema=schema), on=["as_of", "horizon", "model"])
    keys = ["symbol", "as_of", "horizon"]
    mean = rows.group_by(keys).agg(mean=(pl.col("point").fill_null(0.0) * pl.col("weight")).sum())
    combined = rows.filter(pl.col("model") == NO_CHANGE).join(mean, on=keys)
    point = pl.when(pl.col("reason").is_null()).then("mean")
    combined = combined.with_columns(point=point, model=pl.lit(name), version=pl.lit("1"))
    for low, high, z in (("lo80", "hi80", Z_80), ("lo95", "hi95", Z_95)):
        reach = z * pl.col("sd")
        combined = combined.with_columns(
            (pl.col("point") - reach).alias(low), (pl.col("point") + reach).alias(high)
        )
    return combined.select(*FORECASTS).sort(keys)


def _members(scored: pl.DataFrame) -> list[str]:
    models = sorted(scored["model"].unique())
    if NO_CHANGE not in models:
        raise ConfigurationError(f"{NO_CHANGE} must be among the members: every weight is shrunk towards it")
    return models
