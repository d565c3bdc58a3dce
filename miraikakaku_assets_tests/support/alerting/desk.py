"""An installation whose clock a test moves: conditions come and go, plans are made, messages arrive on channels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from miraikakaku_assets.adapters.storage.alerts.plans import PostgresPlans
from miraikakaku_assets.adapters.storage.alerts.records import PostgresAlertRecords
from miraikakaku_assets.adapters.storage.alerts.silences import PostgresSilences
from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.alerting.alert_rule import (
    AlertChanges,
    AlertKind,
    AlertPorts,
    Evaluation,
    reconcile,
)
from miraikakaku_assets.application.alerting.deliver_notifications import DeliveryPorts, deliver_notifications
from miraikakaku_assets.application.alerting.kinds import KindsByKey
from miraikakaku_assets.application.alerting.plan_notices import PlanningPorts, plan_notices
from miraikakaku_assets.application.alerting.respond import ResponsePorts
from miraikakaku_assets.application.ports.notices import Alert, Answer, Message, NewAlert, Severity, Verdict
from miraikakaku_assets.domain.alerting.alert_state import NoticePolicy, Plan
from miraikakaku_assets.domain.alerting.routes import parse_routes

NOON = datetime.fromisoformat("2026-11-20T03:00:00+00:00")
CHANNELS = ("discord", "slack", "email")


def kind(key: str, **more: Any) -> AlertKind:
    """A kind of alerts that a test needs."""
    return AlertKind(key, tuple(Severity), "it happens", "it does not", **more)


@dataclass
class Inbox:
    """A channel that takes everything while it is up."""

    name: str
    got: list[Message] = field(default_factory=list)
    is_down: bool = False

    def send(self, message: Message) -> Answer:
        if self.is_down:
            return Answer(Verdict.LATER, "HTTP 503")
        self.got.append(message)
        return Answer(Verdict.DELIVERED)


class Desk:
    """Alerts of conditions on a real database, and everybody who is told.

    Args:
        database: Migrated and empty.
        routes: As in the setting ALERT_ROUTES.
        kinds: What explains what, and how soon somebody should look.
    """

    def __init__(self, database: Database, routes: str = "", kinds: Iterable[AlertKind] = ()) -> None:
        self.database = database
        self.now = NOON
        self.inboxes: Mapping[str, Inbox] = {name: Inbox(name) for name in CHANNELS}
        self.store = PostgresAlerts(database)
        self.records = PostgresAlertRecords(database)
        policy = NoticePolicy(parse_routes(routes, CHANNELS))
        self.planning = PlanningPorts(PostgresPlans(database), policy, KindsByKey(kinds), lambda: self.now)
        self.responding = ResponsePorts(self.records, PostgresSilences(database), self.planning)

    def judge(
        self, *keys: str, holds: bool, severity: Severity = Severity.WARNING, **more: Any
    ) -> AlertChanges:
        """A check of some conditions, which hold or do not."""
        evaluations = [Evaluation(key, condition(key, severity, **more) if holds else None) for key in keys]
        return reconcile(evaluations, AlertPorts(self.store, lambda: self.now))

    def raises(self, *keys: str, severity: Severity = Severity.WARNING, **more: Any) -> AlertChanges:
        """Conditions that hold."""
        return self.judge(*keys, holds=True, severity=severity, **more)

    def ends(self, *keys: str) -> AlertChanges:
        """Conditions that hold no more."""
        return self.judge(*keys, holds=False)

    def plan(self) -> Plan:
        """A plan alone."""
        return plan_notices(self.planning)

    def passes(self, *, step: float = 30, **span: float) -> None:
        """Lets time pass in steps of so many seconds; a delivery is due in each."""
        until = self.now + timedelta(**span)
        while self.now < until:
            self.now = min(until, self.now + timedelta(seconds=step))
            self.deliver()

    def deliver(self) -> None:
        """One delivery."""
        ports = DeliveryPorts(
            self.store, self.inboxes, lambda: self.now, lambda _: None, planning=self.planning
        )
        deliver_notifications(ports)

    def titles(self, channel: str = "discord") -> list[str]:
        """What a channel has got since the last time it was asked."""
        got = self.inboxes[channel].got
        titles = [message.title for message in got]
        got.clear()
        return titles

    def alert(self, key: str) -> Alert:
        """The newest alert of a key."""
        alert = self.records.find(key)
        assert alert is not None
        return alert

    def states(self) -> dict[str, str]:
        """Key → state of every alert that is not over."""
        return {alert.key: alert.state for alert in self.store.listed() if alert.resolved_at is None}


def condition(key: str, severity: Severity = Severity.WARNING, **more: Any) -> NewAlert:
    """An alert of a condition whose title is its key."""
    parts = key.split("/")
    given = {"universe": parts[1] if len(parts) > 1 else None, "title": key, "message": f"facts of {key}"}
    return NewAlert(key=key, severity=severity, kind=parts[0], **(given | more))
