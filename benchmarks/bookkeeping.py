"""What Dagster's bookkeeping costs: a range run that does nothing but be recorded.

The run is what production does: planned events for every partition and asset, then one materialization
each, logged 50 symbols at a time. Each variant runs in a fresh process on a fresh database; imports, the
making of the instance and adding the keys are not counted. ``stock`` is dagster-postgres as it comes,
without ``DAGSTER_EVENT_BATCH_SIZE``.

``python -m benchmarks.bookkeeping`` prints all of it as JSON (on a server of its own, in a temporary
folder); with ``--storage`` it is one variant on the database named by ``--url``.
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

STOCK_PARTITIONS = 200
"""Stock needs 16 ms per partition and asset, whatever their number: 4,000 x 3 would take over 3 minutes."""
REPEATS = 3
"""Runs with our storage, of which the median counts: a neighbour on the machine costs one of them 40 %."""
_SYMBOLS_PER_BATCH = 50
STORAGE_MODULE = "miraikakaku_assets.orchestration.instance.storage"


def measure(
    partitions: int, assets: int, stock_partitions: int = STOCK_PARTITIONS, repeats: int = REPEATS
) -> dict[str, Any]:
    """Times a run with the pooled and one with the stock storage.

    Args:
        partitions: Partition keys of the run with our storage.
        assets: Assets that the run materializes for each key.
        stock_partitions: Keys of the run with the stock storage; capped at ``partitions``.
        repeats: Runs with our storage, every one in a fresh process on a fresh database; stock runs once.

    Returns:
        ``ms_per_partition_asset`` (median of the repeats) and ``stock_ms_per_partition_asset``, both
        milliseconds of wall time, ``vs_stock`` (how many times faster ours is), ``bare`` (the repeat whose ratio to
        its bare COPY is the median one) and all runs with their sizes.
    """
    with server() as server_url:
        stock = in_fresh_process(server_url, "stock", min(partitions, stock_partitions), assets)
        pooled = [in_fresh_process(server_url, "pooled", partitions, assets) for _ in range(repeats)]
    ours = statistics.median(run["ms_per_partition_asset"] for run in pooled)
    return {
        "ms_per_partition_asset": ours,
        "stock_ms_per_partition_asset": stock["ms_per_partition_asset"],
        "vs_stock": stock["ms_per_partition_asset"] / ours,
        "bare": sorted(pooled, key=lambda run: run["seconds"] / run["copy_seconds"])[len(pooled) // 2],
        "runs": [stock, *pooled],
    }


def measure_partition_keys(keys: int) -> dict[str, Any]:
    """Times adding sorted keys to an empty dynamic partitions definition in one batch.

    Returns:
        ``seconds`` with our storage, ``stock_seconds`` with Dagster's.
    """
    with server() as server_url:
        pooled, stock = (in_fresh_process(server_url, name, keys, 0) for name in ("pooled", "stock"))
    return {"keys": keys, "seconds": pooled["add_keys_seconds"], "stock_seconds": stock["add_keys_seconds"]}


@contextmanager
def server() -> Iterator[str]:
    """A PostgreSQL server for the time of a measurement; yields its libpq URL."""
    from miraikakaku_assets.adapters.storage import embedded

    with tempfile.TemporaryDirectory(prefix="bookkeeping-") as folder:
        try:
            yield embedded.ensure_running(Path(folder))
        finally:
            embedded.stop(Path(folder))


def in_fresh_process(server_url: str, storage: str, partitions: int, assets: int) -> dict[str, Any]:
    """One variant in a fresh process on a fresh database; its times (wall, and processor of the process) and rows."""
    name = f"bookkeeping_{uuid.uuid4().hex}"
    url = make_url(server_url).set(drivername="postgresql+psycopg2")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    admin.dispose()
    database_url = url.set(database=name).render_as_string(hide_password=False)
    sizes = ["--partitions", str(partitions), "--assets", str(assets)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bookkeeping", "--storage", storage, *sizes, "--url", database_url],
        cwd=Path(__file__).parents[1],
        env={key: value for key, value in os.environ.items() if key != "DAGSTER_EVENT_BATCH_SIZE"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a line for every event, as in a run's captured log
        check=True,
    )
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _measured_variant(storage: str, partitions: int, assets: int, url: str) -> dict[str, Any]:
    import dagster as dg

    custom = {"module": STORAGE_MODULE, "class": "PooledPostgresStorage", "config": {"postgres_url": url}}
    configured = {"custom": custom} if storage == "pooled" else {"postgres": {"postgres_url": url}}
    keys = sorted(f"{1000 + position}.T" for position in range(partitions))
    with tempfile.TemporaryDirectory(prefix="bookkeeping-") as folder:
        config = {"telemetry": {"enabled": False}, "storage": configured}
        (Path(folder) / "dagster.yaml").write_text(json.dumps(config))  # JSON is YAML
        with dg.DagsterInstance.from_config(folder) as instance:
            start = time.perf_counter()
            instance.add_dynamic_partitions("symbol", keys)
            added = time.perf_counter() - start
            run = _timed_run(instance, keys, assets) if assets else {}
    return {
        "storage": storage,
        "partitions": partitions,
        "assets": assets,
        "add_keys_seconds": added,
        **run,
    }


def _timed_run(instance: Any, keys: list[str], assets: int) -> dict[str, float]:
    import dagster as dg

    from miraikakaku_assets.orchestration.instance.batched_events import log_materializations
    from miraikakaku_assets.orchestration.pruning.event_log import size_of_tables

    symbols = dg.DynamicPartitionsDefinition(name="symbol")
    specs = [
        dg.AssetSpec(f"asset_{number}", skippable=True, partitions_def=symbols) for number in range(assets)
    ]

    @dg.multi_asset(specs=specs, can_subset=True)
    def chain(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        chosen = sorted(context.selected_asset_keys)
        planned = context.partition_keys  # every look asks the database for all keys: 9 ms for 4,000
        for start in range(0, len(planned), _SYMBOLS_PER_BATCH):
            records = [
                dg.AssetMaterialization(asset, partition=key, metadata={"rows": 5, "status": "ok"})
                for key in planned[start : start + _SYMBOLS_PER_BATCH]
                for asset in chosen
            ]
            log_materializations(context, records)
        yield from ()

    tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
    start, cpu = time.perf_counter(), time.process_time()
    dg.materialize([chain], instance=instance, tags=tags)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    for spec in specs:
        recorded = instance.get_materialized_partitions(spec.key)
        if recorded != set(keys):
            raise RuntimeError(f"{len(recorded)} of {len(keys)} partitions of {spec.key} were recorded")
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "ms_per_partition_asset": seconds * 1000 / (len(keys) * assets),
        "event_bytes": size_of_tables(instance),
        **bare_copy(instance),
    }


def bare_copy(instance: Any) -> dict[str, float]:
    """Writes the stored events once more, by one COPY into a table with the same columns, defaults and indexes.

    Returns:
        ``copy_seconds`` until the commit, ``event_rows``.

    Raises:
        RuntimeError: Not every row has arrived.
    """
    with instance.event_log_storage.index_connection() as connection:
        connection.exec_driver_sql("CREATE TABLE bare_events (LIKE event_logs INCLUDING ALL)")
        with connection.connection.cursor() as cursor:
            rows = io.BytesIO()
            cursor.copy_expert("COPY event_logs TO STDOUT (FORMAT binary)", rows)
            rows.seek(0)
            start = time.perf_counter()
            cursor.copy_expert("COPY bare_events FROM STDIN (FORMAT binary)", rows)
            connection.connection.commit()
            seconds = time.perf_counter() - start
            cursor.execute("SELECT (SELECT count(*) FROM event_logs), (SELECT count(*) FROM bare_events)")
            stored, copied = cursor.fetchone()
            cursor.execute("DROP TABLE bare_events")
            connection.connection.commit()
    if stored != copied:
        raise RuntimeError(f"{copied:,} of {stored:,} events were copied")
    return {"copy_seconds": seconds, "event_rows": stored}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--storage", choices=["pooled", "stock"])
    parser.add_argument("--partitions", type=int, default=4000)
    parser.add_argument("--assets", type=int, default=3)
    parser.add_argument("--stock-partitions", type=int, default=STOCK_PARTITIONS)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--keys", type=int, default=16000)
    parser.add_argument("--url", help="SQLAlchemy URL of an empty database, with --storage")
    options = parser.parse_args()
    if options.storage:
        measured = _measured_variant(options.storage, options.partitions, options.assets, options.url)
        print(json.dumps(measured))
        return
    run = measure(options.partitions, options.assets, options.stock_partitions, options.repeats)
    print(json.dumps({"run": run, "partition_keys": measure_partition_keys(options.keys)}, indent=1))


if __name__ == "__main__":
    main()
