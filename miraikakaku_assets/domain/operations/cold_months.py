"""Which bars may leave the database for files: whole months of intraday bars that no source delivers any more."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from miraikakaku_assets.domain.market.timeframes import Timeframe

COLD_TIMEFRAMES = (Timeframe.M5,)
"""Timeframes whose bars may leave; see docs/decisions/0020-cold-bars.md for the reason."""
LEAST_COLD_AFTER_DAYS = 90
"""Sources reach back 60 days and restate bars within them; the rest is room for collections that were put off."""


def cold_before(now: datetime, days: int) -> datetime:
    """Start of the month (UTC) before which bars are old enough.

    Args:
        now: With a time zone.
        days: COLD_AFTER_DAYS.
    """
    return month_start(now - timedelta(days=days))


def month_start(moment: datetime) -> datetime:
    """Start of the month (UTC) in which a moment lies."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_span(month: date) -> tuple[datetime, datetime]:
    """Start of a month and of the next (UTC).

    Args:
        month: Any day of it.
    """
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    return start, month_start(start + timedelta(days=31))


def months(first: datetime, end: datetime) -> Iterator[date]:
    """First days of the months (UTC) from the one of a moment on that are over at `end`, ascending."""
    month = month_start(first).date()
    while (span := month_span(month))[1] <= end:
        yield month
        month = span[1].date()
