"""Coverage checks against one reading of the same bars; each in a process of its own, so that its memory is its own."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.adbc import append_rows, bulk_cursor
from miraikakaku_assets.adapters.storage.coverage.store import PostgresCoverage
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.coverage.report import find_coverage
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.domain.market.sessions import session_table

_LAST = date(2025, 12, 30)
_FIRST_ID = 1_000
_BARS = "SELECT instrument_id, ts FROM miraikakaku.price_bars WHERE timeframe = '1d' AND status = 'final'"
_MISSING = 0.003
"""Share of bars that are left out, so that there are gaps between stored ones."""
_PRICES = ("open", "high", "low", "close")


def measure(database: Database, issues: int, sessions: int, share_of_life: float) -> dict[str, Any]:
    """Times a whole check, from the question to the stored gaps, and one reading of the same bars over ADBC.

    Args:
        database: Empty but for its tables.
        issues: Listed issues.
        sessions: Of the window.
        share_of_life: Part of the window for which an issue has bars, on average.

    Returns:
        ``ours_s``, ``read_s``, ``peak_mib`` of our process, ``read_mib`` of the reading one, ``bars``, ``gaps``.
    """
    window = window_of(sessions)
    bars = make_market(database, issues, window, share_of_life)
    runs: dict[str, list[dict[str, float]]] = {}
    for what in ("read", "ours", "ours", "read"):  # both come first once: what is cached helps both
        shown = subprocess.run(
            [
                sys.executable,
                "-m",
                "benchmarks.coverage",
                what,
                database.url,
                *map(str, (window[0], window[-1])),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        runs.setdefault(what, []).append(json.loads(shown.stdout.splitlines()[-1]))
    ours, read = (min(runs[what], key=lambda run: float(run["seconds"])) for what in ("ours", "read"))
    if ours["stored"] != bars:
        raise RuntimeError(f"{ours['stored']:,} of {bars:,} stored bars were counted")
    return {
        "ours_s": ours["seconds"],
        "read_s": read["seconds"],
        "peak_mib": max(run["peak_mib"] for run in runs["ours"]),
        "read_mib": read["peak_mib"],
        "bars": bars,
        "gaps": ours["gaps"],
    }


def window_of(sessions: int) -> list[date]:
    days = session_table(JP.calendar).filter(pl.col("session") <= _LAST)["session"]
    return days.tail(sessions).to_list()


def make_market(
    database: Database, issues: int, window: list[date], share_of_life: float, *, is_moving: bool = False
) -> int:
    """Puts issues and bars of made-up histories into the tables; returns the number of bars.

    Args:
        database: Empty but for its tables.
        issues: Listed issues.
        window: Sessions.
        share_of_life: Part of the window for which an issue has bars, on average.
        is_moving: Whether closes are random walks; else every price is 1,000 yen.
    """
    list_issues(database, issues, window[-1])
    generator = np.random.default_rng(12)
    opens = session_table(JP.calendar).filter(pl.col("session").is_between(window[0], window[-1]))["opens"]
    written = 0
    for start in range(0, issues, 500):
        ids = np.arange(start, min(start + 500, issues)) + _FIRST_ID
        begins = generator.integers(0, max(int(2 * (1 - share_of_life) * len(window)), 1), len(ids))
        there = np.arange(len(window)) >= begins[:, None]
        there &= generator.random(there.shape) >= _MISSING
        rows, columns = np.nonzero(there)
        bars = pl.DataFrame({"instrument_id": ids[rows].astype(np.int32), "ts": opens.gather(columns)})
        bars = bars.with_columns(
            *_prices(generator, there.shape, rows, columns, is_moving=is_moving),
            timeframe=pl.lit("1d"),
            volume=pl.lit(100, pl.Int64),
            source=pl.lit("made"),
            status=pl.lit("final"),
            fetched_at=pl.lit(datetime(2026, 1, 1, tzinfo=UTC)),
        )
        with bulk_cursor(database) as cursor:
            append_rows(cursor, "price_bars", bars)
        written += bars.height
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))
    return written


def list_issues(database: Database, issues: int, day: date) -> tuple[int, int]:
    """Puts issues that a list of that day has into the tables, and no bars; their first and last id."""
    with database.engine.begin() as connection:
        connection.execute(text("TRUNCATE miraikakaku.price_bars"))
        values = {"n": issues, "first": _FIRST_ID, "day": day}
        connection.execute(text(_INSTRUMENTS), values)
        connection.execute(text(_MASTER), values)
        connection.execute(text(_UPDATE), values)
    return _FIRST_ID, _FIRST_ID + issues - 1


def _prices(
    generator: np.random.Generator,
    shape: tuple[int, int],
    rows: np.ndarray,
    columns: np.ndarray,
    *,
    is_moving: bool,
) -> list[pl.Series]:
    """Open, high, low and close of the stored bars, yen."""
    if not is_moving:
        return [pl.repeat(1_000.0, len(rows), eager=True).alias(name) for name in _PRICES]
    closes = np.round(1_000 * np.exp(np.cumsum(generator.normal(0, 0.02, shape), axis=1)), 1)
    opens = np.round(np.hstack([closes[:, :1], closes[:, :-1]]), 1)
    ends = (opens, np.maximum(opens, closes) + 1, np.minimum(opens, closes) * 0.999, closes)
    return [pl.Series(name, prices[rows, columns]) for name, prices in zip(_PRICES, ends, strict=True)]


_INSTRUMENTS = """
INSERT INTO miraikakaku.instruments (id, symbol, universe, kind, currency, price_unit, calendar)
SELECT :first + k, 'S' || k || '.T', 'jp', 'stock', 'JPY', 'JPY per share', 'XTKS' FROM generate_series(0, :n - 1) k
"""
_MASTER = """
INSERT INTO miraikakaku.stock_master
    (instrument_id, universe, exchange, stock_code, stock_name, market_category, security_type, sector, yahoo_symbol,
     first_list_date, last_list_date)
SELECT :first + k, 'jp', 'TSE', 'S' || k, 'S' || k, 'market ' || k % 6, 'stock', 'sector ' || k % 33, 'S' || k || '.T',
     :day, :day FROM generate_series(0, :n - 1) k
"""
_UPDATE = """
INSERT INTO miraikakaku.stock_master_updates (universe, update_type, total_stocks, status, source, list_date,
     completed_at)
VALUES ('jp', 'manual', :n, 'success', 'made', :day, now())
"""


def _ours(database: Database, first: date, last: date) -> dict[str, int]:
    store = PostgresCoverage(database)
    holdings = store.holdings(JP, Timeframe.D1, first, last)
    if holdings is None:
        raise RuntimeError("there is no master")
    moment = datetime.now(UTC)
    findings = find_coverage(first, last, holdings, checked_at=moment, threshold=0.95)
    store.save(findings, "made")
    return {"stored": findings.whole.stored, "gaps": findings.gaps.height}


def _read(database: Database, _first: date, _last: date) -> dict[str, int]:
    """Batch by batch, and nothing kept: what no check can do without."""
    rows = 0
    with bulk_cursor(database) as cursor:
        cursor.execute(_BARS)
        for batch in cursor.fetch_record_batch():
            rows += batch.num_rows
    return {"rows": rows}


_WAYS: dict[str, Callable[[Database, date, date], dict[str, int]]] = {"ours": _ours, "read": _read}


def peak_mib() -> float:
    """The most this process has held; getrusage would also count what its parent held when it was forked."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)  # bytes on macOS


def main() -> None:
    """One measurement, in this process."""
    what, url, first, last = sys.argv[1:]
    database = Database(url)
    session_table(JP.calendar)  # a daemon has it already
    database.check()
    began = time.perf_counter()
    counts = _WAYS[what](database, date.fromisoformat(first), date.fromisoformat(last))
    seconds = timedelta(seconds=time.perf_counter() - began).total_seconds()
    print(json.dumps({"seconds": seconds, "peak_mib": peak_mib(), **counts}))
    database.close()


if __name__ == "__main__":
    main()
