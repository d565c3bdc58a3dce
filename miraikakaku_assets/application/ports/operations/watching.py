"""Ports of what is watched: what the orchestrator has done, what was collected, and what a watcher remembers.

Moments of the orchestrator are those of the machine's clock, all others of the installation's; all are UTC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol

from miraikakaku_assets.domain.market.instruments import Universe


@dataclass(frozen=True)
class EndedRuns:
    """The newest runs of a job that ended: one, or those of a backfill.

    Attributes:
        job: Its name; of assets that were materialized by hand, the assets.
        ended_at: When the newest of them ended.
        failed: Those that failed and that nobody repeats, newest first.
        error: What ended the newest of them, in one line.
        universe: Whom it concerns, if only one.
    """

    job: str
    ended_at: datetime
    failed: tuple[str, ...] = ()
    error: str = ""
    universe: str | None = None


@dataclass(frozen=True)
class CheckResult:
    """The newest evaluation of a check of an asset.

    Attributes:
        asset: Key of the asset, e.g. ``jp/coverage``.
        check: Name of the check.
        passed: Whether it holds.
        is_warning: Whether its author calls a failure a warning, and not an error.
        description: What it found.
        run_id: Run that evaluated it.
        evaluated_at: When.
        universe: Whom it concerns, if only one.
    """

    asset: str
    check: str
    passed: bool
    is_warning: bool
    description: str
    run_id: str
    evaluated_at: datetime
    universe: str | None = None


@dataclass(frozen=True)
class EndedTick:
    """The newest evaluation of a schedule or sensor that has ended.

    Attributes:
        name: Of the schedule or sensor.
        at: When it was evaluated.
        error: What ended it; None if it was a good one.
    """

    name: str
    at: datetime
    error: str | None = None


class Progress(StrEnum):
    """How far the work is that a tick has asked for."""

    NONE = "none"
    """The tick asked for nothing, and said why."""
    WAITING = "waiting"
    AT_WORK = "at work"
    ENDED = "ended"


@dataclass(frozen=True)
class ScheduleState:
    """A schedule that is on, or was.

    Attributes:
        name: Of the schedule.
        since: When it was turned on; None while it is off.
        due_at: The newest moment at which it should have ticked by now, since it is on and with the grace that a tick
            has; None if there is none yet.
        interval: Seconds from one tick to the next at the least.
        ticked_at: When it ticked last; None if it never did.
        asked_at: The newest tick that asked for a run; None if none did.
        progress: What became of that run.
        run_id: That run.
        universe: Whom it concerns, if only one.
        is_settled: Whether it was watched long enough to say that a tick is late: after a pause of the watcher, or of
            the machine, the orchestrator may be catching up just now.
    """

    name: str
    since: datetime | None
    due_at: datetime | None
    interval: float
    ticked_at: datetime | None = None
    asked_at: datetime | None = None
    progress: Progress = Progress.NONE
    run_id: str | None = None
    universe: str | None = None
    is_settled: bool = True


@dataclass(frozen=True)
class ServiceBeat:
    """When a part of the orchestrator has last said that it lives.

    Attributes:
        service: Name of the part, e.g. ``scheduler``.
        beat_at: When.
    """

    service: str
    beat_at: datetime


@dataclass(frozen=True)
class DueCollection:
    """A collection of daily bars that a schedule, which is on, had to start.

    Attributes:
        universe: Name of the universe.
        schedule: Name of the schedule.
        since: When the schedule was turned on.
        due_at: The newest moment since then at which there was something to collect; None if there was none yet.
    """

    universe: str
    schedule: str
    since: datetime
    due_at: datetime | None


@dataclass(frozen=True)
class OrchestratorState:
    """What is watched of the orchestrator.

    Attributes:
        read_at: When it was read, by the machine's clock.
        position: Up to where ended runs were read; handed over the next time.
        runs: Jobs of which runs have ended since the position that was handed over.
        checks: Every check that was ever evaluated.
        ticks: Every schedule and sensor that has ever ticked.
        schedules: Those that are on, or were.
        services: Parts that have ever lived.
        collections: Daily collections of schedules that are on, of universes that have something to collect.
    """

    read_at: datetime
    position: str
    runs: Sequence[EndedRuns] = ()
    checks: Sequence[CheckResult] = ()
    ticks: Sequence[EndedTick] = ()
    schedules: Sequence[ScheduleState] = ()
    services: Sequence[ServiceBeat] = ()
    collections: Sequence[DueCollection] = ()

    @property
    def on_since(self) -> Mapping[str, datetime]:
        """Schedule that is on → since when."""
        return {each.name: each.since for each in self.schedules if each.since is not None}


class Orchestrator(Protocol):
    """Reads what is watched of the orchestrator, and leaves a mark in what it shows."""

    def read(self, position: str | None) -> OrchestratorState:
        """Its state; ended runs from a position on, the newest ones without any."""

    def link(self, run_ids: Sequence[str], alert_key: str) -> None:
        """Has runs show which alert is about them."""


class WatchPositions(Protocol):
    """Up to where each watcher has read: ``watch_positions``."""

    def read(self, watcher: str) -> str | None:
        """What was noted last; None the first time."""

    def note(self, watcher: str, position: str, now: datetime) -> None:
        """Notes how far a watcher is."""


@dataclass(frozen=True)
class CollectionTally:
    """What became of the newest collection of all daily bars of a universe, with what was collected again since.

    Attributes:
        run_id: Run that did it, if one did.
        ended_at: When it ended.
        asked: Symbols it was asked for and the source could have.
        failed: Symbols among them whose newest outcome is a failure, or that were not come to.
        not_on_source: Symbols the source does not know: no fault of the collection.
        causes: Kind of failure → symbols.
        examples: Some symbols that failed.
        error: What broke it off, if something did.
    """

    run_id: str | None
    ended_at: datetime
    asked: int
    failed: int
    not_on_source: int = 0
    causes: Mapping[str, int] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    error: str | None = None


class MarketAccount(Protocol):
    """Figures of a universe that rules look at, each cheap enough to be asked for every minute."""

    def newest_collection(self, universe: Universe) -> CollectionTally | None:
        """The newest collection of everything that has ended; None if there is none, or it waits for the source."""

    def last_started(self, universe: Universe) -> datetime | None:
        """When the newest collection of daily bars began."""

    def newest_bar(self, universe: Universe) -> datetime | None:
        """Start of the newest final daily bar."""

    def listed(self, universe: Universe) -> Mapping[str, int]:
        """Security type → issues of the list in force; empty without a list."""

    def newest_coverage(self, universe: Universe) -> Sequence[Mapping[str, Any]]:
        """Rows of `coverage_reports` of the newest check, the whole universe first."""

    def has_models(self, universe: Universe) -> bool:
        """Whether a model of it was ever trained."""

    def is_forecast(self, universe: Universe, session: date) -> bool:
        """Whether anything was forecast from a session, or from one of the ten days after it."""


@dataclass(frozen=True)
class Outage:
    """What a watcher remembers of a database that it cannot reach, in a file of its own.

    Attributes:
        since: When it was first out of reach.
        reason: Why, without a secret.
        told: Channels that have been told.
    """

    since: datetime
    reason: str
    told: tuple[str, ...] = ()


class OutageMemory(Protocol):
    """The file in which a watcher remembers an outage: the database cannot."""

    def read(self) -> Outage | None:
        """The outage that goes on; None when the database answered the last time."""

    def write(self, outage: Outage | None) -> None:
        """Remembers it, or that it is over."""

    def is_demo(self) -> bool:
        """Whether the database, when it last answered, was a demo's: nobody is told of one."""

    def note_demo(self, *, is_demo: bool) -> None:
        """Remembers whose database it is."""
