"""Bank holidays of England and Wales, on which the London Metal Exchange makes no official prices.

The table follows the Banking and Financial Dealings Act 1971 and the proclamations since, as gov.uk publishes them
(https://www.gov.uk/bank-holidays); the LME names the same days in its calendar of non-business days. A holiday that
falls on a weekend is kept on the next weekday that is none.
"""

from datetime import date, timedelta
from functools import cache

_MONDAY, _SATURDAY = 0, 5
_MOVED = {
    date(2002, 5, 27): date(2002, 6, 4),  # Golden Jubilee
    date(2012, 5, 28): date(2012, 6, 4),  # Diamond Jubilee
    date(2020, 5, 4): date(2020, 5, 8),  # 75 years since the end of the war in Europe
    date(2022, 5, 30): date(2022, 6, 2),  # Platinum Jubilee
}
"""Usual day of a holiday → the day on which it was kept."""
_ONCE = (
    date(1999, 12, 31),  # millennium
    date(2002, 6, 3),  # Golden Jubilee
    date(2011, 4, 29),  # a royal wedding
    date(2012, 6, 5),  # Diamond Jubilee
    date(2022, 6, 3),  # Platinum Jubilee
    date(2022, 9, 19),  # the funeral of Queen Elizabeth II
    date(2023, 5, 8),  # the coronation of King Charles III
)


@cache
def bank_holidays(year: int) -> frozenset[date]:
    """The days of a year, 1997 or later, on which banks in England and Wales are closed beside weekends."""
    easter = _easter(year)
    usual = [
        _observed(date(year, 1, 1)),
        easter - timedelta(days=2),
        easter + timedelta(days=1),
        _monday_from(date(year, 5, 1)),
        _monday_from(date(year, 5, 25)),
        _monday_from(date(year, 8, 25)),
        *_christmas(year),
    ]
    once = [day for day in _ONCE if day.year == year]
    return frozenset([*(_MOVED.get(day, day) for day in usual), *once])


def _monday_from(day: date) -> date:
    return day + timedelta(days=(_MONDAY - day.weekday()) % 7)


def _observed(day: date) -> date:
    return _monday_from(day) if day.weekday() >= _SATURDAY else day


def _christmas(year: int) -> tuple[date, date]:
    """Christmas Day and Boxing Day, or the next two weekdays that are free."""
    christmas, boxing = date(year, 12, 25), date(year, 12, 26)
    if christmas.weekday() >= _SATURDAY:  # Boxing Day is a Sunday, or the Monday that stays its own
        return date(year, 12, 27), date(year, 12, 28) if boxing.weekday() >= _SATURDAY else boxing
    return christmas, _observed(boxing)


def _easter(year: int) -> date:
    """Easter Sunday (Meeus, Astronomical Algorithms, 1991, ch. 8)."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    correction = (8 * century + 13) // 25
    epact = (19 * golden + century - century // 4 - correction + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - epact - of_century % 4) % 7
    shift = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)
