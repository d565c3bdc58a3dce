"""Port of the log of cycles: what each has collected, and how it ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class CycleEnd:
    """How a cycle ended.

    Attributes:
        ended_at: When (UTC).
        symbols: What it was to process.
        succeeded: Of them, those that were collected and analysed.
        bars: Rows of bars written.
        indicators: Rows of indicators written.
        signals: New ones.
        error: What broke it off, if something did.
    """

    ended_at: datetime
    symbols: int = 0
    succeeded: int = 0
    bars: int = 0
    indicators: int = 0
    signals: int = 0
    error: str | None = None


@dataclass(frozen=True)
class Cycle:
    """One cycle; all moments in UTC.

    Attributes:
        end: None while it runs, and for ever if its process died.
    """

    id: int
    universe: str
    run_id: str
    started_at: datetime
    end: CycleEnd | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        return None if self.end is None else (self.end.ended_at - self.started_at).total_seconds()

    @property
    def success_share(self) -> float | None:
        """Share of its symbols that succeeded, 0 if it broke off before any; None if it had nothing to do."""
        if self.end is None:
            return None
        if self.end.symbols == 0:
            return 0.0 if self.end.error else None
        return self.end.succeeded / self.end.symbols

    @property
    def failed_altogether(self) -> bool:
        """Whether it ended without a single success, though it had something to do."""
        return self.success_share == 0


class CycleLog(Protocol):
    """Account of the cycles."""

    def begin(self, universe: str, run_id: str, now: datetime) -> int:
        """Notes that a cycle begins and returns its number; the same run begins its own anew."""

    def end(self, cycle: int, end: CycleEnd) -> None:
        """Notes how it ended."""

    def ended(self, universe: str, limit: int) -> list[Cycle]:
        """The newest cycles that have ended, newest first."""

    def unended(self) -> list[Cycle]:
        """Cycles that run, or whose process died, and that no cycle of their universe has outlasted."""
