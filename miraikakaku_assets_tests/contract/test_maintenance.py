"""Rows leave after their time, what they came to stays, and the newest of each kind stays itself."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from miraikakaku_assets.adapters.files.old_files import FolderOldFiles
from miraikakaku_assets.adapters.storage.backups.integrity import PostgresIntegrityCheck
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.maintenance import rows
from miraikakaku_assets.adapters.storage.maintenance.rows import PostgresOldRows
from miraikakaku_assets.application.ports.operations.maintenance import JOBS, LEDGER, PROBES, REPORTS, ROWS

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
BEFORE = NOW - timedelta(days=90)
_FILL = """
    INSERT INTO miraikakaku.batch_executions (id, batch_type, status, universe, timeframe, source, total_stocks,
        rows_inserted, start_time, end_time)
    SELECT n, 'all_stocks', CASE n WHEN 4 THEN 'paused' ELSE 'completed' END, 'jp', '1d', 'yahoo', 2, 10 * n,
        timestamptz '2026-08-01 03:00+00' - n * interval '1 hour', timestamptz '2026-08-01 03:30+00'
    FROM generate_series(1, 6) AS n;
    UPDATE miraikakaku.batch_executions SET end_time = timestamptz '2026-11-19' WHERE id = 6;
    INSERT INTO miraikakaku.batch_execution_details (batch_execution_id, symbol, stock_code, status, verdict,
        records_inserted, end_time)
    SELECT b, s, s, 'completed', 'ok', b, timestamptz '2026-08-01 03:00+00'
    FROM generate_series(1, 6) AS b, unnest(ARRAY['A', 'B']) AS s WHERE s = 'A' OR b < 4;
    INSERT INTO miraikakaku.run_progress (batch_execution_id, status, total) SELECT n, 'completed', 2
    FROM generate_series(1, 6) AS n;
    INSERT INTO miraikakaku.source_probes (probed_at, source, symbol, verdict, latency_ms, rate)
    SELECT timestamptz '2026-08-01 16:00+00' + n * interval '1 minute', 'yahoo', 'A', 'ok', n, 5
    FROM generate_series(1, 50) AS n;"""

_FILL_JOB = """
    UPDATE miraikakaku.batch_executions SET run_id = 'of-a-job' WHERE id = 1;
    UPDATE miraikakaku.run_progress SET run_id = 'of-a-job' WHERE batch_execution_id = 1;
    INSERT INTO miraikakaku.bulk_jobs (id, number, state, symbols, unknown, total, interval, requested_by, body_digest,
        launch_due_at, ended_at)
    VALUES ('job-1', 1, 'completed', '{}', '[]', 2, '1d', 'default', '', timestamptz '2026-08-01',
        timestamptz '2026-11-01');
    INSERT INTO miraikakaku.bulk_job_runs (run_id, job_id) VALUES ('of-a-job', 'job-1');"""


def found(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_what_leaves_is_counted_once_and_the_newest_verdict_stays(
    database: Database, monkeypatch: Any
) -> None:
    monkeypatch.setattr(rows, "_CHUNK", 3)
    with database.engine.begin() as connection:
        connection.execute(text(_FILL))
    old = PostgresOldRows(database)

    next(old.prune(PROBES, BEFORE))  # broken off after the first transaction
    taken = {kind: sum(old.prune(kind, BEFORE)) for kind in ROWS}

    assert taken[PROBES] == 47
    # A of 1-3 and 5 is overtaken by 6, B of 1 and 2 by 3; 4 is paused
    left = found(
        database, "SELECT batch_execution_id, symbol FROM miraikakaku.batch_execution_details ORDER BY 1, 2"
    )
    assert left == [(3, "B"), (4, "A"), (6, "A")]
    assert found(database, "SELECT id FROM miraikakaku.batch_executions ORDER BY id") == [(3,), (4,), (6,)]
    figures = found(
        database,
        "SELECT day::text, count, sum::int, min, max FROM miraikakaku.daily_figures WHERE figure = 'latency_ms'",
    )
    assert figures == [("2026-08-02", 50, 1275, 1.0, 50.0)], "16:00 UTC is the next day in Tokyo"
    inserted = found(
        database,
        "SELECT count, sum::int FROM miraikakaku.daily_figures WHERE figure = 'rows_inserted'",
    )
    assert inserted == [(3, 10 + 20 + 50)]
    assert [sum(old.prune(kind, BEFORE)) for kind in ROWS] == [0] * len(ROWS)
    assert old.count(LEDGER, BEFORE) == 0
    assert len(list(old.vacuum())) == old.tables()


def test_the_figures_of_a_bulk_job_stay_as_long_as_the_job(database: Database) -> None:
    """Its collection is older than the ledger keeps any, and the job is not."""
    with database.engine.begin() as connection:
        connection.execute(text(_FILL))
        connection.execute(text(_FILL_JOB))
    old = PostgresOldRows(database)
    of_job = (
        "SELECT (SELECT count(*) FROM miraikakaku.run_progress p WHERE p.batch_execution_id = b.id),"
        " (SELECT count(*) FROM miraikakaku.batch_execution_details d WHERE d.batch_execution_id = b.id)"
        " FROM miraikakaku.batch_executions b WHERE b.run_id = 'of-a-job'"
    )

    assert sum(old.prune(LEDGER, BEFORE)) > 0
    assert found(database, of_job) == [(1, 2)]

    assert sum(old.prune(JOBS, NOW)) == 2
    assert sum(old.prune(LEDGER, BEFORE)) > 0
    assert found(database, of_job) == []


def test_old_files_leave_and_the_newest_stays(tmp_path: Path) -> None:
    files = FolderOldFiles(tmp_path)
    for number in range(3):
        for name in (f"reports/r{number}.json", f"models/jp/m{number}.bin"):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            os.utime(path, (number, number))

    assert [path.name for path in files.older(REPORTS, NOW)] == ["r0.json", "r1.json"]
    assert [path.name for path in files.unnamed_models(["jp/m1.bin"], NOW)] == ["m0.bin", "m2.bin"]
    assert files.remove(files.older(REPORTS, NOW)) == 2


def test_an_index_that_lost_a_row_is_found(database: Database) -> None:
    """The row is taken out of the table behind the index's back, as a page that was not written would."""
    with database.engine.begin() as connection:
        connection.execute(text(_FILL))
    assert PostgresIntegrityCheck(database).check(NOW).is_whole
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE pg_index SET indisready = false WHERE indexrelid = 'miraikakaku.pk_source_probes'::regclass"
            )
        )
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO miraikakaku.source_probes (id, probed_at, source, symbol, verdict, rate) "
                "VALUES (999, now(), 'yahoo', 'B', 'ok', 5)"
            )
        )
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE pg_index SET indisready = true WHERE indexrelid = 'miraikakaku.pk_source_probes'::regclass"
            )
        )

    report = PostgresIntegrityCheck(database).check(NOW)

    assert list(report.damaged) == ["miraikakaku.pk_source_probes"]
    assert "it finds 50 rows, its table has 51" in report.damaged["miraikakaku.pk_source_probes"]
