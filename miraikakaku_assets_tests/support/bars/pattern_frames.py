"""Frames for tests of patterns: random ones, in which every condition is met now and then, and real ones."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from miraikakaku_assets.domain.bars.aggregation import aggregate
from miraikakaku_assets.domain.bars.intervals import with_ends
from miraikakaku_assets.domain.bars.intraday import validate_intraday
from miraikakaku_assets.domain.bars.quality_rule import BarContext
from miraikakaku_assets.domain.indicators.compute import compute
from miraikakaku_assets.domain.market.instruments import FX, JP, Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import session_table
from miraikakaku_assets.domain.patterns.frames import INPUTS, Frames

MONDAY = datetime(2025, 1, 6, tzinfo=UTC)
NOW = datetime(2026, 11, 21, tzinfo=UTC)
M5_BARS = 60  # of a made-up day that trades from 0:00 to 5:00 UTC

INDICATORS = INPUTS[4:]


def indicated(bars: pl.DataFrame) -> pl.DataFrame:
    """With TA-Lib's values from its own first one on: real histories are too short to let them settle."""
    volume = bars if "volume" in bars.columns else bars.with_columns(volume=pl.lit(0))
    return bars.join(compute(volume, INDICATORS, history={}), on=["symbol", "ts"], maintain_order="left")


def with_indicators(frames: Frames) -> Frames:
    return Frames(*(indicated(bars.drop(INDICATORS, strict=False)) for _, bars in frames.items()))


def grouped(bars: pl.DataFrame, count: int) -> pl.DataFrame:
    """Bars of so many five-minute bars each, anew every day."""
    place = pl.int_range(pl.len()).over("symbol", pl.col("ts").dt.date()) // count
    both = bars.group_by(
        "symbol", pl.col("ts").dt.date().alias("day"), place.alias("place"), maintain_order=True
    )
    return both.agg(
        pl.col("ts", "open").first(),
        pl.col("ends", "close").last(),
        pl.col("high").max(),
        pl.col("low").min(),
    ).select("symbol", "ts", "ends", "open", "high", "low", "close")


def walk(seed: int, symbols: int = 3, days: int = 70, shown: int = 20) -> Frames:
    """Random walks with indicators that belong to them; five-minute bars of the last days only."""
    rng = np.random.default_rng(seed)
    stamps = [
        MONDAY + timedelta(days=day, minutes=5 * slot) for day in range(days) for slot in range(M5_BARS)
    ]
    parts = []
    for number in range(symbols):
        drift = np.repeat(rng.normal(0, 0.0004, days), M5_BARS)
        close = 1000 * np.exp(np.cumsum(rng.standard_t(4, len(stamps)) * 0.002 + drift))
        opens = np.concatenate([[1000.0], close[:-1]])
        high = np.maximum(opens, close) * (1 + rng.exponential(0.0008, len(close)))
        low = np.minimum(opens, close) * (1 - rng.exponential(0.0008, len(close)))
        prices = {"open": opens, "high": high, "low": low, "close": close}
        parts.append(pl.DataFrame({"symbol": f"{number}.T", "ts": stamps} | prices))
    m5 = pl.concat(parts).with_columns(pl.col("ts").cast(pl.Datetime("us", "UTC")))
    m5 = m5.with_columns(ends=pl.col("ts") + timedelta(minutes=5))
    d1, h4, h1 = (indicated(grouped(m5, count)) for count in (M5_BARS, 30, 12))
    return Frames(d1, h4, h1, indicated(m5).filter(pl.col("ts") >= MONDAY + timedelta(days=days - shown)))


def noise(seed: int, symbols: int = 8, days: int = 60) -> Frames:
    """Prices and indicators that have nothing to do with each other, near the thresholds of the conditions.

    Values are multiples of 1/4, of which sums and mirrors are exact.
    """
    rng = np.random.default_rng(seed)
    per_day = {Timeframe.D1: 1, Timeframe.H4: 2, Timeframe.H1: 5, Timeframe.M5: M5_BARS}
    return Frames(*(_noise(rng, symbols, days, count) for count in per_day.values()))


def _noise(rng: np.random.Generator, symbols: int, days: int, count: int) -> pl.DataFrame:
    step = timedelta(hours=5) / count
    starts = [MONDAY + timedelta(days=day) + step * place for day in range(days) for place in range(count)]
    parts = []
    for number in range(symbols):
        n = len(starts)

        def quarters(scale: float, length: int = n) -> np.ndarray:
            return np.round(rng.normal(0, scale, length) * 4) / 4

        jumps = quarters(40) * (rng.random(n) < 0.05)
        close = 1000 + np.cumsum(quarters(2)) + jumps
        opens = close + quarters(2)
        middle = close + quarters(1.5)
        values = {
            "open": opens,
            "high": np.maximum(opens, close) + np.abs(quarters(2)),
            "low": np.minimum(opens, close) - np.abs(quarters(2)),
            "close": close,
            "rsi_14": np.clip(50 + quarters(14), 0, 100),
            "macd": quarters(0.5),
            "macd_signal": quarters(0.5),
            "macd_histogram": quarters(1),
            "bb_middle": middle,
            "bb_upper": middle + np.abs(quarters(3)),
            "bb_lower": middle - np.abs(quarters(3)),
            "atr_14": 0.25 + np.abs(quarters(3)),
        }
        parts.append(pl.DataFrame({"symbol": f"{number}.T", "ts": starts} | values))
    bars = pl.concat(parts).with_columns(pl.col("ts").cast(pl.Datetime("us", "UTC")))
    unknown = pl.int_range(pl.len()).over("symbol") < 2
    bars = bars.with_columns(pl.when(~unknown).then(name).alias(name) for name in INDICATORS)
    return bars.with_columns(ends=pl.col("ts") + step)


def _built(m5: pl.DataFrame, target: Timeframe, universe: Universe) -> pl.DataFrame:
    built = aggregate(m5, Timeframe.M5, target, universe, NOW)
    return indicated(with_ends(built, target, universe))


def _frames(daily: pl.DataFrame, m5: pl.DataFrame, universe: Universe) -> Frames:
    stamped = session_table(universe.calendar).select("session", ts="opens")
    d1 = with_ends(daily.join(stamped, on="session").sort("symbol", "ts"), Timeframe.D1, universe)
    h4, h1 = (_built(m5, target, universe) for target in (Timeframe.H4, Timeframe.H1))
    return Frames(indicated(d1), h4, h1, indicated(m5.with_columns(ends=pl.col("ts") + timedelta(minutes=5))))


def _stored(raw: pl.DataFrame, universe: Universe) -> pl.DataFrame:
    accepted = validate_intraday(raw, BarContext(universe, NOW)).accepted
    return accepted.with_columns(pl.col("volume").cast(pl.Int64)).sort("symbol", "ts")


def _raw(table: pl.DataFrame, stamp: pl.Expr, zone: str) -> pl.DataFrame:
    return table.with_row_index("row", offset=2).with_columns(
        pl.col("row").cast(pl.Int64),
        pl.col("volume").cast(pl.Float64),
        stamp=stamp.str.to_datetime(time_unit="us").dt.replace_time_zone(zone).dt.convert_time_zone("UTC"),
        refusal=pl.lit(None, pl.String),
    )


def tokyo(real_data: Path) -> Frames:
    """49 issues of the TSE with five-minute bars of 83 sessions and daily bars from 2024-12-23 on.

    9749.T, whose bars end with a squeeze-out, is left out.
    """
    table = pl.read_parquet(real_data / "intraday/jp_5m_50sym_2025-01_2025-05.parquet")
    table = table.filter(pl.col("symbol") != "9749.T")
    m5 = _stored(_raw(table, pl.col("timestamp").str.slice(0, 19), "Asia/Tokyo"), JP)
    daily = pl.read_parquet(real_data / "jp_daily/jp_daily_all4178_2024-12_2025-12.parquet")
    # 5016.T was listed in March; the table has empty rows before.
    daily = daily.with_columns(session=pl.col("date").str.to_date()).drop("date").drop_nulls("close")
    return _frames(daily.join(m5.select("symbol").unique(), on="symbol", how="semi"), m5, JP)


def dollar_yen(real_data: Path) -> Frames:
    """A year of USD/JPY: five-minute bars of a broker, daily bars of Yahoo."""
    names = ["day", "time", "open", "high", "low", "close", "volume"]
    table = pl.read_csv(
        real_data / "fx/usdjpy_5m_mt4_2024-10_2025-11.csv", has_header=False, new_columns=names
    ).with_columns(symbol=pl.lit("USDJPY=X"))
    stamp = pl.col("day").str.replace_all(".", "-", literal=True) + " " + pl.col("time") + ":00"
    m5 = _stored(_raw(table, stamp, "Europe/Helsinki"), FX)
    daily = pl.read_csv(real_data / "fx/yahoo_JPY=X_daily_1996_2026.csv")
    daily = daily.rename({name: name.lower() for name in daily.columns})
    daily = daily.select(
        pl.lit("USDJPY=X").alias("symbol"),
        pl.col("date").str.slice(0, 10).str.to_date().alias("session"),
        *("open", "high", "low", "close"),
    ).filter(pl.col("session").dt.year() >= 2023)
    return _frames(daily.drop_nulls(), m5, FX)
