"""Session grids: the trading sessions of an exchange as arrays, computed once per process.

Index 0 is the first session of the simulated world, so an index means the same session after every restart.
"""

import warnings
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from miraikakaku_assets.simulator.core.noise import IntArray

WORLD_BEGINS = date(2016, 1, 4)
"""First day of every simulated price path. Fixed, so that paths do not depend on the clock."""

FIVE_MINUTES = 300
DAY = 86_400
NEW_YORK = ZoneInfo("America/New_York")
_FRIDAY = 4
_LAST_QUOTED_CHRISTMAS = 2024  # Yahoo has had no currency bars on 25 December and 1 January since
_GLOBEX_CLOSE = 17 * 3600


@dataclass(frozen=True, eq=False)
class SessionGrid:
    """Sessions of one exchange, in order. All instants are UTC seconds.

    Attributes:
        name: Calendar code, e.g. ``XTKS``.
        zone: Time zone of the exchange.
        days: Local date of each session, as days since 1970-01-01.
        opens: Opening instant; the stamp of a finished daily bar.
        closes: Closing instant.
        break_starts: Start of the lunch break, 0 where there is none.
        break_ends: End of the lunch break, 0 where there is none.
        holidays: Opening stamps of weekdays without a session.
        ex_sessions: Index of the session before the last one of each month: the ex-date of a record date
            at the month's end, with settlement two days after the trade.
        ex_months: Month number (1-12) of each of these.
    """

    name: str
    zone: ZoneInfo
    days: IntArray
    opens: IntArray
    closes: IntArray
    break_starts: IntArray
    break_ends: IntArray
    holidays: IntArray
    ex_sessions: IntArray = field(init=False)
    ex_months: IntArray = field(init=False)
    _ex_by_month: dict[int, list[int]] = field(init=False, repr=False)
    _open_list: list[int] = field(init=False, repr=False)
    _day_list: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find the month-end ex-dates."""
        months = self.days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        last_of_month = np.flatnonzero(np.diff(months))
        ex_sessions = np.maximum(last_of_month - 1, 0)
        object.__setattr__(self, "ex_sessions", ex_sessions)
        object.__setattr__(self, "ex_months", months[last_of_month] % 12 + 1)
        # One instant is found ten times as fast in a list as in an array.
        object.__setattr__(self, "_open_list", self.opens.tolist())
        object.__setattr__(self, "_day_list", self.days.tolist())
        by_month = {month: ex_sessions[self.ex_months == month].tolist() for month in range(1, 13)}
        object.__setattr__(self, "_ex_by_month", by_month)

    def ex_sessions_of(self, month: int) -> list[int]:
        """Return the ex-sessions of one month (1-12), ascending."""
        return self._ex_by_month[month]

    def opened(self, now: int) -> int:
        """Return how many sessions have opened by an instant."""
        return bisect_right(self._open_list, now)

    def first_on_or_after(self, day: date) -> int:
        """Return the index of the first session on or after a local date."""
        return bisect_left(self._day_list, day_number(day))

    def last_before(self, day: date) -> int:
        """Return the index of the last session before a local date."""
        return self.first_on_or_after(day) - 1

    def local_day(self, now: int) -> date:
        """Return the date on the exchange's wall at an instant."""
        return datetime.fromtimestamp(now, self.zone).date()

    def offset(self, instant: int) -> tuple[int, str]:
        """Return the UTC offset in seconds and the zone's abbreviation at an instant."""
        moment = datetime.fromtimestamp(instant, self.zone)
        offset = moment.utcoffset() or timedelta(0)
        return int(offset.total_seconds()), moment.tzname() or "UTC"


def day_number(day: date) -> int:
    """Return the days since 1970-01-01."""
    return (day - date(1970, 1, 1)).days


def day_of(number: int) -> date:
    """Return the date of a day number."""
    return date(1970, 1, 1) + timedelta(days=number)


@lru_cache(maxsize=8)
def exchange_grid(calendar: str, until_year: int) -> SessionGrid:
    """Return the sessions of an exchange from the world's first day to the end of a year.

    Args:
        calendar: Code of exchange_calendars, e.g. ``XTKS`` (knows the lunch break and the close at 15:30
            since 2024-11-05).
        until_year: Last calendar year included.
    """
    # Building a calendar needs pandas: paid when a simulator starts, not when the command line does.
    import exchange_calendars

    with warnings.catch_warnings():
        # exchange_calendars 4.13 reads Series.values of instants, which pandas 3.1 announces to change.
        warnings.simplefilter("ignore", DeprecationWarning)
        book = exchange_calendars.get_calendar(
            calendar, start=WORLD_BEGINS.isoformat(), end=date(until_year, 12, 31).isoformat()
        )
    days = book.sessions.to_numpy().astype("datetime64[D]").astype(np.int64)
    zone = ZoneInfo(str(book.tz))
    opens = _seconds(book.opens)
    open_of_day = [datetime.fromtimestamp(int(opens[0]), zone).timetz().replace(tzinfo=None)]
    sessions = set(days.tolist())
    holidays = [
        int(datetime.combine(day_of(number), open_of_day[0], zone).timestamp())
        for number in range(int(days[0]), int(days[-1]))
        if number not in sessions and day_of(number).weekday() <= _FRIDAY
    ]
    return SessionGrid(
        name=calendar,
        zone=zone,
        days=days,
        opens=opens,
        closes=_seconds(book.closes),
        break_starts=_seconds(book.schedule["break_start"]),
        break_ends=_seconds(book.schedule["break_end"]),
        holidays=np.array(holidays, dtype=np.int64),
    )


@lru_cache(maxsize=4)
def currency_grid(until_year: int) -> SessionGrid:
    """Return the currency days: London midnight to midnight, Friday until 17:00 in New York.

    Recorded USD/JPY bars begin on Monday 08:00 and end on Saturday 06:00 Tokyo time in summer, one hour later
    in winter; a broker's bars end at 17:00 New York also in the weeks in which only one city has changed clocks.
    """
    zone, new_york = ZoneInfo("Europe/London"), ZoneInfo("America/New_York")
    numbers = [
        number
        for number in range(day_number(WORLD_BEGINS), day_number(date(until_year, 12, 31)) + 1)
        if day_of(number).weekday() <= _FRIDAY and not _is_currency_holiday(day_of(number))
    ]
    opens = [_second(number, zone) for number in numbers]
    # Clocks change on Sundays only: a weekday has 24 hours.
    closes = [
        _second(number, new_york, 17) if day_of(number).weekday() == _FRIDAY else opened + DAY
        for number, opened in zip(numbers, opens, strict=True)
    ]
    return _unbroken("CCY", zone, np.array(numbers, dtype=np.int64), opens, closes)


def _is_currency_holiday(day: date) -> bool:
    return day.year > _LAST_QUOTED_CHRISTMAS and (day.month, day.day) in {(12, 25), (1, 1)}


@lru_cache(maxsize=4)
def metals_grid(until_year: int) -> SessionGrid:
    """Return the days of COMEX metals as Yahoo stamps them: New York midnight, until Globex closes at 17:00.

    Yahoo's copper bars of 2023 to 2026 have the days of the New York Stock Exchange: none on the holidays on
    which Globex closes early.
    """
    stock = exchange_grid("XNYS", until_year)
    opens = [_second(number, stock.zone) for number in stock.days.tolist()]
    return _unbroken("CMX", stock.zone, stock.days, opens, [opened + _GLOBEX_CLOSE for opened in opens])


def _second(number: int, zone: ZoneInfo, hour: int = 0) -> int:
    """Return the UTC second of a full hour of a day by the clocks of a zone."""
    return int(datetime.combine(day_of(number), time(hour), zone).timestamp())


def _unbroken(name: str, zone: ZoneInfo, days: IntArray, opens: list[int], closes: list[int]) -> SessionGrid:
    """Return sessions without lunch breaks and holidays."""
    nothing = np.zeros(len(days), dtype=np.int64)
    return SessionGrid(
        name=name,
        zone=zone,
        days=days,
        opens=np.array(opens, dtype=np.int64),
        closes=np.array(closes, dtype=np.int64),
        break_starts=nothing,
        break_ends=nothing,
        holidays=nothing[:0],
    )


def _seconds(instants: Any) -> IntArray:
    """Return UTC seconds of a pandas series of instants, 0 where there is none."""
    values = np.asarray(instants.dt.tz_convert(None), dtype="datetime64[s]")
    return np.where(np.isnat(values), 0, values.astype(np.int64))


def utc(instant: int) -> datetime:
    """Return an aware UTC datetime."""
    return datetime.fromtimestamp(instant, UTC)
