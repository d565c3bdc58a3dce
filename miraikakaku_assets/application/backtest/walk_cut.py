"""Use case: forecast a part of a set of evidence as it would have been forecast then, and judge it.

Nothing is stored and no database is read: a set is files in memory. The part that was tuned on and the one that is
untouched are walked through by the same code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from miraikakaku_assets.application.backtest.cut_scores import CutScores, judge_cut
from miraikakaku_assets.application.backtest.evidence_sets import EvidenceSet
from miraikakaku_assets.application.backtest.scoreboard import DECIDED_EVERY, SEED, in_sample_order
from miraikakaku_assets.application.backtest.series import walk_series
from miraikakaku_assets.application.backtest.walk_forward import Step
from miraikakaku_assets.domain.errors import WorkFellShortError
from miraikakaku_assets.domain.forecasting.contract import FORECASTS, Forecaster
from miraikakaku_assets.domain.forecasting.ensemble import NO_CHANGE
from miraikakaku_assets.domain.forecasting.evaluation import Fold
from miraikakaku_assets.domain.forecasting.judging.cuts import Part
from miraikakaku_assets.domain.forecasting.judging.peers import peer_densities
from miraikakaku_assets.domain.forecasting.panel import Panel


@dataclass(frozen=True)
class CutSize:
    """How much of a set is evaluated.

    Attributes:
        name: For people.
        instruments: At most so many, in the order of samples; they are the market that is learnt of.
        origins: At most so many of the part, the newest.
        burn_in: Origins before, whose outcomes make bands and weights and stand in no table.
        refit_every: Origins that a training serves, a multiple of `scoreboard.DECIDED_EVERY`.
        garch: Instruments that GARCH is fitted to.
        left_out: Models that are not run on more than ten instruments: each of their series costs.
    """

    name: str
    instruments: int
    origins: int
    burn_in: int
    refit_every: int
    garch: int
    left_out: frozenset[str] = field(default_factory=frozenset)


FULL_CUT = CutSize("full", 300, 10_000, 250, 60, 60, frozenset({"lstm", "arima", "prophet", "theta"}))
QUICK_CUT = CutSize("quick", 40, 40, 60, 40, 4, frozenset({"lstm", "arima", "prophet", "theta"}))
_A_FEW = 10


def cut_folds(sessions: pl.Series, first: int, last: int, refit_every: int) -> list[Fold]:
    """Trainings and origins between two places in the calendar, both included."""
    days = sessions.to_list()
    made = []
    for begin in range(first, last + 1, DECIDED_EVERY):
        trained = first + (begin - first) // refit_every * refit_every
        made.append(Fold(days[trained], tuple(days[begin : min(begin + DECIDED_EVERY, last + 1)])))
    return made


def walk_cut(
    evidence: EvidenceSet, part: Part, size: CutSize, forecasters: Sequence[Forecaster], step: Step
) -> CutScores:
    """Walks through a part of a set.

    Args:
        evidence: The set.
        part: Which part.
        size: How much.
        forecasters: Models, no change among them.
        step: Called with the model at work and the first origin of its fold.

    Raises:
        WorkFellShortError: The evidence does not reach the part.
    """
    origins = evidence.origins(part)[-size.origins :]
    whole = evidence.panel
    there = whole.bars.filter(pl.col("session") == origins[0])["symbol"].unique().to_list()
    kept = in_sample_order(there)[: size.instruments]
    if not kept:
        raise WorkFellShortError(f"{evidence.cut.name} has no bar on {origins[0]}")
    data = whole.only(kept)
    places: Mapping[object, int] = {day: place for place, day in enumerate(data.sessions.to_list())}
    last = places[origins[-1]]
    first = max(0, min(places[origins[0]], last) - size.burn_in)
    folds = cut_folds(data.sessions, first, last, size.refit_every)
    # Sessions behind the last target are not needed, and a calendar has to go on.
    own = _models(forecasters, size, len(kept))
    walked = walk_series(data, folds, own, SEED, step)
    peers = _peers(walked.rows, data, folds, kept[: size.garch])
    return judge_cut(evidence.cut, part, walked.rows, peers, data, origins, walked.failed)


def _models(forecasters: Sequence[Forecaster], size: CutSize, instruments: int) -> list[Forecaster]:
    few = instruments <= _A_FEW
    return [model for model in forecasters if few or model.name not in size.left_out]


def _peers(rows: pl.DataFrame, data: Panel, folds: Sequence[Fold], garch: Sequence[str]) -> pl.DataFrame:
    still = rows.filter(pl.col("model") == NO_CHANGE).select(FORECASTS.keys())
    return peer_densities(still, data, folds, garch)
