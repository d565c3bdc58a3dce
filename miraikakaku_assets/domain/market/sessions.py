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

FINAL_AFTER = timedelta(minutes=30)
"""A daily bar is final this long after the close: sources still restate volumes for some minutes."""


SLOT = timedelta(minutes=5)
"""Length of the bars that are collected within the day; their stamps are multiples of it on the clock."""

_FIRST_DAY = "1997-01-06"  # the first session XTKS vouches for
_FRIDAY = 5  # ISO weekday
_LAST_QUOTED_CHRISTMAS = 2024
_GLOBEX_OPENS, _GLOBEX_CLOSES = 18, 17  # hours in New York (contract specifications of CME Group)
_CLOSING_CALL = {"XTKS": (date(2024, 11, 5), timedelta(minutes=5))}
# Calendar → since when orders are only collected before the close. In 83 sessions of 50 TSE issues in 2025, 3,765
# of 4,101 bars of 15:25 had no price; before the extension to 15:30 trading went on until the close.


@cache
def _calendar(name: str) -> Any:
    import exchange_calendars

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pandas 3.1 inside exchange_calendars 4.13
        return exchange_calendars.get_calendar(name, start=_FIRST_DAY)


@cache
def session_table(calendar: str) -> pl.DataFrame:
    """All sessions the calendar knows (1997 until a year from now).

    Args:
        calendar: A name of ``exchange_calendars``, ``FX`` for the currency days (see `_currency_days`), or ``CMX``
            for those of COMEX copper (see `_metal_days`).

    Returns:
        Columns ``session`` (exchange date), ``opens`` and ``closes`` (UTC), ascending.
    """
    if calendar == "FX":
        return _currency_days()
    if calendar == "CMX":
        return _metal_days()
    schedule = _calendar(calendar).schedule
    return pl.DataFrame(
        {
            "session": pl.Series(schedule.index.to_numpy()).cast(pl.Date),
            "opens": _utc(schedule["open"]),
            "closes": _utc(schedule["close"]),
        }
    )


def _currency_days() -> pl.DataFrame:
    """Weekdays from London midnight to midnight, on Fridays to 22:00, which is 17:00 in New York.

    The price source dates its daily currency bars so. It has quoted Christmas and New Year's Day until 2024 and not
    since (bars of USD/JPY 2008-2026), so they count as holidays from then on.
    """
    last = _calendar("XNYS").sessions[-1].date()  # as far ahead as the exchanges' calendars look
    days = pl.date_range(date.fromisoformat(_FIRST_DAY), last, "1d", eager=True).alias("session").to_frame()
    day = pl.col("session")
    fixed = ((day.dt.month() == 12) & (day.dt.day() == 25)) | ((day.dt.month() == 1) & (day.dt.day() == 1))  # noqa: PLR2004
    quoted = (day.dt.weekday() <= _FRIDAY) & ~(fixed & (day.dt.year() > _LAST_QUOTED_CHRISTMAS))
    midnight = day.cast(pl.Datetime("us")).dt.replace_time_zone("Europe/London").dt.convert_time_zone("UTC")
    hours = pl.when(day.dt.weekday() == _FRIDAY).then(22).otherwise(24)
    return days.filter(quoted).with_columns(opens=midnight, closes=midnight + pl.duration(hours=hours))


def _metal_days() -> pl.DataFrame:
    """Days of New York's stock exchange from midnight there until 17:00, when Globex ends its day.

    The price source has one copper bar for each of them and none for the shortened Globex sessions of holidays: of its
    6,400 bars of HG=F from 2000-08-30 to 2026-02-23, 11 lie on no session of XNYS and 18 sessions have none; against
    CMES, the calendar of Globex, it is 5 and 176 (7 in 2024, 5 in 2025). Of the 11, one is a Sunday evening, six are
    holidays that have no bar in other years, and four are days on which only the stock exchange was closed. It dates
    the bars by midnight in New York. Half days end earlier than 17:00, which makes their bars final late, never early.
    """
    days = session_table("XNYS").select("session")
    midnight = pl.col("session").cast(pl.Datetime("us"))
    return days.with_columns(
        opens=_from_new_york(midnight), closes=_from_new_york(midnight + timedelta(hours=_GLOBEX_CLOSES))
    )


def _from_new_york(wall: pl.Expr) -> pl.Expr:
    return wall.dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")


@cache
def trading_hours(calendar: str) -> pl.DataFrame:
    """When prices are made in each session: its bars within the day lie here.

    It differs from `session_table` in three things: breaks are known; a currency session that follows a day
    without quotes begins when New York opens the week, at 17:00 on the evening before its date, and ends at that
    hour on Fridays (which is 21:00 in London for the weeks in which only one of the two has changed its clocks);
    copper trades from 18:00 in New York on the evening before.

    Args:
        calendar: As for `session_table`.

    Returns:
        Columns ``session`` (exchange date), ``opens``, ``closes``, ``break_start``, ``break_end`` (lunch, null
        for none) and ``call_start`` (from then until the close nobody trades, null for none); UTC, ascending.
    """
    table = session_table(calendar)
    nothing = pl.lit(None, pl.Datetime("us", "UTC"))
    if calendar == "FX":
        return _currency_hours(table).with_columns(break_start=nothing, break_end=nothing, call_start=nothing)
    if calendar == "CMX":
        evening = pl.col("session").cast(pl.Datetime("us")) - timedelta(hours=24 - _GLOBEX_OPENS)
        hours = table.with_columns(opens=_from_new_york(evening))
        return hours.with_columns(break_start=nothing, break_end=nothing, call_start=nothing)
    schedule = _calendar(calendar).schedule
    hours = table.with_columns(
        break_start=_utc(schedule["break_start"]), break_end=_utc(schedule["break_end"])
    )
    if calendar not in _CLOSING_CALL:
        return hours.with_columns(call_start=nothing)
    since, length = _CLOSING_CALL[calendar]
    call = pl.when(pl.col("session") >= since).then(pl.col("closes") - length)
    return hours.with_columns(call_start=call)


def _currency_hours(table: pl.DataFrame) -> pl.DataFrame:
    session = pl.col("session")

    def new_york(day: pl.Expr) -> pl.Expr:
        return _from_new_york(day.cast(pl.Datetime("us")) + timedelta(hours=17))

    first = (session.diff() > timedelta(days=1)).fill_null(value=True)
    return table.with_columns(
        opens=pl.when(first).then(new_york(session - timedelta(days=1))).otherwise("opens"),
        closes=pl.when(session.dt.weekday() == _FRIDAY).then(new_york(session)).otherwise("closes"),
    )


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
