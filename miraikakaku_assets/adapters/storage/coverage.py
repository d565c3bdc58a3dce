"""Holdings for coverage checks, and what the checks found, in PostgreSQL."""

from datetime import date

import polars as pl

from miraikakaku_assets.adapters.storage.adbc import append_rows, bulk_cursor, read_frame
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.statements import LIST_IN_FORCE
from miraikakaku_assets.domain.coverage.report import CoverageFindings, Holdings
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

_REPORT_TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "checked_at": pl.Datetime("us", "UTC"),
    "instruments": pl.Int32,
    "complete_instruments": pl.Int32,
    "empty_instruments": pl.Int32,
    "coverage": pl.Float64,
    "threshold": pl.Float64,
}
_LIST_DATE = LIST_IN_FORCE.format(universe="$1")
_ISSUES = """
SELECT m.instrument_id, m.yahoo_symbol AS symbol, coalesce(m.market_category, '-') AS segment,
       m.listed_on, m.delisted_on, coalesce(newest.status = 'failed', false) AS fetch_failed,
       coalesce(newest.verdict = 'not_on_source', false) AS not_on_source
FROM miraikakaku.stock_master m
LEFT JOIN LATERAL (
    SELECT d.status, d.verdict FROM miraikakaku.batch_execution_details d
    JOIN miraikakaku.batch_executions b ON b.id = d.batch_execution_id AND b.timeframe = $2
    WHERE d.symbol = m.yahoo_symbol AND d.verdict <> 'underway' ORDER BY d.batch_execution_id DESC LIMIT 1
) newest ON true
WHERE m.universe = $1 AND m.is_active
"""
_PRESENT = """
SELECT b.instrument_id, (b.ts AT TIME ZONE $1)::date AS session
FROM miraikakaku.price_bars b
JOIN miraikakaku.stock_master m ON m.instrument_id = b.instrument_id AND m.is_active AND m.universe = $2
WHERE b.timeframe = $3 AND b.status = 'final'
  AND b.ts >= ($4::date::timestamp AT TIME ZONE $1) AND b.ts < (($5::date + 1)::timestamp AT TIME ZONE $1)
"""
_QUARANTINED = """
SELECT DISTINCT q.instrument_id, (q.ts AT TIME ZONE $1)::date AS session
FROM miraikakaku.quarantined_bars q
JOIN miraikakaku.stock_master m ON m.instrument_id = q.instrument_id AND m.is_active AND m.universe = $2
WHERE q.timeframe = $3 AND q.released_at IS NULL
  AND q.ts >= ($4::date::timestamp AT TIME ZONE $1) AND q.ts < (($5::date + 1)::timestamp AT TIME ZONE $1)
"""


class PostgresCoverage:
    """Implements the port `CoverageStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def holdings(self, universe: Universe, timeframe: Timeframe, first: date, last: date) -> Holdings | None:
        """Active issues with their sessions stored and quarantined between two dates; None without a master."""
        window = (universe.time_zone, universe.name, timeframe.value, str(first), str(last))
        with bulk_cursor(self._database) as cursor:
            cursor.execute(_LIST_DATE, (universe.name,))
            in_force = cursor.fetchone()
            if in_force is None:
                return None
            issues = read_frame(cursor, _ISSUES, (universe.name, timeframe.value))
            return Holdings(
                in_force[1],
                issues,
                read_frame(cursor, _PRESENT, window),
                read_frame(cursor, _QUARANTINED, window),
            )

    def save(self, findings: CoverageFindings, report_file: str) -> None:
        """Replaces the universe's gaps and adds one report row per segment, in one transaction."""
        gaps = findings.gaps.select(
            "instrument_id",
            "session",
            "cause",
            timeframe=pl.lit(findings.timeframe.value),
            checked_at=pl.lit(findings.checked_at, pl.Datetime("us", "UTC")),
        )
        with bulk_cursor(self._database) as cursor:
            cursor.execute("LOCK TABLE miraikakaku.coverage_gaps IN SHARE ROW EXCLUSIVE MODE")
            cursor.execute(
                "DELETE FROM miraikakaku.coverage_gaps g USING miraikakaku.instruments i"
                " WHERE i.id = g.instrument_id AND i.universe = $1 AND g.timeframe = $2",
                (findings.universe.name, findings.timeframe.value),
            )
            reports = pl.DataFrame(_rows(findings, report_file), schema_overrides=_REPORT_TYPES)
            append_rows(cursor, "coverage_reports", reports)
            append_rows(cursor, "coverage_gaps", gaps)


def _rows(findings: CoverageFindings, report_file: str) -> list[dict[str, object]]:
    return [
        {
            "checked_at": findings.checked_at,
            "universe": findings.universe.name,
            "timeframe": findings.timeframe.value,
            "segment": segment.segment,
            "denominator": findings.denominator,
            "window_start": findings.first,
            "window_end": findings.last,
            "instruments": segment.instruments,
            "complete_instruments": segment.complete,
            "empty_instruments": segment.empty,
            "expected_bars": segment.expected,
            "stored_bars": segment.stored,
            "coverage": segment.coverage,
            "threshold": findings.threshold,
            "report_file": report_file,
        }
        for segment in findings.segments
    ]
