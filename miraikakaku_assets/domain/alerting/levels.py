"""Levels of alerts, how soon somebody should look, and the steps of escalation."""

from datetime import timedelta
from enum import StrEnum


class Level(StrEnum):
    """How soon an alert wants somebody, the gravest first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """Larger is graver."""
        return _RANKS[self]


_RANKS = {Level.LOW: 0, Level.MEDIUM: 1, Level.HIGH: 2}

LEVEL_OF = {"CRITICAL": Level.HIGH, "WARNING": Level.MEDIUM, "INFO": Level.LOW}
"""Severity as it is stored → level."""

RESPOND_WITHIN = {
    Level.HIGH: timedelta(minutes=5),
    Level.MEDIUM: timedelta(hours=1),
    Level.LOW: timedelta(hours=24),
}
"""Time for somebody to acknowledge an alert before the next level of escalation is told."""

LAST_ESCALATION = 3


def first_escalation(respond_within: timedelta, escalates_from: int) -> int:
    """Level of escalation at which an alert is told first; who must act at once is told on all levels at once."""
    return LAST_ESCALATION if respond_within <= timedelta(0) else escalates_from
