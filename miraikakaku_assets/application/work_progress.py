"""Where the work of this process is: steps that are done, steps that failed, how long the rest may take.

Collections keep theirs in the ledger, for everybody. What is told here lives and dies with the process: nothing of it
has to be closed after a kill.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_KNOWN_FROM = 0.1
"""Share of the expected cost that has to be done before the speed so far says more than the expectation."""
_OVERDUE = 0.1
"""A step that takes longer than expected is taken to need at least this share of its time so far."""


@dataclass(frozen=True)
class WorkReading:
    """Where the work is at one moment.

    Attributes:
        total: Steps.
        processed: Steps that are done, failed ones included.
        failed: Steps that failed.
        per_minute: Steps a minute, where all of them are alike; None otherwise.
        seconds_left: Until the end, None while nobody can tell.
        doing: What is at work, in words; may be empty.
    """

    total: int
    processed: int
    failed: int
    per_minute: float | None
    seconds_left: float | None
    doing: str = ""


class WorkProgress:
    """Is told by the work how far it is, and read by whoever shows it, from any thread.

    Args:
        clock: Seconds from any beginning.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._expected: dict[str, float] = {}
        self._took: dict[str, float] = {}
        self._doing, self._doing_since = "", 0.0
        self._counted: tuple[int, int] | None = None
        self._counted_since, self._failed = 0.0, 0

    def begin(self) -> None:
        """Forgets the work before."""
        with self._lock:
            self._expected, self._took, self._counted = {}, {}, None
            self._doing, self._failed = "", 0

    def plan(self, steps: Mapping[str, float]) -> None:
        """Adds steps that are still to come, in their order, with the seconds that each is expected to take."""
        with self._lock:
            self._expected |= steps

    def start(self, step: str) -> None:
        """A planned step begins."""
        with self._lock:
            self._doing, self._doing_since = step, self._clock()

    def finish(self, step: str, *, failed: bool = False) -> None:
        """A planned step has ended."""
        with self._lock:
            now = self._clock()
            since = self._doing_since if self._doing == step else now
            self._took[step] = now - since
            self._failed += failed
            self._doing = ""

    def count(self, processed: int, total: int, failed: int = 0) -> None:
        """So many of many equal steps are done.

        Args:
            processed: Those that are done, failed ones included.
            total: All of them.
            failed: Those that failed.
        """
        with self._lock:
            if self._counted is None:
                self._counted_since = self._clock()
            self._counted, self._failed = (processed, total), failed

    def at(self, processed: int, total: int, doing: str = "") -> None:
        """The same for work that cannot fail in parts, with what is at work in words."""
        self.count(processed, total)
        self._doing = doing

    def read(self) -> WorkReading | None:
        """Where the work is; None before it has said anything."""
        with self._lock:
            if self._counted is not None:
                return self._read_count(*self._counted)
            return self._read_steps() if self._expected else None

    def _read_count(self, processed: int, total: int) -> WorkReading:
        spent = self._clock() - self._counted_since
        if not processed or spent <= 0:
            return WorkReading(total, processed, self._failed, None, None, self._doing)
        left = spent * (total - processed) / processed
        return WorkReading(total, processed, self._failed, 60 * processed / spent, left, self._doing)

    def _read_steps(self) -> WorkReading:
        done = sum(self._expected.get(step, 0.0) for step in self._took)
        known = done >= _KNOWN_FROM * sum(self._expected.values()) and done > 0
        pace = sum(self._took.values()) / done if known else 1.0
        left = 0.0
        for step, expected in self._expected.items():
            if step == self._doing:
                spent = self._clock() - self._doing_since
                left += max(pace * expected - spent, _OVERDUE * spent)
            elif step not in self._took:
                left += pace * expected
        return WorkReading(len(self._expected), len(self._took), self._failed, None, left, self._doing)
