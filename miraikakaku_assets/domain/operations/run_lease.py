"""Who does a run: a lease that its minder renews, and what follows when it is not renewed.

A run on many machines belongs to the process that minds it for as long as that process renews the lease. A lease that
was not renewed for `lost_after` seconds is nobody's: the run is closed as lost, and its next attempt does what is left.
The minder ends its own run before that moment, so two attempts are never at work at once.
"""

from dataclasses import dataclass
from enum import StrEnum

_RENEWALS = 6  # within the time after which a lease is lost: a renewal that fails is no loss


class Turn(StrEnum):
    """What a minder that has received a run does with it."""

    BEGIN = "begin"
    LATER = "later"  # somebody may be about to begin it
    LEAVE = "leave"  # it is done, at work, or lost: another attempt does what is left


class Order(StrEnum):
    """What a minder does with the process of its run."""

    CARRY_ON = "carry on"
    CANCEL = "cancel"  # in order: the run closes its books
    KILL = "kill"  # at once: somebody else may do it by now


class RunState(StrEnum):
    """How far a run is, as far as leases go."""

    WAITING = "waiting"
    AT_WORK = "at work"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"  # only the run itself says so
    ENDED = "ended"  # it may have been closed by somebody who took it for lost


@dataclass(frozen=True)
class LeaseRules:
    """How long a lease holds.

    Attributes:
        lost_after: Seconds without renewal after which the process behind a run counts as gone.
    """

    lost_after: float

    @property
    def renew_every(self) -> float:
        """Seconds between two renewals."""
        return self.lost_after / _RENEWALS

    def is_lost(self, silent_seconds: float) -> bool:
        """Whether a lease that was last renewed so long ago is nobody's."""
        return silent_seconds > self.lost_after

    def turn(self, state: RunState, silent_seconds: float | None) -> Turn:
        """What to do with a run that was received.

        Args:
            state: Of the run.
            silent_seconds: Since its lease was renewed; None while nobody has taken one.
        """
        if state is not RunState.WAITING:
            return Turn.LEAVE
        free = silent_seconds is None or self.is_lost(silent_seconds)
        return Turn.BEGIN if free else Turn.LATER

    def order(self, state: RunState, since_renewal: float) -> Order:
        """What to do with the process of one's own run.

        Args:
            state: Of the run.
            since_renewal: Seconds since the lease was last renewed for certain.
        """
        if state is RunState.ENDED or since_renewal >= self.lost_after - self.renew_every:
            return Order.KILL
        return Order.CANCEL if state is RunState.CANCELLING else Order.CARRY_ON
