"""Files of 5-minute bars from the file to bars and patterns, on any machine: the rules of `test_real_intraday.py`.

The simulator makes up the bars. What real files have beside them is written in: prices after the close, bars out of
hours, the clock of a broker, weeks without bars.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.adapters.sources.files.intraday_bars import NamedBarFiles
from miraikakaku_assets.application.leakage.bar_inputs import FileBars, of_timeframe
from miraikakaku_assets.application.leakage.checks import check_look_ahead, indicator_subject
from miraikakaku_assets.application.leakage.pattern_subjects import check_pattern_look_ahead, patterns_of
from miraikakaku_assets.application.quality.daily_gap import measure_daily_gap
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Timeframe, Universe
from miraikakaku_assets_tests.support.markets.generated_files import (
    NOW,
    brokers_minutes,
    daily,
    five_minutes,
    tokyo_minutes,
    vendors_days,
    yahoos_minutes,
)

pytestmark = pytest.mark.slow

PAIR = "USDJPY=X"
TOKYO = ("7203.T", "1301.T", "6758.T")
HOLE = (datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 1, 24, tzinfo=UTC))


def read(universe: Universe, m5: Path, days: Path, zone: str = "", symbol: str = "") -> FileBars:
    paths = {Timeframe.M5: m5, Timeframe.D1: days}
    return FileBars(universe, NamedBarFiles(), paths, lambda: NOW, zone, symbol)


def days_file(path: Path, symbols: Sequence[str], zone: str) -> Path:
    vendors_days(*(daily(symbol, date(2025, 4, 1)) for symbol in symbols), zone=zone).write_parquet(path)
    return path


@pytest.fixture(scope="module")
def tokyo(tmp_path_factory: pytest.TempPathFactory) -> FileBars:
    """Three issues of Tokyo with their lunch, and a print after every close."""
    folder = tmp_path_factory.mktemp("tokyo")
    bars = [five_minutes(symbol, date(2025, 12, 1), date(2026, 2, 1)) for symbol in TOKYO]
    local = pl.col("ts").dt.convert_time_zone("Asia/Tokyo")
    closes = [bar.filter(local.dt.time() == pl.time(15, 20)) for bar in bars]
    flat = dict.fromkeys(("open", "high", "low"), pl.col("close"))
    prints = [
        close.with_columns(pl.col("ts") + timedelta(minutes=10), volume=0.0, **flat) for close in closes
    ]
    m5 = tokyo_minutes(folder / "minutes.parquet", *bars, *prints)
    return read(JP, m5, days_file(folder / "days.parquet", TOKYO, "Asia/Tokyo"))


@pytest.fixture(scope="module")
def apple(tmp_path_factory: pytest.TempPathFactory) -> FileBars:
    """Half a year of New York with two half days and two changes of its clocks, and bars before every open."""
    folder = tmp_path_factory.mktemp("apple")
    bars = five_minutes("AAPL", date(2025, 10, 20), date(2026, 3, 20))
    local = pl.col("ts").dt.convert_time_zone("America/New_York")
    early = bars.filter(local.dt.time() == pl.time(9, 30)).with_columns(pl.col("ts") - timedelta(hours=1))
    m5 = yahoos_minutes(folder / "AAPL.csv", pl.concat([bars, early]).sort("ts"))
    return read(US, m5, days_file(folder / "days.parquet", ["AAPL"], "America/New_York"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> FileBars:
    """Half a year of USD/JPY on a broker's clock, without two weeks of January."""
    folder = tmp_path_factory.mktemp("pair")
    bars = five_minutes(PAIR, date(2025, 10, 13), date(2026, 4, 4)).filter(~pl.col("ts").is_between(*HOLE))
    m5 = brokers_minutes(folder / "usdjpy.csv", bars, "Europe/Helsinki")
    return read(FX, m5, days_file(folder / "days.parquet", [PAIR], "Europe/London"), "Europe/Helsinki", PAIR)


def refused(bars: FileBars) -> dict[str, int]:
    """Rows of the 5-minute file that were left out, by rule."""
    bars.symbols(Timeframe.M5)
    return bars.refused[str(bars.paths[Timeframe.M5])]


def test_lunch_and_the_print_after_the_close_are_no_bars_of_tokyo(tokyo: FileBars) -> None:
    rules = refused(tokyo)
    every = [tokyo.bars(symbol, Timeframe.M5) for symbol in tokyo.symbols(Timeframe.M5)]
    sessions = sum(bars["ts"].dt.date().n_unique() for bars in every)

    assert [bars["symbol"][0] for bars in every] == sorted(TOKYO)
    assert rules.keys() == {"lunch_break", "no_price", "closing_call", "closing_print"}
    assert rules["closing_print"] == rules["closing_call"] == sessions
    assert rules["lunch_break"] >= 11 * sessions  # 11 of 12 rows, and mornings that closed without a trade
    rows = pl.read_parquet(tokyo.paths[Timeframe.M5]).height
    assert sum(bars.height for bars in every) + sum(rules.values()) == rows
    for bars in every:
        built = {length: of_timeframe(bars, length, JP) for length in (Timeframe.H1, Timeframe.H4)}
        starts = {
            length: set(frame["ts"].dt.convert_time_zone("Asia/Tokyo").dt.strftime("%H:%M"))
            for length, frame in built.items()
        }
        assert starts[Timeframe.H4] == {"09:00", "12:30"}
        assert starts[Timeframe.H1] == {"09:00", "10:00", "11:00", "12:30", "13:30", "14:30"}
        whole_days = pl.col("ts") < bars["ts"][-1].replace(
            hour=0, minute=0
        )  # the last bars of the last are not over
        sold = [frame.filter(whole_days)["volume"].sum() for frame in (bars, *built.values())]
        assert len(set(sold)) == 1


def test_what_the_five_minutes_of_tokyo_lack_of_the_day_is_measured(tokyo: FileBars) -> None:
    gap = measure_daily_gap(tokyo, [], lambda _done, _of: None)

    assert gap.rows["symbol"].to_list() == sorted(TOKYO)
    assert gap.total["sessions"] == sum(
        tokyo.bars(symbol, Timeframe.M5)["ts"].dt.date().n_unique() for symbol in TOKYO
    )
    assert 0 < gap.total["volume_share"] <= 1


def test_no_pattern_of_tokyo_looks_ahead(tokyo: FileBars) -> None:
    """The print of 11:30 closes the morning, and with it a 1h and a 4h bar, which are over at 11:35."""
    comparisons = [
        check_pattern_look_ahead(
            patterns_of("v2", ["all"]),
            tokyo.bars(symbol, Timeframe.M5),
            tokyo.bars(symbol, Timeframe.D1),
            JP,
            moments=2,
        )[0]
        for symbol in TOKYO[:2]
    ]

    assert all(comparison.differences.is_empty() for comparison in comparisons)
    assert all(comparison.values > 100_000 for comparison in comparisons)


@pytest.mark.parametrize(
    ("day", "hours", "fours"),
    [
        ("2025-10-31", 7, 2),  # the Friday before the clocks change, and the Monday after
        ("2025-11-03", 7, 2),
        ("2025-11-28", 4, 1),  # half a day
        ("2025-12-24", 4, 1),
        ("2026-03-06", 7, 2),
        ("2026-03-09", 7, 2),
    ],
)
def test_half_days_and_changed_clocks_of_new_york(apple: FileBars, day: str, hours: int, fours: int) -> None:
    bars = apple.bars("AAPL", Timeframe.M5)
    for length, count, starts in (
        (Timeframe.H1, hours, [f"{hour:02}:30" for hour in range(9, 16)]),
        (Timeframe.H4, fours, ["09:30", "13:30"]),
    ):
        local = of_timeframe(bars, length, US)["ts"].dt.convert_time_zone("America/New_York")
        of_day = local.filter(local.dt.date() == date.fromisoformat(day))
        assert of_day.dt.strftime("%H:%M").to_list() == starts[:count]


def test_bars_before_the_open_are_left_out_and_counted(apple: FileBars) -> None:
    bars = apple.bars("AAPL", Timeframe.M5)

    assert refused(apple) == {"outside_hours": bars["ts"].dt.date().n_unique()}


def test_no_pattern_of_new_york_looks_ahead(apple: FileBars) -> None:
    bars, days = (apple.bars("AAPL", timeframe) for timeframe in (Timeframe.M5, Timeframe.D1))

    comparison, _ = check_pattern_look_ahead(patterns_of("v2", ["all"]), bars, days, US, 6)

    assert comparison.differences.is_empty()
    assert comparison.values > 500_000


@pytest.mark.parametrize(
    ("monday", "opens", "first_parts"),
    [
        ("2025-10-20", 21, 24),  # summer in New York and in London, where bars begin at midnight
        ("2025-10-27", 21, 12),  # summer in New York only
        ("2025-11-03", 22, 24),  # winter in both
        ("2026-03-02", 22, 24),
        ("2026-03-09", 21, 12),  # summer in New York only
        ("2026-03-30", 21, 24),
    ],
)
def test_weeks_begin_with_new_york_whatever_the_clocks_do(
    pair: FileBars, monday: str, opens: int, first_parts: int
) -> None:
    bars = pair.bars(PAIR, Timeframe.M5)
    start = datetime.fromisoformat(f"{monday}T00:00+00:00") - timedelta(hours=24 - opens)
    week = of_timeframe(bars, Timeframe.H4, FX).filter(
        pl.col("ts").is_between(start, start + timedelta(days=6), closed="left")
    )

    assert week["ts"].to_list() == [start + number * timedelta(hours=4) for number in range(30)]
    parts = bars.filter(pl.col("ts").is_between(start, start + timedelta(hours=4), closed="left"))
    assert parts.height == first_parts


def test_nothing_is_made_up_for_weeks_without_bars(pair: FileBars) -> None:
    bars = pair.bars(PAIR, Timeframe.M5)
    first, until = HOLE

    assert refused(pair) == {}
    assert bars["ts"][0] == datetime(2025, 10, 13, tzinfo=UTC)  # 3:00 in the file, summer
    for length in (Timeframe.H1, Timeframe.H4):
        built = of_timeframe(bars, length, FX)["ts"]
        assert built.filter(built.is_between(first, until)).is_empty()
        assert built.filter(built > until).len() > 100


@pytest.mark.parametrize("definition", ["v1", "v2"])
def test_no_pattern_of_the_pair_looks_ahead(pair: FileBars, definition: str) -> None:
    """From bars to signals, all anew, over changed clocks and a hole."""
    m5, days = (pair.bars(PAIR, timeframe) for timeframe in (Timeframe.M5, Timeframe.D1))

    comparison, shown = check_pattern_look_ahead(patterns_of(definition, ["all"]), m5, days, FX, 3)

    assert comparison.differences.is_empty()
    assert comparison.values > 500_000
    assert shown > 0


def test_no_indicator_of_the_pair_looks_ahead(pair: FileBars) -> None:
    hours = of_timeframe(pair.bars(PAIR, Timeframe.M5), Timeframe.H1, FX)

    comparison = check_look_ahead(indicator_subject(), hours, 3)

    assert comparison.differences.is_empty()
    assert comparison.values > 50_000
