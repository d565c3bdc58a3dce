"""One process that does the steps of one job, by one engine; what an earlier process has done is not done again.

A step stores one row. ``dbos`` records each step after its row, ``dbos-transaction`` in the transaction of its row;
``ours`` is a range run of as many partitions that stores and records a delivery of symbols at a time, as a collection
does.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

WORKFLOW = "steps"
_STORE = text("INSERT INTO stored_steps VALUES (:step) ON CONFLICT DO NOTHING")
_STORED = "SELECT step FROM stored_steps"


def key_of(step: int) -> str:
    """Partition key of a step, in the order of their numbers."""
    return f"{10_000 + step}.T"


def _dbos(url: str, steps: int, *, in_transaction: bool) -> float:
    from dbos import DBOS, SetWorkflowID, SQLAlchemyDatasource

    DBOS(
        config={
            "name": WORKFLOW,
            "system_database_url": url,
            "application_version": "1",  # else the source's digest, and a changed file would not take its work up
            "executor_id": "local",
            "log_level": "ERROR",
        }
    )
    source = SQLAlchemyDatasource.create(url) if in_transaction else None
    engine = create_engine(url, pool_pre_ping=False)

    def store(step: int) -> int:
        if source is not None:
            source.sql_session().execute(_STORE, {"step": step})
        else:
            with engine.begin() as connection:
                connection.execute(_STORE, {"step": step})
        return step

    durable: Callable[[int], int] = source.transaction(store) if source is not None else DBOS.step()(store)

    @DBOS.workflow()
    def work(count: int) -> int:
        return len([durable(step) for step in range(count)])

    DBOS.launch()
    begun = time.perf_counter()
    # The id of a workflow that an earlier process began: launching takes it up, and this waits for its end.
    with SetWorkflowID(WORKFLOW):
        done = DBOS.start_workflow(work, steps).get_result()
    seconds = time.perf_counter() - begun
    if done != steps:
        raise RuntimeError(f"DBOS recorded {done:,} of {steps:,} steps")
    DBOS.destroy()
    engine.dispose()
    return seconds


def _ours(url: str, steps: int, delivery: int) -> float:
    import dagster as dg

    from benchmarks.bookkeeping import STORAGE_MODULE
    from miraikakaku_assets.orchestration.instance.batched_events import log_materializations

    engine = create_engine(url)
    numbers = {key_of(step): step for step in range(steps)}
    keys = list(numbers)

    asset = dg.AssetKey("stored")
    spec = dg.AssetSpec(asset, skippable=True, partitions_def=dg.DynamicPartitionsDefinition(name="steps"))

    @dg.multi_asset(specs=[spec], can_subset=True)
    def stored(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        done = _stored(engine)
        planned = context.partition_keys
        for start in range(0, len(planned), delivery):
            chunk = planned[start : start + delivery]
            new = [{"step": numbers[key]} for key in chunk if key not in done]
            if new:
                with engine.begin() as connection:
                    connection.execute(_STORE, new)
            records = [
                dg.AssetMaterialization(
                    asset,
                    partition=key,
                    metadata={"rows": 1, "status": "reused" if key in done else "ok"},
                )
                for key in chunk
            ]
            log_materializations(context, records)
        yield from ()

    custom = {"module": STORAGE_MODULE, "class": "PooledPostgresStorage", "config": {"postgres_url": url}}
    tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
    with tempfile.TemporaryDirectory(prefix="durable-") as folder:
        config = {"telemetry": {"enabled": False}, "storage": {"custom": custom}}
        (Path(folder) / "dagster.yaml").write_text(json.dumps(config))  # JSON is YAML
        with dg.DagsterInstance.from_config(folder) as instance:
            for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
                instance.report_run_failed(run, "The process that did this run is gone.")
            instance.add_dynamic_partitions("steps", keys)
            begun = time.perf_counter()
            dg.materialize([stored], instance=instance, tags=tags)
            seconds = time.perf_counter() - begun
            recorded = instance.get_materialized_partitions(asset)
    if recorded != set(keys):
        raise RuntimeError(f"Dagster recorded {len(recorded):,} of {steps:,} steps")
    engine.dispose()
    return seconds


def _stored(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return {key_of(step) for step in connection.scalars(text(_STORED))}


ENGINES: dict[str, Callable[[str, int], float]] = {
    "dbos": lambda url, steps: _dbos(url, steps, in_transaction=False),
    "dbos-transaction": lambda url, steps: _dbos(url, steps, in_transaction=True),
    "ours": lambda url, steps: _ours(url, steps, 50),
    "ours-single": lambda url, steps: _ours(url, steps, 1),
}
"""``ours-single`` records and commits every step by itself, as DBOS does."""


def main() -> None:
    """Does what is left of the steps; prints the seconds of the work, imports and start not counted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.durable.worker", description=__doc__)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("url", help="SQLAlchemy URL of a database with the table stored_steps")
    parser.add_argument("steps", type=int)
    chosen: Any = parser.parse_args()
    print(json.dumps({"seconds": ENGINES[chosen.engine](chosen.url, chosen.steps)}))


if __name__ == "__main__":
    main()
