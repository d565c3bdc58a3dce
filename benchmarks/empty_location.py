"""A code location whose only job does nothing: what a scheduled run costs before it has done anything."""

import dagster as dg


@dg.op
def nothing() -> None:
    """Does nothing."""


@dg.job(executor_def=dg.in_process_executor)
def empty_job() -> None:
    """One op that does nothing."""
    nothing()


empty_tick = dg.ScheduleDefinition(
    name="empty_tick",
    job=empty_job,
    cron_schedule="2-57/5 * * * *",  # between the ticks of the five-minute cycles
    execution_timezone="Europe/London",
)

defs = dg.Definitions(jobs=[empty_job], schedules=[empty_tick])
