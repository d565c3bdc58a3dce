"""The nightly pruning of Dagster's books. Put here: its job and schedule. Keep out: what is pruned, and how."""

from datetime import timedelta

import dagster as dg

from miraikakaku_assets.orchestration.cycles.run import CYCLE_TAG
from miraikakaku_assets.orchestration.job_builders import op_job
from miraikakaku_assets.orchestration.pruning.event_log import Pruned, Retention, prune_event_log
from miraikakaku_assets.orchestration.resources import PortsResource

CYCLES_KEPT = timedelta(days=1)
"""A market has up to 288 cycles a day; one that succeeded the day before yesterday is nobody's concern."""
_MIB = 2**20


@dg.op
def prune_event_log_op(context: dg.OpExecutionContext, ports: PortsResource) -> None:
    """Removes old runs and overtaken events from Dagster's books, then vacuums their tables."""
    kept = timedelta(days=ports.use.settings.event_log_retention_days)
    now = ports.use.clock()
    pruned = prune_event_log(context.instance, now, Retention(kept, CYCLES_KEPT, CYCLE_TAG))
    context.log.info(_sentence(pruned))
    context.log.info("%d reports of runs removed", ports.use.stores.stage_reports.prune(now - kept))


# One step: the pruning is small transactions and may be killed and repeated.
event_log_pruning_job = op_job(
    prune_event_log_op,
    name="event_log_pruning_job",
    description="Removes runs and overtaken events past EVENT_LOG_RETENTION_DAYS from Dagster's books.",
)


def event_log_pruning(status: dg.DefaultScheduleStatus, zone: str) -> dg.ScheduleDefinition:
    """The schedule: every night at 03:30, between the backup and the morning's work."""
    return dg.ScheduleDefinition(
        name="event_log_pruning",
        job=event_log_pruning_job,
        cron_schedule="30 3 * * *",
        execution_timezone=zone,
        default_status=status,
        description="Old runs and overtaken events leave Dagster's books, every night at 03:30.",
    )


def _sentence(pruned: Pruned) -> str:
    return (
        f"{pruned.runs:,} runs with their events, {pruned.events:,} overtaken events and {pruned.backfills:,} "
        f"backfills removed in {pruned.seconds:.1f} s; the tables took {pruned.bytes_before / _MIB:.1f} MiB, "
        f"now {pruned.bytes_after / _MIB:.1f}."
    )
