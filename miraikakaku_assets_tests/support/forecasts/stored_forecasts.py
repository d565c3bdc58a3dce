"""Forecasts of a few listed issues on their way into a real database."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.forecasts.store import PostgresForecasts
from miraikakaku_assets.application.ports.forecasts import OUTCOMES, PREDICTIONS, ForecastStore
from miraikakaku_assets.domain.forecasting.bands import QUANTILES
from miraikakaku_assets.domain.forecasting.contract import NUMBERS, Reason
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets_tests.support.markets.stored_market import rows_of

DAYS = sessions_between(JP.calendar, date(2025, 1, 6), date(2025, 3, 31))
"""Sessions; the first 40 are origins, so that every target is one, too."""

MADE = datetime(2025, 1, 6, 22, 0, 0, 123456, tzinfo=UTC)
LATER = datetime(2025, 1, 7, 4, 30, tzinfo=UTC)
KEY = ["symbol", "model", "as_of", "horizon"]


def forecasts(
    symbols: Sequence[str],
    models: Sequence[str] = ("theta",),
    origins: Sequence[date] = DAYS[:1],
    seed: int = 0,
    missing: Iterable[str] = (),
) -> pl.DataFrame:
    """Five horizons of every symbol, model and origin, schema `PREDICTIONS`; symbols that are missing have a reason."""
    keys = [
        {
            "symbol": symbol,
            "model": model,
            "as_of": origin,
            "horizon": horizon,
            "target": target(origin, horizon),
        }
        for symbol in symbols
        for model in models
        for origin in origins
        for horizon in range(1, 6)
    ]
    rng = np.random.default_rng(seed)
    point, sd = rng.normal(0, 0.02, len(keys)), rng.uniform(0.005, 0.03, len(keys))
    frame = pl.DataFrame(keys, schema_overrides={"as_of": pl.Date, "target": pl.Date}).with_columns(
        version=pl.lit("1-abc"),
        inputs=pl.lit("us,usdjpy"),
        point=pl.Series(point),
        sd=pl.Series(sd),
        lo80=pl.Series(point - 1.3 * sd),
        hi80=pl.Series(point + 1.2 * sd),
        lo95=pl.Series(point - 2.1 * sd),
        hi95=pl.Series(point + 2.0 * sd),
        reason=pl.lit(None, pl.String),
        close=pl.Series(rng.uniform(100, 5_000, len(keys))),
        calibration=pl.lit("regime"),
        calibration_scores=pl.lit(250),
        quantiles=pl.Series(
            (point[:, None] + np.linspace(-2, 2, len(QUANTILES)) * sd[:, None]).astype(np.float32).tolist()
        ),
        model_id=pl.lit(None, pl.Int64),
    )
    gone = pl.col("symbol").is_in(list(missing))
    shown = (*NUMBERS, "calibration", "calibration_scores", "quantiles")
    frame = frame.with_columns(pl.when(~gone).then(pl.col(name)).alias(name) for name in shown)
    frame = frame.with_columns(reason=pl.when(gone).then(pl.lit(Reason.TOO_SHORT.value)))
    return frame.select(pl.col(name).cast(kind) for name, kind in PREDICTIONS.items())


def target(origin: date, horizon: int) -> date:
    return DAYS[DAYS.index(origin) + horizon]


def outcomes(
    symbols: Sequence[str], origins: Sequence[date], until: date = DAYS[-1], seed: int = 7
) -> pl.DataFrame:
    """What came by a session, schema `OUTCOMES`."""
    keys = forecasts(symbols, origins=origins).filter(pl.col("target") <= until)
    rng = np.random.default_rng(seed)
    return keys.select("symbol", "as_of", "horizon", "target").with_columns(
        actual=pl.Series(rng.normal(0, 0.02, keys.height), dtype=pl.Float64),
        naive=pl.Series(rng.uniform(0.01, 0.02, keys.height), dtype=pl.Float64),
    ).select(OUTCOMES.keys())  # fmt: skip


def store(database: Database) -> ForecastStore:
    return PostgresForecasts(database)


def stored(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that was forecast, came, or is awaited, bit for bit."""
    predictions = ", ".join(name for name in PREDICTIONS if name != "symbol")
    return {
        "predictions": rows_of(
            database, "daily_predictions", f"instrument_id, {predictions}, made_at", "1, as_of, model, horizon"
        ),
        "outcomes": rows_of(
            database,
            "prediction_outcomes",
            "instrument_id, as_of, horizon, target, actual, naive, scored_at",
            "1, 2, 3",
        ),
        "awaited": rows_of(database, "awaited_outcomes", "instrument_id, as_of, horizon, target", "1, 2, 3"),
    }  # fmt: skip
