"""Which forecast to show: a weighted mean of all, and the model that has proved itself.

Weights and champions come from errors that were known at the origin, and every decision is a record that says what it
was made from. "No change" has the first word: weights are shrunk towards it, and a model takes its place only by
winning over a year of sessions, after correction for the number of models tried.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.comparison import Comparison, diebold_mariano, holm
from miraikakaku_assets.domain.forecasting.contract import FORECASTS, HORIZONS, Z_80, Z_95

NO_CHANGE = "random_walk"


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
        shrinkage: Part that goes to no change whatever the errors say.
        mean_squares: Model → mean squared error in units of the random walk's variance, over days.
        weights: Model → weight; they sum to 1.
    """

    as_of: date
    horizon: int
    days: int
    shrinkage: float
    mean_squares: Mapping[str, float]
    weights: Mapping[str, float]


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
    """Weights for forecasts from an origin: inverse mean squared errors, shrunk towards no change.

    Errors are measured in units of the random walk's standard deviation, or the wildest issues would decide alone; only
    rows that every model has count, and every day counts the same.

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
    known = scored.filter(pl.col("target") <= as_of)
    unit = known.filter(pl.col("model") == NO_CHANGE).select("symbol", "as_of", "horizon", unit="sd")
    rows = known.join(unit.filter(pl.col("unit") > 0), on=["symbol", "as_of", "horizon"])
    squares = _daily_losses(rows, ((pl.col("point") - pl.col("actual")) / pl.col("unit")).pow(2), models)
    decisions = []
    for horizon in HORIZONS:
        days = squares.filter(pl.col("horizon") == horizon).sort("as_of").tail(rule.window)
        means = {model: float(days[model].to_numpy().mean()) for model in models} if days.height else {}
        shrinkage = rule.prior_days / (rule.prior_days + days.height) if days.height else 1.0
        weights = _shrunk(models, means, shrinkage)
        decisions.append(Weights(as_of, horizon, days.height, shrinkage, means, weights))
    return decisions


def _shrunk(models: list[str], mean_squares: Mapping[str, float], shrinkage: float) -> dict[str, float]:
    # A model without any error would otherwise take everything by a division by zero.
    inverse = {model: 1 / max(mean_squares.get(model, np.inf), 1e-12) for model in models}
    total = sum(inverse.values()) or 1.0
    shares = {model: (1 - shrinkage) * inverse[model] / total for model in models}
    return shares | {NO_CHANGE: shares[NO_CHANGE] + 1 - sum(shares.values())}


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
