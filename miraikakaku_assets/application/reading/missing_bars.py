"""Use case: which bars of the newest sessions are missing right now, and why."""

from datetime import date
from typing import Protocol

from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.domain.coverage.report import CoverageFindings, Holdings, find_coverage
from miraikakaku_assets.domain.errors import WorkFellShortError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import last_completed_session, sessions_back

MOST_SESSIONS = 250
_BEFORE = 60
"""Sessions before those asked for that are looked at, too: whether an issue ever had bars is part of the cause."""


class StoredHoldings(Protocol):
    """Knows what is listed and what is stored."""

    def holdings(self, universe: Universe, timeframe: Timeframe, first: date, last: date) -> Holdings | None:
        """Active issues with their sessions stored and quarantined between two dates; None without a master."""


def missing_bars(universe: Universe, sessions: int, store: StoredHoldings, clock: Clock) -> CoverageFindings:
    """Daily bars that are due and not stored, judged at the moment of the question.

    Args:
        universe: Whose issues.
        sessions: How many of the newest completed sessions.
        store: Knows what is listed and what is stored.
        clock: Time of the question.

    Returns:
        Findings of exactly these sessions. Their causes take the sessions before into account, so that an issue whose
        trading has ended is not taken for one that never had a bar.

    Raises:
        WorkFellShortError: There is no stock master, so nothing is known to be due.
    """
    now = clock()
    last = last_completed_session(universe.calendar, now)
    first = sessions_back(universe.calendar, last, sessions - 1)
    earlier = sessions_back(universe.calendar, first, _BEFORE)
    holdings = store.holdings(universe, Timeframe.D1, earlier, last)
    if holdings is None:
        raise WorkFellShortError(
            f"Nothing is known to be due of {universe.name}: there is no stock master yet; "
            f"run `miraikakaku master update --universe {universe.name}` first"
        )
    return find_coverage(universe, Timeframe.D1, first, last, holdings, checked_at=now, threshold=1.0)
