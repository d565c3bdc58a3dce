"""Sessions of an exchange, from ``exchange_calendars``: what is due, and when a bar is final.

The calendars know the facts that bite: XTKS closes at 15:30 since 2024-11-05 (15:00 before), has a lunch
break, and was down on 2020-10-01; XNYS closes at 13:00 on the day after Thanksgiving; both follow their clocks
through daylight saving time.
"""

import warnings
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import polars as pl

from miraikakaku_assets.domain.market.universes import UNIVERSES

FINAL_AFTER = timedelta(minutes=30)
"""A daily bar is final this long after the close: sources still restate volumes for some minutes."""


SLOT = timedelta(minutes=5)
"""Length of the bars that are collected within the day; their stamps are multiples of it on the clock."""

FIRST_DAY = "1997-01-06"
"""First day that the tables know: the first session XTKS vouches for."""
_CLOSING_CALLS = {
    market.calendar: market.closing_call for market in UNIVERSES.values() if market.closing_call
}
_OWN = {market.calendar: market.own_calendar for market in UNIVERSES.values() if market.own_calendar}
_OWN |= {part.calendar: part.own_calendar for market in UNIVERSES.values() for part in market.markets}


@cache
def _calendar(name: str) -> Any:
    import exchange_calendars

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pandas 3.1 inside exchange_calendars 4.13
        return exchange_calendars.get_calendar(name, start=FIRST_DAY)


@cache
def session_table(calendar: str) -> pl.DataFrame:
    """All sessions the calendar knows (1997 until a year from now).

    Args:
        calendar: A name of ``exchange_calendars``, or of a universe's own calendar: ``FX`` for the currency days,
            ``CMX`` for those of COMEX copper, ``LME`` for those of the London Metal Exchange, ``COPPER`` for both.

    Returns:
        Columns ``session`` (exchange date), ``opens`` and ``closes`` (UTC), ascending.
    """
    if calendar in _OWN:
        return _OWN[calendar].sessions()
    schedule = _calendar(calendar).schedule
    return pl.DataFrame(
        {
            "session": pl.Series(schedule.index.to_numpy()).cast(pl.Date),
            "opens": _utc(schedule["open"]),
            "closes": _utc(schedule["close"]),
        }
    )


def utc_of(day: pl.Expr, hour: int, zone: str) -> pl.Expr:
    """The moment (UTC) of an hour of the clock in an IANA zone, on dates."""
    wall = day.cast(pl.Datetime("us")) + timedelta(hours=hour)
    return wall.dt.replace_time_zone(zone).dt.convert_time_zone("UTC")


@cache
def trading_hours(calendar: str) -> pl.DataFrame:
    """When prices are made in each session: its bars within the day lie here.

    It differs from `session_table` in two things: breaks are known; and a universe's own calendar may trade at other
    hours than those of its days.

    Args:
        calendar: As for `session_table`.

    Returns:
        Columns ``session`` (exchange date), ``opens``, ``closes``, ``break_start``, ``break_end`` (lunch, null
        for none) and ``call_start`` (from then until the close nobody trades, null for none); UTC, ascending.
    """
    table = session_table(calendar)
    nothing = pl.lit(None, pl.Datetime("us", "UTC"))
    if calendar in _OWN:
        hours = _OWN[calendar].hours(table)
        return hours.with_columns(break_start=nothing, break_end=nothing, call_start=nothing)
    schedule = _calendar(calendar).schedule
    hours = table.with_columns(
        break_start=_utc(schedule["break_start"]), break_end=_utc(schedule["break_end"])
    )
    if calendar not in _CLOSING_CALLS:
        return hours.with_columns(call_start=nothing)
    since, length = _CLOSING_CALLS[calendar]
    call = pl.when(pl.col("session") >= since).then(pl.col("closes") - length)
    return hours.with_columns(call_start=call)


def expected_slots(calendar: str, session: date) -> pl.Series:
    """Starts (UTC) of the 5-minute bars that are due in a session: while it trades, without its breaks.

    A currency session is expected from London midnight on, where bars begin. Bars outside the slots are
    no error: a share may have no trade in a slot, and Tokyo's morning closes with a print at 11:30.

    Args:
        calendar: As for `session_table`.
        session: Exchange date; a day without session has no slots.
    """
    row = slot_bounds(calendar).filter(pl.col("session") == session)
    starts = [pl.Series([], dtype=pl.Datetime("us", "UTC"))]
    for first, last in (("opens", "pauses"), ("resumes", "ends")) if not row.is_empty() else ():
        if row[first].item() is not None:
            starts.append(
                pl.datetime_range(row[first].item(), row[last].item(), SLOT, closed="left", eager=True)
            )
    return pl.concat(starts).alias("ts")


@cache
def slots_per_session(calendar: str) -> pl.DataFrame:
    """Columns ``session`` and ``slots``: how many `expected_slots` each session has."""
    afternoon = (pl.col("ends") - pl.col("resumes")).fill_null(timedelta(0))
    length = pl.col("pauses") - pl.col("opens") + afternoon
    slots = (length.dt.total_minutes() // int(SLOT.total_seconds() // 60)).alias("slots")
    return slot_bounds(calendar).select("session", slots)


@cache
def slot_bounds(calendar: str) -> pl.DataFrame:
    """Bounds of the slots of each session.

    Returns:
        Columns ``session``, ``opens`` and ``pauses`` (start of the lunch break, or end of trading without one),
        ``resumes`` and ``ends`` (after the break, null for none); UTC, ascending.
    """
    hours = trading_hours(calendar)
    # Both bounds of a currency day are promised by the source and the market only where they overlap.
    promised = session_table(calendar).select(due_open="opens", due_close="closes")
    hours = pl.concat([hours, promised], how="horizontal")
    ends = pl.coalesce("call_start", pl.min_horizontal("closes", "due_close"))
    whole = pl.col("break_start").is_null()
    return hours.select(
        "session",
        opens=pl.max_horizontal("opens", "due_open"),
        pauses=pl.when(whole).then(ends).otherwise("break_start"),
        resumes="break_end",
        ends=pl.when(~whole).then(ends),
    )


def _utc(column: Any) -> pl.Series:
    return (
        pl.Series(column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone("UTC")
    )


def sessions_between(calendar: str, first: date, last: date) -> list[date]:
    """Session dates from `first` to `last`, both included."""
    table = session_table(calendar)
    return table.filter(pl.col("session").is_between(first, last))["session"].to_list()


def first_open(calendar: str, day: date) -> datetime | None:
    """When the first session on a date or after it begins (UTC); None if the calendar knows none.

    A currency Monday begins when New York opens the week, on Sunday evening.
    """
    return trading_hours(calendar).filter(pl.col("session") >= day)["opens"].first()  # type: ignore[return-value]


def last_completed_session(calendar: str, now: datetime) -> date:
    """The newest session whose daily bar is final at `now` (UTC)."""
    table = session_table(calendar)
    done = table.filter(pl.col("closes") <= now.astimezone(UTC) - FINAL_AFTER)
    return done["session"][-1]  # type: ignore[no-any-return]


def sessions_back(calendar: str, day: date, count: int) -> date:
    """The session `count` sessions before the newest one at or before `day`."""
    sessions = session_table(calendar).filter(pl.col("session") <= day)["session"]
    return sessions[max(len(sessions) - 1 - count, 0)]  # type: ignore[no-any-return]
