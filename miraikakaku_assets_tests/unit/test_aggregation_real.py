"""Bars that were really delivered, put together: Tokyo, New York across a change of clocks, a year of a currency."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.domain.bars.aggregation import aggregate
from miraikakaku_assets.domain.bars.daily_gap import daily_gap
from miraikakaku_assets.domain.bars.frame import RAW_INTRADAY
from miraikakaku_assets.domain.bars.intraday import validate_intraday
from miraikakaku_assets.domain.bars.quality_rule import BarContext
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import session_table

NOW = datetime(2026, 11, 21, tzinfo=UTC)
STORED = ("symbol", "ts", "open", "high", "low", "close", "volume", "status", "flag")


def stored(
    table: pl.DataFrame, stamp: pl.Expr, universe: Universe, symbol: str | None = None
) -> pl.DataFrame:
    """A file's bars as they are stored."""
    table = table.rename({name: name.lower() for name in table.columns})
    named = {"symbol": pl.lit(symbol)} if symbol else {}
    raw = table.with_row_index("row").with_columns(
        stamp=stamp.dt.convert_time_zone("UTC"), refusal=pl.lit(None, pl.String), **named
    )
    raw = raw.cast({"row": pl.Int64, "volume": pl.Float64}).select(*RAW_INTRADAY)
    accepted = validate_intraday(raw, BarContext(universe, NOW)).accepted
    return accepted.with_columns(pl.col("volume").cast(pl.Int64)).select(STORED)


def tokyo(real_data: Path) -> pl.DataFrame:
    table = pl.read_parquet(real_data / "intraday/jp_5m_50sym_2025-01_2025-05.parquet")
    clock = pl.col("timestamp").str.slice(0, 19).str.to_datetime(time_unit="us")
    return stored(table, clock.dt.replace_time_zone("Asia/Tokyo"), JP)


def test_four_months_of_fifty_tokyo_issues(real_data: Path) -> None:
    bars = tokyo(real_data)
    hours = aggregate(bars, Timeframe.M5, Timeframe.H1, JP, NOW)
    halves = aggregate(hours, Timeframe.H1, Timeframe.H4, JP, NOW)
    assert hours["parts"].sum() == bars.height
    assert hours["volume"].sum() == halves["volume"].sum() == bars["volume"].sum()
    per_day = hours.group_by("symbol", pl.col("ts").dt.date()).len()
    assert per_day["len"].max() == 6
    assert per_day.filter(pl.col("len") == 6).height > 0.99 * per_day.height
    local = hours["ts"].dt.convert_time_zone("Asia/Tokyo").dt.strftime("%H:%M")
    assert set(local) == {"09:00", "10:00", "11:00", "12:30", "13:30", "14:30"}
    # More than expected: the print at 11:30 and the few bars of the closing call.
    assert (hours["parts"] <= hours["expected_parts"] + 1).all()
    assert set(hours["status"]) == {"final"}


def test_sixty_days_of_new_york_across_a_change_of_clocks(real_data: Path) -> None:
    table = pl.read_csv(real_data / "intraday/AAPL_5m.csv")
    clock = pl.col("datetime").str.slice(0, 19).str.to_datetime(time_unit="us").dt.replace_time_zone("UTC")
    bars = stored(table, clock, US, "AAPL")
    hours = aggregate(bars, Timeframe.M5, Timeframe.H1, US, NOW)
    local = hours["ts"].dt.convert_time_zone("America/New_York")
    assert set(local.dt.strftime("%H:%M")) == {f"{hour:02}:30" for hour in range(9, 16)}
    offsets = set((hours["ts"].dt.hour() - local.dt.hour().cast(pl.Int8)).to_list())
    assert offsets == {4, 5}  # summer and winter time
    christmas_eve = hours.filter(local.dt.date() == date(2025, 12, 24))
    assert christmas_eve["parts"].to_list() == [12, 12, 12, 6]
    fours = aggregate(hours, Timeframe.H1, Timeframe.H4, US, NOW)
    halves = fours["ts"].dt.convert_time_zone("America/New_York")
    assert set(halves.dt.strftime("%H:%M")) == {"09:30", "13:30"}
    assert (halves.dt.date() == date(2025, 12, 24)).sum() == 1


def test_a_year_of_a_currency(real_data: Path) -> None:
    names = ["day", "time", "open", "high", "low", "close", "volume"]
    table = pl.read_csv(
        real_data / "fx/usdjpy_5m_mt4_2024-10_2025-11.csv", has_header=False, new_columns=names
    )
    clock = (pl.col("day") + " " + pl.col("time")).str.to_datetime("%Y.%m.%d %H:%M", time_unit="us")
    bars = stored(table, clock.dt.replace_time_zone("Europe/Helsinki"), FX, "JPY=X")
    fours = aggregate(bars, Timeframe.M5, Timeframe.H4, FX, NOW)
    assert fours["parts"].sum() == bars.height
    assert (fours["parts"] <= 48).all()
    assert fours.filter(pl.col("parts") == 48).height > 0.97 * fours.height
    local = fours["ts"].dt.convert_time_zone("America/New_York")
    assert set(local.dt.hour()) == {1, 5, 9, 13, 17, 21}
    weeks = fours.group_by(local.dt.offset_by("7h").dt.truncate("1w").alias("week")).len()
    assert weeks["len"].max() == 30


def test_the_measured_gap_between_five_minutes_and_the_day(real_data: Path) -> None:
    bars = tokyo(real_data)
    daily = pl.read_parquet(real_data / "jp_daily/jp_daily_all4178_2024-12_2025-12.parquet")
    dated = daily.with_columns(session=pl.col("date").str.slice(0, 10).str.to_date())
    sessions = session_table("XTKS").select("session", ts="opens")
    gap = daily_gap(dated.join(sessions, on="session").filter(pl.col("volume") > 0), bars, JP)
    assert (gap.height, gap["sessions"].sum()) == (49, 4_018)
    assert gap["volume_share"].median() == pytest.approx(0.71, abs=0.005)
    # The closing print that is refused as no trade would make it 19 %: 492 of 4,101 sessions have one.
    assert (gap["close_equal"] * gap["sessions"]).sum() / 4_018 == pytest.approx(0.07, abs=0.005)
    assert gap["close_gap"].median() == pytest.approx(0.0014, abs=0.0002)
