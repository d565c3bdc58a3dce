"""Sessions of an exchange, from ``exchange_calendars``: what is due, and when a bar is final.

The calendars know the facts that bite: XTKS closes at 15:30 since 2024-11-05 (15:00 before), has a lunch
break, and was down on 2020-10-01.
"""

import warnings
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import polars as pl

FINAL_AFTER = timedelta(minutes=30)
"""A daily bar is final this long after the close: Yahoo still restates volumes for some minutes."""


_FIRST_DAY = "1997-01-06"  # the first session XTKS vouches for


@cache
def _calendar(name: str) -> Any:
    import exchange_calendars

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pandas 3.1 inside exchange_calendars 4.13
        return exchange_calendars.get_calendar(name, start=_FIRST_DAY)


@cache
def session_table(calendar: str) -> pl.DataFrame:
    """All sessions the calendar knows (1997 until a year from now).

    Returns:
        Columns ``session`` (exchange date), ``opens`` and ``closes`` (UTC), ascending.
    """
    schedule = _calendar(calendar).schedule
    return pl.DataFrame(
        {
            "session": pl.Series(schedule.index.to_numpy()).cast(pl.Date),
            "opens": _utc(schedule["open"]),
            "closes": _utc(schedule["close"]),
        }
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


def last_completed_session(calendar: str, now: datetime) -> date:
    """The newest session whose daily bar is final at `now` (UTC)."""
    table = session_table(calendar)
    done = table.filter(pl.col("closes") <= now.astimezone(UTC) - FINAL_AFTER)
    return done["session"][-1]  # type: ignore[no-any-return]


def sessions_back(calendar: str, day: date, count: int) -> date:
    """The session `count` sessions before the newest one at or before `day`."""
    sessions = session_table(calendar).filter(pl.col("session") <= day)["session"]
    return sessions[max(len(sessions) - 1 - count, 0)]  # type: ignore[no-any-return]
