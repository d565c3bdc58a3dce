"""Use case: who weighs how much in the ensemble, and which model is the champion, from errors that are known."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

import polars as pl

from miraikakaku_assets.application.forecasting.calibration import SAMPLE
from miraikakaku_assets.application.ports.forecasts import Decision, ForecastStore
from miraikakaku_assets.domain.forecasting.champions import (
    DEFAULT_CHAMPION,
    ChampionDecision,
    review_champions,
)
from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.domain.forecasting.ensemble import DEFAULT_WEIGHTS, NO_CHANGE, Weights, choose_weights
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import session_table, sessions_back

WEIGHTS, CHAMPION = "weights", "champion"

_SPARE = 50  # sessions: a year of scored days must fit although some were missed


def decide_weights(
    universe: Universe, as_of: date, members: Sequence[str], store: ForecastStore
) -> list[Decision]:
    """Decides how the ensemble is made from a session on, and records it; a decision that is there stays.

    Args:
        universe: Whose forecasts.
        as_of: Session after which it holds; outcomes of later targets do not count.
        members: Models of the ensemble; those without a scored forecast get no weight.
        store: Holds forecasts and decisions.
    """
    scored = _scored(universe, as_of, members, store, DEFAULT_WEIGHTS.window)
    known = set(scored["model"].unique())
    if NO_CHANGE not in known:
        chosen = [Weights(as_of, h, 0, 1.0, {}, {NO_CHANGE: 1.0}) for h in HORIZONS]
    else:
        chosen = choose_weights(scored, as_of)
    decisions = [_of_weights(universe, weights) for weights in chosen]
    store.record_decisions(decisions)
    return decisions


def review_champion(
    universe: Universe, as_of: date, models: Sequence[str], store: ForecastStore
) -> list[Decision]:
    """Reviews the champions, once in a calendar month, and records the outcome.

    Args:
        universe: Whose forecasts.
        as_of: Session of the review.
        models: Who may be champion, the ensemble among them.
        store: Holds forecasts and decisions.

    Returns:
        The decisions that hold from now on; none if this month has its review or nothing is scored.
    """
    standing = store.decisions(universe, CHAMPION, as_of)
    if any((decision.as_of.year, decision.as_of.month) == (as_of.year, as_of.month) for decision in standing):
        return []
    scored = _scored(universe, as_of, models, store, DEFAULT_CHAMPION.fewest_days + _SPARE)
    known = set(scored["model"].unique())
    if NO_CHANGE not in known:
        return []
    held = {decision.horizon: str(decision.outcome["champion"]) for decision in standing}
    champions = {h: held[h] if held.get(h) in known else NO_CHANGE for h in HORIZONS}
    decisions = [_of_champion(universe, review) for review in review_champions(scored, as_of, champions)]
    store.record_decisions(decisions)
    return decisions


def champions(universe: Universe, as_of: date, store: ForecastStore) -> dict[int, str]:
    """Horizon → model that is shown first; no change until another one has proved itself."""
    held = {
        decision.horizon: str(decision.outcome["champion"])
        for decision in store.decisions(universe, CHAMPION, as_of)
    }
    return {h: held.get(h, NO_CHANGE) for h in HORIZONS}


def _scored(
    universe: Universe, as_of: date, models: Sequence[str], store: ForecastStore, window: int
) -> pl.DataFrame:
    """Forecasts of a sample of the market with what came by the session."""
    table = session_table(universe.calendar)
    since = sessions_back(universe.calendar, as_of, window + max(HORIZONS) + 1)
    newest = table.filter(pl.col("session") <= as_of)["session"][-1]
    scored = store.scored(universe, since, newest, models=list(models), sample=SAMPLE)
    return scored.filter(pl.col("target") <= as_of, pl.col("actual").is_not_null())


def _of_weights(universe: Universe, made: Weights) -> Decision:
    evidence = {
        "days": made.days,
        "shrinkage": made.shrinkage,
        "mean_squared_errors": dict(made.mean_squares),
        "chances": dict(made.chances),
        "factors": {part: dict(factors) for part, factors in made.factors.items()},
    }
    return Decision(universe.name, WEIGHTS, made.as_of, made.horizon, dict(made.weights), evidence)


def _of_champion(universe: Universe, made: ChampionDecision) -> Decision:
    outcome = {"champion": made.champion, "before": made.before}
    trials = [asdict(trial) for trial in made.trials]
    return Decision(universe.name, CHAMPION, made.as_of, made.horizon, outcome, {"trials": trials})
