"""How fast a backup copies beside plain ``pg_dump``, and how long the pruning of a large event log takes."""

import json
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.backups.copies import SCHEMAS, PostgresCopies
from miraikakaku_assets.adapters.storage.backups.programs import Programs
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.orchestration.cycles.run import CYCLE_TAG
from miraikakaku_assets.orchestration.pruning.event_log import Retention, prune_event_log
from miraikakaku_assets.orchestration.pruning.jobs import CYCLES_KEPT

_BARS = """
    INSERT INTO miraikakaku.price_bars (instrument_id, timeframe, ts, open, high, low, close, volume, source, status,
        fetched_at)
    SELECT i, '1d', timestamptz '2004-01-05' + d * interval '1 day', p, p + 1, p - 1, p, (random() * 1e6)::bigint,
        'yahoo', 'final', now()
    FROM generate_series(1, :instruments) AS i, generate_series(1, :days) AS d, LATERAL (SELECT 100 + random() * i AS p)
        AS price"""
_INDICATORS = """
    INSERT INTO miraikakaku.technical_indicators (instrument_id, timeframe, ts, {columns})
    SELECT instrument_id, timeframe, ts, {values} FROM miraikakaku.price_bars"""
_COLUMNS = """
    SELECT column_name FROM information_schema.columns
    WHERE table_schema = 'miraikakaku' AND table_name = 'technical_indicators' AND data_type = 'double precision'"""
_EVENTS = """
    INSERT INTO event_logs (run_id, event, dagster_event_type, timestamp, asset_key, partition)
    SELECT 'run' || n % 97, repeat('x', 1200), 'ASSET_MATERIALIZATION', now() AT TIME ZONE 'UTC' - interval '40 days',
        '["jp", "asset' || n % 5 || '"]', 'S' || n % 4000
    FROM generate_series(1, :events) AS n"""


def measure_backup(database: Database, instruments: int, days: int, repeats: int) -> dict[str, Any]:
    """Copies the same rows by ``pg_dump`` as it is and as a backup does, in turns; medians in seconds."""
    with database.engine.begin() as connection:
        connection.execute(text(_BARS), {"instruments": instruments, "days": days})
        columns = list(connection.scalars(text(_COLUMNS)))
        values = ", ".join("close * random()" for _ in columns)
        connection.execute(text(_INDICATORS.format(columns=", ".join(columns), values=values)))
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS dagster"))
    copies = PostgresCopies(database)
    schemas = [argument for schema in SCHEMAS.values() for argument in ("-n", schema)]
    with database.engine.connect() as connection:
        major = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
    programs = Programs(database.url, major)
    plain, ours, figures = list[float](), list[float](), list[float]()
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            begun = time.monotonic()
            programs.run("pg_dump", *schemas, "-f", str(Path(folder) / "plain.sql"))
            plain.append(time.monotonic() - begun)
            begun = time.monotonic()
            dump = copies.dump(Path(folder) / "copy")
            ours.append(dump.dump_seconds)
            figures.append(time.monotonic() - begun - dump.dump_seconds)
    rows = instruments * days * 2
    plain_s, ours_s = statistics.median(plain), statistics.median(ours)
    return {
        "ratio": plain_s / ours_s,
        "plain_s": plain_s,
        "ours_s": ours_s,
        "figures_s": statistics.median(figures),
        "rows": rows,
    }


def measure_pruning(database: Database, events: int) -> dict[str, float]:
    """Prunes overtaken events of 4,000 partitions; seconds for 2 million."""
    storage = {
        "module": "miraikakaku_assets.orchestration.instance.storage",
        "class": "PooledPostgresStorage",
        "config": {"postgres_url": database.dagster_url},
    }
    with tempfile.TemporaryDirectory() as folder:
        config = {"storage": {"custom": storage}, "telemetry": {"enabled": False}}
        (Path(folder) / "dagster.yaml").write_text(json.dumps(config))
        with dg.DagsterInstance.from_config(folder) as instance:
            instance.get_runs(limit=1)
            with database.engine.begin() as connection:
                connection.execute(text("SET LOCAL search_path = dagster"))
                connection.execute(text(_EVENTS), {"events": events})
            with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE dagster.event_logs"))
            rules = Retention(timedelta(days=30), CYCLES_KEPT, CYCLE_TAG)
            pruned = prune_event_log(instance, datetime.now(UTC), rules)
    return {"seconds": pruned.seconds * 2e6 / events, "took": pruned.seconds, "events": pruned.events}
