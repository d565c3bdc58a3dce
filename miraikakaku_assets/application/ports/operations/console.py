"""Port of what the orchestrator's web server shows of itself, for those who look on without loading it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class ShownRun:
    """A run that waits or is at work.

    Attributes:
        run_id: Its id.
        job: Its job.
        status: As the orchestrator calls it, e.g. ``STARTED``.
        started_at: When it began (UTC); None while it waits.
    """

    run_id: str
    job: str
    status: str
    started_at: datetime | None


@dataclass(frozen=True)
class ShownSchedule:
    """A schedule.

    Attributes:
        name: Its name.
        job: What it starts.
        is_on: Whether it runs.
        next_at: Its next tick (UTC); None while it is off.
    """

    name: str
    job: str
    is_on: bool
    next_at: datetime | None


@dataclass(frozen=True)
class ConsoleState:
    """What the web server knows.

    Attributes:
        runs: Those that wait or are at work, newest first.
        schedules: All of them, the next first, those that are off last.
    """

    runs: Sequence[ShownRun]
    schedules: Sequence[ShownSchedule]


class OrchestratorConsole(Protocol):
    """Asks the orchestrator's web server."""

    def state(self) -> ConsoleState:
        """Its runs and schedules now.

        Raises:
            OrchestratorUnavailableError: It cannot be reached, or has no code location.
        """
