"""Health checks and reviews as assets: their numbers are plotted over time by the web UI. Keep out: judging."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import dagster as dg

from miraikakaku_assets.application.alerting.conditions.system_alerts import judge_system
from miraikakaku_assets.application.monitoring.health import Figure, HealthReport, check_health
from miraikakaku_assets.application.monitoring.health_samples import sample_health
from miraikakaku_assets.application.monitoring.review import PerformanceReview, review_performance
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.operations.thresholds import SPECIFIED, Level, Threshold, shown
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.universes import OWNERS

OPERATIONS = "operations"
SYSTEM_METRICS = dg.AssetKey([OPERATIONS, "system_metrics"])
PERFORMANCE_REVIEW = dg.AssetKey([OPERATIONS, "performance_review"])
CPU_SECONDS = 10.0
"""What a check averages the processors over; nobody waits for it."""

_FORGOTTEN = timedelta(days=7)  # a host that was taken away
_SHOWN_ROWS = 20


def check_name(threshold: Threshold) -> str:
    """Name of the check that a figure is normal."""
    return f"{threshold.resource}_normal"


def _check_spec(threshold: Threshold) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        check_name(threshold),
        asset=SYSTEM_METRICS,
        description=f"{threshold.title} {threshold.bounds[0]}; {threshold.bounds[2]} is an error.",
    )


@dg.asset(
    key=SYSTEM_METRICS,
    group_name=OPERATIONS,
    kinds={"postgres"},
    check_specs=[_check_spec(threshold) for threshold in SPECIFIED],
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(minutes=16)),
    description=(
        "CPU, memory, disk, response of what answers HTTP, connection time of the database, heartbeats, queue, "
        "notifications and backups, every five minutes, against the thresholds of the operations manual. Written to "
        "`system_metrics`, kept for SYSTEM_METRICS_RETENTION_DAYS; two bad checks in a row raise an alert "
        "`system/<resource>/…`."
    ),
    owners=OWNERS,
    tags={"market": "all"},
    metadata={"dagster/table_name": "miraikakaku.system_metrics"},
)
def system_metrics(context: dg.AssetExecutionContext, ports: PortsResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Checks health, stores the figures, and raises or ends alerts."""
    use = ports.use
    try:
        report = check_health(use.operations.health, CPU_SECONDS)
        if report.unreachable is not None:
            raise report.unreachable
        sample_health(report, use.operations.system_metrics, use.operations.metrics_kept)
        use.operations.heartbeats.forget(_FORGOTTEN)
        use.operations.run_leases.forget(_FORGOTTEN)
        at_work = is_at_work(context.instance, but=context.run.run_id)
        judge_system(use.operations.system_metrics, use.notices.alerting, is_at_work=at_work)
    except MiraikakakuError as error:
        raise failure(error) from error
    return dg.MaterializeResult(metadata=_health_metadata(report), check_results=_health_checks(report))


def is_at_work(instance: dg.DagsterInstance, but: str = "") -> bool:
    """Whether a run is at work.

    Args:
        instance: Where runs are recorded.
        but: A run that does not count.
    """
    at_work = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]), limit=10)
    return any(run.run_id != but for run in at_work)


def _health_metadata(report: HealthReport) -> dict[str, Any]:
    numbers = {
        f"{figure.resource}_{'share' if figure.unit == 'share' else figure.unit}".removesuffix("_1"): float(
            figure.value
        )
        for figure in report.figures
        if figure.value is not None
    }
    records = [
        {
            "figure": figure.title,
            "value": shown(figure.value, figure.unit),
            "state": figure.level.word,
            "of": figure.detail,
            "to do": figure.remedy,
        }
        for figure in report.figures
    ]
    return {"state": report.level.word, **numbers, "figures": _table(records)}


def _health_checks(report: HealthReport) -> list[dg.AssetCheckResult]:
    by_resource = {figure.resource: figure for figure in report.figures}
    return [_health_check(threshold, by_resource[threshold.resource]) for threshold in SPECIFIED]


def _health_check(threshold: Threshold, figure: Figure) -> dg.AssetCheckResult:
    value = shown(figure.value, figure.unit)
    says = (
        f"{value} {figure.detail}" if figure.level is not Level.UNKNOWN else f"Not measured: {figure.detail}"
    )
    severe = figure.level is Level.DANGER
    return dg.AssetCheckResult(
        check_name=check_name(threshold),
        passed=figure.level <= Level.NORMAL,
        severity=dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN,
        description=f"{says}{'; ' if figure.remedy else ''}{figure.remedy}.",
        metadata={
            "state": figure.level.word,
            **({} if figure.value is None else {"value": float(figure.value)}),
        },
    )


@dg.asset(
    key=PERFORMANCE_REVIEW,
    group_name=OPERATIONS,
    kinds={"postgres"},
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=3)),
    description=(
        "The hourly review: worst statements (where `pg_stat_statements` is there), cycles and collections against "
        "their last thirty days, buffers, dead rows, indexes, connections, the longest transaction. Takes the "
        "statistics of tables anew whose own are stale (ANALYZE, five at a time, a minute each), lowers BATCH_SIZE and "
        "MAX_WORKERS while memory or database are in danger and raises them again afterwards, and only proposes "
        "indexes, with their size. Written to `performance_reviews` and `performance_remedies`."
    ),
    owners=OWNERS,
    tags={"market": "all"},
    metadata={"dagster/table_name": "miraikakaku.performance_reviews"},
)
def performance_review(context: dg.AssetExecutionContext, ports: PortsResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Reviews the performance and takes the remedies that can do no harm."""
    use = ports.use
    try:
        review = review_performance(
            use.operations.server_review,
            use.operations.review_books,
            use.operations.system_metrics,
            use.clock,
            use.operations.metrics_kept,
            use.sources.configured_sizes,
        )
    except MiraikakakuError as error:
        raise failure(error) from error
    for remedy in review.remedies:
        context.log.info("%s %s (%s): %s", remedy.kind, remedy.target, remedy.state, remedy.reason)
    return dg.MaterializeResult(metadata=_review_metadata(review))


def _review_metadata(review: PerformanceReview) -> dict[str, Any]:
    server = review.server
    tables = {
        "look_at": [vars(remark) for remark in review.remarks],
        "remedies": [
            {
                "kind": remedy.kind,
                "target": remedy.target,
                "state": remedy.state,
                "reason": remedy.reason,
                "before": str(dict(remedy.before)),
                "after": str(dict(remedy.after)) if remedy.after is not None else "–",
            }
            for remedy in review.remedies
        ],
        "stages": [
            {
                "stage": stage.stage,
                "seconds": stage.seconds,
                "usually": stage.usual_seconds or 0.0,
                "of": stage.count,
            }
            for stage in review.stages
        ],
        "statements": [vars(statement) for statement in server.statements or ()],
        "tables": [
            {
                "table": table.table,
                "MiB": round(table.size_bytes / (1 << 20), 1),
                "rows": table.live_rows,
                "dead rows": table.dead_rows,
                "changed since ANALYZE": table.modified_rows,
            }
            for table in server.tables
        ],
    }
    peaks = {f"peak_{resource}": peak for resource, peak in review.peaks.items()}
    return {
        **review.figures,
        **peaks,
        "pg_stat_statements": "there" if server.statements is not None else "not there",
        **{name: _table(rows) for name, rows in tables.items() if rows},
    }


def _table(rows: Iterable[Mapping[str, Any]]) -> dg.TableMetadataValue:
    records = [dg.TableRecord(dict(row)) for row in list(rows)[:_SHOWN_ROWS]]
    return dg.MetadataValue.table(records=records)
