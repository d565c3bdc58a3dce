"""Schedules, in Asia/Tokyo or at the exchange; off unless MIRAIKAKAKU_SCHEDULES=on (`miraikakaku schedule` sets it).

A schedule that finds nothing to do says why it skips. One tick is one run, so that a tick that is evaluated twice
starts one.
"""

from datetime import timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from miraikakaku_assets.bootstrap import price_vendor
from miraikakaku_assets.domain.market.instruments import COPPER, FX, JP, UNIVERSES, US, Timeframe, Universe
from miraikakaku_assets.orchestration.coverage.assets import coverage_key
from miraikakaku_assets.orchestration.cycles.jobs import cycle_jobs, cycle_op_name
from miraikakaku_assets.orchestration.forecasting.jobs import training_jobs
from miraikakaku_assets.orchestration.instance.orphaned_runs import still_runs
from miraikakaku_assets.orchestration.jobs import (
    coverage_check_job,
    master_jobs,
    source_canary_job,
)
from miraikakaku_assets.orchestration.prices.jobs import daily_jobs
from miraikakaku_assets.orchestration.prices.watched import named_keys, watched_symbols
from miraikakaku_assets.orchestration.pruning.jobs import event_log_pruning
from miraikakaku_assets.orchestration.range_tags import range_tags
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.settings import settings

TOKYO = "Asia/Tokyo"
_MONDAY = 0
_FIRST_TRAINING = 10  # o'clock on Saturdays: New York's Friday is collected by then
_A_DAY = timedelta(hours=20)  # a session that became final longer ago is yesterday's


def default_status() -> dg.DefaultScheduleStatus:
    """Running or stopped, as the settings say."""
    running = settings().miraikakaku_schedules == "on"
    return dg.DefaultScheduleStatus.RUNNING if running else dg.DefaultScheduleStatus.STOPPED


def default_schedules() -> list[dg.ScheduleDefinition]:
    """Every schedule."""
    return [
        _master(JP, "jp_master_update", "0 6 * * 1", "JPX's list, Mondays 06:00."),
        _master(US, "us_master_sync", "0 4 * * *", "The US exchanges' lists, every day at 04:00."),
        _coverage_check(),
        # Sources restate volumes for some minutes after a close: bars count as final half an hour later.
        _daily(
            JP,
            "jp_daily",
            "45 16 * * 1-5",
            TOKYO,
            "The TSE's daily bars, timeframes and indicators after the close",
        ),
        _daily(
            US,
            "us_daily",
            "45 16 * * 1-5",
            US.time_zone,
            "The US exchanges' daily bars, timeframes and indicators after the close",
        ),
        _daily(
            FX,
            "fx_daily",
            "45 0 * * 2-6",
            FX.time_zone,
            "The currency pairs' daily bars, timeframes and indicators after midnight",
        ),
        _copper_pipeline(),
        _copper_reforecast(),
        *(_training(universe) for universe in UNIVERSES.values()),
        _cycle(JP, "jp_intraday", "*/5 9-16 * * 1-5"),
        _cycle(US, "us_intraday", "*/5 9-16 * * 1-5"),
        _cycle(FX, "fx_cycle", "*/5 * * * *"),
        _source_canary(),
        event_log_pruning(default_status(), TOKYO),
    ]


def _master(universe: Universe, name: str, cron: str, description: str) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=name,
        job=master_jobs[universe],
        cron_schedule=cron,
        execution_timezone=TOKYO,
        default_status=default_status(),
        description=description,
    )


def _coverage_check() -> dg.ScheduleDefinition:
    @dg.schedule(
        name="coverage_check",
        job=coverage_check_job,
        cron_schedule="0 0,6,12,18 * * *",
        execution_timezone=TOKYO,
        default_status=default_status(),
        description="Coverage report of every universe that is collected, every six hours.",
    )
    def coverage_check(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        collected = [
            one for one in UNIVERSES.values() if context.instance.get_dynamic_partitions(one.partitions)
        ]
        if not collected:
            return dg.SkipReason("Nothing is collected yet: materialize a stock master first.")
        return dg.RunRequest(asset_selection=[coverage_key(one) for one in collected])

    return coverage_check


def _daily(universe: Universe, name: str, cron: str, zone: str, description: str) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=name,
        job=daily_jobs[universe],
        cron_schedule=cron,
        execution_timezone=zone,
        default_status=default_status(),
        description=f"{description}, on session days only.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        from miraikakaku_assets.application.collection.windows import collected_since
        from miraikakaku_assets.domain.market.sessions import last_completed_session

        now = context.scheduled_execution_time
        if now - collected_since(universe, Timeframe.D1, now) > _A_DAY:
            return dg.SkipReason(
                f"The market of {universe.name} is closed on {now.astimezone(ZoneInfo(universe.time_zone)):%Y-%m-%d}."
            )
        keys = context.instance.get_dynamic_partitions(universe.partitions)
        if not keys:
            return dg.SkipReason(_nothing_to_collect(universe))
        return dg.RunRequest(
            run_key=f"{name}_{last_completed_session(universe.calendar, now)}",
            tags=range_tags(keys[0], keys[-1]),
        )

    return daily


def _copper_pipeline() -> dg.ScheduleDefinition:
    hour, minute = settings().collection_time.split(":")

    @dg.schedule(
        name="copper_pipeline",
        job=daily_jobs[COPPER],
        cron_schedule=f"{int(minute)} {int(hour)} * * 1-5",
        execution_timezone=TOKYO,
        default_status=default_status(),
        description="Daily bars, timeframes and indicators of COMEX copper, weekdays at COLLECTION_TIME.",
    )
    def copper_pipeline(
        context: dg.ScheduleEvaluationContext, ports: PortsResource
    ) -> dg.RunRequest | dg.SkipReason:
        from miraikakaku_assets.application.collection.windows import changes_between

        # Not like the others at a time after the close: 07:00 in Tokyo is 17:00 in New York's winter, when the day ends
        # and its bar is provisional. So a tick is for whatever has run or become final since the tick before.
        now = context.scheduled_execution_time
        before = now - timedelta(days=3 if now.astimezone(ZoneInfo(TOKYO)).weekday() == _MONDAY else 1)
        if not changes_between(COPPER, before, now):
            return dg.SkipReason(f"COMEX had no session since {before:%Y-%m-%d %H:%M} in Tokyo.")
        named_keys(context.instance, ports.use, COPPER)
        keys = context.instance.get_dynamic_partitions(COPPER.partitions)
        return dg.RunRequest(
            run_key=f"copper_pipeline_{now:%Y-%m-%dT%H:%M%z}", tags=range_tags(keys[0], keys[-1])
        )

    return copper_pipeline


def _copper_reforecast() -> dg.ScheduleDefinition:
    @dg.schedule(
        name="copper_reforecast",
        job=daily_jobs[COPPER],
        cron_schedule="0 13 * * 1-5",
        execution_timezone=TOKYO,
        default_status=default_status(),
        description="COMEX copper at 13:00 in Tokyo: its bar, which in winter is not final at 07:00, and the forecasts "
        "that follow it.",
    )
    def copper_reforecast(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        keys = context.instance.get_dynamic_partitions(COPPER.partitions)
        if not keys:
            return dg.SkipReason("Nothing of copper is collected yet.")
        return dg.RunRequest(
            run_key=f"copper_reforecast_{context.scheduled_execution_time:%Y-%m-%dT%H:%M%z}",
            tags=range_tags(keys[0], keys[-1]),
        )

    return copper_reforecast


def _training(universe: Universe) -> dg.ScheduleDefinition:
    hour = _FIRST_TRAINING + list(UNIVERSES).index(
        universe.name
    )  # one after the other: each takes both cores

    @dg.schedule(
        name=f"{universe.name}_training",
        job=training_jobs[universe],
        cron_schedule=f"30 {hour} * * 6",
        execution_timezone=TOKYO,
        default_status=default_status(),
        description=f"Trains the forecast models of {universe.name}, Saturdays.",
    )
    def training(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if not context.instance.get_dynamic_partitions(universe.partitions):
            return dg.SkipReason(f"Nothing of {universe.name} is collected yet.")
        return dg.RunRequest(run_key=f"{universe.name}_training_{context.scheduled_execution_time:%Y-%m-%d}")

    return training


def _cycle(universe: Universe, name: str, cron: str) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=name,
        job=cycle_jobs[universe],
        cron_schedule=cron,
        execution_timezone=universe.time_zone,
        default_status=default_status(),
        description=(
            f"Collect → timeframes → indicators → patterns → notify for what is watched of {universe.name}, every five "
            "minutes while it trades; a tick that finds the previous cycle at work leaves its bars to the next."
        ),
    )
    def cycle(context: dg.ScheduleEvaluationContext, ports: PortsResource) -> dg.RunRequest | dg.SkipReason:
        from miraikakaku_assets.application.collection.windows import is_open

        if not is_open(universe, context.scheduled_execution_time):
            return dg.SkipReason(f"The market of {universe.name} is closed.")
        symbols, _ = watched_symbols(context.instance, ports.use, universe)
        if not symbols:
            return dg.SkipReason(f"The watch list {universe.name.upper()}_WATCH_LIST names no symbol.")
        if still_runs(context.instance, ports.use, dg.RunsFilter(job_name=cycle_jobs[universe].name)):
            return dg.SkipReason("The previous cycle still runs; the next one catches up.")
        return dg.RunRequest(
            run_key=f"{name}_{context.scheduled_execution_time:%Y-%m-%dT%H:%M%z}",
            run_config={"ops": {cycle_op_name(universe): {"config": {"symbols": symbols}}}},
        )

    return cycle


def _source_canary() -> dg.ScheduleDefinition:
    @dg.schedule(
        name="source_canary",
        job=source_canary_job,
        cron_schedule="*/15 * * * *",
        execution_timezone=TOKYO,
        default_status=default_status(),
        description=f"A few symbols of {price_vendor().title} every 15 minutes; "
        "the request rate follows from the answers.",
    )
    def source_canary(
        context: dg.ScheduleEvaluationContext, ports: PortsResource
    ) -> dg.RunRequest | dg.SkipReason:
        if price_vendor().make_probe is None:
            return dg.SkipReason(f"Prices come from {price_vendor().origin}, which has no canaries.")
        if still_runs(context.instance, ports.use, dg.RunsFilter(job_name=source_canary_job.name)):
            return dg.SkipReason("The previous round has not ended: runs are waiting in the queue.")
        return dg.RunRequest()

    return source_canary


def _nothing_to_collect(universe: Universe) -> str:
    if universe.has_master:
        return f"There is no stock master yet: materialize {universe.name}/stock_master first."
    return f"{universe.named_by} names no symbol."
