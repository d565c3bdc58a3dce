"""Use case: tell people that the database is out of reach, though alerts and their outbox are in it.

What has been told stands in a file. A first failure may be a restart of the server, so the second one is told. Each
channel hears of an outage once, however often the watcher is started, and that it is over only if it heard of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from miraikakaku_assets.application.alerting.alert_rule import AlertChanges
from miraikakaku_assets.application.alerting.conditions.database_alerts import UNREACHABLE
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.notices import (
    Alert,
    AlertStore,
    Answer,
    Channel,
    Message,
    MessageAlert,
    NewAlert,
    Severity,
    Verdict,
)
from miraikakaku_assets.application.ports.operations.watching import Outage, OutageMemory
from miraikakaku_assets.domain.tokyo_time import jst

_TITLE = "データベースに接続できません"


@dataclass(frozen=True)
class OutagePorts:
    """What it needs; nothing of it is in the database.

    Attributes:
        memory: The file.
        channels: Where people are told.
        told: Names of the channels that are told.
        clock: Where the time comes from.
    """

    memory: OutageMemory
    channels: Mapping[str, Channel]
    told: tuple[str, ...]
    clock: Clock


def tell_outage(reason: str, ports: OutagePorts) -> tuple[str, ...]:
    """Remembers that the database is out of reach; from the second time on tells those who have not been told.

    Args:
        reason: Why, one sentence without a secret.
        ports: What it needs.

    Returns:
        Channels that were told now.
    """
    outage = ports.memory.read()
    if outage is None:
        ports.memory.write(Outage(ports.clock(), reason))
        return ()
    if ports.memory.is_demo():
        return ()
    reached = list[str]()
    text = "\n".join(
        [f"発生: {jst(outage.since)}", f"エラー: {outage.reason}", f"対処: {UNREACHABLE.remedy}"]
    )
    for name in ports.told:
        if name in outage.told:
            continue
        answer = _sent(ports.channels, name, _message(_TITLE, text, outage))
        if answer.verdict is Verdict.DELIVERED:
            outage = replace(outage, told=(*outage.told, name))
            ports.memory.write(outage)
            reached.append(name)
    return tuple(reached)


def end_outage(ports: OutagePorts, alerts: AlertStore) -> AlertChanges:
    """Puts an outage that is over on record and tells those who have been told of it.

    Args:
        ports: What it needs.
        alerts: Is within reach again.
    """
    outage = ports.memory.read()
    if outage is None:
        return AlertChanges()
    now = ports.clock()
    if outage.told:
        kind = UNREACHABLE.key.partition("/")[0]
        alert = NewAlert(UNREACHABLE.key, Severity.CRITICAL, kind, _TITLE, f"エラー: {outage.reason}")
        alerts.record(alert, outage.since, now)
    text = "\n".join([f"発生: {jst(outage.since)}", f"復旧: {jst(now)}"])
    message = _message(f"復旧しました: {_TITLE}", text, outage, over_at=now)
    for name in outage.told:
        answer = _sent(ports.channels, name, message) if name in ports.channels else Answer(Verdict.CLOSED)
        if answer.verdict is not Verdict.LATER:
            outage = replace(outage, told=tuple(other for other in outage.told if other != name))
            ports.memory.write(outage)
    if outage.told:
        return AlertChanges()  # a channel in trouble is told in the next round
    ports.memory.write(None)
    return AlertChanges(resolved=frozenset({UNREACHABLE.key}))


def _message(title: str, text: str, outage: Outage, over_at: datetime | None = None) -> Message:
    """The message with the alert it is about, for programs; it has no number, because nothing is stored yet."""
    alert = Alert(
        id=0,
        key=UNREACHABLE.key,
        severity=Severity.CRITICAL,
        kind=UNREACHABLE.key.partition("/")[0],
        universe=None,
        symbol=None,
        title=_TITLE,
        message=f"エラー: {outage.reason}",
        details={},
        raised_at=outage.since,
        last_seen_at=over_at or outage.since,
        occurrences=1,
        resolved_at=over_at,
        is_condition=True,
        escalation=UNREACHABLE.escalates_from,
    )
    about = MessageAlert(alert, is_over=over_at is not None)
    return Message(title, text, Severity.CRITICAL, alerts=(about,))


def _sent(channels: Mapping[str, Channel], name: str, message: Message) -> Answer:
    try:
        return channels[name].send(message)
    except Exception as error:  # noqa: BLE001 - whatever a service's code stumbles over, the others are told
        return Answer(Verdict.LATER, f"it could not be sent ({type(error).__name__})")
