"""Use case: send what is due in the outbox.

Each channel is served by itself, so that one that hangs never holds up another. A channel in trouble is left alone as a
whole until its pause is over: what waits behind the first message arrives after it, in the order it came.
"""

import math
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from miraikakaku_assets.application.alerting.notice_message import notice_message
from miraikakaku_assets.application.alerting.plan_notices import PlanningPorts, plan_notices
from miraikakaku_assets.application.analysis.signal_message import pattern_message
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.notices import (
    PATTERN,
    WITHDRAWN,
    Alert,
    AlertStore,
    Answer,
    Channel,
    Claim,
    Message,
    MessageAlert,
    Verdict,
)
from miraikakaku_assets.domain.alerting.alert_state import NoticeKind
from miraikakaku_assets.domain.errors import ConfigurationError

FIRST_PAUSE = timedelta(seconds=15)
"""After the first failure; each further one doubles it."""
LONGEST_PAUSE = timedelta(hours=1)
EVENT_STANDS = timedelta(days=1)
"""A signal is an event that nothing ends; its alert is over by then."""
_LONGEST_WISH = timedelta(days=1)  # a Retry-After beyond it is taken for a broken clock
_SHORT = 5.0  # seconds of silence a channel may ask for that are waited for on the spot


@dataclass(frozen=True)
class DeliveryPorts:
    """What a delivery needs.

    Attributes:
        alerts: Holds the notifications and what they are about.
        channels: Name → channel.
        clock: Where the time comes from.
        wait: Sleeps so many seconds.
        picture: PNG of an alert, None where there is nothing to see.
        planning: Who is told of conditions is decided before each delivery; None where only events are delivered.
    """

    alerts: AlertStore
    channels: Mapping[str, Channel]
    clock: Clock
    wait: Callable[[float], object]
    picture: Callable[[Alert], bytes | None] = lambda _: None
    planning: PlanningPorts | None = None


@dataclass
class DeliveryReport:
    """What a delivery has done.

    Attributes:
        delivered: Channel → notifications that arrived.
        failed: Channel → failed attempts.
        troubles: Channel → what it said last, without a secret; under ``picture`` why a message went without one.
    """

    delivered: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    troubles: dict[str, str] = field(default_factory=dict)


def deliver_notifications(ports: DeliveryPorts, budget: timedelta = timedelta(seconds=45)) -> DeliveryReport:
    """Plans, and delivers everything that is due, at least once; several may do it at the same time.

    Args:
        ports: What it needs.
        budget: How long it goes on beginning new messages; the rest is for the next time.

    Raises:
        DependencyUnavailableError: The database cannot be reached.
    """
    now = ports.clock()
    for kind in (PATTERN, WITHDRAWN):
        ports.alerts.resolve_events(kind, now - EVENT_STANDS, now)
    if ports.planning is not None:
        plan_notices(ports.planning)
    report = DeliveryReport()
    due = ports.alerts.due(ports.channels, now)
    if not due:
        return report
    pictures = _Pictures(ports.picture, report)
    with ThreadPoolExecutor(len(due), thread_name_prefix="deliver") as pool:
        running = [pool.submit(_deliver, ports, name, pictures, report, now + budget) for name in due]
    for delivery in running:
        delivery.result()
    return report


def _deliver(
    ports: DeliveryPorts, name: str, pictures: "_Pictures", report: DeliveryReport, until: datetime
) -> None:
    """Serves one channel until nothing is due, it wants to be left alone, or the time is over."""
    while (now := ports.clock()) < until:
        with ports.alerts.claim(name, now) as claim:
            if claim is None:
                return
            answer = _sent(ports.channels, name, _message(claim, ports, pictures))
            pause = _settle(claim, answer, ports.clock())
        if answer.verdict is Verdict.DELIVERED:
            report.delivered[name] += 1
        else:
            report.failed[name] += 1
            report.troubles[name] = answer.explanation
        if 0 < pause <= _SHORT:
            ports.wait(pause)


def _sent(channels: Mapping[str, Channel], name: str, message: Message) -> Answer:
    try:
        return channels[name].send(message)
    except ConfigurationError as error:  # a channel that cannot even be made holds up no other, either
        return Answer(Verdict.CLOSED, str(error))
    except Exception as error:  # noqa: BLE001 - whatever a service's code stumbles over, the next message may pass
        return Answer(
            Verdict.UNFIT, f"it could not be sent ({type(error).__name__})"
        )  # its text may hold a secret


def _settle(claim: Claim, answer: Answer, now: datetime) -> float:
    """Records the answer; returns the seconds for which the channel asked to be left alone."""
    wait = answer.wait or 0.0
    wish = min(max(wait, 0.0), _LONGEST_WISH.total_seconds()) if math.isfinite(wait) else 0.0
    requested = timedelta(seconds=wish)
    if answer.verdict is Verdict.DELIVERED:
        claim.delivered(now, answer.explanation, now + requested if wish else None)
    elif answer.verdict is Verdict.LATER:
        pause = requested or backoff(claim.failures + 1)
        claim.failed(answer.explanation, now + pause, whole_channel=True)
    else:
        pause = max(requested, LONGEST_PAUSE)
        claim.failed(answer.explanation, now + pause, whole_channel=answer.verdict is Verdict.CLOSED)
    return wish


def backoff(failures: int) -> timedelta:
    """How long a channel is left alone after so many failures in a row: doubling, with jitter, at most an hour."""
    longest: timedelta = min(FIRST_PAUSE * 2 ** min(failures - 1, 20), LONGEST_PAUSE)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def _message(claim: Claim, ports: DeliveryPorts, pictures: "_Pictures") -> Message:
    if claim.notice is not NoticeKind.EVENT:
        return notice_message(
            claim, (lambda _: "") if ports.planning is None else ports.planning.kinds.remedy
        )
    alert = claim.alert
    alerts = (MessageAlert(alert),)
    if alert.kind != PATTERN:
        return Message(alert.title, alert.message, alert.severity, alerts=alerts)
    try:
        title, text = pattern_message(alert.universe, alert.details)
    except (KeyError, TypeError, ValueError):  # details of another version: the stored text says it, too
        title, text = alert.title, alert.message
    return Message(title, text, alert.severity, pictures.of(alert), alerts)


class _Pictures:
    """Each picture is drawn once for all channels; Matplotlib is not made for threads."""

    def __init__(self, draw: Callable[[Alert], bytes | None], report: DeliveryReport) -> None:
        self._draw = draw
        self._report = report
        self._drawn: dict[int, bytes | None] = {}
        self._lock = threading.Lock()

    def of(self, alert: Alert) -> bytes | None:
        with self._lock:
            if alert.id not in self._drawn:
                self._drawn[alert.id] = self._draw_or_do_without(alert)
            return self._drawn[alert.id]

    def _draw_or_do_without(self, alert: Alert) -> bytes | None:
        try:
            return self._draw(alert)
        except Exception as error:  # noqa: BLE001 - a message without its picture is worth more than none
            self._report.troubles["picture"] = f"{alert.key}: {type(error).__name__}: {error}"
            return None
