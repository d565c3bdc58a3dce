"""Which base backups stay, so that every moment of the last days can be gone back to."""

from collections.abc import Iterable
from datetime import datetime, timedelta


def needed_bases(ended: Iterable[datetime], now: datetime, kept: timedelta) -> list[datetime]:
    """Those that stay, newest first: all that are younger than the time kept, and the newest one that is not.

    Args:
        ended: Moments of base backups, with a time zone.
        now: With a time zone.
        kept: How far back every moment has to be reachable.
    """
    newest_first = sorted(ended, reverse=True)
    young = [moment for moment in newest_first if now - moment < kept]
    return newest_first[: len(young) + 1]
