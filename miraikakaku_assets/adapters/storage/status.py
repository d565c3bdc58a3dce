"""What an operator wants to see at a glance, read from the tables."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import TextClause, func, select, text

from miraikakaku_assets.adapters.storage.collection.liveness import AT_WORK, UNDER_WAY
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.every_table import metadata
from miraikakaku_assets.adapters.storage.masters.statements import LIST_IN_FORCE
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

_MASTER = text(f"""
SELECT count(*) FILTER (WHERE is_active) AS listed, count(*) FILTER (WHERE NOT is_active) AS delisted,
       (SELECT list_date FROM ({LIST_IN_FORCE.format(universe=":universe")}) AS in_force) AS list_date
FROM miraikakaku.stock_master WHERE universe = :universe
""")
_LAST_UPDATE = text("""
SELECT status, started_at, list_date, error_message FROM miraikakaku.stock_master_updates
WHERE universe = :universe ORDER BY id DESC LIMIT 1
""")
_BARS = text("""
SELECT count(*) AS bars, count(DISTINCT instrument_id) AS symbols, min(first_ts) AS first, max(last_ts) AS last,
       sum(bar_count)::bigint AS total
FROM (SELECT instrument_id, min(first_ts) AS first_ts, max(last_ts) AS last_ts, sum(rows) AS bar_count
      FROM (SELECT b.instrument_id, min(b.ts) AS first_ts, max(b.ts) AS last_ts, count(*) AS rows
            FROM miraikakaku.price_bars b JOIN miraikakaku.instruments i ON i.id = b.instrument_id
            WHERE i.universe = :universe AND b.timeframe = :timeframe GROUP BY b.instrument_id
            UNION ALL
            SELECT r.instrument_id, r.first_ts, r.last_ts, r.rows
            FROM miraikakaku.cold_ranges r JOIN miraikakaku.instruments i ON i.id = r.instrument_id
            WHERE i.universe = :universe AND r.timeframe = :timeframe) AS in_both
      GROUP BY instrument_id) AS per_symbol
""")
_FRESH = text("""
SELECT count(*) FROM miraikakaku.stock_master m
JOIN miraikakaku.instruments i ON i.id = m.instrument_id
JOIN unnest(CAST(:calendars AS text[]), CAST(:due AS timestamptz[])) AS due(calendar, ts) ON due.calendar = i.calendar
WHERE m.universe = :universe AND m.is_active AND EXISTS (
    SELECT 1 FROM miraikakaku.price_bars b
    WHERE b.instrument_id = m.instrument_id AND b.timeframe = :timeframe AND b.ts >= due.ts AND b.status = 'final')
""")
_QUARANTINE = text("""
SELECT q.rule, count(*) AS rows FROM miraikakaku.quarantined_bars q
LEFT JOIN miraikakaku.instruments i ON i.id = q.instrument_id
WHERE q.released_at IS NULL AND coalesce(i.universe, :universe) = :universe GROUP BY q.rule ORDER BY 2 DESC
""")
_COVERAGE = text("""
SELECT checked_at, coverage, expected_bars, stored_bars, denominator, threshold, report_file
FROM miraikakaku.coverage_reports
WHERE universe = :universe AND timeframe = '1d' AND segment = 'all' ORDER BY id DESC LIMIT 1
""")
_BATCHES = text(f"""
SELECT id, batch_type,
       CASE WHEN error_class = 'cancelled' THEN 'cancelled'
            WHEN status = 'running' AND NOT {AT_WORK.format(batches="batch_executions")} THEN 'broken off'
            ELSE status END AS status,
       universe, timeframe, source, total_stocks, processed_stocks, failed_stocks,
       rows_read, rows_quarantined, start_time, end_time, error_message
FROM miraikakaku.batch_executions ORDER BY id DESC LIMIT 5
""")

_RUNNING = text(f"""
SELECT p.batch_execution_id AS batch, b.universe, b.timeframe, p.status, p.total, p.processed, p.failed, p.records,
       p.percentage, p.symbols_per_minute, p.records_per_minute, p.estimated_completion, p.current_symbols,
       b.resume_at, b.error_message
FROM miraikakaku.run_progress p JOIN miraikakaku.batch_executions b ON b.id = p.batch_execution_id
WHERE {UNDER_WAY}
ORDER BY b.id DESC LIMIT 5
""")
_RESTATED = text("""
SELECT i.symbol, r.reason, r.ex_date, r.factor, r.shown_session, r.old_close, r.new_close, r.bars, r.detected_at
FROM miraikakaku.restatements r JOIN miraikakaku.instruments i ON i.id = r.instrument_id
WHERE i.universe = :universe ORDER BY r.id DESC LIMIT 5
""")

# An index look-up per instrument and timeframe: reading every bar for its newest would take minutes with 5m bars.
_NEWEST = text("""
SELECT i.universe, t.timeframe, count(DISTINCT i.id) AS symbols, max(bar.ts) AS bar, max(indicator.ts) AS indicator,
       count(DISTINCT i.id) FILTER (WHERE s.changed_since IS NOT NULL) AS due
FROM miraikakaku.analysis_state s
JOIN miraikakaku.instruments i ON i.id = s.instrument_id
JOIN unnest(CAST(:timeframes AS text[]), CAST(:collected AS text[])) AS t(timeframe, collected)
  ON t.collected = s.timeframe
CROSS JOIN LATERAL (
    SELECT ts FROM miraikakaku.price_bars b
    WHERE b.instrument_id = i.id AND b.timeframe = t.timeframe COLLATE "C" ORDER BY ts DESC LIMIT 1) bar
LEFT JOIN LATERAL (
    SELECT ts FROM miraikakaku.technical_indicators b
    WHERE b.instrument_id = i.id AND b.timeframe = t.timeframe COLLATE "C" ORDER BY ts DESC LIMIT 1) indicator ON true
GROUP BY i.universe, t.timeframe
""")
_SIGNALS = text("""
SELECT i.universe, count(*) AS signals, max(s.at) AS newest
FROM miraikakaku.pattern_signals s JOIN miraikakaku.instruments i ON i.id = s.instrument_id GROUP BY i.universe
""")
_ROWS = text("""
SELECT coalesce(b.universe, n.universe) AS universe, coalesce(b.timeframe, n.timeframe) AS timeframe,
       coalesce(b.rows, 0) AS bars, coalesce(n.rows, 0) AS indicators
FROM (SELECT universe, timeframe, sum(rows)::bigint AS rows FROM (
          SELECT i.universe, b.timeframe, count(*) AS rows FROM miraikakaku.price_bars b
          JOIN miraikakaku.instruments i ON i.id = b.instrument_id GROUP BY 1, 2
          UNION ALL
          SELECT i.universe, r.timeframe, r.rows FROM miraikakaku.cold_ranges r
          JOIN miraikakaku.instruments i ON i.id = r.instrument_id) AS in_both GROUP BY 1, 2) b
FULL JOIN (SELECT i.universe, b.timeframe, count(*) AS rows FROM miraikakaku.technical_indicators b
      JOIN miraikakaku.instruments i ON i.id = b.instrument_id GROUP BY 1, 2) n USING (universe, timeframe)
""")
_SEGMENTS = text("""
SELECT segment, instruments, complete_instruments, empty_instruments, expected_bars, stored_bars, coverage, threshold,
       denominator, window_start, window_end, checked_at, report_file
FROM miraikakaku.coverage_reports
WHERE universe = :universe AND timeframe = '1d'
  AND checked_at = (
      SELECT max(checked_at) FROM miraikakaku.coverage_reports WHERE universe = :universe AND timeframe = '1d')
ORDER BY id
""")


class PostgresStatus:
    """Implements the port `StatusStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest_coverage(self, universe: Universe) -> list[dict[str, Any]]:
        """Rows of the newest coverage check, the whole universe first."""
        return self._rows(_SEGMENTS, {"universe": universe.name})

    def table_sizes(self) -> dict[str, int]:
        """Rows per table, counted."""
        with self._database.engine.connect() as connection:
            return {
                table.name: int(connection.scalar(select(func.count()).select_from(table)) or 0)
                for table in metadata.sorted_tables
            }

    def newest_analysed(self, derived: Mapping[Timeframe, Timeframe]) -> list[dict[str, Any]]:
        """Symbols, newest bar and newest indicators (UTC) per universe and timeframe, and how many symbols are due.

        Args:
            derived: Timeframe → the collected one whose marks are its own.
        """
        named = {
            "timeframes": [str(timeframe) for timeframe in derived],
            "collected": [str(timeframe) for timeframe in derived.values()],
        }
        return self._rows(_NEWEST, named)

    def signals(self) -> dict[str, dict[str, Any]]:
        """Universe → how many signals are stored, and when the newest became known (UTC)."""
        with self._database.engine.connect() as connection:
            return {
                row.universe: {"signals": row.signals, "newest": row.newest}
                for row in connection.execute(_SIGNALS)
            }

    def analysed_rows(self) -> list[dict[str, Any]]:
        """Bars and rows of indicators per universe and timeframe, counted."""
        return self._rows(_ROWS)

    def read(self, universe: Universe, timeframe: Timeframe, due: Mapping[str, datetime]) -> dict[str, Any]:
        """Master, bars, freshness, quarantine, coverage and the newest batches.

        Args:
            universe: Whose status.
            timeframe: Of the bars.
            due: Calendar of instruments → start of the newest bar that should be there (UTC).
        """
        named = {
            "universe": universe.name,
            "timeframe": timeframe.value,
            "calendars": list(due),
            "due": list(due.values()),
        }
        with self._database.engine.connect() as connection:

            def rows(query: Any) -> list[dict[str, Any]]:
                return [dict(row) for row in connection.execute(query, named).mappings()]

            def first(query: Any) -> dict[str, Any] | None:
                return next(iter(rows(query)), None)

            return {
                "database": {
                    "url": self._database.shown,
                    "server": connection.exec_driver_sql("SHOW server_version").scalar(),
                },
                "master": first(_MASTER),
                "last_update": first(_LAST_UPDATE),
                "bars": first(_BARS),
                "fresh_symbols": connection.scalar(_FRESH, named),
                "quarantine": rows(_QUARANTINE),
                "coverage": first(_COVERAGE),
                "batches": rows(_BATCHES),
                "running": rows(_RUNNING),
                "restated": rows(_RESTATED),
            }

    def _rows(self, query: TextClause, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        with self._database.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query, parameters).mappings()]
