"""What a walk through a part of a set came to: points, densities, order, calls, and what bands covered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from miraikakaku_assets.application.backtest.tables import corrected, scores_of
from miraikakaku_assets.application.forecasting.predict import ENSEMBLE
from miraikakaku_assets.domain.forecasting.bands import ConformalRule, volatility_regime
from miraikakaku_assets.domain.forecasting.ensemble import NO_CHANGE
from miraikakaku_assets.domain.forecasting.judging.cuts import EvaluationSet, Part
from miraikakaku_assets.domain.forecasting.judging.density_scores import (
    breaks,
    calibration_table,
    density_table,
    with_density_scores,
)
from miraikakaku_assets.domain.forecasting.judging.peers import PEERS
from miraikakaku_assets.domain.forecasting.judging.ranks import (
    break_even_cost,
    liquidity,
    rank_series,
    rank_skill,
    risk_coverage,
)
from miraikakaku_assets.domain.forecasting.panel import Panel, ewma_volatility

FLOORS = {"jp": (50e6, 1e9)}
"""Universe → median daily turnover (in its currency) from which on issues count as liquid, and as very liquid."""

EVERYTHING = 0.0
"""Floor of a table of all instruments."""


@dataclass(frozen=True)
class CutScores:
    """The scores of a part of a set; every table is of exactly its origins.

    Attributes:
        cut: The set.
        part: Which part.
        first: First origin (exchange date).
        last: Last origin.
        origins: How many sessions were forecast from.
        instruments: Instruments that were forecast.
        points: `tables.scores_of` with ``p_holm``, a row per model and horizon.
        densities: `density_scores.density_table` of no change, the ensemble and the peers.
        ranks: ``model``, ``horizon``, ``floor`` (turnover), ``days``, ``ic``, ``t``, ``icir`` and ``cost`` (break-even,
            basis points a trade; gross, no profit).
        calibration: `density_scores.calibration_table` of the ensemble.
        calls: `ranks.risk_coverage` of the ensemble by ``horizon``.
        failed: Model → why it broke off.
    """

    cut: EvaluationSet
    part: Part
    first: date
    last: date
    origins: int
    instruments: int
    points: pl.DataFrame
    densities: pl.DataFrame
    ranks: pl.DataFrame
    calibration: pl.DataFrame
    calls: pl.DataFrame
    failed: dict[str, str] = field(default_factory=dict)


def judge_cut(
    cut: EvaluationSet,
    part: Part,
    rows: pl.DataFrame,
    peers: pl.DataFrame,
    data: Panel,
    origins: Sequence[date],
    failed: dict[str, str],
) -> CutScores:
    """All tables of a walk.

    Args:
        cut: The set.
        part: Which part of it the origins are.
        rows: Forecasts of all models with bands, quantiles and outcomes.
        peers: `peers.peer_densities`.
        data: Bars of the set.
        origins: Those that count, ascending.
        failed: Model → why it broke off.
    """
    counted = pl.col("as_of").is_between(origins[0], origins[-1]) & pl.col("horizon").is_in(cut.horizons)
    own = rows.filter(counted)
    models = own["model"].unique(maintain_order=True).to_list()
    points = corrected(pl.concat([scores_of(own.filter(pl.col("model") == model)) for model in models]))
    combined = own.filter(pl.col("model") == ENSEMBLE)
    calls = [
        risk_coverage(combined.filter(pl.col("horizon") == h), h).with_columns(horizon=pl.lit(h, pl.Int64()))
        for h in cut.horizons
    ]
    return CutScores(
        cut=cut,
        part=part,
        first=origins[0],
        last=origins[-1],
        origins=len(origins),
        instruments=own["symbol"].n_unique(),
        points=points,
        densities=_densities(own, peers.filter(counted)),
        ranks=_ranks(own, data, cut),
        calibration=calibration_table(_with_regimes(combined, data)),
        calls=pl.concat(calls),
        failed=failed,
    )


def _densities(own: pl.DataFrame, peers: pl.DataFrame) -> pl.DataFrame:
    outcomes = own.filter(pl.col("model") == NO_CHANGE).select("symbol", "as_of", "horizon", "actual")
    columns = ("symbol", "model", "as_of", "horizon", "quantiles", "actual")
    ours = own.filter(pl.col("model").is_in([NO_CHANGE, ENSEMBLE])).select(columns)
    theirs = peers.join(outcomes, on=["symbol", "as_of", "horizon"]).select(columns)
    return density_table(with_density_scores(pl.concat([ours, theirs])), PEERS)


def _ranks(own: pl.DataFrame, data: Panel, cut: EvaluationSet) -> pl.DataFrame:
    floors = FLOORS.get(cut.universe, ())
    classes = None
    if floors and "volume" in data.bars.columns:
        turnover = pl.col("close") * pl.col("volume").cast(pl.Float64)
        classes = liquidity(data.bars.select("symbol", "session", turnover=turnover), floors)
    rank_rows = []
    for (model, horizon), rows in own.partition_by("model", "horizon", as_dict=True).items():
        if model == NO_CHANGE:
            continue
        parts = {EVERYTHING: rows}
        if classes is not None:
            marked = rows.join(classes, on=["symbol", "as_of"], how="left")
            parts |= {floor: marked.filter(pl.col("reached") > place) for place, floor in enumerate(floors)}
        for floor, chosen in parts.items():
            skill = rank_skill(rank_series(chosen)["ic"], horizon)
            cost = break_even_cost(chosen, horizon)
            rank_rows.append((model, horizon, floor, skill.days, skill.mean, skill.t, skill.icir, cost))
    kinds = {"model": pl.String(), "horizon": pl.Int64(), "floor": pl.Float64(), "days": pl.Int64()}
    kinds |= dict.fromkeys(("ic", "t", "icir", "cost"), pl.Float64())
    return pl.DataFrame(rank_rows, schema=kinds, orient="row").sort("horizon", "floor", "model")


def _with_regimes(rows: pl.DataFrame, data: Panel) -> pl.DataFrame:
    """Forecasts with their third of volatility and whether they were made in the sessions after a break."""
    bars = data.bars.with_columns(sigma=ewma_volatility())
    thirds = bars.select("symbol", as_of="session", third=volatility_regime(ConformalRule()))
    moves = bars.group_by("session").agg(size=pl.col("ret").abs().median()).sort("session")
    after = breaks(moves).rename({"session": "as_of"})
    return rows.join(thirds, on=["symbol", "as_of"], how="left").join(after, on="as_of", how="left")
