"""The request rate of a source, as those see it who send requests, watch it or steer it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True)
class Slot:
    """Leave to send one request.

    Attributes:
        epoch: Troubles the source had had when it was given. Ten requests in flight that are all refused carry
            the same number, so they count as one trouble.
        is_trial: Whether it is the one request that finds out if a paused source answers again.
    """

    epoch: int = 0
    is_trial: bool = False


class Outcome(StrEnum):
    """What became of a request, seen from the source's health: the symbol's own trouble is none of its."""

    SERVED = "served"
    """A definite answer: bars, or that there are none under this symbol."""
    RATE_LIMITED = "rate_limited"
    """HTTP 429."""
    REFUSED = "refused"
    """No usable answer: 5xx, 401 and 403, no connection, timeout, an HTML page, a body cut short."""
    UNSENT = "unsent"
    """It never left."""


class Breaker(StrEnum):
    """State of the circuit breaker of a source."""

    CLOSED = "closed"
    OPEN = "open"
    """Nobody asks before `LimitState.resume_at`."""
    HALF_OPEN = "half_open"
    """One request at a time finds out whether it answers again."""


@dataclass(frozen=True)
class LimitState:
    """The request rate of a source at one moment, for status screens.

    Attributes:
        name: Name of the source.
        rate: Requests a second that this installation may send now.
        maximum: Requests a second it may send when the source is content (REQUESTS_PER_SECOND).
        blocked_until: End of a ``Retry-After`` or of the pause after a 429 (UTC); None when there is none.
        breaker: State of the circuit breaker.
        resume_at: When an open breaker lets a trial through (UTC); None when it is not open.
        refusals: Refusals in a row, over all processes, since the last served request.
        reason: What was answered at the last refusal; None when all is well.
    """

    name: str
    rate: float
    maximum: float
    blocked_until: datetime | None
    breaker: Breaker
    resume_at: datetime | None
    refusals: int
    reason: str | None

    @property
    def paused_until(self) -> datetime | None:
        """When somebody may ask again (UTC); None while nobody waits, or while a trial is under way."""
        return self.resume_at or self.blocked_until


@dataclass(frozen=True)
class LimitRules:
    """How a request rate adapts. Seconds unless said otherwise.

    Attributes:
        retry_delay: Pause of everybody after a 429 that does not say how long (RETRY_DELAY).
        longest_wait: Longest ``Retry-After`` that callers sleep through; a longer one opens the breaker.
        floor: Share of the maximum below which the rate is never lowered.
        decrease: What a 429 multiplies the rate with.
        recovery_seconds: Time in which the rate would grow from nothing to the maximum. Ten minutes: after one
            halving it is back in five, and a source that bears 2.5/s of 5/s refuses once in 2.5 minutes.
        restart: Share of the maximum at which a source that was paused is asked again.
        refusals_to_open: Refusals in a row, by all callers together, that open the breaker: twice as many as
            requests are in flight (MAX_WORKERS 10), so that one bad second of the network is not enough,
        events_to_open: and that many separate troubles among them, so that 429s have slowed us down first.
        first_pause: How long an open breaker lets nobody ask.
        longest_pause: Cap of that time, which doubles with every trial that fails.
        trial_seconds: After that time a trial counts as lost (its process was killed); more than a request takes.
    """

    retry_delay: float = 2.0
    longest_wait: float = 300.0
    floor: float = 0.05
    decrease: float = 0.5
    recovery_seconds: float = 600.0
    restart: float = 0.25
    refusals_to_open: int = 20
    events_to_open: int = 3
    first_pause: float = 60.0
    longest_pause: float = 1800.0
    trial_seconds: float = 60.0


class RateLimiter(Protocol):
    """Hands out leave to send requests to a source."""

    def take(self, wait: Callable[[float], object]) -> Slot:
        """Takes the next slot and waits for it.

        Raises:
            SourcePausedError: Nobody asks the source for now.
        """

    def report(
        self, slot: Slot, outcome: Outcome, *, retry_after: float | None = None, reason: str = ""
    ) -> None:
        """Says what became of the request."""


class AdjustableRate(Protocol):
    """The request rate of a source, for those who watch and steer it."""

    def state(self) -> LimitState:
        """The rate at this moment."""

    def slow_down(self, hold: float) -> None:
        """Halves the rate and keeps it there for some seconds."""

    def let_grow(self) -> None:
        """Ends what is left of the time a rate is kept down."""

    def pause(self, reason: str) -> None:
        """Lets nobody ask for a while."""

    def resume(self) -> None:
        """Forgets every trouble."""
