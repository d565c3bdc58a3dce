"""Checks of stored data: everything over the day of a market, beside reading the rows that are judged."""

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
from sqlalchemy import text

from miraikakaku_assets.adapters.quality import GreatExpectations
from miraikakaku_assets.adapters.storage.adbc import append_rows, bulk_cursor
from miraikakaku_assets.adapters.storage.analysis.store import PostgresAnalysis
from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.forecasts.store import PostgresForecasts
from miraikakaku_assets.adapters.storage.quality.store import PostgresQuality
from miraikakaku_assets.application.analysis.analyze_bars import AnalysisPorts, analyze_bars
from miraikakaku_assets.application.ports.analysis import AnalysisRequest
from miraikakaku_assets.application.ports.forecasts import PREDICTIONS
from miraikakaku_assets.application.ports.quality import QualityPorts
from miraikakaku_assets.application.quality.check_quality import check_quality
from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.domain.market.instruments import US, Timeframe
from miraikakaku_assets.domain.market.sessions import session_table
from miraikakaku_assets.domain.quality.batch import batch_of
from miraikakaku_assets.domain.quality.suites import suites_of

_NOW = datetime(2025, 6, 12, 12, tzinfo=UTC)
_TODAY = date(2025, 6, 11)
_SESSIONS = 80
_MODELS = 8  # seven models and their ensemble
_LISTED = """WITH made AS (
    INSERT INTO miraikakaku.instruments (symbol, universe, kind, currency, price_unit, calendar)
    SELECT 'A' || lpad(n::text, 5, '0'), 'us', 'stock', 'USD', 'USD per share', 'XNYS' FROM generate_series(1, :many) n
    RETURNING id, symbol)
INSERT INTO miraikakaku.stock_master (instrument_id, universe, exchange, stock_code, stock_name, market_category,
    security_type, yahoo_symbol, first_list_date, last_list_date)
SELECT id, 'us', 'XNYS', symbol, 'Issue ' || symbol, 'NYSE', 'stock', symbol, '2025-06-11', '2025-06-11' FROM made"""
_DUE = """INSERT INTO miraikakaku.analysis_state (instrument_id, timeframe, changed_since)
SELECT instrument_id, '1d', min(ts) FROM miraikakaku.price_bars GROUP BY 1"""


def measure(database: Database, instruments: int) -> dict[str, float]:
    """Times all checks of a universe once, the import of Great Expectations included, and then the reads alone.

    Returns:
        ``seconds``, ``read_s``, ``rows`` (judged by suites), ``bars`` (stored days), ``rules``.

    Raises:
        RuntimeError: A rule of a suite is broken, or has nothing to judge: that would be no measurement.
    """
    _fill(database, instruments)
    store = PostgresQuality(database)
    ports = QualityPorts(store, PostgresBars(database), GreatExpectations(), lambda: _NOW, 365)
    began = time.perf_counter()
    report = check_quality(US, ports)
    seconds = time.perf_counter() - began
    suites, batch = suites_of(US), batch_of(US, _NOW)
    broken = [
        result
        for result in report.results
        if result.failed and result.suite in {each.name for each in suites}
    ]
    if broken:
        raise RuntimeError(f"the made-up market breaks its suites: {broken[0]}")
    began = time.perf_counter()
    rows = sum(store.rows(each, batch).height for each in suites)
    read = time.perf_counter() - began
    return {
        "seconds": seconds,
        "read_s": read,
        "rows": rows,
        "bars": instruments * _SESSIONS,
        "rules": len(report.results),
    }


def _fill(database: Database, instruments: int) -> None:
    """A US market with days, weeks, months, indicators and forecasts."""
    with database.engine.begin() as connection:
        connection.execute(text(_LISTED), {"many": instruments})
    with bulk_cursor(database) as cursor:
        cursor.execute("SELECT id, symbol FROM miraikakaku.instruments ORDER BY id")
        listed = pl.DataFrame(cursor.fetch_arrow_table())
        append_rows(cursor, "price_bars", _days(listed["id"]))
    with database.engine.begin() as connection:
        connection.execute(text(_DUE))
    report = analyze_bars(
        AnalysisRequest(US, Timeframe.D1), AnalysisPorts(PostgresAnalysis(database), lambda: _NOW), _nobody
    )
    if report.failures:
        raise RuntimeError(f"not every symbol was analysed: {report.verdicts}")
    PostgresForecasts(database).save_predictions(US, forecasts_of(listed["symbol"], _TODAY), _NOW)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _days(ids: pl.Series) -> pl.DataFrame:
    """Random walks, one bar a session, that came three quarters of an hour after its end."""
    days = session_table(US.calendar).filter(pl.col("session") <= _TODAY).tail(_SESSIONS)
    rng = np.random.default_rng(7)
    shape = (len(ids), _SESSIONS)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, shape), axis=1))
    opens = close * (1 + rng.normal(0, 0.004, shape))
    prices = pl.DataFrame(
        {
            "open": opens.ravel(),
            "high": np.maximum(opens, close).ravel(),
            "low": np.minimum(opens, close).ravel(),
            "close": close.ravel(),
            "volume": rng.integers(1_000, 1_000_000, shape).ravel(),
        }
    )
    keys = ids.alias("instrument_id").to_frame().join(days, how="cross")
    return pl.concat([keys, prices], how="horizontal").select(
        "instrument_id",
        pl.col("opens").alias("ts"),
        *prices.columns,
        timeframe=pl.lit("1d"),
        source=pl.lit("benchmark"),
        status=pl.lit("final"),
        fetched_at=pl.col("closes") + timedelta(minutes=45),
    )


def forecasts_of(symbols: pl.Series, as_of: date) -> pl.DataFrame:
    """Five horizons of every symbol by every model, from a session on, to New York's next ones."""
    ahead = session_table(US.calendar).filter(pl.col("session") > as_of).head(len(HORIZONS))["session"]
    targets = pl.DataFrame({"horizon": list(HORIZONS), "target": ahead})
    models = pl.DataFrame({"model": [f"model_{number}" for number in range(_MODELS)]})
    keys = symbols.alias("symbol").to_frame().join(models, how="cross").join(targets, how="cross")
    point = np.random.default_rng(8).normal(0, 0.02, keys.height)
    ends = {"lo95": -0.04, "lo80": -0.02, "point": 0.0, "hi80": 0.02, "hi95": 0.04}
    return keys.with_columns(
        *(pl.Series(name, point + distance) for name, distance in ends.items()),
        sd=pl.lit(0.02),
        as_of=pl.lit(as_of),
        version=pl.lit("1"),
        reason=pl.lit(None, pl.String),
        close=pl.lit(100.0),
        calibration=pl.lit("benchmark"),
        calibration_scores=pl.lit(250),
        quantiles=pl.concat_list(*(pl.lit(point) for point in np.linspace(-0.04, 0.04, 9).tolist())),
        model_id=pl.lit(None, pl.Int64),
        inputs=pl.lit(None, pl.String),
    ).select(PREDICTIONS.keys())


def _nobody(_: Sequence[object]) -> None:
    """Listens to nothing."""
