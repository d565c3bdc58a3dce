"""Which model is shown first: no change, until another one has won over a year of sessions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.comparison import Comparison, diebold_mariano, holm
from miraikakaku_assets.domain.forecasting.contract import FORECASTS


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


DEFAULT_CHAMPION = ChampionRule()


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
    enough = {key: trial for key, trial in trials.items() if trial[2].days >= rule.fewest_days}
    corrected = holm({key: trial[2].p_better for key, trial in enough.items()})
    judged = {key: _judge(trial[1:], corrected.get(key, 1.0), rule) for key, trial in trials.items()}
    decisions = []
    for horizon, champion in sorted(champions.items()):
        own = tuple(judged[key] for key, trial in trials.items() if trial[0] == horizon)
        winners = [verdict for verdict in own if verdict.wins]
        best = min(winners, key=lambda winner: (winner.mae_ratio or 0.0, winner.challenger), default=None)
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
    losses, champion_losses = days[challenger].to_numpy(), days[champion].to_numpy()
    comparison = diebold_mariano(losses, champion_losses, horizon)
    total = float(champion_losses.sum())
    return comparison, float(losses.sum()) / total if total > 0 else None


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
