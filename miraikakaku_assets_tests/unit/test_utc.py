"""Moments in UTC, as rows hold them and as tables of the command line show them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from miraikakaku_assets.domain.utc import in_utc
from miraikakaku_assets.faces.cli.output import utc_minute

TOKYO = datetime(2026, 11, 20, 8, 30, 59, tzinfo=ZoneInfo("Asia/Tokyo"))


def test_a_moment_of_another_zone_is_the_same_one_in_utc() -> None:
    moment = in_utc(TOKYO)
    assert (moment, moment.tzinfo) == (TOKYO, UTC)
    assert in_utc(None) is None


def test_tables_show_minutes_of_utc() -> None:
    assert utc_minute(TOKYO) == "2026-11-19 23:30"
    assert utc_minute(TOKYO, with_year=False) == "11-19 23:30"
    assert utc_minute(None) is None
