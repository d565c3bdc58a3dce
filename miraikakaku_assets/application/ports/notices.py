"""Ports of alerts and of the channels that tell people about them."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from miraikakaku_assets.domain.alerting.alert_state import NoticeKind, Suppression
from miraikakaku_assets.domain.alerting.levels import LEVEL_OF, Level


class Severity(StrEnum):
    """How much an alert matters; it decides who is told."""

    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"

    @property
    def level(self) -> Level:
        """How soon it wants somebody."""
        return LEVEL_OF[self.value]


PATTERN = "pattern"
"""Kind of the alert of a pattern signal; its message is made from its details."""

WITHDRAWN = "withdrawn"
"""Kind of an alert about bars that were stored and are refused now: an event."""


@dataclass(frozen=True)
class NewAlert:
    """Something people should know.

    Attributes:
        key: What it is about; while it stands, further ones of the same key are only counted.
        severity: How much it matters.
        kind: `PATTERN`, `WITHDRAWN` or another word for what raises it.
        title: One line.
        message: The facts, plain text.
        universe: Whom it concerns, if only one.
        symbol: What it concerns, if only one.
        details: JSON values behind the text.
        channels: Names of the channels that are told.
        due_at: When they are told at the earliest (UTC); None for at once.
    """

    key: str
    severity: Severity
    kind: str
    title: str
    message: str
    universe: str | None = None
    symbol: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    channels: Collection[str] = ()
    due_at: datetime | None = None


@dataclass(frozen=True)
class Alert:
    """An alert as it is stored; all moments in UTC.

    Attributes:
        occurrences: How often it was raised while it stood; a condition that is checked more often is counted every
            four minutes.
        resolved_at: When it was over; None while it stands.
        is_condition: Whether it stands as long as a condition holds; an event ends by itself.
        state: In a word, one of `ports.alert_states.STATES`.
        quiet_since: Since when its condition holds no more, while it is held for its quiet time.
        flaps: How often it came back within its quiet time.
        told_at: When people were told.
        acknowledged_at: When somebody took it on.
        acknowledged_note: What they said.
        escalation: Level of escalation that was told; 0 before it is told.
        suppression: Why nobody is told.
        suppressed_by: The silence's number or the key of the alert that explains it.
    """

    id: int
    key: str
    severity: Severity
    kind: str
    universe: str | None
    symbol: str | None
    title: str
    message: str
    details: Mapping[str, object]
    raised_at: datetime
    last_seen_at: datetime
    occurrences: int
    resolved_at: datetime | None
    is_condition: bool = False
    state: str = "firing"
    quiet_since: datetime | None = None
    flaps: int = 0
    told_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_note: str | None = None
    escalation: int = 0
    suppression: Suppression | None = None
    suppressed_by: str | None = None

    @property
    def level(self) -> Level:
        """How soon it wants somebody."""
        return self.severity.level


class Verdict(StrEnum):
    """How a channel answered."""

    DELIVERED = "delivered"
    LATER = "later"  # it is busy, down or out of reach: an outage, or a rate that was too high
    CLOSED = "closed"  # it refuses everything until somebody corrects it: wrong address, token, password
    UNFIT = "unfit"  # it refuses this message; the next one may be fine


@dataclass(frozen=True)
class Answer:
    """What came of one attempt to deliver.

    Attributes:
        verdict: How the channel answered.
        explanation: In one sentence and without a secret; of a delivered message, what was left out of it.
        wait: Seconds before the channel may be asked again, if it said so itself.
    """

    verdict: Verdict
    explanation: str = ""
    wait: float | None = None


@dataclass(frozen=True)
class MessageAlert:
    """An alert in a message.

    Attributes:
        alert: The alert as it stands when the message is sent.
        is_over: Whether the message says that it is over.
    """

    alert: Alert
    is_over: bool = False


@dataclass(frozen=True)
class Message:
    """What is sent to a channel.

    Attributes:
        title: One line.
        text: Plain text of several lines.
        severity: Of the gravest alert.
        picture: PNG, if there is one.
        alerts: What it is about, for channels that are read by programs.
    """

    title: str
    text: str
    severity: Severity
    picture: bytes | None = None
    alerts: tuple[MessageAlert, ...] = ()


class Channel(Protocol):
    """Somebody who can be told."""

    @property
    def name(self) -> str:
        """Name in the outbox, e.g. ``discord``."""

    def send(self, message: Message) -> Answer:
        """Tries once, within seconds; never raises because of what the channel does."""


class Claim(Protocol):
    """A notification that this deliverer alone may send; whoever dies with it leaves it due."""

    @property
    def alert(self) -> Alert:
        """What it is about; of several, the first."""

    @property
    def notice(self) -> NoticeKind:
        """What it says."""

    @property
    def members(self) -> Sequence[MessageAlert]:
        """All alerts it is about; none for an event, which is about `alert`."""

    @property
    def escalation(self) -> int:
        """Level of escalation that it tells."""

    @property
    def attempts(self) -> int:
        """Failed attempts before this one."""

    @property
    def failures(self) -> int:
        """Failures of the channel since it last took something."""

    def delivered(self, at: datetime, note: str = "", paused_until: datetime | None = None) -> None:
        """Notes that it arrived, and until when the channel asked for silence."""

    def failed(self, explanation: str, due_at: datetime, *, whole_channel: bool) -> None:
        """Notes why it did not, when it is tried again, and whether the others of its channel wait as long."""


class AlertStore(Protocol):
    """Events, and the outbox of notifications: those of events are queued with them, others by plans.

    Each notification is sent at least once, without faults exactly once, in the order they came.
    """

    def raise_alerts(self, alerts: Sequence[NewAlert], now: datetime) -> frozenset[str]:
        """Raises events and queues their notifications, in one transaction.

        Returns:
            Keys of those that did not stand yet; only of them a notification is queued.
        """

    def record(self, alert: NewAlert, since: datetime, until: datetime) -> None:
        """Stores an alert that is over and of which nobody is told any more; the same one twice is one."""

    def resolve_events(self, kind: str, before: datetime, now: datetime) -> int:
        """Ends standing alerts of a kind that were raised before a moment: events, which nothing ends by itself."""

    def listed(self, *, since: datetime | None = None, only_standing: bool = False) -> list[Alert]:
        """Alerts that stood at or after a moment, newest first.

        Args:
            since: Moment (UTC).
            only_standing: Only those that stand; a condition that holds no more does not, though it is not over yet.
        """

    def due(self, channels: Collection[str], now: datetime) -> list[str]:
        """Which of these channels have something to send now and are not paused."""

    def claim(self, channel: str, now: datetime) -> AbstractContextManager[Claim | None]:
        """The oldest notification due on a channel; None if there is none, it is paused, or another one delivers."""

    def waiting(self, channels: Collection[str]) -> Mapping[str, int]:
        """Channel → notifications that are not delivered yet, due or not; channels no longer set up are named, too."""
