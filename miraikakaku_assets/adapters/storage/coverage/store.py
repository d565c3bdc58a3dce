"""Holdings for coverage checks, and what the checks found, in PostgreSQL."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from miraikakaku_assets.adapters.storage.adbc import (
    append_rows,
    bulk_cursor,
    plain_array,
    read_frame,
    text_array,
)
from miraikakaku_assets.adapters.storage.cold.reader import Instruments, cold_bars, steady
from miraikakaku_assets.adapters.storage.coverage import statements
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.bars.rules import EXPECTED_RULES
from miraikakaku_assets.domain.coverage.frames import ASKED, GAPS, REFUSED
from miraikakaku_assets.domain.coverage.gaps import Holdings
from miraikakaku_assets.domain.coverage.grid import SessionGrid
from miraikakaku_assets.domain.coverage.report import CoverageFindings
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import sessions_between

_REPORT_TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "checked_at": pl.Datetime("us", "UTC"),
    "instruments": pl.Int32,
    "complete_instruments": pl.Int32,
    "empty_instruments": pl.Int32,
    "coverage": pl.Float64,
    "threshold": pl.Float64,
    "universe_snapshot": pl.Int32,
}


class PostgresCoverage:
    """Implements the port `CoverageStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def holdings(
        self,
        universe: Universe,
        timeframe: Timeframe,
        first: date,
        last: date,
        symbols: Sequence[str] | None = None,
    ) -> Holdings | None:
        """Active issues and what is stored and refused of them between two dates; None without a master."""
        chosen = None if symbols is None else text_array(symbols)
        with bulk_cursor(self._database) as cursor:
            steady(cursor, timeframe)
            cursor.execute(statements.LIST_DATE, (universe.name,))
            in_force = cursor.fetchone()
            if in_force is None:
                return None
            issues = read_frame(cursor, statements.ISSUES, (universe.name, timeframe.value, chosen))
            ids = issues["instrument_id"].to_list()
            grid = SessionGrid(universe, timeframe, first, last, ids, issues["symbol"].to_list())
            refused, asked = pl.DataFrame(schema=REFUSED), pl.DataFrame(schema=ASKED)
            if grid.bounds is not None:
                bounds = tuple(moment.isoformat() for moment in grid.bounds)
                _fill(
                    cursor,
                    grid,
                    statements.CHOSEN.format(ids=plain_array(ids)) if symbols is not None else "",
                )
                self._fill_from_files(cursor, grid, ids if symbols is not None else None)
                window = (universe.time_zone, universe.name, timeframe.value, *bounds)
                expected = text_array(EXPECTED_RULES)
                refused = read_frame(cursor, statements.REFUSED, (*window, expected)).cast(REFUSED)  # type: ignore[arg-type]
                asked = read_frame(cursor, statements.ASKED, (universe.name, timeframe.value)).cast(ASKED)  # type: ignore[arg-type]
            return Holdings(in_force[1], issues, grid, refused, asked)

    def save(self, findings: CoverageFindings, report_file: str) -> None:
        """Replaces what is known of the universe's gaps, issues and days, and adds one report row per segment.

        All in one transaction; of two checks at the same time the second waits.
        """
        universe, timeframe = findings.universe, findings.timeframe.value
        own = {
            "timeframe": pl.lit(timeframe),
            "checked_at": pl.lit(findings.checked_at, pl.Datetime("us", "UTC")),
        }
        with bulk_cursor(self._database) as cursor:
            cursor.execute("LOCK TABLE miraikakaku.coverage_gap_ranges IN SHARE ROW EXCLUSIVE MODE")
            snapshot = _snapshot(cursor, findings)
            # A second check at the same moment is the same check.
            key = (findings.checked_at.isoformat(), universe.name, timeframe)
            cursor.execute(statements.FORGET_REPORT, key)
            _report(cursor, findings, report_file, snapshot)
            for table in ("coverage_gap_ranges", "instrument_coverage"):
                cursor.execute(statements.FORGET.format(table=table), (universe.name, timeframe))
            cursor.execute(statements.FORGET_DAYS, (universe.name, timeframe))
            for name in [market.calendar for market in universe.markets] or [universe.calendar]:
                trading = set(sessions_between(name, findings.first, findings.last))
                sessions = [session for session in findings.sessions if session in trading]
                cursor.execute(statements.CALENDAR, (name, plain_array(sessions)))
            append_rows(cursor, "coverage_gap_ranges", findings.gaps.drop("symbol").with_columns(**own))
            append_rows(cursor, "instrument_coverage", findings.issues.with_columns(**own))
            days = findings.days.with_columns(universe=pl.lit(universe.name), **own)
            append_rows(cursor, "coverage_days", days)

    def newest_gaps(
        self, universe: Universe, timeframe: Timeframe
    ) -> tuple[pl.DataFrame, Sequence[date], datetime | None]:
        """Gaps of the newest check (schema `GAPS`), the sessions of its window, and when it was (UTC)."""
        key = (universe.name, timeframe.value)
        with bulk_cursor(self._database) as cursor:
            cursor.execute(statements.NEWEST_WINDOW, key)
            newest = cursor.fetchone()
            if newest is None:
                return pl.DataFrame(schema=GAPS), [], None
            gaps = read_frame(cursor, statements.GAPS, key).select(
                pl.col(name).cast(kind) for name, kind in GAPS.items()
            )
        return gaps, sessions_between(universe.calendar, newest[1], newest[2]), newest[0]

    def given_up(self, universe: Universe, timeframe: Timeframe) -> pl.DataFrame:
        """Columns ``instrument_id``, ``first_session``, ``last_session`` of gaps that repairs have given up."""
        with bulk_cursor(self._database) as cursor:
            return read_frame(cursor, statements.GIVEN_UP, (universe.name, timeframe.value))

    def fruitless_repairs(self, universe: Universe, timeframe: Timeframe) -> Mapping[tuple[int, date], int]:
        """Instrument and first session of a gap → repairs of it that brought nothing."""
        with bulk_cursor(self._database) as cursor:
            counts = read_frame(cursor, statements.FRUITLESS, (universe.name, timeframe.value))
        return {(instrument, first): count for instrument, first, count in counts.iter_rows()}

    def save_repair(
        self, run_id: str, timeframe: Timeframe, results: pl.DataFrame, repaired_at: datetime
    ) -> None:
        """Keeps what came of a repair (schema `RESULTS`), instead of what the run may have kept before."""
        rows = results.drop("symbol").with_columns(
            run_id=pl.lit(run_id),
            timeframe=pl.lit(timeframe.value),
            repaired_at=pl.lit(repaired_at, pl.Datetime("us", "UTC")),
        )
        with bulk_cursor(self._database) as cursor:
            cursor.execute("DELETE FROM miraikakaku.coverage_repairs WHERE run_id = $1", (run_id,))
            append_rows(cursor, "coverage_repairs", rows)

    def _fill_from_files(self, cursor: Any, grid: SessionGrid, ids: Sequence[int] | None) -> None:
        """Counts the bars that have left the database."""
        if grid.bounds is None:
            return
        chosen = Instruments(grid.universe.name, ids=ids)
        cold = cold_bars(self._database, cursor, grid.timeframe, chosen, *grid.bounds)
        final = cold.filter(pl.col("status") == "final")
        if not final.is_empty():
            grid.add(final["instrument_id"].to_numpy(), final["ts"].to_physical().to_numpy())


def _fill(cursor: Any, grid: SessionGrid, chosen: str) -> None:
    """Counts the stored bars batch by batch, as they come from the server."""
    first, last = grid.bounds or (None, None)
    universe, timeframe = grid.universe.name, grid.timeframe.value
    cursor.execute(
        statements.PRESENT.format(
            universe=universe, timeframe=timeframe, first=first, last=last, chosen=chosen
        )
    )
    for batch in cursor.fetch_record_batch():
        starts = batch.column("ts").cast("int64")
        grid.add(batch.column("instrument_id").to_numpy(), starts.to_numpy())


def _snapshot(cursor: Any, findings: CoverageFindings) -> int:
    """The number of the snapshot with these members; a new one where there is none yet."""
    members = findings.members.sort("instrument_id")
    digest = hashlib.sha256("\n".join(map(str, members.iter_rows())).encode()).hexdigest()
    key = (findings.universe.name, findings.timeframe.value, str(findings.list_date))
    ids = plain_array(members["instrument_id"])
    values = (*key, findings.checked_at.isoformat(), digest, members.height, ids)
    cursor.execute(statements.SNAPSHOT, values)
    return int(cursor.fetchone()[0])


def _report(cursor: Any, findings: CoverageFindings, report_file: str, snapshot: int) -> None:
    rows = [
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
            "universe_snapshot": snapshot,
        }
        for segment in findings.segments
    ]
    append_rows(cursor, "coverage_reports", pl.DataFrame(rows, schema_overrides=_REPORT_TYPES))
    causes = {segment.segment: segment.causes for segment in findings.segments}
    key = (findings.checked_at.isoformat(), findings.universe.name, findings.timeframe.value)
    cursor.execute(statements.CAUSES, (*key, json.dumps(causes, ensure_ascii=False)))
