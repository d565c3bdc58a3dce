"""Schedules, in Asia/Tokyo or at the exchange; off unless MIRAIKAKAKU_SCHEDULES=on (`miraikakaku schedule` sets it).

A schedule that finds nothing to do says why it skips. One tick is one run, so that a tick that is evaluated twice
starts one.
"""

from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from miraikakaku_assets.bootstrap import price_vendor
from miraikakaku_assets.domain.market.instruments import UNIVERSES, Universe
from miraikakaku_assets.orchestration.backups.jobs import backup_schedules
from miraikakaku_assets.orchestration.copper.jobs import CURVE_SCHEDULE, curve_job
from miraikakaku_assets.orchestration.coverage.assets import coverage_key
from miraikakaku_assets.orchestration.coverage.monitor import COVERAGE_REPORT, REVIEW, review_job
from miraikakaku_assets.orchestration.cycles.jobs import cycle_jobs, cycle_op_name
from miraikakaku_assets.orchestration.forecasting.jobs import predict_symbols_jobs, training_jobs
from miraikakaku_assets.orchestration.instance.orphaned_runs import still_runs
from miraikakaku_assets.orchestration.job_builders import symbols_names
from miraikakaku_assets.orchestration.jobs import (
    coverage_check_job,
    master_jobs,
    security_scan_job,
    source_canary_job,
)
from miraikakaku_assets.orchestration.maintenance.jobs import maintenance_schedules
from miraikakaku_assets.orchestration.operations.jobs import operations_schedules
from miraikakaku_assets.orchestration.partitions import range_tags
from miraikakaku_assets.orchestration.prices.jobs import daily_jobs
from miraikakaku_assets.orchestration.prices.watched import named_keys, watched_symbols
from miraikakaku_assets.orchestration.pruning.jobs import event_log_pruning
from miraikakaku_assets.orchestration.quality.checks import check_keys
from miraikakaku_assets.orchestration.quality.jobs import quality_check_job
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.universes import MASTERS, RECORDS, Schedule
from miraikakaku_assets.settings import settings

TOKYO = "Asia/Tokyo"
_FIRST_TRAINING = 10  # o'clock on Saturdays: New York's Friday is collected by then


def default_status() -> dg.DefaultScheduleStatus:
    """Running or stopped, as the settings say."""
    running = settings().miraikakaku_schedules == "on"
    return dg.DefaultScheduleStatus.RUNNING if running else dg.DefaultScheduleStatus.STOPPED


def default_schedules() -> list[dg.ScheduleDefinition]:
    """Every schedule."""
    return [
        *(
            dg.ScheduleDefinition(job=master_jobs[universe], **_options(master.schedule))
            for universe, master in MASTERS.items()
        ),
        _coverage_check(),
        _quality_check(),
        *(_daily(record.universe, daily) for record in RECORDS.values() for daily in record.daily),
        *(_morning(record.universe, record.morning) for record in RECORDS.values() if record.morning),
        *(_training(universe) for universe in UNIVERSES.values()),
        *(_cycle(record.universe, *record.cycle) for record in RECORDS.values() if record.cycle),
        dg.ScheduleDefinition(job=curve_job, **_options(CURVE_SCHEDULE)),
        _source_canary(),
        _review("weekly_review", "weekly", "30 7 * * 1", "The review of the week, Mondays 07:30."),
        _review(
            "monthly_review", "monthly", "0 8 1 * *", "The review of the month, on its first day at 08:00."
        ),
        _security_scan(),
        event_log_pruning(default_status(), TOKYO),
        *backup_schedules(default_status(), TOKYO, settings().backup_time),
        *maintenance_schedules(default_status(), TOKYO),
        *operations_schedules(default_status(), TOKYO),
    ]


def _options(schedule: Schedule) -> dict[str, Any]:
    return {
        "name": schedule.name,
        "cron_schedule": schedule.cron if isinstance(schedule.cron, str) else schedule.cron(),
        "execution_timezone": schedule.zone,
        "default_status": default_status(),
        "description": schedule.description,
    }


def _quality_check() -> dg.ScheduleDefinition:
    @dg.schedule(
        name="quality_check",
        job=quality_check_job,
        cron_schedule="30 1,7,13,19 * * *",
        execution_timezone=TOKYO,
        default_status=default_status(),
        description="Suites, health of series and usual days of every universe that is collected, every six hours, an "
        "hour and a half behind the coverage check: when the daily collections of the hours before have ended.",
    )
    def quality_check(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        keys = [key for universe in _collected(context) for key in check_keys(universe)]
        if not keys:
            return dg.SkipReason("Nothing is collected yet: materialize a stock master first.")
        return dg.RunRequest(asset_selection=[], asset_check_keys=keys)

    return quality_check


def _coverage_check() -> dg.ScheduleDefinition:
    @dg.schedule(
        name="coverage_check",
        job=coverage_check_job,
        cron_schedule="0 0,6,12,18 * * *",
        execution_timezone=TOKYO,
        default_status=default_status(),
        description="Coverage of every universe that is collected and the report of all of them, every six hours.",
    )
    def coverage_check(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        collected = _collected(context)
        if not collected:
            return dg.SkipReason("Nothing is collected yet: materialize a stock master first.")
        return dg.RunRequest(
            asset_selection=[*(coverage_key(universe) for universe in collected), COVERAGE_REPORT]
        )

    return coverage_check


def _review(name: str, period: str, cron: str, description: str) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=name,
        job=review_job,
        cron_schedule=cron,
        execution_timezone=TOKYO,
        default_status=default_status(),
        description=description,
        run_config={"ops": {REVIEW.to_python_identifier(): {"config": {"period": period}}}},
    )


def _collected(context: dg.ScheduleEvaluationContext) -> list[Universe]:
    return [
        universe
        for universe in UNIVERSES.values()
        if context.instance.get_dynamic_partitions(universe.partitions)
    ]


def _daily(universe: Universe, daily: Schedule) -> dg.ScheduleDefinition:
    due = {"final": _when_final, "changed": _when_changed, "all": _always}[daily.due]

    @dg.schedule(job=daily_jobs[universe], required_resource_keys={"ports"}, **_options(daily))
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        moment = due(context, universe)
        if isinstance(moment, dg.SkipReason):
            return moment
        keys = context.instance.get_dynamic_partitions(universe.partitions)
        return dg.RunRequest(run_key=f"{daily.name}_{moment}", tags=range_tags(keys))

    return tick


def _when_final(context: dg.ScheduleEvaluationContext, universe: Universe) -> str | dg.SkipReason:
    """What a tick is for, if a session has become final today, or why it skips."""
    from miraikakaku_assets.application.collection.due_collections import is_due
    from miraikakaku_assets.domain.market.sessions import last_completed_session

    now = context.scheduled_execution_time
    if not is_due(universe, "final", now):
        return dg.SkipReason(
            f"The market of {universe.name} is closed on {now.astimezone(ZoneInfo(universe.time_zone)):%Y-%m-%d}."
        )
    if not context.instance.get_dynamic_partitions(universe.partitions):
        return dg.SkipReason(_nothing_to_collect(universe))
    return str(last_completed_session(universe.calendar, now))


def _when_changed(context: dg.ScheduleEvaluationContext, universe: Universe) -> str | dg.SkipReason:
    """What a tick is for, if a session has run or become final since the tick before, or why it skips."""
    from miraikakaku_assets.application.collection.due_collections import is_due, tick_before

    now = context.scheduled_execution_time
    if not is_due(universe, "changed", now):
        markets = " and ".join(market.calendar for market in universe.markets) or universe.name
        return dg.SkipReason(f"{markets} had no session since {tick_before(now):%Y-%m-%d %H:%M} in Tokyo.")
    named_keys(context.instance, context.resources.ports.use, universe)
    return f"{now:%Y-%m-%dT%H:%M%z}"


def _always(context: dg.ScheduleEvaluationContext, universe: Universe) -> str | dg.SkipReason:
    if not context.instance.get_dynamic_partitions(universe.partitions):
        return dg.SkipReason(f"Nothing of {universe.name} is collected yet.")
    return f"{context.scheduled_execution_time:%Y-%m-%dT%H:%M%z}"


def _morning(universe: Universe, cron: str) -> dg.ScheduleDefinition:
    name, (_, op_name) = f"{universe.name}_morning", symbols_names(universe, "predict")

    @dg.schedule(
        name=name,
        job=predict_symbols_jobs[universe],
        cron_schedule=cron,
        execution_timezone=universe.time_zone,
        default_status=default_status(),
        description=f"The morning's forecast of {universe.name}, an hour before it opens, with what Wall Street and "
        "COMEX did in the night.",
    )
    def morning(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        from miraikakaku_assets.domain.market.sessions import session_table

        day = context.scheduled_execution_time.astimezone(ZoneInfo(universe.time_zone)).date()
        if day not in session_table(universe.calendar)["session"]:
            return dg.SkipReason(
                f"{day} is no session of {universe.name}: there is no morning to forecast in."
            )
        if not context.instance.get_dynamic_partitions(universe.partitions):
            return dg.SkipReason(f"Nothing of {universe.name} is collected yet.")
        return dg.RunRequest(
            run_key=f"{name}_{day}", run_config={"ops": {op_name: {"config": {"morning": True}}}}
        )

    return morning


def _training(universe: Universe) -> dg.ScheduleDefinition:
    # One after the other: each takes both cores.
    hour = _FIRST_TRAINING + list(UNIVERSES).index(universe.name)

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
            return dg.SkipReason(
                f"The watch list {universe.watched.setting or universe.name} names no symbol."
            )
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


def _security_scan() -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name="security_scan",
        job=security_scan_job,
        cron_schedule="30 5 * * *",
        execution_timezone=TOKYO,
        default_status=default_status(),
        description="Looks for weak places of this installation, every day at 05:30.",
    )


def _nothing_to_collect(universe: Universe) -> str:
    if universe.has_master:
        return f"There is no stock master yet: materialize {universe.name}/stock_master first."
    return f"{universe.named_by} names no symbol."
