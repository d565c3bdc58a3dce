"""How a source's pause is said: how long it still lasts, until when, and what lifts it.

Its end is a moment of the database's clock, so what is left of it is counted by the machine's, also in a rehearsal.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from miraikakaku_assets.domain.words import lasting

if TYPE_CHECKING:
    from miraikakaku_assets.application.ports.rate_limit import LimitState

LIFTED_BY = "`miraikakaku resume` lifts the pause"


def paused_for(state: "LimitState", now: datetime) -> str:
    """What keeps a source from being asked, e.g. ``paused for another 58 s, until 2026-11-30 01:59 UTC``.

    Args:
        state: Of a source that is paused.
        now: UTC.
    """
    until = state.paused_until
    if until is None:
        return "on trial: one request at a time finds out whether it answers again"
    return f"paused for another {left(until, now)}"


def left(until: datetime, now: datetime) -> str:
    """``58 s, until 2026-11-30 01:59:10 UTC``."""
    return f"{lasting((until - now).total_seconds())}, until {until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
