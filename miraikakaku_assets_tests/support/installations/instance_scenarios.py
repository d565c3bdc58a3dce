"""Runs that every instance storage must keep books of alike, and a way to compare the books.

The chain is a range run as production does it (skippable specs, a generator, one materialization per
success, a failure at the end); the op job is the retry of scattered symbols.
"""

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from miraikakaku_assets.orchestration.instance.batched_events import log_materializations

SYMBOLS = dg.DynamicPartitionsDefinition(name="symbol")
KEYS = [f"{1301 + position}.T" for position in range(9)]
ASSETS = ("indicators", "prices", "timeframes")
CHUNK = 4
WHOLE_RANGE = {"dagster/asset_partition_range_start": KEYS[0], "dagster/asset_partition_range_end": KEYS[-1]}
MODULE = "miraikakaku_assets.orchestration.instance.storage"


class ChainConfig(dg.Config):
    failing: list[str] = Field(default=[])
    cancelled_at: str = ""


def records_of(symbols: list[str]) -> list[dg.AssetMaterialization]:
    """One materialization per symbol and asset, symbol by symbol, with a tag that Dagster indexes."""
    return [
        dg.AssetMaterialization(
            asset, partition=symbol, metadata={"rows": 5}, tags={"dagster/data_version": f"{symbol}-5"}
        )
        for symbol in symbols
        for asset in ASSETS
    ]


@dg.multi_asset(
    specs=[dg.AssetSpec(asset, skippable=True, partitions_def=SYMBOLS) for asset in ASSETS],
    can_subset=True,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def chain(context: dg.AssetExecutionContext, config: ChainConfig) -> Iterator[dg.MaterializeResult[None]]:
    keys = list(context.partition_keys)
    for start in range(0, len(keys), CHUNK):
        done = [key for key in keys[start : start + CHUNK] if key not in config.failing]
        log_materializations(context, records_of(done))
        if config.cancelled_at in done:
            context.instance.report_run_canceling(context.run)  # these two are what terminating a run does
            os.kill(os.getpid(), signal.SIGINT)
    if config.failing:
        raise dg.Failure(f"{len(config.failing)} of {len(keys)} symbols failed", allow_retries=False)
    yield from ()


class ScatteredConfig(dg.Config):
    symbols: list[str]


@dg.op
def scattered(context: dg.OpExecutionContext, config: ScatteredConfig) -> None:
    log_materializations(context, records_of(config.symbols))


@dg.job
def scattered_job() -> None:
    scattered()


@dg.asset(
    partitions_def=SYMBOLS, code_version="1", check_specs=[dg.AssetCheckSpec("not_empty", asset="listed")]
)
def listed():
    """All symbols at once: Dagster itself writes the materializations, with data version tags."""
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True, check_name="not_empty")])


DEFINITIONS = dg.Definitions(
    assets=[chain, listed],
    jobs=[
        scattered_job,
        dg.define_asset_job("chain_job", selection=list(ASSETS), executor_def=dg.in_process_executor),
    ],
)


def chain_job() -> dg.JobDefinition:
    return DEFINITIONS.resolve_job_def("chain_job")


def run_chain(instance: dg.DagsterInstance, tags: dict[str, str] | None = None, **config: Any) -> str:
    """Runs the whole range; returns the run's id."""
    result = dg.execute_job(
        dg.reconstructable(chain_job),
        instance=instance,
        run_config={"ops": {"chain": {"config": config}}},
        tags=WHOLE_RANGE | (tags or {}),
    )
    return result.run_id


def run_again_from_failure(instance: dg.DagsterInstance, run_id: str) -> str:
    options = dg.ReexecutionOptions.from_failure(run_id, instance)
    result = dg.execute_job(
        dg.reconstructable(chain_job),
        instance=instance,
        run_config={"ops": {"chain": {"config": {}}}},
        tags=WHOLE_RANGE,
        reexecution_options=options,
    )
    return result.run_id


def run_scattered(instance: dg.DagsterInstance, symbols: list[str]) -> str:
    config = {"ops": {"scattered": {"config": {"symbols": symbols}}}}
    return scattered_job.execute_in_process(instance=instance, run_config=config).run_id


def run_listed(instance: dg.DagsterInstance) -> str:
    resources = {"io_manager": dg.mem_io_manager}
    return dg.materialize([listed], instance=instance, tags=WHOLE_RANGE, resources=resources).run_id


def statuses(instance: dg.DagsterInstance, asset: str) -> dict[str, str]:
    """Per symbol MATERIALIZED, FAILED, IN_PROGRESS or missing, as the asset's page shows it."""
    by_partition = instance.get_status_by_partition(dg.AssetKey(asset), KEYS, SYMBOLS) or {}
    return {key: status.name if status else "missing" for key, status in by_partition.items()}


def run_status(instance: dg.DagsterInstance, run_id: str) -> str:
    run = instance.get_run_by_id(run_id)
    return run.status.name if run else "missing"


def newest_partition(instance: dg.DagsterInstance, asset: str) -> str | None:
    """Partition of the materialization that the asset's page shows as its last one."""
    newest = instance.get_latest_materialization_event(dg.AssetKey(asset))
    materialization = newest.asset_materialization if newest else None
    return materialization.partition if materialization else None


def schema_url(database_url: str, schema: str) -> str:
    """SQLAlchemy URL of a schema of the database, which is created if it is missing."""
    url = make_url(database_url).set(drivername="postgresql+psycopg2")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
    engine.dispose()
    return url.update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(hide_password=False)


def rows_of(url: str, query: str) -> list[tuple[Any, ...]]:
    """Answer of a query on a connection of its own: it sees what is committed, nothing else."""
    engine = create_engine(url)
    with engine.connect() as connection:
        answer = [tuple(row) for row in connection.execute(text(query))]
    engine.dispose()
    return answer


def write_dagster_yaml(folder: Path, storage: dict[str, Any], **more: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    content = {"telemetry": {"enabled": False}, "storage": storage, **more}
    (folder / "dagster.yaml").write_text(json.dumps(content))  # JSON is YAML
    return folder


def stock_config(url: str) -> dict[str, Any]:
    return {"postgres": {"postgres_url": url}}


def pooled_config(url: str) -> dict[str, Any]:
    return {"custom": {"module": MODULE, "class": "PooledPostgresStorage", "config": {"postgres_url": url}}}


@contextmanager
def opened(folder: Path, storage: dict[str, Any]) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(write_dagster_yaml(folder, storage))) as instance:
        instance.add_dynamic_partitions("symbol", KEYS)
        yield instance


class Books:
    """What a storage has written, with ids and times replaced by their rank."""

    _BY_RANK = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
    _MEASURED = re.compile(r"\b\d+(\.\d+)?(ms|s)\b|pid: \d+|0x[0-9a-f]+")
    _OMITTED = frozenset(
        {"timestamp", "pid", "duration_ms", "storage_id", "log_key", "execution_plan_snapshot_id"}
    )

    def __init__(self, engine: Engine) -> None:
        with engine.connect() as connection:
            self._rows = {
                table: [dict(row) for row in connection.execute(text(query)).mappings()]
                for table, query in _QUERIES.items()
            }
        self._runs = {row["run_id"]: f"run {rank}" for rank, row in enumerate(self._rows["runs"])}

    def tables(self) -> dict[str, list[Any]]:
        return {table: [self._plain(row) for row in rows] for table, rows in self._rows.items()}

    def _plain(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._plain(part) for name, part in value.items() if name not in self._OMITTED}
        if isinstance(value, list):
            return [self._plain(part) for part in value]
        if isinstance(value, str):
            if value.startswith("{"):
                return self._plain(json.loads(value))
            known = self._BY_RANK.sub(lambda match: self._runs.get(match[0], "id"), value)
            return self._MEASURED.sub("measured", known)
        return value


_QUERIES = {
    "runs": """SELECT run_id, pipeline_name, status, partition, partition_set, run_body, backfill_id,
        start_time IS NOT NULL AS started, end_time IS NOT NULL AS ended FROM runs ORDER BY id""",
    "run_tags": """SELECT run_id, key, value FROM run_tags
        ORDER BY (SELECT runs.id FROM runs WHERE runs.run_id = run_tags.run_id), key""",
    "event_logs": """SELECT run_id, dagster_event_type, step_key, asset_key, partition, event
        FROM event_logs ORDER BY id""",
    "asset_keys": """SELECT asset_key, last_run_id, last_materialization, asset_details, tags,
        (SELECT count(*) FROM event_logs
            WHERE event_logs.id <= (last_materialization::json->>'storage_id')::bigint) AS last_event,
        last_materialization_timestamp = (SELECT max(timestamp) FROM event_logs
            WHERE event_logs.asset_key = asset_keys.asset_key) AS newest_time
        FROM asset_keys ORDER BY asset_key""",
    "asset_event_tags": """SELECT (SELECT count(*) FROM event_logs WHERE event_logs.id <= event_id) AS event,
        asset_key, key, value FROM asset_event_tags ORDER BY event_id, key""",
    "asset_check_executions": """SELECT asset_key, check_name, partition, run_id, execution_status,
        (SELECT count(*) FROM event_logs WHERE event_logs.id <= evaluation_event_storage_id) AS event
        FROM asset_check_executions ORDER BY id""",
    "dynamic_partitions": "SELECT partitions_def_name, partition FROM dynamic_partitions ORDER BY id",
}
