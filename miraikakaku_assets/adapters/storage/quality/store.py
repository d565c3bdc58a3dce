"""Batches and results of checks in PostgreSQL. Put here: reads and writes. Keep out: what a batch holds."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

import polars as pl

from miraikakaku_assets.adapters.storage.adbc import append_rows, bulk_cursor, read_frame, text_array
from miraikakaku_assets.adapters.storage.bars.cold_days import begin_of
from miraikakaku_assets.adapters.storage.cold.reader import (
    Instruments,
    beside_stored,
    cold_bars,
    replaced_in,
    steady,
)
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.quality import violations
from miraikakaku_assets.adapters.storage.quality.batches import BATCHES
from miraikakaku_assets.adapters.storage.quality.cold_batches import old_bars
from miraikakaku_assets.adapters.storage.quality.violations import literal
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.quality.batch import Batch
from miraikakaku_assets.domain.quality.results import QualityReport
from miraikakaku_assets.domain.quality.suite import Suite, SuiteRule

_WINDOW = (
    """b.ts >= ($3::date::timestamp AT TIME ZONE $2) AND b.ts < (($4::date + 1)::timestamp AT TIME ZONE $2)"""
)
_SERIES = f"""
SELECT i.symbol, (b.ts AT TIME ZONE $2)::date AS session, b.open, b.close, b.volume
FROM miraikakaku.instruments i CROSS JOIN LATERAL (
    SELECT b.ts, b.open, b.close, b.volume FROM miraikakaku.price_bars b
    WHERE b.instrument_id = i.id AND b.timeframe = '1d' AND b.status = 'final' AND {_WINDOW} OFFSET 0
) b WHERE i.universe = $1 ORDER BY i.symbol COLLATE "C", b.ts
"""
_TOTALS = f"""
SELECT (b.ts AT TIME ZONE $2)::date AS session, count(*) AS bars, sum(b.volume)::double precision AS volume,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY b.delay) AS delay
FROM miraikakaku.instruments i CROSS JOIN LATERAL (
    SELECT b.ts, b.volume, extract(epoch FROM b.fetched_at - b.ts)::double precision AS delay
    FROM miraikakaku.price_bars b
    WHERE b.instrument_id = i.id AND b.timeframe = $5 AND b.status = 'final' AND {_WINDOW} OFFSET 0
) b WHERE i.universe = $1 GROUP BY 1 ORDER BY 1
"""
_LOCK = "SELECT pg_advisory_xact_lock(20251130, hashtext($1))"
_FINDINGS = """SELECT symbol, session, value, detail FROM miraikakaku.quality_findings
WHERE universe = {universe} AND batch = '{batch}' AND suite = {suite} AND rule = {rule}
ORDER BY abs(value) DESC, symbol, session;"""
_OLDER = "DELETE FROM miraikakaku.{table} WHERE universe = $1 AND batch < $2::date"
_SAME = (
    "DELETE FROM miraikakaku.{table} WHERE universe = $1 AND batch = $2::date AND suite = ANY ($3::text[])"
)
_TABLES = ("quality_results", "quality_findings")
_EXPECT = """INSERT INTO miraikakaku.expected_days (universe, day, note) VALUES ($1, $2::date, $3)
ON CONFLICT (universe, day) DO UPDATE SET note = excluded.note"""
_RESULT_TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    **dict.fromkeys(("universe", "suite", "rule", "asset", "state", "note", "query"), pl.String),
    "batch": pl.Date,
    **dict.fromkeys(("rows", "exceptions", "tolerated"), pl.Int64),
    **dict.fromkeys(("value", "low", "high"), pl.Float64),
    "worst": pl.String,
    "checked_at": pl.Datetime("us", "UTC"),
}


class PostgresQuality:
    """Implements the port `QualityStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(self, suite: Suite, batch: Batch) -> pl.DataFrame:
        """The rows of a suite's batch, sorted by its key."""
        query = f"WITH batch AS ({BATCHES[suite.name](batch)}) SELECT * FROM batch"
        with self._cursor() as cursor:
            return read_frame(cursor, self._with_cold(cursor, query, batch)).sort(suite.key)

    def listing(self, suite: Suite, rule: SuiteRule, batch: Batch) -> str:
        """SQL that lists the rows of a batch that break a rule."""
        return violations.listing(BATCHES[suite.name](batch), suite, rule, batch.universe)

    def counted(self, suite: Suite, batch: Batch) -> tuple[int, Mapping[str, int]]:
        """Rows of a batch, and rule → how many break it, counted by the database."""
        query = violations.counting(BATCHES[suite.name](batch), suite, batch.universe)
        with self._cursor() as cursor:
            cursor.execute(self._with_cold(cursor, query, batch))
            rows, *broken = cursor.fetchone()
        return int(rows), {rule.name: int(count) for rule, count in zip(suite.rules, broken, strict=True)}

    def series(self, universe: Universe, since: date, until: date) -> pl.DataFrame:
        """Stored final daily bars, sorted by symbol and session."""
        with self._cursor() as cursor:
            return read_frame(cursor, _SERIES, (universe.name, universe.time_zone, str(since), str(until)))

    def totals(self, universe: Universe, timeframe: Timeframe, since: date, until: date) -> pl.DataFrame:
        """Bars, volume and delay per exchange date; see `QualityStore`."""
        window = (universe.name, universe.time_zone, str(since), str(until), timeframe.value)
        with self._cursor() as cursor:
            # A day more on both sides covers every zone; the statement cuts at its dates.
            span = (begin_of(since, -1), begin_of(until, 2))
            cold = cold_bars(self._database, cursor, timeframe, Instruments(universe.name), *span)
            query = replaced_in(_TOTALS, beside_stored(cursor, cold, timeframe))
            return read_frame(cursor, query, window)

    def listed_findings(self, suite: str, rule: str, batch: Batch) -> str:
        """SQL that lists what `save` has stored of a rule."""
        names = {"universe": batch.universe.name, "suite": suite, "rule": rule}
        return _FINDINGS.format(batch=batch.session, **{name: literal(text) for name, text in names.items()})

    def save(self, report: QualityReport, batch: Batch, findings: pl.DataFrame, keep_since: date) -> None:
        """Replaces what is stored of the batch's suites and removes older batches, in one transaction."""
        universe = batch.universe.name
        suites = text_array(dict.fromkeys(result.suite for result in report.results))
        with bulk_cursor(self._database) as cursor:
            cursor.execute(_LOCK, (universe,))
            cursor.fetchall()
            for table in _TABLES:
                cursor.execute(_SAME.format(table=table), (universe, str(batch.session), suites))
                cursor.execute(_OLDER.format(table=table), (universe, str(keep_since)))
            _append_results(cursor, _result_rows(report, batch))
            append_rows(
                cursor,
                "quality_findings",
                findings.select(
                    *("suite", "rule", "symbol", "session", "value", "detail"),
                    universe=pl.lit(universe),
                    batch=pl.lit(batch.session),
                ),
            )

    def expected_days(self, universe: Universe) -> Mapping[date, str]:
        """Days that were announced as unusual, each with its note."""
        with bulk_cursor(self._database) as cursor:
            cursor.execute(
                "SELECT day, note FROM miraikakaku.expected_days WHERE universe = $1", (universe.name,)
            )
            return dict(cursor.fetchall())

    def expect(self, universe: Universe, day: date, note: str) -> None:
        """Announces a day as unusual; doing it twice keeps the newer note."""
        with bulk_cursor(self._database) as cursor:
            cursor.execute(_EXPECT, (universe.name, str(day), note))

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        with bulk_cursor(self._database) as cursor:
            steady(cursor, Timeframe.M5)
            cursor.execute("SET LOCAL jit = off")  # compiling these statements takes longer than running them
            yield cursor

    def _with_cold(self, cursor: Any, query: str, batch: Batch) -> str:
        """The statement of a batch, which finds bars of files as well where the batch is that old."""
        cold = old_bars(self._database, cursor, batch)
        return replaced_in(query, beside_stored(cursor, cold, Timeframe.M5))


def _result_rows(report: QualityReport, batch: Batch) -> pl.DataFrame:
    rows = [
        {
            "universe": batch.universe.name,
            "batch": batch.session,
            "suite": result.suite,
            "rule": result.rule,
            "asset": f"{batch.universe.name}/{result.asset}",
            "state": result.state.value,
            "rows": result.rows,
            "exceptions": result.exceptions,
            "tolerated": result.tolerated,
            "value": result.value,
            "low": result.low,
            "high": result.high,
            "note": result.note,
            "worst": json.dumps([[worst.key, worst.value] for worst in result.worst], ensure_ascii=False),
            "query": result.query,
            "checked_at": batch.moment,
        }
        for result in report.results
    ]
    return pl.DataFrame(rows, schema=_RESULT_TYPES)


def _append_results(cursor: Any, rows: pl.DataFrame) -> None:
    """Copies results; the driver binds no JSON, so it is cast on the way."""
    if rows.is_empty():
        return
    cursor.adbc_ingest("checked_rules", rows.to_arrow(), mode="create", temporary=True)
    columns = ", ".join(rows.columns)
    chosen = ", ".join(f"{name}::jsonb" if name == "worst" else name for name in rows.columns)
    cursor.execute(f"INSERT INTO miraikakaku.quality_results ({columns}) SELECT {chosen} FROM checked_rules")
