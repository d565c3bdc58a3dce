"""One request rate for all threads, processes and machines: a row in PostgreSQL that learns from refusals.

* **Rate.** Generic cell rate algorithm (ITU-T I.371): the row holds the time at which the source would be idle
  again. A caller moves it on by one interval and sleeps until its own slot.
* **Adaptation** as in TCP: a 429 halves the rate, once for all requests that were in flight together; from then
  on it grows with time, computed where it is read. Several maxima on one row: the row holds the shared rate of
  the last slowing down, each caller goes at the lower of that and its own maximum, a slot costs the caller's own
  interval, and a 429 halves what the refused caller was going at.
* **Retry-After** holds for everybody: it voids the slots that were handed out and nobody leaves before its end.
* **Circuit breaker.** Many refusals in a row open it: nobody asks, then one request at a time finds out.

Served requests cost no statement of their own: the next `PostgresRateLimiter.take` carries the news, and only a
row in trouble is told at once. All times are the database's clock; callers only ever measure durations.
"""

import threading
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC
from typing import Any

import psycopg2

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.prepared_connection import StatementLine
from miraikakaku_assets.adapters.storage.rate_limit import statements
from miraikakaku_assets.application.ports.rate_limit import Breaker, LimitRules, LimitState, Outcome, Slot
from miraikakaku_assets.domain.errors import DependencyUnavailableError, SourcePausedError
from miraikakaku_assets.domain.utc import in_utc

_DAY = 86_400.0  # longest Retry-After that is believed


class PostgresRateLimiter:
    """Hands out request slots; the outcome of each request is reported back.

    It can be sent to another process; connections stay where they were made.

    Args:
        database: Where the row lives, or its URL.
        name: What is limited, e.g. ``yahoo``.
        per_second: Most requests a second.
        burst: Requests that may go out at once after a pause.
        rules: How it adapts.
    """

    def __init__(
        self,
        database: Database | str,
        name: str,
        per_second: float,
        burst: int,
        rules: LimitRules | None = None,
    ) -> None:
        self._database = Database(database) if isinstance(database, str) else database
        self._name = name
        self._maximum = per_second
        self._burst = burst
        self._rules = rules or LimitRules()
        self._line = StatementLine(self._database.url, statements.PREPARED)
        self._fixed: dict[str, Any] = {
            "name": name,
            "maximum": per_second,
            "least": per_second * self._rules.floor,
            "growth": per_second / self._rules.recovery_seconds,
            "burst": float(burst),
            **asdict(self._rules),
        }
        self._noting = threading.Lock()
        self._served = False  # news for the next take
        self._troubled = False  # the row counts refusals: a served request is worth a statement

    def __reduce__(self) -> tuple[type["PostgresRateLimiter"], tuple[object, ...]]:
        """Another process gets the address and makes its own connection."""
        return PostgresRateLimiter, (self._database.url, self._name, self._maximum, self._burst, self._rules)

    def take(self, wait: Callable[[float], object]) -> Slot:
        """Takes the next slot and waits for it.

        Args:
            wait: Called with the seconds to wait, when there are any. A true answer says that the caller has
                been stopped: the slot is returned at once and must not be used.

        Raises:
            SourcePausedError: The circuit breaker is open.
            DependencyUnavailableError: The database cannot be reached.
        """
        while True:
            answer, seconds, epoch, blocks, refusals, until, reason = self._ask()
            if answer == "paused":
                raise SourcePausedError(
                    self._name, until.astimezone(UTC), reason or "it refuses our requests"
                )
            self._troubled = refusals > 0
            slot = Slot(epoch, is_trial=answer == "trial")
            stopped = bool(wait(seconds)) if seconds > 0 else False
            if stopped or (seconds <= 0 and answer != "busy"):
                return slot
            if answer == "busy":
                continue  # somebody else finds out whether the source answers again
            if self._run("look", {}) in ([(blocks,)], []):
                return slot
            self.report(slot, Outcome.UNSENT)  # the source has refused others meanwhile: the slot is void

    def report(
        self, slot: Slot, outcome: Outcome, *, retry_after: float | None = None, reason: str = ""
    ) -> None:
        """Says what became of a request.

        Args:
            slot: What `take` gave for it.
            outcome: What became of it.
            retry_after: Seconds the source asked for; nobody asks before they are over. If they are more than
                anybody should wait (`LimitRules.longest_wait`), the breaker opens until then.
            reason: What the source answered, one sentence without secrets.

        Raises:
            DependencyUnavailableError: The database cannot be reached.
        """
        taken = {"epoch": slot.epoch, "is_trial": slot.is_trial}
        if outcome is Outcome.SERVED:
            if slot.is_trial or self._troubled:
                self._run("served", taken)
                self._troubled = False
            else:
                self._served = True
        elif outcome is Outcome.UNSENT:
            if slot.is_trial:
                self._run("unsent", taken)
        else:
            limited = outcome is Outcome.RATE_LIMITED
            block = self._rules.retry_delay if limited and retry_after is None else retry_after or 0.0
            self._troubled = True
            self._run("refused", {**taken, "limited": limited, "block": min(block, _DAY), "reason": reason})

    def slow_down(self, hold: float) -> None:
        """Halves the rate and keeps it there.

        Args:
            hold: Seconds before it grows again.
        """
        self._run("slow_down", {"hold": hold})

    def let_grow(self) -> None:
        """Ends what is left of the time a rate is kept down."""
        self._run("let_grow", {})

    def pause(self, reason: str) -> None:
        """Opens the breaker for its first pause, if it is closed.

        Args:
            reason: Why, one sentence.
        """
        self._run("pause", {"reason": reason})

    def resume(self) -> None:
        """Forgets every trouble: full rate, no pause. For an operator who knows better."""
        self._run("resume", {})
        self._troubled = False

    def state(self) -> LimitState:
        """The rate at this moment."""
        rows = self._run("state", {})
        if not rows:  # nobody has asked yet
            return LimitState(self._name, self._maximum, self._maximum, None, Breaker.CLOSED, None, 0, None)
        rate, blocked_until, paused_until, is_open, refusals, reason = rows[0]
        breaker = Breaker.OPEN if is_open else Breaker.HALF_OPEN if paused_until else Breaker.CLOSED
        return LimitState(
            self._name,
            float(rate),
            self._maximum,
            in_utc(blocked_until),
            breaker,
            in_utc(paused_until) if is_open else None,
            refusals,
            reason,
        )

    def close(self) -> None:
        """Closes the connection; the next call makes a new one."""
        self._line.close()

    def _ask(self) -> tuple[Any, ...]:
        with self._noting:
            served, self._served = self._served, False
        (row,) = self._run("take", {"served": served})
        return row

    def _run(self, statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        try:
            return self._line.run(statement, self._fixed | values)
        except psycopg2.OperationalError as error:
            self._database.check()  # says in one sentence that it cannot be reached
            raise DependencyUnavailableError(
                f"The request rate of {self._name} cannot be kept in {self._database.shown}; repeat the command"
            ) from error
