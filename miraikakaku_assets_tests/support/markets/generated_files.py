"""Files of bars that the simulator makes up, in the layouts in which exchanges, vendors and brokers leave real ones."""

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import polars as pl

from miraikakaku_assets.simulator.core.bars import Bars
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.world.world import World

NOW = datetime(2026, 4, 3, 22, tzinfo=UTC)
"""A Friday evening after New York has closed; the half days and changed clocks of the winter lie behind it."""

MOMENT = pl.Datetime("us", "UTC")


@cache
def world() -> World:
    return World(SimulatorConfig(symbols=60, us_symbols=2, history_years=2), int(NOW.timestamp()))


def _second(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _table(symbol: str, bars: Bars) -> pl.DataFrame:
    """Columns symbol, ts (UTC), open, high, low, close, volume."""
    prices = {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    table = pl.DataFrame({"symbol": [symbol] * len(bars), "ts": bars.stamps, **prices})
    return table.with_columns(pl.from_epoch("ts").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))


def five_minutes(symbol: str, first: date, until: date) -> pl.DataFrame:
    """5-minute bars from a day to before another, as Yahoo serves them."""
    now = int(NOW.timestamp())
    return _table(symbol, world().five_minutes(symbol, _second(first), _second(until), now))


def daily(symbol: str, first: date) -> pl.DataFrame:
    """Daily bars from a day on; `ts` is Yahoo's stamp."""
    quotes = world().quotes(symbol, int(NOW.timestamp()), _second(first))
    assert quotes is not None
    return _table(symbol, quotes.daily).filter(
        pl.col("ts") >= datetime(first.year, first.month, first.day, tzinfo=UTC)
    )


def vendors_days(*tables: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Daily bars of many symbols in one table: symbol, date and prices."""
    dated = pl.concat(tables).with_columns(
        date=pl.col("ts").dt.convert_time_zone(zone).dt.strftime("%Y-%m-%d")
    )
    return dated.select("symbol", "date", "open", "high", "low", "close", "volume")


def tokyo_minutes(path: Path, *tables: pl.DataFrame) -> Path:
    """5-minute bars of many symbols as Parquet, stamped on Tokyo's clock."""
    stamp = pl.col("ts").dt.convert_time_zone("Asia/Tokyo").dt.strftime("%Y-%m-%d %H:%M:%S%:z")
    pl.concat(tables).select("symbol", stamp.alias("timestamp"), pl.exclude("symbol", "ts")).write_parquet(
        path
    )
    return path


def yahoos_minutes(path: Path, table: pl.DataFrame) -> Path:
    """5-minute bars of one symbol as yfinance writes them, in UTC."""
    stamp = pl.col("ts").dt.strftime("%Y-%m-%d %H:%M:%S%:z")
    table.select(stamp.alias("Datetime"), *(pl.col(name.lower()).alias(name) for name in _YAHOO)).write_csv(
        path
    )
    return path


def brokers_minutes(path: Path, table: pl.DataFrame, zone: str) -> Path:
    """5-minute bars as MetaTrader 4 exports them: no header, no zone, no seconds."""
    local = pl.col("ts").dt.convert_time_zone(zone)
    clock = (local.dt.strftime("%Y.%m.%d"), local.dt.strftime("%H:%M").alias("time"))
    table.select(*clock, "open", "high", "low", "close", pl.lit(100)).write_csv(path, include_header=False)
    return path


_YAHOO = ("Close", "High", "Low", "Open", "Volume")
