"""Sessions of the Tokyo Stock Exchange: the change of its hours, holidays, windows and counts of sessions."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from miraikakaku_assets.domain.market.sessions import (
    FINAL_AFTER,
    last_completed_session,
    session_table,
    sessions_back,
    sessions_between,
)
from miraikakaku_assets_tests.support.bars.raw_bars import JST


def hours(day: date) -> tuple[datetime, datetime]:
    row = session_table("XTKS").filter(pl.col("session") == day).row(0)
    return row[1], row[2]


def test_close_moved_from_15_00_to_15_30_on_2024_11_05() -> None:
    assert hours(date(2024, 11, 1)) == (
        datetime(2024, 11, 1, 9, 0, tzinfo=JST),
        datetime(2024, 11, 1, 15, 0, tzinfo=JST),
    )
    assert hours(date(2024, 11, 5)) == (
        datetime(2024, 11, 5, 9, 0, tzinfo=JST),
        datetime(2024, 11, 5, 15, 30, tzinfo=JST),
    )


def test_day_of_the_system_failure_is_no_session() -> None:
    assert sessions_between("XTKS", date(2020, 9, 30), date(2020, 10, 2)) == [
        date(2020, 9, 30),
        date(2020, 10, 2),
    ]


@pytest.mark.parametrize(
    "holiday",
    [date(2025, 1, 2), date(2025, 1, 13), date(2024, 12, 31), date(2019, 5, 1), date(2021, 7, 22)],
)
def test_holidays_are_no_sessions(holiday: date) -> None:
    assert sessions_between("XTKS", holiday, holiday) == []


def test_2025_had_243_sessions() -> None:
    sessions = sessions_between("XTKS", date(2025, 1, 1), date(2025, 12, 31))
    assert (sessions[0], sessions[-1], len(sessions)) == (date(2025, 1, 6), date(2025, 12, 30), 243)


def test_table_is_sorted_unique_and_in_utc() -> None:
    table = session_table("XTKS")
    assert table["session"].is_sorted()
    assert table["session"].is_unique().all()
    assert table.schema["opens"] == table.schema["closes"] == pl.Datetime("us", "UTC")
    assert (table["opens"] < table["closes"]).all()
    assert table["session"][0] == date(1997, 1, 6)


def test_table_reaches_far_enough_ahead_to_plan_with() -> None:
    newest: date = session_table("XTKS")["session"][-1]
    assert newest > datetime.now(UTC).date() + timedelta(days=300)


def test_bounds_of_a_window_are_included_and_an_empty_window_is_empty() -> None:
    assert sessions_between("XTKS", date(2025, 1, 6), date(2025, 1, 6)) == [date(2025, 1, 6)]
    assert sessions_between("XTKS", date(2025, 1, 7), date(2025, 1, 6)) == []


@pytest.mark.parametrize(
    ("now", "session"),
    [
        (datetime(2025, 1, 6, 15, 59, 59, tzinfo=JST), date(2024, 12, 30)),
        (datetime(2025, 1, 6, 16, 0, tzinfo=JST), date(2025, 1, 6)),
        (datetime(2025, 1, 6, 7, 0, tzinfo=UTC), date(2025, 1, 6)),
        (datetime(2025, 1, 12, 12, 0, tzinfo=JST), date(2025, 1, 10)),  # a Sunday
        (datetime(2024, 11, 1, 15, 30, tzinfo=JST), date(2024, 11, 1)),  # the old close
    ],
)
def test_session_is_completed_half_an_hour_after_its_close(now: datetime, session: date) -> None:
    assert timedelta(minutes=30) == FINAL_AFTER
    assert last_completed_session("XTKS", now) == session


@pytest.mark.parametrize(
    ("moment", "tokyo", "new_york", "currencies", "copper"),
    [
        ("2026-11-30 10:00+09:00", "2026-11-27", "2026-11-27", "2026-11-27", "2026-11-27"),  # Tokyo trades
        ("2026-11-30 11:45+09:00", "2026-11-27", "2026-11-27", "2026-11-27", "2026-11-27"),  # and has lunch
        ("2026-11-28 12:00+09:00", "2026-11-27", "2026-11-27", "2026-11-27", "2026-11-27"),  # a Saturday
        ("2026-11-26 11:00-05:00", "2026-11-26", "2026-11-25", "2026-11-25", "2026-11-25"),  # Thanksgiving
        (
            "2026-11-02 16:29-05:00",
            "2026-11-02",
            "2026-10-30",
            "2026-10-30",
            "2026-10-30",
        ),  # New York in winter
        ("2026-11-02 16:30-05:00", "2026-11-02", "2026-11-02", "2026-10-30", "2026-10-30"),
        ("2026-10-30 16:30-04:00", "2026-10-30", "2026-10-30", "2026-10-29", "2026-10-29"),  # and in summer
        ("2024-02-29 15:30+09:00", "2024-02-29", "2024-02-28", "2024-02-28", "2024-02-28"),
        ("2024-03-01 15:29+09:00", "2024-02-29", "2024-02-29", "2024-02-29", "2024-02-29"),
        ("2026-12-31 10:30-05:00", "2026-12-30", "2026-12-30", "2026-12-30", "2026-12-30"),
        ("2027-01-01 10:30-05:00", "2026-12-30", "2026-12-31", "2026-12-31", "2026-12-31"),
    ],
)
def test_each_market_has_its_own_newest_session(
    moment: str, tokyo: str, new_york: str, currencies: str, copper: str
) -> None:
    now = datetime.fromisoformat(moment)
    completed = {name: str(last_completed_session(name, now)) for name in ("XTKS", "XNYS", "FX", "CMX")}
    assert completed == {"XTKS": tokyo, "XNYS": new_york, "FX": currencies, "CMX": copper}


@pytest.mark.parametrize(
    ("day", "count", "session"),
    [
        (date(2025, 1, 10), 0, date(2025, 1, 10)),
        (date(2025, 1, 13), 0, date(2025, 1, 10)),  # a holiday counts from the session before it
        (date(2025, 1, 10), 4, date(2025, 1, 6)),
        (date(2025, 1, 10), 5, date(2024, 12, 30)),
        (date(1997, 1, 8), 50, date(1997, 1, 6)),  # never before the first session
    ],
)
def test_counting_sessions_back(day: date, count: int, session: date) -> None:
    assert sessions_back("XTKS", day, count) == session
