"""What is stored about an installation, as numbers for a monitoring system.

Nothing here reads a table of bars as a whole: the newest bar is a look-up per instrument.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, TextClause, text

from miraikakaku_assets.adapters.storage.engine import DAGSTER_SCHEMA, Database
from miraikakaku_assets.adapters.storage.tables import SCHEMA
from miraikakaku_assets.application.ports.operations.metrics import StoredFigures

_COVERAGE = text("""
SELECT universe, segment, coverage FROM miraikakaku.coverage_reports r
WHERE coverage IS NOT NULL AND timeframe = '1d' AND checked_at = (
    SELECT max(checked_at) FROM miraikakaku.coverage_reports n WHERE n.universe = r.universe AND n.timeframe = '1d')
""")
_NEWEST_BARS = text("""
SELECT i.universe, s.timeframe, extract(epoch FROM CAST(:now AS timestamptz) - max(bar.ts))
FROM miraikakaku.collection_state s
JOIN miraikakaku.instruments i ON i.id = s.instrument_id
CROSS JOIN LATERAL (
    SELECT ts FROM miraikakaku.price_bars b
    WHERE b.instrument_id = s.instrument_id AND b.timeframe = s.timeframe AND b.status = 'final'
    ORDER BY ts DESC LIMIT 1) bar
GROUP BY 1, 2
""")
_STANDING = text("SELECT severity, count(*) FROM miraikakaku.alerts WHERE resolved_at IS NULL GROUP BY 1")
_COLLECTIONS = text(
    "SELECT universe, timeframe, status, count(*) FROM miraikakaku.batch_executions GROUP BY 1, 2, 3"
)
_NEWEST_COLLECTIONS = text("""
SELECT DISTINCT ON (universe, timeframe) universe, timeframe, extract(epoch FROM end_time - start_time) AS seconds,
       successful_stocks::float8 / nullif(successful_stocks + failed_stocks, 0) AS success,
       extract(epoch FROM end_time) AS ended
FROM miraikakaku.batch_executions WHERE end_time IS NOT NULL ORDER BY universe, timeframe, id DESC
""")
_NEWEST_CYCLES = text("""
SELECT DISTINCT ON (universe) universe, extract(epoch FROM ended_at - started_at) AS seconds,
       succeeded::float8 / nullif(symbols, 0) AS success
FROM miraikakaku.cycle_log WHERE ended_at IS NOT NULL ORDER BY universe, started_at DESC, id DESC
""")
_WAITING = text("""
SELECT channel, count(*) FROM miraikakaku.notification_outbox WHERE delivered_at IS NULL GROUP BY 1
""")
_TABLES = text(f"""
SELECT schemaname, relname, pg_total_relation_size(relid) FROM pg_stat_user_tables
WHERE schemaname IN ('{SCHEMA}', '{DAGSTER_SCHEMA}')
""")


class PostgresFigures:
    """Implements the port `FigureReader`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def figures(self, now: datetime) -> StoredFigures:
        """All of them at a moment (UTC)."""
        with self._database.engine.connect() as connection:
            collections = connection.execute(_NEWEST_COLLECTIONS).all()
            cycles = connection.execute(_NEWEST_CYCLES).all()
            sizes = _values(connection, _TABLES)
            return StoredFigures(
                coverage=_values(connection, _COVERAGE),
                newest_bar_age=_values(connection, _NEWEST_BARS, now=now),
                standing_alerts=_values(connection, _STANDING),
                collections=_values(connection, _COLLECTIONS),
                collection_seconds={(row[0], row[1]): float(row.seconds) for row in collections},
                collection_success={
                    (row[0], row[1]): float(row.success) for row in collections if row.success is not None
                },
                collection_end={(row[0], row[1]): float(row.ended) for row in collections},
                cycle_seconds={(row.universe,): float(row.seconds) for row in cycles},
                cycle_success={
                    (row.universe,): float(row.success) for row in cycles if row.success is not None
                },
                waiting_notifications=_values(connection, _WAITING),
                table_bytes=sizes,
                event_log_bytes=sum(
                    size for (schema, table), size in sizes.items() if (schema, table) in _EVENT_LOG
                ),
            )


_EVENT_LOG = {
    (DAGSTER_SCHEMA, table) for table in ("event_logs", "asset_event_tags", "asset_check_executions")
}


def _values(connection: Connection, query: TextClause, **parameters: Any) -> dict[tuple[str, ...], float]:
    """Rows whose last column is the value and whose others are labels."""
    return {tuple(row[:-1]): float(row[-1]) for row in connection.execute(query, parameters)}
