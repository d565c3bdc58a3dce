"""Use case: compare every forecast with what came, once, on the day its target has ended, and keep the scores.

What came is stored and never changed, even where bars are restated later: a score says how good the forecast was by
what was known when its day was over.
"""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from miraikakaku_assets.application.forecasting.inputs import ForecastInputs
from miraikakaku_assets.application.ports.forecasts import OUTCOMES, PERFORMANCE, ForecastStore
from miraikakaku_assets.domain.forecasting.contract import FORECASTS, HORIZONS
from miraikakaku_assets.domain.forecasting.evaluation import outcomes
from miraikakaku_assets.domain.forecasting.judging.windows import window_scores
from miraikakaku_assets.domain.forecasting.scores import score
from miraikakaku_assets.domain.market.sessions import sessions_back

WINDOWS = (20, 250)
"""Days, about a month and a year, over which scores are shown beside those of each day."""

WAITING = 5
"""Sessions that a bar of the target may take to come before its forecast counts as without outcome."""

FEW = 50
"""Instruments up to which each is a segment of its own; of more, scores by symbol are counted when asked for."""

_SEGMENT = ["segment_kind", "segment"]


@dataclass(frozen=True)
class ScoreReport:
    """What was scored.

    Attributes:
        until: Last session whose closes count.
        outcomes: Symbols × origins × horizons whose outcome is known now and was not before.
        waiting: Targets that have ended and whose bar has not come.
        days: Days (of targets) that were scored.
    """

    until: date
    outcomes: int
    waiting: int
    days: tuple[date, ...]


def score_predictions(
    inputs: ForecastInputs, until: date, store: ForecastStore, now: datetime
) -> ScoreReport:
    """Scores everything whose target has ended.

    Args:
        inputs: Bars of the universe up to `until`, reaching back to the oldest origin that is not scored.
        until: Last session that has ended.
        store: Where forecasts are.
        now: Moment of the scoring (UTC).
    """
    universe = inputs.universe
    due = store.unscored(universe, until)
    known = _outcomes(due, inputs)
    given_up = pl.col("target") <= sessions_back(universe.calendar, until, WAITING)
    settled = known.filter(pl.col("actual").is_not_null() | given_up)
    written = store.save_outcomes(universe, settled, now)
    # Outcomes and scores are many transactions: a scoring that breaks off leaves its days marked.
    days = store.days_to_score(universe, until)
    for day in days:
        store.save_performance(universe, _day(inputs, day, store))
    if days:
        store.save_performance(universe, _windows(inputs, until, store), days)
    return ScoreReport(until, written, known.height - settled.height, tuple(days))


def _outcomes(due: pl.DataFrame, inputs: ForecastInputs) -> pl.DataFrame:
    """What came of each, null where there is no bar of the origin or the target."""
    blank = {name: pl.lit(None, kind) for name, kind in FORECASTS.items() if name not in due.columns}
    scored = outcomes(due.with_columns(**blank), inputs.panel)
    return scored.select(pl.col(name).cast(kind) for name, kind in OUTCOMES.items())


def _day(inputs: ForecastInputs, day: date, store: ForecastStore) -> pl.DataFrame:
    """Scores of the forecasts whose target was one day, of each horizon from another origin."""
    calendar = inputs.universe.calendar
    since = sessions_back(calendar, day, max(HORIZONS))
    rows = store.scored(inputs.universe, since, day).filter(pl.col("target") == day)
    segments = [score_segment(rows, "universe", inputs.universe.name)]
    sectors = inputs.panel.bars.select("symbol", "sector").drop_nulls().unique("symbol", keep="last")
    named = rows.join(sectors, on="symbol")
    segments += [score_segment(part, "sector", str(name)) for (name,), part in named.group_by("sector")]
    if rows["symbol"].n_unique() <= FEW:
        segments += [score_segment(part, "symbol", str(name)) for (name,), part in rows.group_by("symbol")]
    return (
        pl.concat(segments)
        .with_columns(window=pl.lit(1, pl.Int64()), until=pl.lit(day))
        .select(list(PERFORMANCE))
    )


def score_segment(rows: pl.DataFrame, kind: str, name: str) -> pl.DataFrame:
    """Scores of forecasts with outcomes, per model and horizon; ``window`` and ``until`` are left to the caller."""
    table = score(rows).with_columns(segment_kind=pl.lit(kind), segment=pl.lit(name))
    left = [column for column in PERFORMANCE if column not in ("window", "until")]
    return table.select(pl.col(column).cast(PERFORMANCE[column]) for column in left)


def _windows(inputs: ForecastInputs, until: date, store: ForecastStore) -> pl.DataFrame:
    """Scores over the newest days of every segment, from those of the days."""
    since = sessions_back(inputs.universe.calendar, until, max(WINDOWS) + max(HORIZONS))
    kinds = ("universe", "sector", "symbol")
    daily = pl.concat([store.performance(inputs.universe, 1, since, kind) for kind in kinds])
    return pl.concat([window_scores(daily, _SEGMENT, window) for window in WINDOWS])
