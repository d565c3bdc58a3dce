"""Until when 5-minute bars have to be collected before the source forgets them."""

from datetime import UTC, date, datetime, timedelta
from functools import cache

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.domain.coverage.burn_down import BURN_DOWN, burn_down
from miraikakaku_assets.domain.market.sessions import SLOT, expected_slots, session_table

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)  # a Saturday; 60 days before it was Tuesday, 2026-09-22

LOOKBACK = timedelta(days=60)


def utc(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def row_of(newest: datetime | None, calendar: str = "XTKS", now: datetime = NOW) -> dict[str, object]:
    row = burn_down(calendar, {"X": newest}, now, LOOKBACK).row(0, named=True)
    return {name: value for name, value in row.items() if name not in {"symbol", "newest"}}


def expected(
    missing: datetime,
    left: int,
    lost_from: date | None = None,
    lost_until: date | None = None,
    sessions: int = 0,
) -> dict[str, object]:
    return {
        "next_missing": missing,
        "collect_by": missing + timedelta(days=60),
        "days_left": left,
        "lost_from": lost_from,
        "lost_until": lost_until,
        "lost_sessions": sessions,
    }


def test_up_to_date_symbol_has_two_months_from_the_next_session_on() -> None:
    assert row_of(utc(11, 20, 6, 20)) == expected(utc(11, 24), 62)  # Monday is a holiday


def test_morning_that_is_stored_leaves_the_afternoon() -> None:
    assert row_of(utc(10, 1, 2, 25)) == expected(utc(10, 1, 3, 30), 9)
    assert row_of(utc(10, 1, 2, 30)) == expected(utc(10, 1, 3, 30), 9)  # the print that closes the morning
    assert row_of(utc(10, 1, 1, 0)) == expected(utc(10, 1, 1, 5), 8)


def test_holidays_cost_nothing() -> None:
    # Tokyo was closed from 21 to 23 September: what follows the 18th begins on the 24th, and can still be had.
    assert row_of(utc(9, 18, 6, 20)) == expected(utc(9, 24), 1)


def test_sessions_beyond_the_edge_are_named() -> None:
    assert row_of(utc(9, 1, 2, 25)) == expected(utc(9, 24), 1, date(2026, 9, 1), date(2026, 9, 18), 14)


def test_session_that_lies_across_the_edge_is_lost_in_part() -> None:
    at_noon = datetime(2026, 11, 23, 3, 31, tzinfo=UTC)  # the edge is at 03:31 of the 24th of September
    assert row_of(utc(9, 18, 6, 20), now=at_noon) == expected(
        utc(9, 24, 3, 35), 0, date(2026, 9, 24), date(2026, 9, 24), 1
    )


def test_symbol_that_was_never_collected_has_lost_nothing_but_no_day_to_spare() -> None:
    assert row_of(None) == expected(utc(9, 24), 1)
    assert row_of(None, "XNYS") == expected(utc(9, 22, 13, 30), 0)


def test_currency_week_is_a_weekend_shorter_than_the_calendar() -> None:
    assert row_of(utc(11, 20, 21, 55), "FX") == expected(utc(11, 23), 61)


def test_most_urgent_comes_first_and_an_empty_watch_list_is_no_trouble() -> None:
    table = burn_down(
        "XTKS", {"fresh": utc(11, 20, 6, 20), "never": None, "older": utc(10, 1)}, NOW, LOOKBACK
    )
    assert table["symbol"].to_list() == ["never", "older", "fresh"]
    assert burn_down("XTKS", {}, NOW, LOOKBACK).schema == BURN_DOWN


@cache
def slots(calendar: str, day: date) -> list[datetime]:
    """Those of a session; every example looks at most sessions of the year."""
    return list(expected_slots(calendar, day))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["XTKS", "XNYS", "FX"]),
    st.integers(0, 323 * 288).map(lambda slots: utc(1, 1) + slots * SLOT),
)
def test_what_is_named_is_the_first_slot_that_is_due_and_within_reach(
    calendar: str, newest: datetime
) -> None:
    row = row_of(newest, calendar)
    edge = NOW - LOOKBACK
    days = session_table(calendar).filter(pl.col("session").is_between(newest.date(), date(2026, 12, 10)))[
        "session"
    ]
    due = [slot for day in days for slot in slots(calendar, day) if slot > newest]
    assert row["next_missing"] == min(slot for slot in due if slot >= edge)
    gone = [slot for slot in due if slot < edge]
    assert (row["lost_sessions"] == 0) == (not gone)
    if gone:
        lost_slots = set(gone)
        lost = [day for day in days if not set(slots(calendar, day)).isdisjoint(lost_slots)]
        assert (row["lost_from"], row["lost_until"], row["lost_sessions"]) == (
            lost[0],
            lost[-1],
            len(lost),
        )


@pytest.mark.parametrize("days", [1, 7, 60])
def test_reach_of_another_source_is_taken(days: int) -> None:
    row = burn_down("XNYS", {"X": None}, NOW, lookback=timedelta(days=days)).row(0, named=True)
    assert row["collect_by"] - row["next_missing"] == timedelta(days=days)
