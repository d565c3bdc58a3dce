"""The year of daily bars that is measured: the real one where it lies beside the checkout, a synthetic one else."""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.domain.market.master import StockList
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets.domain.market.tokyo import tokyo_issue

_LAST = date(2025, 12, 22)
_REAL = "jp_daily/jp_daily_all4178_2024-12_2025-12.parquet"


@dataclass(frozen=True)
class Year:
    """A year of daily bars of one market.

    Attributes:
        file: Parquet with symbol, date, open, high, low, close, volume.
        described: What it is, for the results.
        symbols: How many.
        rows: How many.
    """

    file: Path
    described: str
    symbols: int
    rows: int

    @property
    def first(self) -> date:
        """Its first session."""
        return date.fromisoformat(str(self._days().min()))

    @property
    def last(self) -> date:
        """Its last session."""
        return date.fromisoformat(str(self._days().max()))

    def _days(self) -> pl.Series:
        return pl.read_parquet(self.file, columns=["date"])["date"]

    def stock_list(self) -> StockList:
        """A master that lists every symbol of the year."""
        symbols = pl.read_parquet(self.file, columns=["symbol"])["symbol"].unique().sort()
        issues = tuple(
            tokyo_issue(s.removesuffix(".T"), f"Issue {s}", "プライム（内国株式）") for s in symbols
        )
        return StockList(date(2025, 9, 30), issues, "0" * 64)


def year(folder: Path, symbols: int) -> Year:
    """The real year cut to some symbols, or a synthetic one of the same shape."""
    named = os.environ.get("MIRAIKAKAKU_REAL_DATA")
    real = (Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data") / _REAL
    file = folder / "year.parquet"
    if real.exists():
        frame = pl.read_parquet(real)
        chosen = frame["symbol"].unique().sort().head(symbols)
        frame = frame.filter(pl.col("symbol").is_in(chosen.implode()))
        described = "real TSE year 2025"
    else:
        frame = synthetic(symbols, len(sessions_between(JP.calendar, date(2024, 12, 23), _LAST)))
        described = "synthetic year, seed 7"
    return cut(frame, file, described)


def cut(bars: pl.DataFrame, file: Path, described: str) -> Year:
    """Writes bars into a file."""
    bars.write_parquet(file)
    return Year(file, described, bars["symbol"].n_unique(), bars.height)


def synthetic(symbols: int, sessions: int) -> pl.DataFrame:
    """A random walk per symbol inside the daily limits, up to the last session of the year."""
    days = sessions_between(JP.calendar, date(1997, 1, 6), _LAST)[-sessions:]
    generator = np.random.default_rng(7)
    shape = (symbols, len(days))
    close = np.round(1000 * np.exp(np.cumsum(generator.normal(0, 0.015, shape), axis=1)), 1)
    opens = np.round(close * (1 + generator.normal(0, 0.004, shape)), 1)
    names = [f"{1300 + number}.T" for number in range(symbols)]
    return pl.DataFrame(
        {
            "symbol": np.repeat(names, len(days)),
            "date": np.tile([str(day) for day in days], symbols),
            "open": opens.ravel(),
            "high": np.maximum(opens, close).ravel(),
            "low": np.minimum(opens, close).ravel(),
            "close": close.ravel(),
            "volume": generator.integers(100, 1_000_000, shape).ravel().astype(float),
        }
    )
