"""When prices are made within a session, and which 5-minute bars are due."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from miraikakaku_assets.domain.market.sessions import (
    SLOT,
    expected_slots,
    session_table,
    slots_per_session,
    trading_hours,
)

TOKYO, NEW_YORK, LONDON = (ZoneInfo(name) for name in ("Asia/Tokyo", "America/New_York", "Europe/London"))


def clock(calendar: str, session: date, zone: ZoneInfo) -> dict[str, str | None]:
    row = trading_hours(calendar).filter(pl.col("session") == session).row(0, named=True)
    return {
        name: value and f"{value.astimezone(zone):%d %H:%M}"
        for name, value in row.items()
        if name != "session"
    }


def test_tokyo_rests_at_noon_and_collects_orders_before_the_close_since_it_closes_at_15_30() -> None:
    assert clock("XTKS", date(2024, 11, 1), TOKYO) == {
        "opens": "01 09:00", "closes": "01 15:00",
        "break_start": "01 11:30", "break_end": "01 12:30", "call_start": None,
    }  # fmt: skip
    assert clock("XTKS", date(2024, 11, 5), TOKYO) == {
        "opens": "05 09:00", "closes": "05 15:30",
        "break_start": "05 11:30", "break_end": "05 12:30", "call_start": "05 15:25",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("session", "closes"),
    [(date(2025, 3, 7), "07 16:00"), (date(2025, 3, 10), "10 16:00"), (date(2025, 11, 28), "28 13:00")],
)
def test_new_york_follows_its_clock_and_closes_early_after_thanksgiving(session: date, closes: str) -> None:
    hours = clock("XNYS", session, NEW_YORK)
    assert (hours["opens"], hours["closes"]) == (f"{session:%d} 09:30", closes)
    assert hours["break_start"] is hours["break_end"] is hours["call_start"] is None


@pytest.mark.parametrize(
    ("session", "opens", "closes"),
    [
        (date(2026, 8, 17), "16 22:00", "18 00:00"),  # Monday begins on Sunday at 17:00 in New York
        (date(2026, 8, 18), "18 00:00", "19 00:00"),
        (date(2026, 8, 14), "14 00:00", "14 22:00"),
        (date(2025, 3, 14), "14 00:00", "14 21:00"),  # New York has changed its clocks, London has not
        (date(2025, 3, 17), "16 21:00", "18 00:00"),
        (date(2025, 12, 26), "25 22:00", "26 22:00"),  # after Christmas
    ],
)
def test_currency_days_open_and_close_the_week_in_new_york(session: date, opens: str, closes: str) -> None:
    hours = clock("FX", session, LONDON)
    assert (hours["opens"], hours["closes"]) == (opens, closes)


@pytest.mark.parametrize("calendar", ["XTKS", "XNYS", "FX"])
def test_hours_are_in_order_apart_and_those_of_the_sessions(calendar: str) -> None:
    hours = trading_hours(calendar)
    assert hours["session"].equals(session_table(calendar)["session"])
    assert (hours["opens"] < hours["closes"]).all()
    assert (hours["closes"] <= hours["opens"].shift(-1)).drop_nulls().all()
    assert hours.schema["call_start"] == hours.schema["break_start"] == pl.Datetime("us", "UTC")


@pytest.mark.parametrize(
    ("calendar", "session", "slots", "first", "last"),
    [
        ("XTKS", date(2024, 11, 1), 60, "00:00", "05:55"),
        ("XTKS", date(2024, 11, 5), 65, "00:00", "06:20"),
        ("XNYS", date(2025, 3, 7), 78, "14:30", "20:55"),
        ("XNYS", date(2025, 3, 10), 78, "13:30", "19:55"),
        ("XNYS", date(2025, 12, 24), 42, "14:30", "17:55"),
        ("FX", date(2026, 8, 17), 288, "23:00", "22:55"),
        ("FX", date(2026, 8, 14), 264, "23:00", "20:55"),
        ("FX", date(2025, 3, 14), 252, "00:00", "20:55"),
    ],
)
def test_slots_that_are_due(calendar: str, session: date, slots: int, first: str, last: str) -> None:
    due = expected_slots(calendar, session)
    assert (len(due), f"{due[0]:%H:%M}", f"{due[-1]:%H:%M}") == (slots, first, last)
    assert due.is_sorted()
    assert due.is_unique().all()
    counted = slots_per_session(calendar).filter(pl.col("session") == session)
    assert counted["slots"].item() == slots


def test_no_slot_is_due_at_lunch_or_on_a_holiday() -> None:
    due = set(expected_slots("XTKS", date(2025, 1, 6)))
    assert datetime(2025, 1, 6, 2, 25, tzinfo=UTC) in due
    assert not due & {datetime(2025, 1, 6, 2, 30, tzinfo=UTC) + n * SLOT for n in range(12)}
    assert datetime(2025, 1, 6, 3, 30, tzinfo=UTC) in due
    holiday = expected_slots("XTKS", date(2025, 1, 13))
    assert holiday.is_empty()
    assert holiday.dtype == pl.Datetime("us", "UTC")
    assert timedelta(minutes=5) == SLOT
