"""A folder of evidence of markets that exist nowhere, in the layouts of the real one."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from miraikakaku_assets.domain.market.instruments import COPPER, FX, US, Universe
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets_tests.support.markets.us_directories import AAPL, SPY, nasdaq_listed, other_listed

FIRST, LAST = date(2018, 3, 1), date(2018, 12, 14)
ISSUES = [f"A{chr(65 + place)}Q" for place in range(24)]
UNLISTED = "ZZZZ"


def days_of(universe: Universe) -> list[date]:
    return sessions_between(universe.calendar_of("HG=F"), FIRST, LAST)


def bars(universe: Universe, seed: int, level: float) -> pl.DataFrame:
    """A random walk as Yahoo's file: a bar per session."""
    days = days_of(universe)
    closes = level * np.exp(np.random.default_rng(seed).normal(0, 0.01, len(days)).cumsum())
    frame = pl.DataFrame({"Date": days, "Close": closes})
    return frame.with_columns(
        High=pl.col("Close") * 1.004,
        Low=pl.col("Close") * 0.996,
        Open=pl.col("Close") * 1.001,
        Volume=pl.lit(1000),
    )


def evidence_folder(folder: Path) -> Path:
    """Currencies and copper as CSV, 24 listed US issues and an unlisted one as Parquet, and their directories."""
    for part in ("fx", "copper", "us_daily", "us"):
        (folder / part).mkdir(parents=True)
    bars(FX, 1, 110).write_csv(folder / "fx" / "yahoo_JPY=X_daily_2018.csv")
    stray = bars(COPPER, 2, 3).tail(1).with_columns(pl.col("Date") + timedelta(days=1))  # a Saturday
    pl.concat([bars(COPPER, 2, 3), stray]).write_csv(folder / "copper" / "yahoo_HG=F_daily_2018.csv")
    issues = [
        bars(US, 10 + place, 50).with_columns(symbol=pl.lit(name))
        for place, name in enumerate([*ISSUES, UNLISTED])
    ]
    table = pl.concat(issues).rename(
        {name: name.lower() for name in ("Date", "Close", "High", "Low", "Open", "Volume")}
    )
    table.with_columns(pl.col("date").cast(pl.String)).write_parquet(
        folder / "us_daily" / "us_sp500_2018.parquet"
    )
    lines = [f"{name}|{name} Inc. - Common Stock|Q|N|N|100|N|N" for name in ISSUES]
    created = "0102201821:31"
    (folder / "us" / "a__2018-01-02__1__nasdaqlisted.txt").write_bytes(
        nasdaq_listed(AAPL, *lines, created=created)
    )
    (folder / "us" / "a__2018-01-02__2__otherlisted.txt").write_bytes(other_listed(SPY, created=created))
    return folder
