"""When a backup is due, and which stay: the newest of each of the last days, weeks and months that have one.

Days without a backup are not counted, so an installation that stood still for a year loses nothing by it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from miraikakaku_assets.domain.tokyo_time import TOKYO

LONGEST_AGE = timedelta(hours=26)
"""Of the newest verified backup: one a day, and two hours for making it."""

_WEEK = 7
_MONTH = 31  # days; a promise may be kept longer


@dataclass(frozen=True)
class Keeping:
    """How many backups are kept.

    Attributes:
        daily: Days that keep their newest one.
        weekly: Weeks, from Monday.
        monthly: Months.
    """

    daily: int
    weekly: int
    monthly: int


@dataclass(frozen=True)
class Dated:
    """What retention knows of a backup.

    Attributes:
        name: Of the backup.
        taken_at: Moment whose contents it holds, with a time zone.
        is_verified: Whether it was restored and compared.
        is_asked_for: Whether a person asked for it, or a restore did; the schedule's are not.
    """

    name: str
    taken_at: datetime
    is_verified: bool
    is_asked_for: bool = False


def kept(backups: Iterable[Dated], keeping: Keeping) -> dict[str, date]:
    """The backups that stay, each with the day (Tokyo) until which it does if there is one every day from now on.

    The newest verified one always stays. One that is not verified stays until there is a newer verified one. One that
    somebody asked for stays for `Keeping.daily` days, however many there are of its day.

    Args:
        backups: All of them, in any order.
        keeping: How many are kept.
    """
    newest_first = sorted(backups, key=lambda backup: backup.taken_at, reverse=True)
    verified = [backup for backup in newest_first if backup.is_verified]
    until: dict[str, date] = {}
    for count, length, period in (
        (keeping.daily, 1, _day),
        (keeping.weekly, _WEEK, _week),
        (keeping.monthly, _MONTH, _month),
    ):
        for backup in _newest_of_each(verified, period)[:count]:
            end = period(backup) + timedelta(days=count * length)
            until[backup.name] = max(end, until.get(backup.name, end))
    for backup in verified:
        if backup.is_asked_for and newest_first[0].taken_at - backup.taken_at < timedelta(days=keeping.daily):
            end = _day(backup) + timedelta(days=keeping.daily)
            until[backup.name] = max(end, until.get(backup.name, end))
    newest = verified[:1]
    for backup in newest_first:
        is_newer = not newest or backup.taken_at > newest[0].taken_at
        if backup in newest or (is_newer and not backup.is_verified):
            until.setdefault(backup.name, _day(backup) + timedelta(days=1))
    return until


def _newest_of_each(newest_first: Iterable[Dated], period: Callable[[Dated], date]) -> list[Dated]:
    newest: dict[date, Dated] = {}
    for backup in newest_first:
        newest.setdefault(period(backup), backup)
    return list(newest.values())


def _day(backup: Dated) -> date:
    return backup.taken_at.astimezone(TOKYO).date()


def _week(backup: Dated) -> date:
    day = _day(backup)
    return day - timedelta(days=day.weekday())


def _month(backup: Dated) -> date:
    return _day(backup).replace(day=1)
