"""What is remembered of an alert between two plans, and what a plan says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum

from miraikakaku_assets.domain.alerting.inhibition import Root
from miraikakaku_assets.domain.alerting.levels import Level
from miraikakaku_assets.domain.alerting.routes import Routes
from miraikakaku_assets.domain.alerting.silences import Silence

FLAPPING_AFTER = 3
"""Returns within its quiet time after which an alert is said to come and go."""


class Suppression(StrEnum):
    """Why nobody is told of an alert that stands."""

    EXPECTED = "expected"
    SILENCED = "silenced"
    INHIBITED = "inhibited"


class NoticeKind(StrEnum):
    """What a message says of its alerts."""

    EVENT = "event"  # something has happened; nothing ends it
    RAISED = "raised"
    FLAPPING = "flapping"
    ESCALATED = "escalated"
    RECOVERED = "recovered"
    DIGEST = "digest"


@dataclass(frozen=True)
class AlertState:
    """An alert of a condition, from the first time it holds until it is over for good; moments in UTC.

    Attributes:
        id: Number.
        key: What it is about.
        kind: First part of the key.
        level: How soon it wants somebody.
        universe: Whom it concerns, if only one.
        symbol: What it concerns, if only one.
        waiting_since: From when its group wait counts: it was raised, became graver, or what explained it was over.
        respond_within: Time for somebody to acknowledge it.
        first_escalation: Level of escalation at which it is told first.
        quiet_since: Since when the condition holds no more; None while it holds.
        ended_by_hand: Somebody has declared it over: it is not held for its quiet time.
        flaps: How often it came back within its quiet time.
        told_at: When people were told that it stands.
        told_level: The level they were told.
        flapping_told_at: When they were told that it comes and goes.
        acknowledged_at: When somebody took it on.
        escalation: Level of escalation that was told; 0 before it is told.
        escalated_at: When that level was reached.
        suppression: Why nobody is told of it.
        suppressed_by: The silence's number or the root's key.
        over_at: When the condition was over, once it is over for good.
        due_at: When it has to be looked at again; None if nothing will happen by time alone.
    """

    id: int
    key: str
    kind: str
    level: Level
    universe: str | None
    symbol: str | None
    waiting_since: datetime
    respond_within: timedelta
    first_escalation: int = 1
    quiet_since: datetime | None = None
    ended_by_hand: bool = False
    flaps: int = 0
    told_at: datetime | None = None
    told_level: Level | None = None
    flapping_told_at: datetime | None = None
    acknowledged_at: datetime | None = None
    escalation: int = 0
    escalated_at: datetime | None = None
    suppression: Suppression | None = None
    suppressed_by: str | None = None
    over_at: datetime | None = None
    due_at: datetime | None = None

    @property
    def is_untold(self) -> bool:
        """Whether it stands and people do not know, or do not know how grave it has become."""
        return self.told_at is None or self.told_level is None or self.level.rank > self.told_level.rank

    @property
    def group(self) -> tuple[str, str | None]:
        """What is told in one message: kind and universe."""
        return self.kind, self.universe


@dataclass(frozen=True)
class NoticePolicy:
    """How people are told.

    Attributes:
        routes: Which channels are told of what.
        group_wait: Time for others of the same kind and universe to be told in the same message.
        digest_time: When the daily digest is sent, Tokyo time.
        first_quiet: How long an alert is held before it is over, the first time; each return doubles it.
        longest_quiet: The longest such time.
        flapping_after: Returns after which people are told that it comes and goes.
    """

    routes: Routes
    group_wait: timedelta = timedelta(seconds=30)
    digest_time: time = time(9)
    first_quiet: timedelta = timedelta(minutes=2)
    longest_quiet: timedelta = timedelta(minutes=60)
    flapping_after: int = FLAPPING_AFTER

    def quiet_time(self, flaps: int) -> timedelta:
        """How long an alert that came back so often is held before it is over."""
        doubled: timedelta = self.first_quiet * 2 ** min(flaps, 20)
        return min(doubled, self.longest_quiet)


@dataclass(frozen=True)
class Surroundings:
    """What a plan has to know besides the alerts that are due.

    Attributes:
        silences: In force now or lately.
        roots: Standing alerts that explain others.
        told_on: Alert → channels on which it was delivered that it stands.
        being_sent: Alerts of which a message is being sent at this moment: they are not over before that is known.
    """

    silences: Sequence[Silence] = ()
    roots: Sequence[Root] = ()
    told_on: Mapping[int, frozenset[str]] = field(default_factory=dict)
    being_sent: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Member:
    """An alert in a message.

    Attributes:
        id: Of the alert.
        is_over: Whether the message says that it is over.
    """

    id: int
    is_over: bool = False


@dataclass(frozen=True)
class Notice:
    """One message to one channel.

    Attributes:
        kind: What it says.
        channel: Who gets it.
        members: The alerts it is about, the gravest first.
        escalation: Level of escalation that is told.
    """

    kind: NoticeKind
    channel: str
    members: tuple[Member, ...]
    escalation: int = 1


@dataclass(frozen=True)
class Plan:
    """What to store, all of it or nothing.

    Attributes:
        notices: Messages to queue.
        states: Alerts whose state has changed.
        closed: Keys of alerts that are over for good: what they explained waits for its own group wait.
    """

    notices: tuple[Notice, ...] = ()
    states: tuple[AlertState, ...] = ()
    closed: frozenset[str] = frozenset()
