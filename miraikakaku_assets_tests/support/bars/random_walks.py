"""Bars of shares and currencies that exist nowhere: random walks."""

import math
import random
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from miraikakaku_assets.domain.market.sessions import expected_slots, session_table, sessions_between


def walk(bars: int = 400, seed: int = 7) -> pl.DataFrame:
    """A share whose volume and ranges vary, with gaps over night."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    rows, close = [], 2_000.0
    for number in range(bars):
        opened = close * math.exp(chance.gauss(0, 0.005))
        close = opened * math.exp(chance.gauss(0, 0.015))
        high = max(opened, close) * (1 + abs(chance.gauss(0, 0.004)))
        low = min(opened, close) * (1 - abs(chance.gauss(0, 0.004)))
        ts = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=number)
        rows.append(("7203.T", ts, opened, high, low, close, chance.randrange(1, 10_000)))
    return pl.DataFrame(rows, schema=["symbol", "ts", "open", "high", "low", "close", "volume"], orient="row")


def market(*lengths: int) -> pl.DataFrame:
    """Several shares, each with its own number of bars."""
    walks = [walk(bars, seed=seed) for seed, bars in enumerate(lengths)]
    named = [own.with_columns(symbol=pl.lit(f"{1300 + at}.T")) for at, own in enumerate(walks)]
    return pl.concat(named)


def bars(starts: list[datetime], close: float = 2800.0, seed: int = 3) -> pl.DataFrame:
    """A random walk."""
    noise = np.random.default_rng(seed)
    path = close * np.exp(np.cumsum(noise.normal(0, 0.001, len(starts))))
    opened = np.r_[close, path[:-1]]
    high, low = np.maximum(opened, path) * 1.0005, np.minimum(opened, path) * 0.9995
    columns = {"ts": starts, "open": opened, "high": high, "low": low, "close": path}
    return pl.DataFrame(columns, schema_overrides={"ts": pl.Datetime("us", "UTC")}).select(
        pl.lit("7203.T").alias("symbol"), pl.all(), pl.lit(1000).alias("volume")
    )


def currency(first: date, last: date, days_before: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Five-minute bars of a random walk of a currency, and daily bars of a longer one that agrees with it."""
    rng = np.random.default_rng(8)
    days = sessions_between("FX", first, last)
    stamps = pl.concat([expected_slots("FX", day) for day in days])
    m5 = _bars(stamps, 150 * np.exp(np.cumsum(rng.standard_t(4, len(stamps)) * 4e-4)), rng)
    table = session_table("FX").filter(pl.col("session") <= last).tail(len(days) + days_before)
    daily = _bars(table["opens"], 150 * np.exp(np.cumsum(rng.standard_t(4, table.height) * 5e-3)), rng)
    return m5, daily


def _bars(stamps: pl.Series, close: np.ndarray, rng: np.random.Generator) -> pl.DataFrame:
    opens = np.concatenate([[close[0]], close[:-1]])
    return pl.DataFrame(
        {
            "symbol": "USDJPY=X",
            "ts": stamps.cast(pl.Datetime("us", "UTC")),
            "open": opens,
            "high": np.maximum(opens, close) * (1 + rng.exponential(1e-4, len(close))),
            "low": np.minimum(opens, close) * (1 - rng.exponential(1e-4, len(close))),
            "close": close,
            "volume": 0,
            "status": "final",
            "flag": pl.Series([None] * len(close), dtype=pl.String),
        }
    )
