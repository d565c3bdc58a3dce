"""Sensors: partition keys and parked work. Put here: when to launch. Keep out: what a collection does."""

import warnings
from collections.abc import Iterator
from typing import Any

import dagster as dg

from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.orchestration.bulk.sensors import bulk_jobs_due
from miraikakaku_assets.orchestration.cycles.notices import notifications_job
from miraikakaku_assets.orchestration.forecasting.sensors import forecasts_due
from miraikakaku_assets.orchestration.instance.orphaned_runs import still_runs
from miraikakaku_assets.orchestration.operations.asset_health import asset_health_look
from miraikakaku_assets.orchestration.prices.assets import chain_keys, prices_key, step_name
from miraikakaku_assets.orchestration.prices.jobs import daily_jobs, prices_jobs, symbol_jobs
from miraikakaku_assets.orchestration.prices.watched import register_named
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.stock_master.sensors import key_sensors
from miraikakaku_assets.orchestration.watching.sensors import alert_watch, healthchecks
from miraikakaku_assets.settings import settings

# Dagster copies every sensor with a beta parameter that nobody has set, and warns about it each time.
warnings.filterwarnings(
    "ignore", message=r"Parameter `owners` of initializer `SensorDefinition", category=dg.BetaWarning
)

_RANGE_TAGS = (
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
    "dagster/partition",
)


_REPEATED: list[Any] = [*prices_jobs.values(), *daily_jobs.values(), *symbol_jobs.values()]
_RESUMED = frozenset(job.name for job in _REPEATED)


def default_status() -> dg.DefaultSensorStatus:
    """Running or stopped, as the settings say."""
    running = settings().miraikakaku_schedules == "on"
    return dg.DefaultSensorStatus.RUNNING if running else dg.DefaultSensorStatus.STOPPED


def default_sensors() -> list[dg.SensorDefinition]:
    """Every sensor, running or stopped as the schedules are."""
    return [
        *key_sensors(default_status()),
        watch_list_keys(),
        resume_paused(),
        bulk_jobs_due(),
        asset_health_look(),
        notifications(),
        cycle_watch(),
        forecasts_due(default_status()),
        alert_watch(default_status()),
        healthchecks(default_status()),
    ]


def watch_list_keys() -> dg.SensorDefinition:
    """Registers the symbols of the watch lists, currency pairs and copper futures."""

    @dg.sensor(
        name="watch_list_keys",
        minimum_interval_seconds=600,
        default_status=default_status(),
        description="Adds partition keys of what the settings name: watched symbols, currency pairs, copper futures; "
        "launches nothing.",
    )
    def watch(context: dg.SensorEvaluationContext, ports: PortsResource) -> dg.SkipReason:
        added = register_named(context.instance, ports.use)
        return dg.SkipReason(f"{counted(added, 'new key')} of watched symbols.")

    return watch


def resume_paused() -> dg.SensorDefinition:
    """Goes on with collections that a source refused to go on with, once it may be asked again."""

    @dg.sensor(
        name="resume_paused",
        jobs=_REPEATED,
        minimum_interval_seconds=60,
        default_status=default_status(),
        description="Repeats a paused collection when the source may be asked again; what is stored is not asked for.",
    )
    def resume(
        context: dg.SensorEvaluationContext, ports: PortsResource
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        parked = ports.use.stores.ledger.paused()
        for batch in parked:
            run = context.instance.get_run_by_id(batch.run_id)
            if run is not None:
                # The key is the batch: one that pauses again is another one, and none is repeated twice.
                yield from _repetitions(run, f"resume_{batch.batch}")
        if not parked:
            yield dg.SkipReason("No paused collection is due.")

    return resume


def _repetitions(run: dg.DagsterRun, key: str) -> Iterator[dg.RunRequest]:
    """What does the same as a run did; nothing for a cycle, because the next one catches up by itself."""
    tags = {name: run.tags[name] for name in _RANGE_TAGS if name in run.tags}
    selected = run.asset_selection or frozenset()
    if run.job_name in _RESUMED:
        yield dg.RunRequest(key, run.run_config, tags, run.job_name, asset_selection=sorted(selected) or None)
        return
    for (universe, timeframe), job in prices_jobs.items():  # the web UI runs assets in a job of no name
        prices = prices_key(universe, timeframe)
        if prices not in selected:
            continue
        ops: Any = run.run_config.get("ops", {})
        config = {"ops": {name: ops[name] for name in (step_name(universe, timeframe),) if name in ops}}
        if timeframe is Timeframe.D1:
            same = [chain_key for chain_key in chain_keys(universe, timeframe) if chain_key in selected]
            yield dg.RunRequest(key, config, tags, daily_jobs[universe].name, asset_selection=same)
        else:  # what is derived from them comes with the next cycle
            yield dg.RunRequest(f"{key}_5m", config, tags, job.name, asset_selection=[prices])


def notifications() -> dg.SensorDefinition:
    """Plans who is told of alerts, and sends what is due and what a channel has refused before."""

    @dg.sensor(
        name="notifications",
        job=notifications_job,
        minimum_interval_seconds=30,
        default_status=default_status(),
        description="Plans who is told of alerts, and starts a run that sends what is due; cycles send theirs at once.",
    )
    def notify(context: dg.SensorEvaluationContext, ports: PortsResource) -> dg.RunRequest | dg.SkipReason:
        from miraikakaku_assets.application.alerting.plan_notices import plan_notices

        use = ports.use
        plan_notices(use.notices.planning)
        if not use.notices.alerts.due(use.notices.channels, use.clock()):
            return dg.SkipReason("No notification is due.")
        if still_runs(context.instance, use, dg.RunsFilter(job_name=notifications_job.name)):
            return dg.SkipReason("Notifications are being sent.")
        return dg.RunRequest()

    return notify


def cycle_watch() -> dg.SensorDefinition:
    """Says when a cycle does not end: the cycle itself cannot."""

    @dg.sensor(
        name="cycle_watch",
        minimum_interval_seconds=60,
        default_status=default_status(),
        description="Raises an alert when a five-minute cycle runs for more than twice MAX_PROCESSING_TIME.",
    )
    def watch(ports: PortsResource) -> dg.SkipReason:
        from miraikakaku_assets.application.alerting.conditions.cycle_alerts import judge_running

        use = ports.use
        changes = judge_running(use.notices.cycles, use.notices.cycle_limits, use.notices.alerting)
        return dg.SkipReason("; ".join(changes.standing) or "No cycle runs too long.")

    return watch
