"""Where the longer bars begin and end, on days that bite."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from miraikakaku_assets.domain.bars.intervals import SOURCES, check_pair, expected_parts, intervals
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import session_table, trading_hours

NEW_YORK = ZoneInfo("America/New_York")


def on(universe: Universe, target: Timeframe, day: date) -> list[tuple[str, str, int]]:
    """Intervals that begin on a local day: begin, end and expected 5-minute bars."""
    table = intervals(universe, target).with_columns(
        due=pl.Series(expected_parts(universe, Timeframe.M5, target)),
        begins=pl.col("ts").dt.convert_time_zone(universe.time_zone),
        until=pl.col("ends").dt.convert_time_zone(universe.time_zone),
    )
    of_day = table.filter(pl.col("begins").dt.date() == day)
    clock = of_day.select(pl.col("begins", "until").dt.strftime("%H:%M"), "due")
    return clock.rows()


AFTERNOON_AT_1530 = [("12:30", "13:30", 12), ("13:30", "14:30", 12), ("14:30", "15:30", 11)]
# The print of 11:30 closes the morning; its five minutes are over at 11:35.
MORNING = [("09:00", "10:00", 12), ("10:00", "11:00", 12), ("11:00", "11:35", 6)]


def test_tokyo_since_it_closes_at_1530() -> None:
    assert on(JP, Timeframe.H1, date(2024, 11, 5)) == MORNING + AFTERNOON_AT_1530
    assert on(JP, Timeframe.H4, date(2024, 11, 5)) == [("09:00", "11:35", 30), ("12:30", "15:30", 35)]


def test_tokyo_while_it_closed_at_1500() -> None:
    last = [("12:30", "13:30", 12), ("13:30", "14:30", 12), ("14:30", "15:00", 6)]
    assert on(JP, Timeframe.H1, date(2024, 11, 1)) == MORNING + last
    assert on(JP, Timeframe.H4, date(2024, 11, 1)) == [("09:00", "11:35", 30), ("12:30", "15:00", 30)]


def test_days_without_a_session_have_no_intervals() -> None:
    for holiday in (date(2025, 1, 1), date(2020, 10, 1), date(2025, 1, 4)):
        assert on(JP, Timeframe.H1, holiday) == []


def test_new_york_begins_at_half_past_nine_in_summer_and_winter() -> None:
    hours = [f"{hour:02}:30" for hour in range(9, 16)]
    for day in (date(2025, 3, 7), date(2025, 3, 10), date(2025, 10, 31), date(2025, 11, 3)):
        begun = on(US, Timeframe.H1, day)
        assert [begin for begin, _, _ in begun] == hours
        assert begun[-1] == ("15:30", "16:00", 6)
        assert on(US, Timeframe.H4, day) == [("09:30", "13:30", 48), ("13:30", "16:00", 30)]


def test_new_yorks_half_day() -> None:
    day = date(2025, 11, 28)
    assert on(US, Timeframe.H1, day)[-1] == ("12:30", "13:00", 6)
    assert on(US, Timeframe.H4, day) == [("09:30", "13:00", 42)]


@pytest.mark.parametrize(
    "monday", [date(2025, 3, 3), date(2025, 3, 10), date(2025, 3, 31), date(2025, 10, 27)]
)
def test_a_currency_week_is_thirty_whole_bars(monday: date) -> None:
    """The weeks around the clock changes of New York (Mar 9, Nov 2) and London (Mar 30, Oct 26)."""
    opens = datetime(monday.year, monday.month, monday.day, 17, tzinfo=NEW_YORK) - timedelta(days=1)
    opens, closes = (moment.astimezone(UTC) for moment in (opens, opens + timedelta(days=5)))
    table = intervals(FX, Timeframe.H4)
    week = table.filter(pl.col("ts").is_between(opens, closes, closed="left"))
    assert week.height == 30
    assert week["ts"][0] == opens
    assert week["ends"][-1] == closes
    assert set(week["ends"] - week["ts"]) == {timedelta(hours=4)}
    assert set(week["ts"].dt.convert_time_zone("America/New_York").dt.hour()) == {17, 21, 1, 5, 9, 13}
    hours = trading_hours("FX").filter(pl.col("session").is_between(monday, monday + timedelta(days=4)))
    assert (hours["opens"][0], hours["closes"][-1]) == (opens, closes)


def test_every_moment_of_trading_has_its_interval() -> None:
    """Also in the two hours that currencies trade between New York's close and London's midnight before a holiday."""
    for universe in (JP, US, FX):
        hours = trading_hours(universe.calendar).filter(pl.col("session") >= date(2008, 1, 1))
        # Of the calendar's last session, a year ahead, nobody knows yet what follows.
        hours = hours.filter(pl.col("session") < pl.col("session").max())
        edges = (
            pl.concat([hours["opens"], hours["closes"] - timedelta(minutes=5)])
            .alias("at")
            .to_frame()
            .sort("at")
        )
        for target in (Timeframe.H1, Timeframe.H4):
            matched = edges.join_asof(
                intervals(universe, target), left_on="at", right_on="ts", strategy="backward"
            )
            assert (matched["at"] <= matched["last"]).all()


@pytest.mark.parametrize("universe", [JP, US, FX])
@pytest.mark.parametrize("target", list(SOURCES))
def test_intervals_do_not_overlap_and_contain_their_parts(universe: Universe, target: Timeframe) -> None:
    table = intervals(universe, target)
    assert (table["ts"] < table["ends"]).all()
    assert (table["ends"][:-1] <= table["ts"][1:]).all()
    if target is Timeframe.H4:
        hourly = intervals(universe, Timeframe.H1)
        both = hourly.join_asof(table.rename({"ends": "until"}), on="ts", strategy="backward")
        assert (both["ends"] <= both["until"]).all()
        parts = expected_parts(universe, Timeframe.H1, target)
        assert parts.sum() == (expected_parts(universe, Timeframe.M5, Timeframe.H1) > 0).sum()


def test_weeks_are_iso_weeks_and_months_are_calendar_months() -> None:
    sessions = session_table("XTKS").with_columns(
        iso=pl.col("session").dt.iso_year() * 100 + pl.col("session").dt.week(),
        month=pl.col("session").dt.year() * 100 + pl.col("session").dt.month(),
    )
    for target, name in ((Timeframe.W1, "iso"), (Timeframe.MO1, "month")):
        table = intervals(JP, target).with_columns(due=pl.Series(expected_parts(JP, Timeframe.D1, target)))
        groups = sessions.group_by(name, maintain_order=True).agg(
            ts=pl.col("opens").min(), ends=pl.col("closes").max(), due=pl.len().cast(pl.Int32)
        )
        assert table.select("ts", "ends", "due").equals(groups.select("ts", "ends", "due"))
    golden_week = intervals(JP, Timeframe.W1).with_columns(
        due=pl.Series(expected_parts(JP, Timeframe.D1, Timeframe.W1))
    )
    week = golden_week.filter(pl.col("ts") == datetime(2025, 5, 7, tzinfo=UTC))  # 3-6 May were holidays
    assert week["due"].to_list() == [3]


def test_daily_bars_are_never_built() -> None:
    for source in (Timeframe.M5, Timeframe.H1, Timeframe.H4):
        with pytest.raises(ConfigurationError, match="never built"):
            check_pair(source, Timeframe.D1)
    with pytest.raises(ConfigurationError, match="not built from 5m"):
        check_pair(Timeframe.M5, Timeframe.W1)
    for target, sources in SOURCES.items():
        for source in sources:
            check_pair(source, target)
