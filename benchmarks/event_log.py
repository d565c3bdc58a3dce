"""How fast Dagster's books grow by cycles that come every few minutes, with the nightly pruning and without it.

`measure` does some cycles for each of several simulated days on a real instance and prunes after each of them, a
day later by the clock it hands to the pruning. What counts are bytes of live rows: the tables are copied with
their indexes, and the copy is measured. The files themselves do not shrink and say nothing; how large they are at
the end is reported beside it, because the space in them has to be used again.

``python -m benchmarks.event_log`` measures the bare bookkeeping of a cycle: one run that materializes 5 assets of 8
partitions, on a server of its own in a temporary folder.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_postgres import PostgresEventLogStorage
from sqlalchemy import text

from miraikakaku_assets.orchestration.cycles.run import CYCLE_TAG
from miraikakaku_assets.orchestration.pruning.event_log import (
    TABLES,
    Pruned,
    Retention,
    prune_event_log,
    size_of_tables,
)
from miraikakaku_assets.orchestration.pruning.jobs import CYCLES_KEPT

CYCLES_A_DAY = 288
"""Every five minutes, around the clock."""
_DAYS, _SAMPLE = 4, 24
_MIB = 2**20


@dataclass(frozen=True)
class Growth:
    """What cycles leave in the books, MiB.

    Attributes:
        written_per_day: Live rows and indexes that a day's cycles write; the room that is needed until the pruning.
        kept_per_day: What is left of them after the pruning of the following nights.
        files: All tables on disk after the last pruning, free space inside included.
        pruning_seconds: The last pruning.
        cycles: Cycles that were done.
    """

    written_per_day: float
    kept_per_day: float
    files: float
    pruning_seconds: float
    cycles: int


def measure(
    instance: dg.DagsterInstance,
    cycle: Callable[[], object],
    cycles_a_day: int = CYCLES_A_DAY,
    sample: int = _SAMPLE,
    days: int = _DAYS,
) -> Growth:
    """Lives through days of cycles.

    Args:
        instance: A fresh instance with the storage of this project; its books are written and pruned.
        cycle: Does one cycle on that instance, with the tag of cycles, and returns when its run has ended.
        cycles_a_day: How many a day has.
        sample: How many are done for a day; sizes are scaled up.
        days: Days that count; one more comes before them, with which the newest events of each partition arrive.
    """
    scale = cycles_a_day / sample
    written: list[int] = []
    kept: list[int] = []
    pruned: list[Pruned] = []
    for _ in range(days + 1):
        before = live_bytes(instance)
        for _ in range(sample):
            cycle()
        written.append(live_bytes(instance) - before)
        a_day_later = datetime.now(UTC) + CYCLES_KEPT + timedelta(minutes=1)
        pruned.append(prune_event_log(instance, a_day_later, _rules()))
        kept.append(live_bytes(instance))
    return Growth(
        written_per_day=scale * sum(written[1:]) / days / _MIB,
        kept_per_day=scale * (kept[-1] - kept[0]) / days / _MIB,
        files=size_of_tables(instance) / _MIB,
        pruning_seconds=pruned[-1].seconds,
        cycles=sample * (days + 1),
    )


def live_bytes(instance: dg.DagsterInstance) -> int:
    """Bytes of the rows that are there, with their indexes and long values: the size of a copy of the tables."""
    storage = instance.event_log_storage
    if not isinstance(storage, PostgresEventLogStorage):
        raise TypeError(type(storage).__name__)
    total = 0
    for table in TABLES:
        with storage.index_connection() as connection:
            # Not a temporary table: Dagster's connections are lent and given back.
            connection.execute(text("DROP TABLE IF EXISTS measured_copy"))
            connection.execute(text(f"CREATE UNLOGGED TABLE measured_copy (LIKE {table} INCLUDING ALL)"))
            connection.execute(text(f"INSERT INTO measured_copy SELECT * FROM {table}"))
            total += int(
                connection.execute(text("SELECT pg_total_relation_size('measured_copy')")).scalar_one()
            )
            connection.execute(text("DROP TABLE measured_copy"))
    return total


def _rules() -> Retention:
    return Retention(timedelta(days=30), CYCLES_KEPT, CYCLE_TAG)


def bare_cycle(instance: dg.DagsterInstance, partitions: int, assets: int) -> Callable[[], object]:
    """A cycle that does nothing but be recorded."""
    from miraikakaku_assets.orchestration.instance.batched_events import log_materializations

    symbols = [f"PAIR{number}=X" for number in range(partitions)]

    @dg.op
    def nothing(context: dg.OpExecutionContext) -> None:
        for asset in range(assets):
            done = [
                dg.AssetMaterialization(
                    f"asset_{asset}", partition=symbol, metadata={"verdict": "ok", "rows": 1}
                )
                for symbol in symbols
            ]
            log_materializations(context, done)

    @dg.job
    def bare() -> None:
        nothing()

    def cycle() -> object:
        return bare.execute_in_process(instance=instance, tags={CYCLE_TAG: "fx_cycle"})

    return cycle


def main() -> None:
    """Measures bare cycles and prints the result as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.event_log", description=__doc__)
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--assets", type=int, default=5)
    parser.add_argument("--sample", type=int, default=_SAMPLE, help="cycles that are done for a day")
    parser.add_argument("--days", type=int, default=_DAYS)
    options = parser.parse_args()
    print(json.dumps(asdict(_on_a_fresh_server(options)), indent=2))


def _on_a_fresh_server(options: Any) -> Growth:
    from miraikakaku_assets.adapters.storage import embedded
    from miraikakaku_assets.adapters.storage.engine import open_database
    from miraikakaku_assets.adapters.storage.migrate import upgrade
    from miraikakaku_assets.orchestration.instance.storage import EVENT_BATCH_SIZE

    os.environ["DAGSTER_EVENT_BATCH_SIZE"] = str(EVENT_BATCH_SIZE)
    with tempfile.TemporaryDirectory(prefix="event-log-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root the server runs as another user
        database = open_database(folder, None)
        upgrade(database)
        storage = {
            "module": "miraikakaku_assets.orchestration.instance.storage",
            "class": "PooledPostgresStorage",
            "config": {"postgres_url": database.dagster_url},
        }
        (folder / "dagster.yaml").write_text(
            json.dumps({"storage": {"custom": storage}, "telemetry": {"enabled": False}})
        )
        try:
            with dg.DagsterInstance.from_config(str(folder)) as instance:
                cycle = bare_cycle(instance, options.partitions, options.assets)
                return measure(instance, cycle, sample=options.sample, days=options.days)
        finally:
            database.close()
            embedded.stop(folder)


if __name__ == "__main__":
    main()
