"""Which months are old enough to leave the database, and that no source still delivers them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from miraikakaku_assets.bootstrap import price_vendors
from miraikakaku_assets.domain.operations.cold_months import (
    COLD_TIMEFRAMES,
    LEAST_COLD_AFTER_DAYS,
    cold_before,
    month_span,
    months,
)

TOKYO = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("now", "days", "before"),
    [
        (datetime(2026, 6, 10, 12, tzinfo=UTC), 90, date(2026, 3, 1)),
        (datetime(2026, 5, 30, tzinfo=UTC), 90, date(2026, 3, 1)),
        (datetime(2026, 5, 29, 23, tzinfo=UTC), 90, date(2026, 2, 1)),
        (datetime(2026, 5, 30, 8, tzinfo=TOKYO), 90, date(2026, 2, 1)),  # in UTC it is still the 29th
        (datetime(2026, 1, 15, tzinfo=UTC), 365, date(2025, 1, 1)),
    ],
)
def test_a_month_is_old_enough_when_all_of_it_is(now: datetime, days: int, before: date) -> None:
    assert cold_before(now, days) == datetime(before.year, before.month, 1, tzinfo=UTC)


def test_months_from_a_bar_on_end_before_the_moment() -> None:
    first, end = datetime(2025, 11, 30, 23, 55, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)

    assert list(months(first, end)) == [date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1)]
    assert list(months(end, end)) == []
    assert list(months(first, end - timedelta(microseconds=1))) == [date(2025, 11, 1), date(2025, 12, 1)]
    assert month_span(date(2025, 12, 5)) == (
        datetime(2025, 12, 1, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_what_a_source_still_delivers_stays() -> None:
    reaches = [
        reach
        for vendor in price_vendors().values()
        for timeframe, reach in vendor.lookback.items()
        if timeframe in COLD_TIMEFRAMES
    ]

    assert reaches
    assert max(reaches) < timedelta(days=LEAST_COLD_AFTER_DAYS)
