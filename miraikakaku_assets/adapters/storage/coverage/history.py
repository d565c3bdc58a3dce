"""What coverage checks have left, and the size of the storage, in PostgreSQL."""

import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import insert, text

from miraikakaku_assets.adapters.storage.coverage.tables import storage_sizes
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.coverage import CheckedUniverse, IssueCounts
from miraikakaku_assets.domain.coverage.frames import DAYS
from miraikakaku_assets.domain.market.instruments import Universe

_SEGMENTS = text("""
SELECT r.checked_at, r.segment, r.coverage, r.expected_bars, r.stored_bars, r.instruments, r.complete_instruments,
       r.empty_instruments, r.window_start, r.window_end, r.threshold, r.denominator, r.report_file, r.gaps_by_cause,
       u.id AS snapshot, u.list_date, u.issues
FROM miraikakaku.coverage_reports r
LEFT JOIN miraikakaku.coverage_universes u ON u.id = r.universe_snapshot
WHERE r.universe = :universe AND r.timeframe = '1d' AND r.checked_at = (
    SELECT max(checked_at) FROM miraikakaku.coverage_reports WHERE universe = :universe AND timeframe = '1d')
ORDER BY r.segment <> 'all', r.instruments DESC, r.segment
""")
_TREND = text("""
SELECT checked_at, coverage FROM (
    SELECT checked_at, coverage FROM miraikakaku.coverage_reports
    WHERE universe = :universe AND timeframe = '1d' AND segment = 'all' AND coverage IS NOT NULL
    ORDER BY checked_at DESC LIMIT :checks) newest
ORDER BY checked_at
""")
_WORST = text("""
SELECT i.symbol, c.expected_bars - c.stored_bars AS missing_bars, c.newest_session, c.sessions_behind
FROM miraikakaku.instrument_coverage c JOIN miraikakaku.instruments i ON i.id = c.instrument_id
WHERE i.universe = :universe AND c.timeframe = '1d' AND c.stored_bars < c.expected_bars AND c.stored_bars > 0
ORDER BY 2 DESC, 1 LIMIT 20
""")
_BEHIND = text("""
SELECT c.sessions_behind, count(*) FROM miraikakaku.instrument_coverage c
JOIN miraikakaku.instruments i ON i.id = c.instrument_id
WHERE i.universe = :universe AND c.timeframe = '1d' AND c.due_session IS NOT NULL GROUP BY 1 ORDER BY 1
""")
_DAYS = text("""
SELECT sector, session, expected_bars, stored_bars FROM miraikakaku.coverage_days
WHERE universe = :universe AND timeframe = '1d' ORDER BY sector, session
""")
_ISSUES = text("""
SELECT count(*) FILTER (WHERE universe = 'jp') AS jp, count(*) FILTER (WHERE universe = 'us') AS us,
       count(*) FILTER (WHERE security_type = 'etf' AND universe IN ('jp', 'us')) AS etfs
FROM miraikakaku.stock_master WHERE is_active
""")
_SIZES = text("""
SELECT 'database' AS what, pg_database_size(current_database()) AS bytes
UNION ALL
SELECT CASE n.nspname WHEN 'miraikakaku' THEN c.relname ELSE n.nspname || '.' || c.relname END,
       pg_total_relation_size(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname IN ('miraikakaku', 'dagster')
""")
_GROWTH = text("""
SELECT measured_at, bytes FROM miraikakaku.storage_sizes WHERE what = :what AND measured_at >= :since ORDER BY 1
""")
_COLLECTIONS = text("""
SELECT universe, timeframe, count(*) AS batches, count(*) FILTER (WHERE status = 'failed') AS failed,
       coalesce(sum(processed_stocks), 0)::bigint AS symbols, coalesce(sum(rows_read), 0)::bigint AS rows,
       coalesce(sum(extract(epoch FROM end_time - start_time)), 0)::double precision AS seconds,
       coalesce(sum(requests), 0)::bigint AS requests
FROM miraikakaku.batch_executions WHERE start_time >= :since GROUP BY 1, 2 ORDER BY 1, 2
""")
_ALERTS = text("""
SELECT severity AS level, count(*) FILTER (WHERE raised_at >= :since) AS raised,
       count(*) FILTER (WHERE resolved_at IS NULL) AS standing
FROM miraikakaku.alerts WHERE raised_at >= :since OR resolved_at IS NULL GROUP BY 1 ORDER BY 1
""")


class PostgresCoverageHistory:
    """Implements the port `CoverageHistory`.

    Args:
        database: Where the tables are.
        disk: Folder on the disk of the database server; None where the server is elsewhere.
    """

    def __init__(self, database: Database, disk: Path | None) -> None:
        self._database = database
        self._disk = disk

    def newest(self, universe: Universe, checks: int) -> CheckedUniverse | None:
        """The newest check with the trend of so many; None where there was none."""
        key = {"universe": universe.name}
        with self._database.engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(_SEGMENTS, key).mappings()]
            if not rows:
                return None
            trend = connection.execute(_TREND, {**key, "checks": checks}).all()
            worst = [dict(row) for row in connection.execute(_WORST, key).mappings()]
            behind = connection.execute(_BEHIND, key).all()
            days = connection.execute(_DAYS, key).all()
        first = rows[0]
        counted = {"id": first["snapshot"], "list_date": first["list_date"], "issues": first["issues"]}
        common = ("checked_at", "denominator", "snapshot", "list_date", "issues")
        return CheckedUniverse(
            universe=universe.name,
            checked_at=first["checked_at"],
            denominator=first["denominator"],
            snapshot=None if first["snapshot"] is None else counted,
            segments=[{name: row[name] for name in row if name not in common} for row in rows],
            trend=[(moment, share) for moment, share in trend],
            worst=worst,
            behind={row[0]: row[1] for row in behind},
            days=pl.DataFrame([tuple(row) for row in days], schema=DAYS, orient="row"),
        )

    def issues(self) -> IssueCounts:
        """How many issues are listed."""
        with self._database.engine.connect() as connection:
            return IssueCounts(*connection.execute(_ISSUES).one())

    def measure_sizes(self, moment: datetime) -> Mapping[str, int]:
        """Measures and keeps bytes of the database, of its tables, and of what is free beside them."""
        with self._database.engine.begin() as connection:
            sizes = {what: int(count) for what, count in connection.execute(_SIZES)}
            if self._disk is not None:
                usage = shutil.disk_usage(self._disk)
                sizes |= {"free": usage.free, "total": usage.total}
            connection.execute(storage_sizes.delete().where(storage_sizes.c.measured_at == moment))
            rows = [{"measured_at": moment, "what": what, "bytes": size} for what, size in sizes.items()]
            connection.execute(insert(storage_sizes), rows)
        return sizes

    def sizes(self, what: str, since: datetime) -> Sequence[tuple[datetime, int]]:
        """Measured bytes of one thing since a moment (UTC), ascending."""
        with self._database.engine.connect() as connection:
            return [
                (moment, size) for moment, size in connection.execute(_GROWTH, {"what": what, "since": since})
            ]

    def collections(self, since: datetime) -> Sequence[Mapping[str, Any]]:
        """Per universe and timeframe since a moment: batches, failed ones, symbols, rows, seconds, requests."""
        return self._rows(_COLLECTIONS, since)

    def alerts(self, since: datetime) -> Sequence[Mapping[str, Any]]:
        """Per level since a moment: alerts raised, and those that still stand."""
        return self._rows(_ALERTS, since)

    def _rows(self, query: Any, since: datetime) -> list[dict[str, Any]]:
        with self._database.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query, {"since": since}).mappings()]
