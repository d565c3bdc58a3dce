"""Use case: what an operator wants to see at a glance."""

from typing import Any, Protocol

from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import last_completed_session, session_table


class StatusStore(Protocol):
    """Reads the figures from the tables."""

    def read(self, universe: Universe, timeframe: Timeframe, due: object) -> dict[str, Any]:
        """Master, bars, freshness, quarantine, coverage and the newest batches."""


def show_status(
    universe: Universe, timeframe: Timeframe, *, store: StatusStore, clock: Clock
) -> dict[str, Any]:
    """The figures, with freshness measured against the newest session whose bar is due.

    Args:
        universe: Whose status.
        timeframe: Daily bars.
        store: Reads the figures.
        clock: Time of the question.
    """
    due = last_completed_session(universe.calendar, clock())
    table = session_table(universe.calendar)
    opens = table.filter(table["session"] == due)["opens"][0]
    return store.read(universe, timeframe, opens) | {"due_session": due, "asked_at": clock()}
