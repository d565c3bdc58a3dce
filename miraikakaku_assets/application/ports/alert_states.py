"""Ports of the states of alerts: what a plan reads and writes, silences, and what lists show."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from miraikakaku_assets.application.ports.notices import Alert, NewAlert
from miraikakaku_assets.domain.alerting.alert_state import AlertState, NoticeKind, Plan
from miraikakaku_assets.domain.alerting.levels import Level
from miraikakaku_assets.domain.alerting.matchers import Matcher
from miraikakaku_assets.domain.alerting.silences import Silence, SilenceKind

STATES = (
    *("firing", "settling", "flapping", "escalated", "acknowledged"),
    *("inhibited", "silenced", "expected", "over"),
)
"""States an alert is shown in; ``settling``: its condition holds no more, and it is held for its quiet time."""


class Response(NamedTuple):
    """How soon somebody should look at an alert.

    Attributes:
        within: Time for somebody to acknowledge it; None for the usual time of its level.
        escalates_from: Level of escalation at which it begins.
    """

    within: timedelta | None
    escalates_from: int


class ConditionStore(Protocol):
    """Alerts of conditions, which stand as long as the condition holds. A plan says who is told."""

    def raise_conditions(self, alerts: Sequence[NewAlert], now: datetime) -> frozenset[str]:
        """Notes in one transaction which conditions hold.

        Returns:
            Keys of those that did not hold before.
        """

    def end_conditions(self, keys: Collection[str], now: datetime) -> frozenset[str]:
        """Notes which conditions hold no more and returns which of them did."""


class PlanningSession(Protocol):
    """A plan in the making; nobody else plans or raises conditions meanwhile."""

    @property
    def states(self) -> Sequence[AlertState]:
        """Alerts that are due, and those nobody was told of yet."""

    @property
    def silences(self) -> Sequence[Silence]:
        """Those in force now or lately."""

    @property
    def roots(self) -> Sequence[tuple[int, str]]:
        """Number and key of the standing alerts of the kinds that explain others."""

    @property
    def told_on(self) -> Mapping[int, frozenset[str]]:
        """Alert → channels on which it was delivered that it stands."""

    @property
    def being_sent(self) -> frozenset[int]:
        """Alerts of which a message is being sent."""

    def store(self, plan: Plan) -> None:
        """Stores what the plan says, and takes back the messages that nobody needs any more."""


class PlanStore(Protocol):
    """Where plans are made, one at a time."""

    def planning(
        self, now: datetime, response_of: Callable[[str], Response], root_kinds: Collection[str]
    ) -> AbstractContextManager[PlanningSession | None]:
        """One transaction in which a plan is made; None if nothing is due.

        Args:
            now: Now (UTC).
            response_of: Key → how soon somebody should look.
            root_kinds: Kinds of alerts that may explain others.
        """


class SilenceStore(Protocol):
    """Silences and what is expected."""

    def add(
        self, kind: SilenceKind, matcher: Matcher, period: tuple[datetime, datetime], note: str, now: datetime
    ) -> Silence:
        """Stores one; alerts that stand are looked at again by the next plan."""

    def lift(self, number: int, now: datetime) -> Silence | None:
        """Ends one now; None if there is none of this number that has not ended."""

    def listed(self, *, ending_after: datetime | None) -> list[Silence]:
        """Those that end after a moment, all without one; the newest first."""


@dataclass(frozen=True)
class AlertQuery:
    """Which alerts are listed; None means any.

    Attributes:
        only_standing: Those that are not over.
        since: Those that stood at or after a moment (UTC).
        key: Pattern of keys with ``*`` and ``?``.
        kind: First part of the key.
        level: Level.
        universe: Whom they concern.
        symbol: What they concern.
        state: One of `STATES`.
    """

    only_standing: bool = False
    since: datetime | None = None
    key: str | None = None
    kind: str | None = None
    level: Level | None = None
    universe: str | None = None
    symbol: str | None = None
    state: str | None = None


@dataclass(frozen=True)
class AlertPage:
    """A part of a list, the gravest that stand first, then the newest.

    Attributes:
        alerts: The part.
        total: How many there are in all.
    """

    alerts: Sequence[Alert]
    total: int


@dataclass(frozen=True)
class Told:
    """A message about an alert; moments in UTC.

    Attributes:
        channel: Who is told.
        notice: What it says.
        is_over: Whether it says of the alert that it is over.
        escalation: Level of escalation.
        due_at: When it is sent, or sent again, at the earliest.
        delivered_at: When it arrived; None while it waits.
        attempts: Failed attempts.
        last_error: What the channel said last, without a secret.
    """

    channel: str
    notice: NoticeKind
    is_over: bool
    escalation: int
    due_at: datetime
    delivered_at: datetime | None
    attempts: int
    last_error: str | None


class AlertRecords(Protocol):
    """Alerts as people look at them and take them on."""

    def page(self, query: AlertQuery, *, limit: int, offset: int = 0) -> AlertPage:
        """A part of the alerts a query is about."""

    def find(self, name: str) -> Alert | None:
        """The alert of a number, or the newest of a key."""

    def told(self, numbers: Collection[int]) -> Mapping[int, Sequence[Told]]:
        """Alert → the messages about it, in their order."""

    def acknowledge(self, number: int, note: str, now: datetime) -> bool:
        """Notes that somebody takes it on; whether it still stands."""

    def resolve(self, number: int, now: datetime) -> bool:
        """Declares it over; whether it still stood."""
