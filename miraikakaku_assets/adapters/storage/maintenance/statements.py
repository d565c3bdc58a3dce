"""Statements that take a chunk of rows away and add what they came to to the figures of their days."""

from collections.abc import Mapping
from typing import NamedTuple

from miraikakaku_assets.application.ports.operations.maintenance import ALERTS, CYCLES, JOBS, LEDGER, PROBES


class Leaving(NamedTuple):
    """Rows of a table that leave.

    Attributes:
        table: Its name.
        key: Columns of its key.
        old: Condition on ``t``, with ``:before``.
        subject: Expression over ``gone`` that says what a row is about; empty if no figures of it are kept.
        moment: Column that says which day it is of.
        figures: Figure → expression over ``gone``.
    """

    table: str
    key: str
    old: str
    subject: str = ""
    moment: str = ""
    figures: Mapping[str, str] = {}


# A collection is over when it has ended or its process is gone; the newest verdict of a symbol is what its gaps are
# explained by, so it stays, and its collection with it.
_ENDED = "b.status IN ('completed', 'failed') AND coalesce(b.end_time, b.updated_at) < :before"
_OF_ENDED = (
    f"""EXISTS (SELECT FROM miraikakaku.batch_executions b WHERE b.id = t.batch_execution_id AND {_ENDED})"""
)
_OVERTAKEN = """EXISTS (
    SELECT FROM miraikakaku.batch_execution_details n
    JOIN miraikakaku.batch_executions nb ON nb.id = n.batch_execution_id
    JOIN miraikakaku.batch_executions ob ON ob.id = t.batch_execution_id
    WHERE n.symbol = t.symbol AND n.batch_execution_id > t.batch_execution_id AND n.verdict <> 'underway'
        AND nb.timeframe = ob.timeframe AND nb.universe = ob.universe)"""
_BARE = """NOT EXISTS (SELECT FROM miraikakaku.batch_execution_details d WHERE d.batch_execution_id = t.id)
    AND NOT EXISTS (SELECT FROM miraikakaku.data_collection_log d WHERE d.batch_execution_id = t.id)
    AND NOT EXISTS (SELECT FROM miraikakaku.run_progress d WHERE d.batch_execution_id = t.id)"""
_UNUSED_PROGRESS = """NOT EXISTS (
    SELECT FROM miraikakaku.batch_execution_details d WHERE d.batch_execution_id = t.batch_execution_id)"""
# What a bulk job came to is the sum of its collections: they stay as long as it does.
_OF_NO_JOB = """NOT EXISTS (
    SELECT FROM miraikakaku.bulk_job_runs r JOIN miraikakaku.batch_executions rb ON rb.run_id = r.run_id
    WHERE rb.id = t.batch_execution_id)"""
_OF_ENDED_JOB = "EXISTS (SELECT FROM miraikakaku.bulk_jobs j WHERE j.id = t.job_id AND j.ended_at < :before)"
_UNNAMED_JOB = """NOT EXISTS (SELECT FROM miraikakaku.bulk_job_files f WHERE f.job_id = t.id)
    AND NOT EXISTS (SELECT FROM miraikakaku.bulk_job_runs r WHERE r.job_id = t.id)"""

LEAVING: Mapping[str, tuple[Leaving, ...]] = {
    LEDGER: (
        Leaving(
            "data_collection_log",
            "batch_execution_id, symbol, timeframe",
            _OF_ENDED,
            "'data_collection_log/' || timeframe || '/' || outcome",
            "logged_at",
            {"latency_ms": "latency_ms", "requests": "requests", "rows_read": "rows_read"},
        ),
        Leaving(
            "batch_execution_details",
            "batch_execution_id, symbol",
            f"{_OF_ENDED} AND {_OVERTAKEN} AND {_OF_NO_JOB}",
            "'batch_execution_details/' || verdict",
            "end_time",
            {"records_inserted": "records_inserted", "records_quarantined": "records_quarantined"},
        ),
        Leaving("run_progress", "batch_execution_id", f"{_OF_ENDED} AND {_UNUSED_PROGRESS} AND {_OF_NO_JOB}"),
        Leaving(
            "batch_executions",
            "id",
            f"{_ENDED.replace('b.', 't.')} AND {_BARE}",
            "'batch_executions/' || universe || '/' || timeframe || '/' || status",
            "start_time",
            {
                "symbols": "total_stocks",
                "failed": "failed_stocks",
                "rows_inserted": "rows_inserted",
                "requests": "requests",
                "seconds": "extract(epoch FROM coalesce(end_time, updated_at) - start_time)",
            },
        ),
    ),
    CYCLES: (
        Leaving(
            "cycle_log",
            "id",
            # the newest of a universe is what its alerts are judged by
            """t.started_at < :before AND EXISTS (
                SELECT FROM miraikakaku.cycle_log n WHERE n.universe = t.universe AND n.started_at > t.started_at
                    AND n.ended_at IS NOT NULL)""",
            "'cycle_log/' || universe || CASE WHEN error IS NULL THEN '/ok' ELSE '/failed' END",
            "started_at",
            {
                "seconds": "extract(epoch FROM ended_at - started_at)",
                "symbols": "symbols",
                "succeeded": "succeeded",
                "signals": "signals",
            },
        ),
    ),
    ALERTS: (
        Leaving(  # its notifications leave with it
            "alerts",
            "id",
            "t.resolved_at < :before",
            "'alerts/' || kind || '/' || severity",
            "raised_at",
            {"occurrences": "occurrences", "seconds": "extract(epoch FROM resolved_at - raised_at)"},
        ),
    ),
    JOBS: (  # an idempotency key leaves with its job
        Leaving("bulk_job_files", "job_id, name", _OF_ENDED_JOB),
        Leaving("bulk_job_runs", "run_id", _OF_ENDED_JOB),
        Leaving(
            "bulk_jobs",
            "id",
            f"""t.ended_at < :before AND {_UNNAMED_JOB}""",
            "'bulk_jobs/' || state",
            "ended_at",
            {"symbols": "total", "seconds": "extract(epoch FROM ended_at - created_at)"},
        ),
    ),
    PROBES: (
        Leaving(
            "source_probes",
            "id",
            "t.probed_at < :before",
            "'source_probes/' || source || '/' || symbol || '/' || verdict",
            "probed_at",
            {"latency_ms": "latency_ms", "requests": "requests"},
        ),
    ),
}
"""Kind → its tables, those that name others first."""


def count_statement(leaving: Leaving) -> str:
    """Counts what would leave."""
    return f"SELECT count(*) FROM miraikakaku.{leaving.table} t WHERE {leaving.old}"


def prune_statement(leaving: Leaving) -> str:
    """Takes a chunk of at most ``:limit`` rows away and says how many; rows that somebody holds are left alone."""
    taken = ", ".join(f"t.{column.strip()}" for column in leaving.key.split(","))
    gone = f"""
        gone AS (
            DELETE FROM miraikakaku.{leaving.table} WHERE ({leaving.key}) IN (
                SELECT {taken} FROM miraikakaku.{leaving.table} t WHERE {leaving.old}
                LIMIT :limit FOR UPDATE SKIP LOCKED)
            RETURNING *)"""
    if not leaving.subject:
        return f"WITH {gone} SELECT count(*) FROM gone"
    values = ", ".join(f"('{name}', ({value})::double precision)" for name, value in leaving.figures.items())
    return f"""WITH {gone},
        figures AS (
            SELECT (gone.{leaving.moment} AT TIME ZONE 'Asia/Tokyo')::date AS day, {leaving.subject} AS subject,
                f.figure, count(*) AS count, coalesce(sum(f.value), 0) AS sum, min(f.value) AS min, max(f.value) AS max
            FROM gone CROSS JOIN LATERAL (VALUES {values}) AS f (figure, value) GROUP BY 1, 2, 3),
        added AS (
            INSERT INTO miraikakaku.daily_figures AS d (day, subject, figure, count, sum, min, max)
            SELECT day, subject, figure, count, sum, min, max FROM figures
            ON CONFLICT (day, subject, figure) DO UPDATE SET count = d.count + excluded.count,
                sum = d.sum + excluded.sum, min = least(d.min, excluded.min), max = greatest(d.max, excluded.max))
        SELECT count(*) FROM gone"""
