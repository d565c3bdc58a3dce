"""Panels of random walks on a calendar without holidays, for the tests of forecasts."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

from miraikakaku_assets.domain.forecasting.panel import Panel, panel

START = date(2024, 1, 1)


def sessions(count: int) -> pl.Series:
    """Weekdays from `START` on."""
    days = pl.date_range(START, START + timedelta(days=count * 2), "1d", eager=True)
    return days.filter(days.dt.weekday() <= 5).head(count).alias("session")


def walk_bars(seed: int, symbols: int = 4, days: int = 120, sigma: float = 0.02) -> pl.DataFrame:
    """``symbol`` (S0000…), ``session``, ``close``, ``high``, ``low`` on the first `days` sessions."""
    noise = np.random.default_rng(seed).normal(0, sigma, (days, symbols))
    closes = 100 * np.exp(noise.cumsum(axis=0))
    return pl.DataFrame(
        {
            "symbol": np.repeat([f"S{place:04}" for place in range(symbols)], days),
            "session": np.tile(sessions(days).to_numpy(), symbols),
            "close": closes.T.ravel(),
        }
    ).with_columns(pl.col("session").cast(pl.Date), high=pl.col("close") * 1.01, low=pl.col("close") * 0.98)


def last_session(bars: pl.DataFrame) -> date:
    """Of the newest bar."""
    newest: date = max(bars["session"].to_list())
    return newest


def walk(seed: int, symbols: int = 4, days: int = 120, sigma: float = 0.02) -> Panel:
    """The same as a panel whose calendar goes on for ten sessions."""
    return panel(walk_bars(seed, symbols, days, sigma), sessions(days + 10))


def of_closes(closes: Sequence[float], symbol: str = "S") -> Panel:
    """One instrument with these closes on the first sessions."""
    days = sessions(len(closes) + 10)
    bars = pl.DataFrame({"symbol": symbol, "session": days.head(len(closes)), "close": pl.Series(closes)})
    return panel(bars.with_columns(pl.col("close").cast(pl.Float64)), days)
