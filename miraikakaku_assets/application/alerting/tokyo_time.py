"""How messages write a moment: people here live by the clock of Tokyo."""

from datetime import datetime
from zoneinfo import ZoneInfo

_TOKYO = ZoneInfo("Asia/Tokyo")


def jst(moment: datetime) -> str:
    """A moment as people in Tokyo write it, e.g. ``2026-11-20 15:30:00 JST``."""
    return f"{moment.astimezone(_TOKYO):%Y-%m-%d %H:%M:%S} JST"
