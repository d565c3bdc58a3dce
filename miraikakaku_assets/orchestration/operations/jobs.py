"""The jobs of health checks and reviews, and when they run."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from miraikakaku_assets.orchestration.cycles.run import CYCLE_TAG
from miraikakaku_assets.orchestration.instance.orphaned_runs import NEVER_REPEATED, still_runs
from miraikakaku_assets.orchestration.operations.assets import OPERATIONS, PERFORMANCE_REVIEW, SYSTEM_METRICS
from miraikakaku_assets.orchestration.resources import PortsResource

# 288 runs a day: those that succeeded leave Dagster's books after a day, as cycles do; the samples stay in their table.
health_check_job = dg.define_asset_job(
    "health_check_job",
    [SYSTEM_METRICS],
    description="Measures the machine and the services on it, and raises or ends alerts.",
    tags={CYCLE_TAG: OPERATIONS, "dagster/priority": "10", **NEVER_REPEATED},
)
performance_review_job = dg.define_asset_job(
    "performance_review_job",
    [PERFORMANCE_REVIEW],
    description="Reviews PostgreSQL and the duration of our work, and renews stale statistics.",
    tags=NEVER_REPEATED,
)
operations_jobs: Sequence[Any] = (health_check_job, performance_review_job)


def operations_schedules(status: dg.DefaultScheduleStatus, zone: str) -> list[dg.ScheduleDefinition]:
    """The schedules: every five minutes, and every hour."""
    return [
        _schedule(
            "health_check",
            health_check_job,
            "*/5 * * * *",
            "CPU, memory, disk, database, services against their thresholds, every five minutes.",
            status,
            zone,
        ),
        _schedule(
            "performance_review",
            performance_review_job,
            "0 * * * *",
            "What is slow, and the remedies that can do no harm, every hour.",
            status,
            zone,
        ),
    ]


def _schedule(
    name: str, job: Any, cron: str, description: str, status: dg.DefaultScheduleStatus, zone: str
) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=name,
        job=job,
        cron_schedule=cron,
        execution_timezone=zone,
        default_status=status,
        description=description,
    )
    def tick(context: dg.ScheduleEvaluationContext, ports: PortsResource) -> dg.RunRequest | dg.SkipReason:
        if still_runs(context.instance, ports.use, dg.RunsFilter(job_name=job.name)):
            return dg.SkipReason("The previous run has not ended.")
        return dg.RunRequest(run_key=f"{name}_{context.scheduled_execution_time:%Y-%m-%dT%H:%M%z}")

    return tick
