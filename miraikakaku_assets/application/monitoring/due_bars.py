"""Which daily bars should be there by now."""

from datetime import datetime

from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import last_completed_session, session_table


def due_bars(universe: Universe, now: datetime) -> dict[str, datetime]:
    """Start (UTC) of the newest daily bar that is due by calendar: each instrument has sessions of its own.

    Args:
        universe: Whose.
        now: Time of the question.
    """
    calendars = {universe.calendar, *(market.calendar for market in universe.markets)}
    return {calendar: _newest_start(calendar, now) for calendar in calendars}


def _newest_start(calendar: str, now: datetime) -> datetime:
    table = session_table(calendar)
    opens: datetime = table.filter(table["session"] == last_completed_session(calendar, now))["opens"][0]
    return opens
