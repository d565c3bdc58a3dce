"""Use case: how fresh and how complete every universe is, at a glance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from miraikakaku_assets.application.monitoring.due_bars import due_bars
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.domain.market.sessions import last_completed_session


class GlanceStore(Protocol):
    """Reads few rows."""

    def fresh(self, due: Mapping[str, Mapping[str, datetime]]) -> Mapping[str, Mapping[str, Any]]:
        """Universe → ``listed``, ``fresh`` and ``list_date``, by what is due of each calendar."""

    def coverage(self) -> Mapping[str, Mapping[str, Any]]:
        """Universe → its newest check, as a whole."""

    def running(self) -> Sequence[Mapping[str, Any]]:
        """Collections that are at work or wait for the source."""

    def collections(self, since: datetime) -> Sequence[Mapping[str, Any]]:
        """Per universe and timeframe what ended since a moment (UTC)."""


@dataclass(frozen=True)
class UniverseGlance:
    """A universe at a glance.

    Attributes:
        universe: Its name.
        due_session: The newest session whose bar is due.
        listed: Issues of its list in force.
        fresh: Those that have the newest bar that is due on their own calendar.
        list_date: Day of the list; None without one.
        checked_at: When its coverage was checked (UTC); None: never.
        coverage: Stored over expected bars at that check; None where nothing was expected.
        expected_bars: What the coverage is a share of.
        stored_bars: Those that are there.
        threshold: Coverage below which it is too low.
    """

    universe: str
    due_session: date
    listed: int
    fresh: int
    list_date: date | None
    checked_at: datetime | None
    coverage: float | None
    expected_bars: int
    stored_bars: int
    threshold: float | None

    @property
    def is_below(self) -> bool:
        """Whether its coverage is too low."""
        return self.coverage is not None and self.threshold is not None and self.coverage < self.threshold


def universes_at_a_glance(store: GlanceStore, clock: Clock) -> list[UniverseGlance]:
    """Every universe, with freshness measured against the newest session whose bar is due."""
    now = clock()
    due = {name: last_completed_session(universe.calendar, now) for name, universe in UNIVERSES.items()}
    starts = {name: due_bars(universe, now) for name, universe in UNIVERSES.items()}
    fresh, coverage = store.fresh(starts), store.coverage()
    shown = []
    for name, session in due.items():
        counts, check = fresh.get(name, {}), coverage.get(name, {})
        shown.append(
            UniverseGlance(
                universe=name,
                due_session=session,
                listed=counts.get("listed", 0),
                fresh=counts.get("fresh", 0),
                list_date=counts.get("list_date"),
                checked_at=check.get("checked_at"),
                coverage=check.get("coverage"),
                expected_bars=check.get("expected_bars", 0),
                stored_bars=check.get("stored_bars", 0),
                threshold=check.get("threshold"),
            )
        )
    return shown
