"""What a page of overview shows, by few questions that read few rows: none of them counts bars."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text

from miraikakaku_assets.adapters.storage.collection.liveness import UNDER_WAY
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.statements import LIST_IN_FORCE

# An index look-up per issue.
_FRESH = text(f"""
SELECT m.universe, count(*) AS listed, count(bar.found) AS fresh,
       (SELECT list_date FROM ({LIST_IN_FORCE.format(universe="m.universe")}) AS in_force) AS list_date
FROM miraikakaku.stock_master m
JOIN miraikakaku.instruments i ON i.id = m.instrument_id
JOIN unnest(CAST(:universes AS text[]), CAST(:calendars AS text[]), CAST(:due AS timestamptz[]))
  AS due(universe, calendar, ts) ON due.universe = m.universe AND due.calendar = i.calendar
LEFT JOIN LATERAL (
    SELECT 1 AS found FROM miraikakaku.price_bars b
    WHERE b.instrument_id = m.instrument_id AND b.timeframe = '1d' AND b.ts >= due.ts AND b.status = 'final' LIMIT 1
) bar ON true
WHERE m.is_active GROUP BY m.universe
""")
_COVERAGE = text("""
SELECT DISTINCT ON (universe) universe, checked_at, coverage, expected_bars, stored_bars, threshold, denominator
FROM miraikakaku.coverage_reports WHERE timeframe = '1d' AND segment = 'all' ORDER BY universe, checked_at DESC
""")
_RUNNING = text(f"""
SELECT b.universe, b.timeframe, p.status, p.total, p.processed, p.failed, p.symbols_per_minute,
       p.estimated_completion, b.resume_at, b.error_message, b.start_time
FROM miraikakaku.run_progress p JOIN miraikakaku.batch_executions b ON b.id = p.batch_execution_id
WHERE {UNDER_WAY}
ORDER BY b.id DESC LIMIT 10
""")
_COLLECTIONS = text("""
SELECT universe, timeframe, count(*) AS collections,
       coalesce(sum(processed_stocks), 0)::bigint AS symbols, coalesce(sum(failed_stocks), 0)::bigint AS failed,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM end_time - start_time))
           ::double precision AS median_seconds,
       max(extract(epoch FROM end_time - start_time))::double precision AS longest_seconds,
       max(end_time) AS ended_at
FROM miraikakaku.batch_executions
WHERE start_time >= :since AND end_time IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
""")


class PostgresGlance:
    """Implements the port `GlanceStore`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def fresh(self, due: Mapping[str, Mapping[str, datetime]]) -> Mapping[str, Mapping[str, Any]]:
        """Universe → how many issues are listed and how many have the bar that is due, and the day of the list.

        Args:
            due: Universe → calendar of its instruments → start of the newest bar that is due (UTC).
        """
        asked = [(name, calendar, ts) for name, starts in due.items() for calendar, ts in starts.items()]
        universes, calendars, starts = (list(column) for column in zip(*asked, strict=True))
        named = {"universes": universes, "calendars": calendars, "due": starts}
        return {row["universe"]: row for row in self._rows(_FRESH, named)}

    def coverage(self) -> Mapping[str, Mapping[str, Any]]:
        """Universe → its newest check, as a whole."""
        return {row["universe"]: row for row in self._rows(_COVERAGE)}

    def running(self) -> Sequence[Mapping[str, Any]]:
        """Collections that are at work or wait for the source, the newest first."""
        return self._rows(_RUNNING)

    def collections(self, since: datetime) -> Sequence[Mapping[str, Any]]:
        """Per universe and timeframe what ended since a moment (UTC): symbols, failures, seconds."""
        return self._rows(_COLLECTIONS, {"since": since})

    def _rows(self, query: Any, named: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query, named).mappings()]
