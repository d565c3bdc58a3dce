"""Analyses against their parts: the reads, writes and TA-Lib calls they cannot do without, and Polars' own grouping."""

import statistics
import time
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import text

from benchmarks.ingest import collect, put_in_force
from benchmarks.market import Year
from miraikakaku_assets.adapters.storage.analysis.store import PostgresAnalysis
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.analysis.analyze_bars import AnalysisPorts, analyze_bars
from miraikakaku_assets.application.ports.analysis import AnalysisRequest
from miraikakaku_assets.bootstrap import utc_now
from miraikakaku_assets.domain.bars.aggregation import aggregate
from miraikakaku_assets.domain.bars.series import series_bounds
from miraikakaku_assets.domain.indicators.definitions import INDICATORS
from miraikakaku_assets.domain.market.instruments import JP, US, Timeframe
from miraikakaku_assets.domain.market.sessions import expected_slots, sessions_between

_COLLECTED = """SELECT instrument_id, ts, open, high, low, close, volume, status, flag, fetched_at
    FROM miraikakaku.price_bars WHERE timeframe = '1d' ORDER BY instrument_id, ts"""
_DERIVED = (
    "SELECT * FROM miraikakaku.price_bars WHERE built_from IS NOT NULL ORDER BY instrument_id, timeframe, ts"
)
_INDICATORS = "SELECT * FROM miraikakaku.technical_indicators ORDER BY instrument_id, timeframe, ts"
_TIMEFRAMES = ("1d", "1w", "1mo")


def measure_stage(database: Database, year: Year, rounds: int) -> dict[str, float]:
    """Times a whole analysis of daily bars, and what it cannot do without; both in turn, medians.

    Ours: marks, reading, building weeks and months, all indicators of three timeframes, writing. Floor: one ADBC
    read of the bars, the bare TA-Lib calls on arrays that lie ready, and one ADBC append each of the rows that came
    out, already in memory as Arrow, into the same tables with their keys.

    Returns:
        ``ours_s``, ``floor_s``, ``ratio`` (ours / floor, median of pairs), ``read_s``, ``talib_s``, ``write_s``,
        ``rows`` (written).
    """
    put_in_force(database, year)
    collect(database, year)
    ours, floors, ratios, parts = [], [], [], []
    rows = 0
    for _ in range(rounds):
        _empty(database)
        began = time.perf_counter()
        report = analyze_bars(
            AnalysisRequest(JP, Timeframe.D1), AnalysisPorts(PostgresAnalysis(database), utc_now), _nobody
        )
        ours.append(time.perf_counter() - began)
        if report.failures or set(report.verdicts) != {"ok"}:
            raise RuntimeError(f"not every symbol was analysed: {report.verdicts}")
        derived, indicators = _read(database, _DERIVED), _read(database, _INDICATORS)
        rows = derived.num_rows + indicators.num_rows
        _empty(database)
        parts.append(_floor(database, derived, indicators))
        floors.append(sum(parts[-1]))
        ratios.append(ours[-1] / floors[-1])
    read, talib, write = (statistics.median(column) for column in zip(*parts, strict=True))
    return {
        "ours_s": statistics.median(ours),
        "floor_s": statistics.median(floors),
        "ratio": statistics.median(ratios),
        "read_s": read,
        "talib_s": talib,
        "write_s": write,
        "rows": rows,
    }


def _nobody(_: Sequence[object]) -> None:
    """Listens to nothing."""


def _floor(database: Database, derived: Any, indicators: Any) -> tuple[float, float, float]:
    """Seconds of reading, of TA-Lib, of writing."""
    began = time.perf_counter()
    bars = _read(database, _COLLECTED)
    read = time.perf_counter() - began
    longer = pl.DataFrame(derived)
    series = [
        arrays
        for bars_of_timeframe in (pl.DataFrame(bars), *longer.partition_by("timeframe"))
        for arrays in _arrays(bars_of_timeframe)
    ]
    began = time.perf_counter()
    _bare_talib(series)
    talib = time.perf_counter() - began
    began = time.perf_counter()
    with database.bulk() as connection, connection.cursor() as cursor:
        for table, rows in (("price_bars", derived), ("technical_indicators", indicators)):
            cursor.adbc_ingest(table, rows, mode="append", db_schema_name="miraikakaku")
    return read, talib, time.perf_counter() - began


def _arrays(bars: pl.DataFrame) -> list[dict[str, np.ndarray]]:
    """Prices and volume of each instrument, as TA-Lib wants them."""
    bars = bars.sort("instrument_id", "ts").with_columns(symbol=pl.col("instrument_id"))
    bounds = series_bounds(bars)
    columns = {name: bars[name].cast(pl.Float64).to_numpy() for name in ("high", "low", "close", "volume")}
    return [
        {name: column[start:end] for name, column in columns.items()}
        for start, end in pairwise(bounds.tolist())
    ]


def _bare_talib(series: Sequence[dict[str, np.ndarray]]) -> None:
    import talib

    calls = [
        (getattr(talib, indicator.function), indicator.inputs, indicator.parameters)
        for indicator in INDICATORS
    ]
    for arrays in series:
        for function, inputs, parameters in calls:
            function(*[arrays[name] for name in inputs], *parameters)


def _read(database: Database, query: str) -> Any:
    with database.bulk() as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetch_arrow_table()


def _empty(database: Database) -> None:
    """As if nothing had been analysed yet."""
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM miraikakaku.price_bars WHERE built_from IS NOT NULL"))
        connection.execute(text("TRUNCATE miraikakaku.technical_indicators"))
        connection.execute(text("UPDATE miraikakaku.analysis_state SET basis = NULL"))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE miraikakaku.price_bars"))
        connection.execute(text("CHECKPOINT"))


def measure_aggregation(symbols: int, sessions: int, rounds: int) -> dict[str, float]:
    """Times our five minutes → hours against Polars' grouping of the same frame by the clock.

    New York's sessions, whose hours by the clock cut otherwise than sessions do, and whose bars Polars neither
    judges nor traces: it is the speed that is compared.

    Returns:
        ``ours_s``, ``polars_s``, ``ratio`` (Polars / ours, median of pairs), ``rows``.
    """
    bars = _five_minutes(symbols, sessions)
    now = utc_now()
    ours, theirs, ratios = [], [], []
    for _ in range(rounds):
        began = time.perf_counter()
        aggregate(bars, Timeframe.M5, Timeframe.H1, US, now)
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        _by_the_clock(bars)
        theirs.append(time.perf_counter() - began)
        ratios.append(theirs[-1] / ours[-1])
    return {
        "ours_s": statistics.median(ours),
        "polars_s": statistics.median(theirs),
        "ratio": statistics.median(ratios),
        "rows": bars.height,
    }


def _by_the_clock(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.group_by_dynamic("ts", every="1h", group_by="symbol").agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )


def _five_minutes(symbols: int, sessions: int) -> pl.DataFrame:
    """Random walks over the newest sessions of 2025, sorted by symbol and ts."""
    days = sessions_between(US.calendar, date(2023, 1, 1), date(2025, 12, 31))[-sessions:]
    slots = pl.concat([expected_slots(US.calendar, day) for day in days])
    generator = np.random.default_rng(11)
    shape = (symbols, len(slots))
    close = 100 * np.exp(np.cumsum(generator.normal(0, 0.001, shape), axis=1)).ravel()
    return pl.DataFrame(
        {
            "symbol": np.repeat([f"S{number:04}" for number in range(symbols)], len(slots)),
            "ts": pl.concat([slots] * symbols),
            "open": close * 0.999,
            "high": close * 1.001,
            "low": close * 0.998,
            "close": close,
            "volume": generator.integers(0, 1_000_000, close.size),
        }
    ).with_columns(status=pl.lit("final"), flag=pl.lit(None, pl.String))
