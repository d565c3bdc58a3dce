"""Rate limits without a rate."""

import threading
from collections.abc import Callable

from miraikakaku_assets.application.ports.rate_limit import Outcome, Slot


class Unlimited:
    """Counts the slots it hands out; none has to be waited for."""

    taken = 0

    def __init__(self) -> None:
        self.told: list[tuple[Outcome, float | None]] = []

    def take(self, wait: Callable[[float], object]) -> Slot:
        self.taken += 1
        wait(0)
        return Slot()

    def report(
        self, slot: Slot, outcome: Outcome, *, retry_after: float | None = None, reason: str = ""
    ) -> None:
        assert slot == Slot()
        assert reason or outcome in {Outcome.SERVED, Outcome.UNSENT}
        self.told.append((outcome, retry_after))


class HoldsLockError(Exception):
    """An error that cannot travel to another process."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.lock = threading.Lock()


class Broken(Unlimited):
    """A rate limit with an unexpected fault."""

    def take(self, wait: Callable[[float], object]) -> Slot:  # noqa: ARG002 - it never comes to that
        raise HoldsLockError("nobody has thought of this")
