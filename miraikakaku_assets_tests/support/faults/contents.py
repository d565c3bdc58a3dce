"""What an installation holds, as a digest per table: alike after a disturbed and an undisturbed run.

Left out are the accounts of attempts, of which a killed one leaves more, and in the other tables the times of writing
and the numbers that a sequence gives.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url

ACCOUNTS = frozenset(
    {
        *(
            "batch_executions",
            "batch_execution_details",
            "data_collection_log",
            "run_progress",
            "stage_reports",
        ),
        *("cycle_log", "run_leases", "stock_master_updates", "rate_limits", "source_probes", "backups"),
        *("service_heartbeats", "system_metrics", "storage_sizes", "watch_positions", "alert_planner"),
        *("notification_channels", "performance_reviews", "daily_figures", "asset_health"),
    }
)
"""Tables that say what was tried and when; `problems` asks them whether they add up."""
_NUMBERS = frozenset(
    {"id", "position", "revision", "run_id", "attempts", "last_error", "seconds", "created_by", "batch"}
)
_MOMENTS = frozenset({"ts", "at"})
"""Columns of the type timestamptz that are contents; the others say when something was written."""
_NAMES = {
    "instrument_id": "SELECT symbol FROM miraikakaku.instruments n WHERE n.id = t.instrument_id",
    "alert_id": "SELECT key FROM miraikakaku.alerts n WHERE n.id = t.alert_id",
    "model_id": "SELECT universe || model FROM miraikakaku.forecast_models n WHERE n.id = t.model_id",
}
"""Column with a number → what it stands for."""
_COLUMNS = text("""
    SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema = 'miraikakaku' AND t.table_type = 'BASE TABLE' ORDER BY 1, 2""")
_MATERIALIZED = """
    SELECT DISTINCT asset_key, partition FROM dagster.event_logs
    WHERE dagster_event_type = 'ASSET_MATERIALIZATION'"""
_DIGEST = "SELECT count(*), md5(coalesce(string_agg(line, E'\\n' ORDER BY line), '')) FROM ({lines}) AS given"
_PROBLEMS = {
    "collections whose rows do not add up": """
        SELECT id FROM miraikakaku.batch_executions
        WHERE rows_read <> rows_inserted + rows_restated + rows_unchanged + rows_quarantined""",
    "collections whose symbols do not add up": """
        SELECT id FROM miraikakaku.batch_executions b
        WHERE processed_stocks <> successful_stocks + failed_stocks
           OR processed_stocks <> (SELECT count(*) FROM miraikakaku.batch_execution_details d
                                   WHERE d.batch_execution_id = b.id)""",
    "collections that nobody has closed": "SELECT id FROM miraikakaku.batch_executions WHERE status = 'running'",
    "backups that nobody has closed": "SELECT name FROM miraikakaku.backups WHERE status = 'running'",
    "runs that nobody has closed": """
        SELECT run_id FROM dagster.runs WHERE status NOT IN ('SUCCESS', 'FAILURE', 'CANCELED')""",
}


def content_digests(url: str) -> dict[str, str]:
    """Rows and digest of what each table holds, and of what was materialized.

    Args:
        url: Of the database (libpq).
    """
    with _connected(url) as connection:
        digests = {
            table: _digest(connection, f"SELECT ({columns})::text AS line FROM miraikakaku.{table} t")
            for table, columns in _contents(connection).items()
        }
        if _has_events(connection):
            digests["materialized"] = _digest(
                connection, f"SELECT (m)::text AS line FROM ({_MATERIALIZED}) AS m"
            )
    return digests


def rows_in(url: str, table: str) -> list[str]:
    """The rows behind a digest, sorted."""
    with _connected(url) as connection:
        columns = _contents(connection)[table]
        query = f"SELECT ({columns})::text AS line FROM miraikakaku.{table} t ORDER BY line"
        return [str(line) for line in connection.scalars(text(query))]


def problems(url: str) -> dict[str, list[Any]]:
    """What is wrong in the accounts, by kind; empty when they add up."""
    with _connected(url) as connection:
        tables = {
            query: _exists(connection, query.split(" FROM ")[1].split()[0]) for query in _PROBLEMS.values()
        }
        answers = {
            what: list(connection.scalars(text(query))) for what, query in _PROBLEMS.items() if tables[query]
        }
    return {what: which for what, which in answers.items() if which}


def _connected(url: str) -> "_Connected":
    return _Connected(url)


class _Connected:
    def __init__(self, url: str) -> None:
        self._engine = create_engine(make_url(url).set(drivername="postgresql+psycopg2"))

    def __enter__(self) -> Connection:
        self._connection = self._engine.connect()
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._engine.dispose()


def _contents(connection: Connection) -> Mapping[str, str]:
    """Table → its columns that are contents, as SQL."""
    columns: dict[str, list[str]] = {}
    for table, name, kind in connection.execute(_COLUMNS):
        is_stamp = kind == "timestamp with time zone" and name not in _MOMENTS
        if table not in ACCOUNTS and name not in _NUMBERS and not is_stamp:
            columns.setdefault(table, []).append(f"({_NAMES[name]})" if name in _NAMES else f't."{name}"')
    return {table: ", ".join(["''", *names]) for table, names in columns.items()}


def _digest(connection: Connection, lines: str) -> str:
    count, digest = connection.execute(text(_DIGEST.format(lines=lines))).one()
    return f"{count} rows, {digest}"


def _has_events(connection: Connection) -> bool:
    return _exists(connection, "dagster.event_logs")


def _exists(connection: Connection, table: str) -> bool:
    return connection.scalar(text("SELECT to_regclass(:table)"), {"table": table}) is not None
