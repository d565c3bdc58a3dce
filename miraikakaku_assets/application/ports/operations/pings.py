"""Port of a dead man's switch: somebody outside who raises the alarm when nothing is heard from here."""

from enum import StrEnum
from typing import Protocol


class Signal(StrEnum):
    """What is said of a piece of work that is waited for."""

    START = "start"
    SUCCESS = "success"
    FAILURE = "fail"


class DeadMansSwitch(Protocol):
    """Somebody who waits for pings."""

    @property
    def is_set(self) -> bool:
        """Whether there is anybody."""

    def ping(self, name: str, signal: Signal, *, run_id: str | None = None, text: str = "") -> str | None:
        """Says how a piece of work is; tries for some seconds and never raises.

        Args:
            name: Of the schedule or service.
            signal: What is said.
            run_id: UUID by which a start and its end belong together.
            text: Shown with the ping: the end of a log.

        Returns:
            Why it did not arrive, without the address; None if it did, or if nobody waits.
        """
