"""Whether a market is open, in any time zone: Dagster evaluates a schedule in the zone it is written in."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from miraikakaku_assets.application.collection.windows import is_open
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Universe

ZONES = ("UTC", "Asia/Tokyo", "Europe/London", "America/New_York")
MOMENTS = [
    (FX, datetime(2026, 11, 20, 12, 0, tzinfo=UTC), True),
    (FX, datetime(2026, 11, 21, 12, 0, tzinfo=UTC), False),  # a Saturday
    (FX, datetime(2026, 7, 5, 20, 55, tzinfo=UTC), False),  # five minutes before New York's Sunday 17:00
    (FX, datetime(2026, 7, 5, 21, 5, tzinfo=UTC), True),
    (JP, datetime(2026, 11, 20, 6, 59, tzinfo=UTC), True),  # 15:59, bars settle until 16:00
    (JP, datetime(2026, 11, 20, 7, 0, tzinfo=UTC), True),  # the tick that finds the last bar final
    (JP, datetime(2026, 11, 20, 7, 1, tzinfo=UTC), False),
    (US, datetime(2026, 11, 27, 18, 45, tzinfo=UTC), False),  # half day: closed at 13:00 in New York
]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("universe", "moment", "expected"), MOMENTS)
def test_the_answer_does_not_depend_on_the_zone_of_the_question(
    universe: Universe, moment: datetime, zone: str, *, expected: bool
) -> None:
    assert is_open(universe, moment.astimezone(ZoneInfo(zone))) is expected


def test_currencies_trade_about_120_hours_a_week() -> None:
    monday = datetime(2026, 11, 16, tzinfo=UTC)
    ticks = [monday + timedelta(minutes=5 * number) for number in range(7 * 288)]

    share = sum(is_open(FX, tick) for tick in ticks) / len(ticks)

    assert share == pytest.approx(120.5 / 168, abs=0.005)  # half an hour more until the last bar has settled
