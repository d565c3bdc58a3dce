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
from miraikakaku_assets.domain.forecasting.comparison import Comparison, diebold_mariano, holm
from miraikakaku_assets.domain.forecasting.contract import FORECASTS, HORIZONS, Z_80, Z_95
from miraikakaku_assets.domain.forecasting.stacking import products, stack

NO_CHANGE = "random_walk"

_FAR = 5.0  # standardised outcomes beyond it count as this far


@dataclass(frozen=True)
class WeightRule:
    """How weights come about.

    Attributes:
        window: Origins whose errors count, back from the newest with a known outcome.
        prior_days: So many days of errors weigh as much as the belief that no change is best.
    """

    window: int = 250
    prior_days: int = 250


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


@dataclass(frozen=True)
class ChampionRule:
    """What a challenger must achieve.

    Attributes:
        fewest_days: Scored days that both have, at least.
        level: Of the one-sided test after Holm's correction.
    """

    fewest_days: int = 250
    level: float = 0.05


@dataclass(frozen=True)
class Trial:
    """What one challenger achieved against the champion.

    Attributes:
        challenger: Model.
        comparison: Diebold-Mariano test of the daily mean absolute errors, on rows that both have.
        mae_ratio: Its mean absolute error over the champion's, None if that is 0.
        p_holm: One-sided p-value, corrected for all trials of the review.
        wins: Whether it could take over.
        why: In words.
    """

    challenger: str
    comparison: Comparison
    mae_ratio: float | None
    p_holm: float
    wins: bool
    why: str


@dataclass(frozen=True)
class ChampionDecision:
    """Who forecasts from a review on.

    Attributes:
        as_of: Session of the review; only outcomes up to then count.
        horizon: Sessions ahead.
        before: Champion until then.
        champion: Champion from then on.
        trials: All challengers, by name.
    """

    as_of: date
    horizon: int
    before: str
    champion: str
    trials: tuple[Trial, ...]


DEFAULT_WEIGHTS = WeightRule()
DEFAULT_CHAMPION = ChampionRule()


def choose_weights(scored: pl.DataFrame, as_of: date, rule: WeightRule = DEFAULT_WEIGHTS) -> list[Weights]:
    """Weights for forecasts from an origin: stacked on past outcomes (`stacking.stack`), shrunk towards no change.

    Outcomes are in units of the random walk's standard deviation, at most five, or the wildest issues would decide
    alone; only rows that every model has count, and every day counts the same.

    Args:
        scored: Forecasts of all members with outcomes (`evaluation.outcomes`), no change among them.
        as_of: The origin; outcomes of later targets do not count.
        rule: Window and strength of the prior.

    Returns:
        One record per horizon.

    Raises:
        ConfigurationError: No change is not among the members.
    """
    models = _members(scored)
    others = [one for one in models if one != NO_CHANGE]
    wide = _standardised(scored.filter(pl.col("target") <= as_of), models)
    decisions = []
    for horizon in HORIZONS:
        rows = wide.filter(pl.col("horizon") == horizon)
        rows = rows.filter(pl.col("as_of").is_in(rows["as_of"].unique().sort().tail(rule.window).implode()))
        found = stack(products(rows, others), others, horizon, rule.prior_days)
        days = rows["as_of"].n_unique()
        shrinkage = rule.prior_days / (rule.prior_days + days) if days else 1.0
        weights = found.weights | {NO_CHANGE: 1 - sum(found.weights.values())}
        decisions.append(
            Weights(as_of, horizon, days, shrinkage, _mean_squares(rows, models), weights, found.chances)
        )
    return decisions


def _standardised(known: pl.DataFrame, models: list[str]) -> pl.DataFrame:
    """Rows that all models have: ``symbol``, ``as_of``, ``horizon``, ``actual`` and a column per model."""
    keys = ["symbol", "as_of", "horizon"]
    unit = known.filter(pl.col("model") == NO_CHANGE).select(*keys, "actual", unit="sd")
    unit = unit.filter(pl.col("unit") > 0, pl.col("actual").is_not_null())
    unit = unit.with_columns(actual=(pl.col("actual") / pl.col("unit")).clip(-_FAR, _FAR))
    for model in models:
        points = known.filter(pl.col("model") == model).select(*keys, pl.col("point").alias(model))
        unit = unit.join(points.drop_nulls(), on=keys)
    # Sorted: sums in another order would be other numbers.
    return unit.sort(keys).with_columns(pl.col(model) / pl.col("unit") for model in models)


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

    A member without a forecast for a symbol leaves its weight to the others; without no change there is no ensemble,
    and its reason is given. The standard deviation is that of no change: averaging points says nothing of width.

    Args:
        forecasts: Schema `contract.FORECASTS` of the members at the origins of the decisions; others are left out.
        decisions: Weights per origin and horizon.
        name: Of the ensemble.

    Returns:
        Schema `contract.FORECASTS`, sorted by symbol, as_of, horizon.
    """
    records = [
        {"as_of": one.as_of, "horizon": one.horizon, "model": model, "weight": weight}
        for one in decisions
        for model, weight in one.weights.items()
    ]
    schema = {name: FORECASTS[name] for name in ("as_of", "horizon", "model")} | {"weight": pl.Float64()}
    rows = forecasts.join(pl.DataFrame(records, schema=schema), on=["as_of", "horizon", "model"])
    weight = pl.when(pl.col("point").is_not_null()).then("weight")
    keys = ["symbol", "as_of", "horizon"]
    mean = rows.group_by(keys).agg(mean=(pl.col("point") * weight).sum() / weight.sum())
    found = rows.filter(pl.col("model") == NO_CHANGE).join(mean, on=keys)
    point = pl.when(pl.col("reason").is_null()).then("mean")
    found = found.with_columns(point=point, model=pl.lit(name), version=pl.lit("1"))
    for low, high, z in (("lo80", "hi80", Z_80), ("lo95", "hi95", Z_95)):
        reach = z * pl.col("sd")
        found = found.with_columns(
            (pl.col("point") - reach).alias(low), (pl.col("point") + reach).alias(high)
        )
    return found.select(*FORECASTS).sort(keys)


def review_champions(
    scored: pl.DataFrame, as_of: date, champions: Mapping[int, str], rule: ChampionRule = DEFAULT_CHAMPION
) -> list[ChampionDecision]:
    """Whether another model takes over, per horizon.

    The correction covers all trials of one review (challengers × horizons), not reviews that follow each other: hold
    them seldom, at fixed dates. Of several winners the one with the lowest error takes over.

    Args:
        scored: Forecasts of all models with outcomes; only walks forward.
        as_of: Session of the review.
        champions: Horizon → model that holds the place.
        rule: What a challenger must achieve.

    Raises:
        ConfigurationError: A champion has no forecasts here.
    """
    known = scored.filter(pl.col("target") <= as_of)
    trials: dict[str, tuple[int, str, Comparison, float | None]] = {}
    models = set(scored["model"].unique())
    for horizon, champion in champions.items():
        if champion not in models:
            raise ConfigurationError(f"The champion {champion} has no forecasts to be judged by")
        for challenger in sorted(models - {champion}):
            trials[f"{horizon} {challenger}"] = (
                horizon,
                challenger,
                *_against(known, challenger, champion, horizon),
            )
    enough = {key: one for key, one in trials.items() if one[2].days >= rule.fewest_days}
    corrected = holm({key: one[2].p_better for key, one in enough.items()})
    judged = {key: _judge(one[1:], corrected.get(key, 1.0), rule) for key, one in trials.items()}
    decisions = []
    for horizon, champion in sorted(champions.items()):
        own = tuple(judged[key] for key, one in trials.items() if one[0] == horizon)
        winners = [one for one in own if one.wins]
        best = min(winners, key=lambda one: (one.mae_ratio or 0.0, one.challenger), default=None)
        decisions.append(
            ChampionDecision(as_of, horizon, champion, best.challenger if best else champion, own)
        )
    return decisions


def _against(
    known: pl.DataFrame, challenger: str, champion: str, horizon: int
) -> tuple[Comparison, float | None]:
    pair = known.filter(pl.col("horizon") == horizon)
    error = (pl.col("point") - pl.col("actual")).abs()
    days = _daily_losses(pair, error, [challenger, champion]).sort("as_of")
    one, other = days[challenger].to_numpy(), days[champion].to_numpy()
    comparison = diebold_mariano(one, other, horizon)
    total = float(other.sum())
    return comparison, float(one.sum()) / total if total > 0 else None


def _judge(trial: tuple[str, Comparison, float | None], p_holm: float, rule: ChampionRule) -> Trial:
    challenger, comparison, ratio = trial
    if comparison.days < rule.fewest_days:
        why = f"{comparison.days} scored days, {rule.fewest_days} are needed"
        return Trial(challenger, comparison, ratio, 1.0, wins=False, why=why)
    wins = p_holm < rule.level
    why = (
        f"over {comparison.days} days the chance of such a lead without merit is {p_holm:.3f} "
        f"({'below' if wins else 'not below'} {rule.level})"
    )
    return Trial(challenger, comparison, ratio, p_holm, wins=wins, why=why)


def _daily_losses(rows: pl.DataFrame, loss: pl.Expr, models: list[str]) -> pl.DataFrame:
    """Columns ``horizon``, ``as_of`` and one per model: mean loss of the day on rows that all of them have."""
    losses = rows.filter(pl.col("model").is_in(models)).with_columns(loss=loss).drop_nulls("loss")
    keys = ["symbol", "as_of", "horizon"]
    common = losses.filter(pl.len().over(keys) == len(models))
    daily = common.group_by("horizon", "as_of", "model").agg(pl.col("loss").mean())
    if daily.is_empty():
        kinds = {"horizon": FORECASTS["horizon"], "as_of": FORECASTS["as_of"]}
        return pl.DataFrame(schema=kinds | dict.fromkeys(models, pl.Float64()))
    return daily.pivot(on="model", index=["horizon", "as_of"], values="loss")


def _members(scored: pl.DataFrame) -> list[str]:
    models = sorted(scored["model"].unique())
    if NO_CHANGE not in models:
        raise ConfigurationError(f"{NO_CHANGE} must be among the members: every weight is shrunk towards it")
    return models
