"""Use case: whether the newest session has as many bars and as much volume, and as soon, as sessions like it."""

from datetime import timedelta

import polars as pl

from miraikakaku_assets.application.ports.quality import QualityPorts
from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.market.sessions import SLOT
from miraikakaku_assets.domain.quality.batch import Batch
from miraikakaku_assets.domain.quality.results import Exceptional, RuleResult, State
from miraikakaku_assets.domain.quality.seasons import seasons
from miraikakaku_assets.domain.quality.usual_days import LEVEL, LONGEST, MEASURES, Judgement, Measure, judge

_LATE_BY_NATURE = timedelta(days=7)
"""Bars that came later than that were not collected day by day: an import, or a first collection."""


def judge_days(check: str, batch: Batch, timeframe: Timeframe, ports: QualityPorts) -> list[RuleResult]:
    """Judges the session of a batch by those before it.

    Args:
        check: Name of the results.
        batch: Whose universe, up to which session.
        timeframe: Of the bars; one that is collected.
        ports: What is needed.
    """
    first = batch.since(LONGEST + LEVEL + 1)
    totals = ports.store.totals(batch.universe, timeframe, first, batch.session)
    asset = f"prices_{timeframe}"
    measures = [measure for measure in MEASURES if batch.universe.has_volume or measure.column != "volume"]
    if totals.is_empty():
        return [RuleResult(check, each.name, asset, each.sentence, State.EMPTY, 0) for each in measures]
    announced = ports.store.expected_days(batch.universe)
    days = measured_days(batch, timeframe, totals)
    return [_result(check, asset, measure, batch, judge(days, measure, announced)) for measure in measures]


def measured_days(batch: Batch, timeframe: Timeframe, totals: pl.DataFrame) -> pl.DataFrame:
    """Every session since the first with bars, with what was measured of it.

    A session without bars has none, no volume, and is late by the time that has passed since its end.

    Args:
        batch: Whose universe, up to which session, and when it is looked at.
        timeframe: Of the bars.
        totals: As `QualityStore.totals` gives them.

    Returns:
        `seasons` with ``bars``, ``volume`` and ``delay`` (seconds behind the end of the bar; null where it says
        nothing about collections).
    """
    calendar = seasons(batch.universe, batch.session)
    # A currency Monday begins on Sunday evening.
    placed = totals.sort("session").join_asof(
        calendar.select(of="session").sort("of"), left_on="session", right_on="of", strategy="forward"
    )
    by_session = placed.group_by("of").agg(
        pl.col("bars").sum(), pl.col("volume").sum(), pl.col("delay").sort_by("bars").last()
    )
    known = calendar.filter(pl.col("session") >= placed["of"].min()).join(
        by_session, left_on="session", right_on="of", how="left", maintain_order="left"
    )
    length = (
        pl.lit(SLOT.total_seconds())
        if timeframe is Timeframe.M5
        else (pl.col("closes") - pl.col("opens")).dt.total_seconds()
    )
    waited = (pl.lit(batch.moment) - pl.col("closes")).dt.total_seconds().cast(pl.Float64)
    is_newest = pl.col("session") == batch.session
    delay = (
        pl.when(pl.col("bars").is_null() & is_newest)
        .then(waited)
        .otherwise((pl.col("delay") - length).clip(lower_bound=0.0))
    )
    is_timely = is_newest | (delay <= _LATE_BY_NATURE.total_seconds())
    return known.with_columns(delay=pl.when(is_timely).then(delay)).with_columns(
        pl.col("bars", "volume").fill_null(0)
    )


def _result(check: str, asset: str, measure: Measure, batch: Batch, judgement: Judgement) -> RuleResult:
    failed = judgement.state is State.FAILED
    usual = "" if judgement.low is None else f"usual {judgement.low:,.0f} to {judgement.high:,.0f}"
    note = judgement.note or f"{judgement.value:,.0f} {measure.unit} ({usual})"
    return RuleResult(
        *(check, measure.name, asset, measure.sentence, judgement.state, judgement.learnt_from, int(failed)),
        worst=(Exceptional(str(batch.session), note),) if failed else (),
        value=judgement.value,
        low=judgement.low,
        high=judgement.high,
        note=note,
        query=_QUERY.format(universe=batch.universe.name, check=check, rule=measure.name) if failed else "",
    )


_QUERY = """SELECT batch, state, value, low, high, note FROM miraikakaku.quality_results
WHERE universe = '{universe}' AND suite = '{check}' AND rule = '{rule}' ORDER BY batch DESC;"""
