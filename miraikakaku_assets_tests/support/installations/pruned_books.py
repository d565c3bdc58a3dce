"""What Dagster's web UI asks its books, and what must hold in their tables: to compare before and after a pruning."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import dagster as dg
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

from miraikakaku_assets.orchestration.cycles.run import CYCLE_TAG
from miraikakaku_assets.orchestration.instance.batched_events import log_materializations
from miraikakaku_assets_tests.support.installations.instance_scenarios import (
    ASSETS,
    KEYS,
    SYMBOLS,
    ScatteredConfig,
    listed,
    records_of,
    rows_of,
    scattered_job,
    statuses,
)

TAG = CYCLE_TAG
LISTED = "listed"
_CHECKS = [dg.AssetCheckKey(dg.AssetKey(LISTED), name) for name in ("not_empty", "recent")]


class Logged(NamedTuple):
    """A row of a run's log."""

    row: int
    kind: str | None
    asset: str | None
    partition: str | None
    message: str


class CycleConfig(ScatteredConfig):
    failing: bool = False


@dg.op
def observe(context: dg.OpExecutionContext, config: ScatteredConfig) -> None:
    context.log_event(dg.AssetObservation("prices", metadata={"rows": 0}))
    for symbol in config.symbols:
        for rows in (1, 2):
            context.log_event(dg.AssetObservation("prices", partition=symbol, metadata={"rows": rows}))


@dg.op
def work(context: dg.OpExecutionContext, config: CycleConfig) -> None:
    if config.failing:
        raise dg.Failure("the source is away", allow_retries=False)
    log_materializations(context, records_of(config.symbols))


@dg.job
def observing() -> None:
    observe()


@dg.job
def cycle() -> None:
    work()


def run_observed(instance: dg.DagsterInstance, symbols: Sequence[str]) -> str:
    """Observations of some partitions, two of each, and one of the whole asset."""
    config = {"ops": {"observe": {"config": {"symbols": list(symbols)}}}}
    return observing.execute_in_process(instance=instance, run_config=config).run_id


def run_cycle(instance: dg.DagsterInstance, symbols: Sequence[str], *, failing: bool = False) -> str:
    """A five-minute cycle, as its schedule tags it."""
    config = {"ops": {"work": {"config": {"symbols": list(symbols), "failing": failing}}}}
    return cycle.execute_in_process(
        instance=instance, run_config=config, tags={TAG: "fx_cycle"}, raise_on_error=False
    ).run_id


@dg.asset_check(asset=dg.AssetKey(LISTED))
def recent() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def run_check(instance: dg.DagsterInstance) -> str:
    """A run of a check alone."""
    checking = dg.Definitions(
        assets=[listed],
        asset_checks=[recent],
        jobs=[dg.define_asset_job("checking", dg.AssetSelection.checks(recent))],
    ).resolve_job_def("checking")
    return checking.execute_in_process(instance=instance).run_id


def start_and_leave(instance: dg.DagsterInstance) -> str:
    """A run that is under way."""
    config = {"ops": {"scattered": {"config": {"symbols": KEYS}}}}
    started = dg.DagsterRunStatus.STARTED
    return instance.create_run_for_job(scattered_job, run_config=config, status=started).run_id


def log_of(instance: dg.DagsterInstance, run: str) -> list[Logged]:
    """The log on a run's page."""
    log = []
    for record in instance.get_records_for_run(run).records:
        entry = record.event_log_entry
        event = entry.dagster_event
        asset = event.asset_key.to_string() if event and event.asset_key else None
        partition = event.partition if event else None
        kind = event.event_type_value if event else None
        log.append(Logged(record.storage_id, kind, asset, partition, entry.message))
    return log


def asked_by_the_web_ui(instance: dg.DagsterInstance) -> dict[str, Any]:
    """Partition statuses, newest events, data versions, checks: everything but the history."""
    checks = instance.event_log_storage.get_latest_asset_check_execution_by_key(_CHECKS)
    return {
        **{asset: _asset(instance, asset) for asset in (*ASSETS, LISTED)},
        "checks": {key.name: (record.run_id, record.status) for key, record in checks.items()},
        "keys": list(instance.get_dynamic_partitions("symbol")),
        "assets": sorted(key.to_string() for key in instance.all_asset_keys()),
    }


def _asset(instance: dg.DagsterInstance, asset: str) -> dict[str, Any]:
    key = dg.AssetKey(asset)
    storage = instance.event_log_storage
    counted = get_and_update_asset_status_cache_value(instance, key, SYMBOLS)
    materialized = dg.DagsterEventType.ASSET_MATERIALIZATION
    records = instance.get_asset_records([key])
    if not records:
        return {}
    (record,) = records
    last = record.asset_entry.last_materialization_record
    newest = {
        partition: _ids(instance.fetch_materializations(dg.AssetRecordsFilter(key, [partition]), limit=1))
        for partition in KEYS
    }
    return {
        "statuses": statuses(instance, asset),
        "subsets": None
        if counted is None
        else (
            counted.deserialize_materialized_partition_subsets(SYMBOLS).get_partition_keys(),
            counted.deserialize_failed_partition_subsets(SYMBOLS).get_partition_keys(),
            counted.deserialize_in_progress_partition_subsets(SYMBOLS).get_partition_keys(),
        ),
        "materialized": instance.get_materialized_partitions(key),
        "by partition": storage.get_latest_storage_id_by_partition(key, materialized),
        "newest": newest,
        "last": last.storage_id if last else None,
        "last run": instance.has_run(record.asset_entry.last_run_id or ""),
        "latest": _ids(instance.fetch_materializations(key, limit=1)),
        "observed": _ids(instance.fetch_observations(key, limit=1)),
        "observed as a whole": [
            observation.storage_id
            for observation in instance.fetch_observations(key, limit=100).records
            if observation.partition_key is None
        ][:1],
        "observed by partition": storage.get_latest_storage_id_by_partition(
            key, dg.DagsterEventType.ASSET_OBSERVATION
        ),
        "planned": instance.get_latest_planned_materialization_info(key),
        "attempts": storage.get_latest_asset_partition_materialization_attempts_without_materializations(key),
        "versions": storage.get_latest_tags_by_partition(key, materialized, ["dagster/data_version"]),
    }


def _ids(result: dg.EventRecordsResult) -> list[tuple[int, str]]:
    return [(record.storage_id, record.run_id) for record in result.records]


def broken_books(url: str) -> list[tuple[str, int]]:
    """Rows that no whole set of books has, by what is wrong with them."""
    wrong = {
        "events without their run": """SELECT count(*) FROM event_logs e WHERE run_id <> ''
            AND NOT EXISTS (SELECT FROM runs r WHERE r.run_id = e.run_id)""",
        "tags without their event": """SELECT count(*) FROM asset_event_tags t
            WHERE NOT EXISTS (SELECT FROM event_logs e WHERE e.id = t.event_id)""",
        "tags without their run": """SELECT count(*) FROM run_tags t
            WHERE NOT EXISTS (SELECT FROM runs r WHERE r.run_id = t.run_id)""",
        "checks without their run": """SELECT count(*) FROM asset_check_executions c
            WHERE NOT EXISTS (SELECT FROM runs r WHERE r.run_id = c.run_id)""",
        "checks without their event": """SELECT count(*) FROM asset_check_executions c
            WHERE NOT EXISTS (SELECT FROM event_logs e WHERE e.id = c.evaluation_event_storage_id)""",
        "ended runs without their end": """SELECT count(*) FROM runs r WHERE end_time IS NOT NULL
            AND NOT EXISTS (SELECT FROM event_logs e WHERE e.run_id = r.run_id
                AND e.dagster_event_type LIKE 'PIPELINE\\_%')""",
        "assets without their newest materialization": """SELECT count(*) FROM asset_keys k
            WHERE last_materialization IS NOT NULL AND NOT EXISTS (SELECT FROM event_logs e
                WHERE e.id = (last_materialization::json->>'storage_id')::bigint)""",
    }
    return [(what, count) for what, query in wrong.items() if (count := rows_of(url, query)[0][0])]


def everything_in(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables that a pruning touches."""
    tables = ("runs", "run_tags", "event_logs", "asset_event_tags", "asset_check_executions", "asset_keys")
    return {table: rows_of(url, f"SELECT * FROM {table} ORDER BY id") for table in tables}
