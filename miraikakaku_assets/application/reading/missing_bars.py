"""Use case: which bars of the newest sessions are missing right now, and why."""

from datetime import date
from typing import Protocol

from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.domain.coverage.gaps import Holdings
from miraikakaku_assets.domain.coverage.report import CoverageFindings, find_coverage
from miraikakaku_assets.domain.errors import WorkFellShortError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import last_completed_session, sessions_back


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
        Findings of exactly these sessions.

    Raises:
        WorkFellShortError: There is no stock master, so nothing is known to be due.
    """
    now = clock()
    last = last_completed_session(universe.calendar, now)
    first = sessions_back(universe.calendar, last, sessions - 1)
    holdings = store.holdings(universe, Timeframe.D1, first, last)
    if holdings is None:
        raise WorkFellShortError(
            f"Nothing is known to be due of {universe.name}: there is no stock master yet; "
            f"run `miraikakaku master update --universe {universe.name}` first"
        )
    return find_coverage(first, last, holdings, checked_at=now, threshold=1.0)
