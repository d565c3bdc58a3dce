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
_FRIDAY = 5  # ISO weekday
_LAST_QUOTED_CHRISTMAS = 2024


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
        calendar: A name of ``exchange_calendars``, or ``FX`` for the currency days (see `_currency_days`).

    Returns:
        Columns ``session`` (exchange date), ``opens`` and ``closes`` (UTC), ascending.
    """
    if calendar == "FX":
        return _currency_days()
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

    Yahoo dates its daily currency bars so. It has quoted Christmas and New Year's Day until 2024 and not
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
