"""Days of COMEX copper: which they are, when their bars are final, and what real files hold."""

import csv
import gzip
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from miraikakaku_assets.adapters.sources.files.daily_bars import read_bar_file
from miraikakaku_assets.application.collection.windows import changes_between
from miraikakaku_assets.domain.bars.aggregation import aggregate
from miraikakaku_assets.domain.bars.series import stamps
from miraikakaku_assets.domain.bars.validation import DailyContext, validate_daily
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import COPPER, FX, JP, Timeframe, collected_timeframe
from miraikakaku_assets.domain.market.sessions import (
    last_completed_session,
    session_table,
    sessions_between,
    trading_hours,
)
from miraikakaku_assets.simulator.core.sessions import metals_grid
from miraikakaku_assets_tests.support.bars.raw_bars import bar, raw

NEW_YORK, TOKYO = ZoneInfo("America/New_York"), ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 21, tzinfo=UTC)
REAL = "copper/yahoo_HG=F_daily_2000_2026.csv"


def new_york(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=NEW_YORK)


def days_of(real_data: Path) -> set[date]:
    bars, _ = read_bar_file(real_data / REAL, COPPER)
    return set(bars["session"])


def beside(days: set[date], sessions: set[date]) -> tuple[int, int]:
    """Bars without a session, and sessions without a bar between the first bar and the last."""
    within = {day for day in sessions if min(days) <= day <= max(days)}
    return len(days - within), len(within - days)


def test_yahoos_bars_fit_these_days_and_not_those_of_globex(real_data: Path) -> None:
    days = days_of(real_data)
    with gzip.open(real_data / "calendar/cmes.csv.gz", "rt", encoding="utf-8") as lines:
        globex = {date.fromisoformat(row[""][:10]) for row in csv.DictReader(lines)}

    assert beside(days, set(session_table("CMX")["session"])) == (11, 18)
    assert beside(days, globex) == (5, 176)


def test_every_row_of_the_real_file_has_one_verdict(real_data: Path) -> None:
    bars, _ = read_bar_file(real_data / REAL, COPPER)
    validated = validate_daily(bars.with_columns(symbol=pl.lit("HG=F")), DailyContext(COPPER, NOW))

    assert validated.accepted.height + validated.refused.height == bars.height == 6_400
    # Settlement prices lie outside the prices that were traded, mostly until 2011.
    assert dict(validated.refused.group_by("rule").len().rows()) == {
        "inconsistent_range": 303,
        "not_a_session": 10,
    }
    assert validated.accepted["flag"].null_count() == validated.accepted.height
    assert set(validated.accepted["status"]) == {"final"}
    holidays = validated.refused.filter(pl.col("rule") == "not_a_session")["session"].to_list()
    assert {date(2023, 11, 23), date(2025, 7, 4), date(2025, 9, 1)} < set(holidays)


@pytest.mark.parametrize(
    ("session", "opens", "closes", "first"),
    [
        (date(2025, 1, 15), "01-15 05:00", "01-15 22:00", "01-14 23:00"),
        (date(2025, 7, 15), "07-15 04:00", "07-15 21:00", "07-14 22:00"),
        (date(2025, 3, 7), "03-07 05:00", "03-07 22:00", "03-06 23:00"),
        (date(2025, 3, 10), "03-10 04:00", "03-10 21:00", "03-09 22:00"),  # the clocks changed on that Sunday
        (date(2025, 11, 28), "11-28 05:00", "11-28 22:00", "11-27 23:00"),  # a half day, final late
    ],
)
def test_a_day_lasts_from_new_yorks_midnight_until_globex_ends_it(
    session: date, opens: str, closes: str, first: str
) -> None:
    (row,) = session_table("CMX").filter(pl.col("session") == session).rows()
    (hours,) = trading_hours("CMX").filter(pl.col("session") == session).rows()

    assert [f"{moment:%m-%d %H:%M}" for moment in (*row[1:], hours[1], hours[2])] == [
        opens,
        closes,
        first,
        closes,
    ]


def test_the_simulator_has_the_same_days() -> None:
    grid = metals_grid(2026)
    table = session_table("CMX").filter(pl.col("session").is_between(date(2016, 1, 4), date(2026, 12, 31)))

    assert (grid.opens * 1_000_000 == stamps(table["opens"])).all()
    assert (grid.closes * 1_000_000 == stamps(table["closes"])).all()


@pytest.mark.parametrize(
    ("now", "session"),
    [
        (new_york(2025, 7, 15, 17, 29, 59), date(2025, 7, 14)),
        (new_york(2025, 7, 15, 17, 30), date(2025, 7, 15)),
        (datetime(2025, 7, 16, 7, 0, tzinfo=TOKYO), date(2025, 7, 15)),  # summer: 18:00 in New York
        (
            datetime(2025, 1, 16, 7, 0, tzinfo=TOKYO),
            date(2025, 1, 14),
        ),  # winter: 17:00, the day ends just now
        (new_york(2025, 9, 1, 23, 0), date(2025, 8, 29)),  # Labor Day
    ],
)
def test_a_bar_is_final_half_an_hour_after_globex_has_ended_the_day(now: datetime, session: date) -> None:
    assert last_completed_session("CMX", now) == session


@pytest.mark.parametrize(
    ("now", "status"),
    [
        (new_york(2025, 7, 15, 16, 0), "provisional"),
        (new_york(2025, 7, 15, 17, 30), "final"),
        (new_york(2025, 7, 15, 18, 9), "final"),  # Yahoo is ten minutes late
        (new_york(2025, 7, 15, 18, 10), "provisional"),  # the next session's prices, under the same date
        (new_york(2025, 7, 15, 23, 59), "provisional"),
        (new_york(2025, 7, 16, 0, 0), "final"),
    ],
)
def test_what_is_collected_while_the_next_session_trades_is_not_final(now: datetime, status: str) -> None:
    rows = [bar(date(2025, 7, day), 4.5, symbol="HG=F") for day in (14, 15)]

    accepted = validate_daily(raw(rows), DailyContext(COPPER, now.astimezone(UTC))).accepted

    assert dict(accepted.select("session", "status").rows()) == {
        date(2025, 7, 14): "final",
        date(2025, 7, 15): status,
    }


@pytest.mark.parametrize(
    ("stamp", "rule"),
    [
        (new_york(2025, 7, 15), None),
        (new_york(2025, 7, 15, 16, 59, 58), None),
        (new_york(2025, 7, 15, 18, 0, 1), "wrong_time_zone"),  # no longer that session
        (new_york(2025, 7, 15, 20, 0), "wrong_time_zone"),
    ],
)
def test_a_bar_stamped_in_the_evening_is_of_the_next_session(stamp: datetime, rule: str | None) -> None:
    row = bar(date(2025, 7, 15), 4.5, symbol="HG=F", stamp=stamp.astimezone(UTC))

    refused = validate_daily(raw([row]), DailyContext(COPPER, NOW)).refused

    assert refused["rule"].to_list() == ([] if rule is None else [rule])


def test_a_price_of_a_holiday_is_refused() -> None:
    rows = [bar(date(2025, 9, day), 4.5, symbol="HG=F") for day in (1, 2)]

    validated = validate_daily(raw(rows), DailyContext(COPPER, NOW))

    assert validated.refused.select("session", "rule").rows() == [(date(2025, 9, 1), "not_a_session")]
    assert validated.accepted["session"].to_list() == [date(2025, 9, 2)]


@pytest.mark.parametrize(
    ("tick", "expected"),
    [
        (date(2025, 7, 15), True),  # seven in Tokyo: Monday evening in New York
        (date(2025, 1, 15), True),  # the bar of Tuesday is provisional
        (date(2025, 9, 2), True),  # Labor Day was a Monday, and London traded
        (date(2025, 4, 19), False),  # Good Friday
        (date(2025, 12, 26), True),  # Christmas; the 24th became final at 17:30
        (date(2026, 7, 4), True),  # Friday 3 July was the holiday of New York only
    ],
)
def test_there_is_something_new_when_a_day_has_run_or_become_final(tick: date, *, expected: bool) -> None:
    moment = datetime.combine(tick, time(7), TOKYO)
    assert changes_between(COPPER, moment - timedelta(days=1), moment) is expected


def test_weeks_and_months_are_new_yorks() -> None:
    days = sessions_between("CMX", date(2025, 8, 25), date(2025, 9, 5))
    rows = [bar(day, 4.0 + day.day / 100, symbol="HG=F") for day in days]
    daily = validate_daily(raw(rows), DailyContext(COPPER, NOW)).accepted

    weeks = aggregate(daily, Timeframe.D1, Timeframe.W1, COPPER, NOW)
    months = aggregate(daily, Timeframe.D1, Timeframe.MO1, COPPER, NOW)

    assert weeks.select("open", "close", "parts", "expected_parts").rows() == [
        (4.25, 4.29, 5, 5), (4.02, 4.05, 4, 4),
    ]  # fmt: skip
    local = [f"{ts.astimezone(NEW_YORK):%m-%d %H:%M}" for ts in months["ts"]]
    assert local == ["08-01 00:00", "09-01 00:00"]  # London traded on Labor Day
    assert set(weeks["status"]) == {"final"}


def test_copper_is_collected_daily_and_priced_by_the_pound() -> None:
    assert (COPPER.collected, COPPER.has_master, COPPER.price_unit) == (
        (Timeframe.D1,),
        False,
        "USD per pound (COMEX) or tonne (LME)",
    )
    assert (JP.price_unit, FX.price_unit) == ("JPY per share", "units of the quote currency")
    assert collected_timeframe("1d", COPPER) is Timeframe.D1
    with pytest.raises(
        ConfigurationError, match="5m bars of copper are not collected from a source; choose 1d"
    ):
        collected_timeframe("5m", COPPER)


@pytest.mark.parametrize("symbol", ["CL=F", "HG", "=F", "HGZ26.CMX", "USDJPY=X", ""])
def test_what_is_not_quoted_in_dollars_a_pound_is_no_copper(symbol: str) -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"is no COMEX copper future and no LME price; choose from: HG=F, QC=F, MHG=F, LME-CU",
    ):
        COPPER.named_issue(symbol)
