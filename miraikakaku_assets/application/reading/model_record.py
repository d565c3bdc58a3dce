"""Use case: what a model's forecasts of a universe were worth: order over time, which calls, and who is champion."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from miraikakaku_assets.application.forecasting.calibration import SAMPLE
from miraikakaku_assets.application.forecasting.predict import ENSEMBLE
from miraikakaku_assets.application.forecasting.view import YEAR
from miraikakaku_assets.application.forecasting.weights import CHAMPION, WEIGHTS
from miraikakaku_assets.application.ports.forecasts import Decision, ForecastStore
from miraikakaku_assets.domain.forecasting.judging.density_scores import with_density_scores
from miraikakaku_assets.domain.forecasting.judging.ranks import (
    RankSkill,
    rank_series,
    rank_skill,
    risk_coverage,
)
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import sessions_back


@dataclass(frozen=True)
class ModelRecord:
    """The record of one model at one horizon, of a sample of a large market.

    Attributes:
        universe: Its name.
        model: Whose forecasts.
        horizon: Sessions ahead.
        since: First origin that counts (exchange date).
        until: Newest session whose outcomes count.
        forecasts: How many have an outcome.
        rank: Rank correlation over the whole time.
        ranks: ``as_of``, ``ic`` (of the session) and ``ic_20`` (mean of the last 20 sessions), ascending; empty where a
            session has fewer than twenty instruments.
        calls: `ranks.risk_coverage`.
        crps: Mean CRPS in log returns; None where no forecast has quantiles.
        coverage: Share of outcomes that a band should hold → the share that it held.
        champion: Newest decision on the champion at this horizon; None before the first review.
        weights: Newest weights of the ensemble at this horizon; None before the first decision.
    """

    universe: str
    model: str
    horizon: int
    since: date
    until: date
    forecasts: int
    rank: RankSkill
    ranks: pl.DataFrame
    calls: pl.DataFrame
    crps: float | None
    coverage: Mapping[float, float]
    champion: Decision | None
    weights: Decision | None


def model_record(
    universe: Universe, store: ForecastStore, until: date, horizon: int = 1, model: str = ENSEMBLE
) -> ModelRecord:
    """The record of a year of origins.

    Args:
        universe: Whose forecasts.
        store: Holds forecasts, outcomes and decisions, of one clock.
        until: Outcomes up to this session count.
        horizon: Sessions ahead.
        model: Whose forecasts.
    """
    since = sessions_back(universe.calendar, until, YEAR)
    rows = store.scored(universe, since, until, models=[model], sample=SAMPLE)
    own = rows.filter(
        pl.col("horizon") == horizon, pl.col("actual").is_not_null(), pl.col("point").is_not_null()
    )
    ranks = rank_series(own).with_columns(ic_20=pl.col("ic").rolling_mean(20, min_samples=20))
    crps = with_density_scores(own)["crps"].mean()
    held = {
        share: own.select(pl.col("actual").is_between(f"lo{band}", f"hi{band}").mean()).item()
        for share, band in ((0.80, "80"), (0.95, "95"))
        if own.height
    }
    decided = {
        kind: next(
            (decision for decision in store.decisions(universe, kind, until) if decision.horizon == horizon),
            None,
        )
        for kind in (CHAMPION, WEIGHTS)
    }
    return ModelRecord(
        universe=universe.name,
        model=model,
        horizon=horizon,
        since=since,
        until=until,
        forecasts=own.height,
        rank=rank_skill(own, horizon),
        ranks=ranks,
        calls=risk_coverage(own, horizon),
        crps=crps if isinstance(crps, float) else None,
        coverage=held,
        champion=decided[CHAMPION],
        weights=decided[WEIGHTS],
    )
