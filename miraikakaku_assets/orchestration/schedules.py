"""Schedules, all in Asia/Tokyo; off unless MIRAIKAKAKU_SCHEDULES=on (`miraikakaku schedule` sets it)."""

from zoneinfo import ZoneInfo

import dagster as dg

from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.orchestration.jobs import jp_coverage_job, jp_master_job, jp_prices_job
from miraikakaku_assets.settings import settings

TOKYO = "Asia/Tokyo"


def default_schedules() -> list[dg.ScheduleDefinition]:
    """Every schedule, running or stopped as the settings say."""
    running = settings().miraikakaku_schedules == "on"
    status = dg.DefaultScheduleStatus.RUNNING if running else dg.DefaultScheduleStatus.STOPPED
    return [
        dg.ScheduleDefinition(
            name="jp_master_update",
            job=jp_master_job,
            cron_schedule="0 6 * * 1",
            execution_timezone=TOKYO,
            default_status=status,
            description="JPX's list, Mondays 06:00.",
        ),
        dg.ScheduleDefinition(
            name="coverage_check",
            job=jp_coverage_job,
            cron_schedule="0 0,6,12,18 * * *",
            execution_timezone=TOKYO,
            default_status=status,
            description="Coverage report, every six hours.",
        ),
        _jp_daily(status),
    ]


def _jp_daily(status: dg.DefaultScheduleStatus) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="jp_daily",
        job=jp_prices_job,
        cron_schedule="45 16 * * 1-5",
        execution_timezone=TOKYO,
        default_status=status,
        description="Daily bars of the TSE after the close, on session days only.",
    )
    def jp_daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        from miraikakaku_assets.domain.market.sessions import sessions_between

        day = context.scheduled_execution_time.astimezone(ZoneInfo(JP.time_zone)).date()
        if not sessions_between(JP.calendar, day, day):
            return dg.SkipReason(f"The TSE is closed on {day}.")
        keys = context.instance.get_dynamic_partitions(JP.partitions)
        if not keys:
            return dg.SkipReason("There is no stock master yet: materialize jp/stock_master first.")
        return dg.RunRequest(run_key=f"jp_daily_{day}", tags=range_tags(keys[0], keys[-1]))

    return jp_daily


def range_tags(first: str, last: str) -> dict[str, str]:
    """Run tags that make a partitioned run cover a range of keys (in insertion order, both included)."""
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
