"""The clock that people here live by: of schedules, of days on pages and in messages."""

from datetime import datetime
from zoneinfo import ZoneInfo

TOKYO = ZoneInfo("Asia/Tokyo")


def jst(moment: datetime) -> str:
    """A moment as people in Tokyo write it, e.g. ``2026-11-20 15:30:00 JST``."""
    return f"{moment.astimezone(TOKYO):%Y-%m-%d %H:%M:%S} JST"
