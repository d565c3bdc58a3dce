"""Files of 5-minute bars as exchanges, vendors and brokers left them: from the file to bars, indicators and signals.

Each file is read as a user would name it, judged by the rules of every delivery, and put together. The numbers were
counted in the files; those of rejected rows by rule are also in `unit/test_intraday_real.py`, from other readers.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.adapters.sources.files.intraday_bars import NamedBarFiles
from miraikakaku_assets.application.leakage.bar_inputs import BARS, FileBars, of_timeframe
from miraikakaku_assets.application.leakage.checks import (
    candlestick_subject,
    check_look_ahead,
    indicator_subject,
    measure_warm_up,
)
from miraikakaku_assets.application.leakage.pattern_subjects import (
    check_pattern_look_ahead,
    frames_of,
    measure_pattern_warm_up,
    patterns_of,
)
from miraikakaku_assets.application.quality.daily_gap import measure_daily_gap
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import SLOT, session_table
from miraikakaku_assets.domain.patterns.detection import signals, signals_since
from miraikakaku_assets.domain.patterns.frames import BARS_NEEDED, TIMEFRAMES, Frames

pytestmark = pytest.mark.slow

BROKER = "fx/usdjpy_5m_mt4_2024-10_2025-11.csv"
YAHOO = "fx/yahoo_5m_jst/usdjpy_5min_202608"
TOKYO = "intraday/jp_5m_50sym_2025-01_2025-05.parquet"
DAYS = {"fx": "fx/yahoo_JPY=X_daily_1996_2026.csv", "jp": "jp_daily/jp_daily_all4178_2024-12_2025-12.parquet"}
PAIR = "USDJPY=X"


def at_hand(folder: Path, name: str, universe: Universe, zone: str = "", symbol: str = "") -> FileBars:
    paths = {Timeframe.M5: folder / name}
    if universe.name in DAYS:
        paths[Timeframe.D1] = folder / DAYS[universe.name]
    return FileBars(
        universe, NamedBarFiles(), paths, lambda: datetime(2026, 11, 21, tzinfo=UTC), zone, symbol
    )


@pytest.fixture(scope="module")
def pair(real_data: Path) -> FileBars:
    """A year of USD/JPY on a broker's clock, and Yahoo's daily bars."""
    return at_hand(real_data, BROKER, FX, "Europe/Helsinki", PAIR)


@pytest.fixture(scope="module")
def tokyo(real_data: Path) -> FileBars:
    """Four months of fifty TSE issues, and their daily bars."""
    return at_hand(real_data, TOKYO, JP)


def counted(bars: FileBars) -> tuple[int, int, int, int, dict[str, int]]:
    """Symbols, bars, and what is built of them; rows refused by rule."""
    names = bars.symbols(Timeframe.M5)
    m5 = [bars.bars(name, Timeframe.M5) for name in names]
    hours, fours = (
        sum(of_timeframe(frame, length, bars.universe).height for frame in m5)
        for length in (Timeframe.H1, Timeframe.H4)
    )
    (refused,) = bars.refused.values()
    return len(names), sum(frame.height for frame in m5), hours, fours, refused


FILES = [
    (f"{YAHOO}14.csv", FX, 288, 24, 6, {}, "2026-08-13 15:00", "2026-08-14 14:55"),
    # A Saturday in Tokyo: New York closes the week at 6:00, and Yahoo repeats the last price after it.
    (f"{YAHOO}15.csv", FX, 72, 6, 2, {"closing_print": 1}, "2026-08-14 15:00", "2026-08-14 20:55"),
    (f"{YAHOO}17.csv", FX, 192, 16, 4, {}, "2026-08-16 23:00", "2026-08-17 14:55"),
    ("intraday/AAPL_5m.csv", US, 4_521, 408, 117, {}, "2025-12-23 14:30", "2026-03-20 19:55"),
    ("intraday/NVDA_5m.csv", US, 4_519, 408, 117, {}, "2025-12-23 14:30", "2026-03-20 19:55"),
    ("intraday/SPY_5m.csv", US, 4_520, 407, 117, {}, "2025-12-23 14:30", "2026-03-20 19:55"),
    ("intraday/SPY_5m_extended_hours_2025.csv", US, 4_642, 417, 119, {"outside_hours": 6_659},
     "2025-06-04 13:30", "2025-08-28 19:55"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "universe", "bars", "hours", "fours", "refused", "first", "last"),
    FILES,
    ids=lambda value: value.rpartition("/")[2] if isinstance(value, str) and "/" in value else "",
)
def test_a_file_becomes_bars(  # noqa: PLR0917 - what is known of a file
    real_data: Path,
    name: str,
    universe: Universe,
    bars: int,
    hours: int,
    fours: int,
    refused: dict[str, int],
    first: str,
    last: str,
) -> None:
    read = at_hand(real_data, name, universe)

    assert counted(read) == (1, bars, hours, fours, refused)
    stamps = read.bars(read.symbols(Timeframe.M5)[0], Timeframe.M5)["ts"]
    assert (f"{stamps[0]:%Y-%m-%d %H:%M}", f"{stamps[-1]:%Y-%m-%d %H:%M}") == (first, last)


def test_a_year_on_a_brokers_clock_with_its_hole(pair: FileBars) -> None:
    bars = pair.bars(PAIR, Timeframe.M5)

    assert counted(at_hand(*_as_read(pair))) == (1, 65_000, 5_427, 1_361, {})
    assert bars["ts"][0] == datetime(2024, 10, 29, 11, 55, tzinfo=UTC)  # 13:55 in the file, winter
    assert bars["ts"][-1] == datetime(2025, 11, 6, 9, 15, tzinfo=UTC)
    steps = bars.select("ts", step=pl.col("ts").diff()).filter(pl.col("step") > timedelta(days=4))
    assert steps.rows() == [
        (datetime(2025, 11, 6, 0, 40, tzinfo=UTC), timedelta(days=54, hours=3, minutes=55))
    ]
    # Nothing is made up for the eight weeks, neither of an hour nor of four.
    for length in (Timeframe.H1, Timeframe.H4):
        built = of_timeframe(bars, length, FX)
        inside = pl.col("ts").is_between(
            datetime(2025, 9, 13, tzinfo=UTC), datetime(2025, 11, 5, 20, tzinfo=UTC)
        )
        assert built.filter(inside).is_empty()


def _as_read(pair: FileBars) -> tuple[Path, str, Universe, str, str]:
    path = pair.paths[Timeframe.M5]
    return path.parent.parent, f"fx/{path.name}", FX, pair.zone, pair.symbol


@pytest.mark.parametrize(
    ("monday", "opens", "first_parts"),
    [
        ("2025-01-13", 22, 48),  # winter in New York and Helsinki
        ("2025-03-10", 21, 36),  # summer in New York only: the broker's day begins an hour late
        ("2025-03-24", 21, 36),
        ("2025-03-31", 21, 48),  # summer in both
        ("2025-07-14", 21, 48),
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

    assert week.height == 30
    assert week["ts"].to_list() == [start + number * timedelta(hours=4) for number in range(30)]
    parts = bars.filter(pl.col("ts").is_between(start, start + timedelta(hours=4), closed="left"))
    assert parts.height == first_parts


@pytest.mark.parametrize(
    ("name", "day", "hours", "fours"),
    [
        ("AAPL_5m.csv", "2025-12-23", 7, 2),
        ("AAPL_5m.csv", "2025-12-24", 4, 1),  # half a day
        ("AAPL_5m.csv", "2026-03-06", 7, 2),  # the Friday before the clocks change, and the Monday after
        ("AAPL_5m.csv", "2026-03-09", 7, 2),
        ("SPY_5m_extended_hours_2025.csv", "2025-07-03", 4, 1),
    ],
)
def test_half_days_and_changed_clocks_of_new_york(
    real_data: Path, name: str, day: str, hours: int, fours: int
) -> None:
    read = at_hand(real_data, f"intraday/{name}", US)
    bars = read.bars(read.symbols(Timeframe.M5)[0], Timeframe.M5)
    for length, count, starts in (
        (Timeframe.H1, hours, [f"{hour:02}:30" for hour in range(9, 16)]),
        (Timeframe.H4, fours, ["09:30", "13:30"]),
    ):
        local = of_timeframe(bars, length, US).with_columns(
            at=pl.col("ts").dt.convert_time_zone("America/New_York")
        )
        of_day = local.filter(pl.col("at").dt.date() == datetime.fromisoformat(day).date())
        assert of_day["at"].dt.strftime("%H:%M").to_list() == starts[:count]


def test_fifty_issues_of_tokyo_with_their_lunch(tokyo: FileBars) -> None:
    names = tokyo.symbols(Timeframe.M5)
    assert len(names) == 50
    m5 = [tokyo.bars(name, Timeframe.M5) for name in names]
    assert sum(frame.height for frame in m5) == 265_940
    fours = [of_timeframe(frame, Timeframe.H4, JP) for frame in m5]
    hours = [of_timeframe(frame, Timeframe.H1, JP) for frame in m5]
    assert (sum(hour.height for hour in hours), sum(four.height for four in fours)) == (24_520, 8_172)
    local = pl.concat(fours)["ts"].dt.convert_time_zone("Asia/Tokyo").dt.strftime("%H:%M")
    assert set(local) == {"09:00", "12:30"}
    lunch = pl.concat(m5)["ts"].dt.convert_time_zone("Asia/Tokyo").dt.time()
    assert lunch.is_between(pl.time(11, 35), pl.time(12, 30), closed="left").sum() == 0


def test_the_day_of_tokyo_is_not_in_its_five_minutes(tokyo: FileBars) -> None:
    gap = measure_daily_gap(tokyo, [], lambda _done, _of: None)

    assert (gap.rows.height, gap.total["sessions"]) == (49, 4_018)
    assert gap.total["volume_share"] == pytest.approx(0.7098, abs=1e-4)
    assert gap.total["close_equal"] == pytest.approx(0.0701, abs=1e-4)
    assert gap.total["close_gap"] == pytest.approx(0.0014, abs=1e-4)
    toyota = gap.rows.row(by_predicate=pl.col("symbol") == "7203.T", named=True)
    assert (toyota["sessions"], round(toyota["volume_share"], 4)) == (83, 0.7232)


@pytest.mark.parametrize(("definition", "shown"), [("v1", 298), ("v2", 389)])
def test_no_pattern_of_the_pair_looks_ahead(pair: FileBars, definition: str, shown: int) -> None:
    """From bars to signals, all anew: with every later 5-minute and daily bar cut off."""
    m5, daily = (pair.bars(PAIR, timeframe) for timeframe in (Timeframe.M5, Timeframe.D1))

    comparison, there = check_pattern_look_ahead(patterns_of(definition, ["all"]), m5, daily, FX, 5)

    assert comparison.differences.is_empty()
    assert (comparison.moments, there) == (5, shown)
    assert comparison.values > 4_000_000


@pytest.mark.slow
def test_no_pattern_of_fifty_issues_of_tokyo_looks_ahead(tokyo: FileBars) -> None:
    """The print of 11:30 closes the morning, and with it a 1h and a 4h bar, which are over at 11:35."""
    names = [name for name in tokyo.symbols(Timeframe.M5) if name in set(tokyo.symbols(Timeframe.D1))]
    v2 = patterns_of("v2", ["all"])

    every = [
        check_pattern_look_ahead(
            v2, tokyo.bars(name, Timeframe.M5), tokyo.bars(name, Timeframe.D1), JP, moments=3
        )
        for name in names
    ]

    assert len(names) == 49  # 9749.T was squeezed out
    assert {
        name for name, (comparison, _) in zip(names, every, strict=True) if comparison.differences.height
    } == set()
    assert sum(comparison.values for comparison, _ in every) > 25_000_000
    assert sum(shown for _, shown in every) > 40


@pytest.mark.parametrize("name", ["AAPL_5m.csv", "NVDA_5m.csv", "SPY_5m_extended_hours_2025.csv"])
def test_no_pattern_of_new_york_looks_ahead(real_data: Path, name: str) -> None:
    """Sixty days each: Christmas Eve and the clocks' change, or the half day before Independence Day."""
    read = at_hand(real_data, f"intraday/{name}", US)
    m5 = read.bars(read.symbols(Timeframe.M5)[0], Timeframe.M5)

    comparison, _ = check_pattern_look_ahead(patterns_of("v2", ["all"]), m5, _days_of(m5), US, 8)

    assert comparison.differences.is_empty()
    assert comparison.values > 900_000


def _days_of(m5: pl.DataFrame) -> pl.DataFrame:
    """Daily bars, made of all that is there: what patterns read of a day is no matter of its closing auction here."""
    opens = session_table("XNYS").select(day="opens")
    prices = {"high": pl.col("high").max(), "low": pl.col("low").min(), "close": pl.col("close").last()}
    grouped = m5.join_asof(opens, left_on="ts", right_on="day").group_by("day", maintain_order=True)
    days = grouped.agg(pl.col("symbol", "open", "status", "flag").first(), pl.col("volume").sum(), **prices)
    return days.rename({"day": "ts"}).select(BARS)


def test_no_indicator_and_no_candlestick_of_the_pair_looks_ahead(pair: FileBars) -> None:
    bars = pair.bars(PAIR, Timeframe.M5)
    hours = of_timeframe(bars, Timeframe.H1, FX)

    every = [check_look_ahead(indicator_subject(), frame, 3) for frame in (bars, hours)]
    candles = check_look_ahead(candlestick_subject(["all"]), hours, 6)

    assert all(comparison.differences.is_empty() for comparison in (*every, candles))
    assert [
        comparison.values > least for comparison, least in zip(every, (2_000_000, 150_000), strict=True)
    ] == [
        True,
        True,
    ]
    assert candles.values > 20_000


def test_the_warm_up_in_force_is_enough_for_the_pair(pair: FileBars) -> None:
    bars = pair.bars(PAIR, Timeframe.M5)
    indicators = measure_warm_up(indicator_subject(), of_timeframe(bars, Timeframe.H1, FX), 3)
    assert set(indicators["verdict"]) == {"enough"}
    daily = pair.bars(PAIR, Timeframe.D1)
    for timeframe in TIMEFRAMES:
        given = of_timeframe(daily if timeframe is Timeframe.D1 else bars, timeframe, FX)
        patterns = measure_pattern_warm_up(patterns_of("v2", ["all"]), timeframe, given, 3)
        assert set(patterns["verdict"]) == {"enough"}, timeframe


def test_bars_that_come_one_by_one_give_the_signals_of_the_batch(pair: FileBars) -> None:
    """Two weeks, around every signal bar by bar, with what was known at the end of each; else four hours at a time."""
    frames = frames_of(pair.bars(PAIR, Timeframe.M5), pair.bars(PAIR, Timeframe.D1), FX)
    whole = signals(frames)
    start, end = datetime(2025, 4, 13, 21, tzinfo=UTC), datetime(2025, 4, 25, 21, tzinfo=UTC)
    expected = whole.filter(pl.col("ts").is_between(start, end, closed="left"))
    near = {
        at + number * SLOT
        for at in expected["at"]
        for number in range(-2, 2)  # ten minutes on both sides of each signal
    }
    ends = frames.m5.filter(pl.col("ts").is_between(start, end, closed="left"))["ends"]
    cuts = [
        moment
        for moment in ends
        if (moment.minute == 0 and moment.hour % 4 == 0) or moment in near or moment == ends[-1]
    ]

    stored, since = whole.filter(pl.col("ts") < start), start
    for moment in cuts:
        new = signals_since(_newest(frames, since, moment), stored, since)
        stored, since = pl.concat([stored, new]), moment

    streamed = stored.filter(pl.col("ts") >= start).sort("ts", "symbol", "pattern", "direction")
    assert streamed.equals(expected)
    assert expected.height > 20


def _newest(frames: Frames, since: datetime, moment: datetime) -> Frames:
    """The bars known at a moment, no more of them than are needed to judge those from `since` on."""
    parts = []
    for timeframe, bars in frames.items():
        known = bars["ends"].search_sorted(moment, side="right")
        first = bars["ts"].search_sorted(since) - BARS_NEEDED[timeframe] - 1
        parts.append(bars.slice(max(first, 0), known - max(first, 0)))
    return Frames(*parts)
