"""Messages in the JSON of Prometheus Alertmanager's webhook receiver, version 4, for programs that read it."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from miraikakaku_assets.adapters.notify.webhooks import JsonWebhook
from miraikakaku_assets.application.ports.notices import Alert, Answer, Message, MessageAlert

_NEVER = "0001-01-01T00:00:00Z"
"""What Alertmanager writes for an end that is not known."""
_RECEIVER = "miraikakaku"


class AlertmanagerWebhook(JsonWebhook):
    """Implements the port `Channel` over an address that takes Alertmanager's webhook JSON."""

    def send(self, message: Message) -> Answer:
        """Sends the alerts of a message; those that stand and those that are over say so each."""
        return self.post(payload_of(message))


def payload_of(message: Message) -> dict[str, Any]:
    """The document of a message: status ``resolved`` if all of its alerts are over, otherwise ``firing``."""
    alerts = [_alert(each) for each in message.alerts]
    is_firing = any(alert["status"] == "firing" for alert in alerts) or not alerts
    common = _common([alert["labels"] for alert in alerts])
    group = {name: common[name] for name in ("kind", "universe") if name in common}
    wording = {"summary": message.title, "description": message.text}
    return {
        "version": "4",
        "groupKey": "{}:{" + ", ".join(f'{name}="{value}"' for name, value in group.items()) + "}",
        "truncatedAlerts": 0,
        "status": "firing" if is_firing else "resolved",
        "receiver": _RECEIVER,
        "groupLabels": group,
        "commonLabels": common,
        "commonAnnotations": wording,
        "externalURL": "",
        "alerts": alerts,
    }


def _alert(member: MessageAlert) -> dict[str, Any]:
    alert = member.alert
    labels = _labels(alert)
    annotations = {
        "summary": alert.title,
        "description": alert.message,
        "id": str(alert.id),
        "escalation": f"L{max(alert.escalation, 1)}",
    }
    return {
        "status": "resolved" if member.is_over else "firing",
        "labels": labels,
        "annotations": annotations,
        "startsAt": _moment(alert.raised_at),
        "endsAt": _moment(alert.resolved_at) if member.is_over and alert.resolved_at else _NEVER,
        "generatorURL": "",
        "fingerprint": _fingerprint(labels),
    }


def _labels(alert: Alert) -> dict[str, str]:
    labels = {"alertname": alert.key, "kind": alert.kind, "severity": alert.severity.value.lower()}
    about = {"universe": alert.universe, "symbol": alert.symbol}
    return labels | {name: value for name, value in about.items() if value}


def _common(labels: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first = dict(labels[0]) if labels else {}
    return {name: value for name, value in first.items() if all(each.get(name) == value for each in labels)}


def _fingerprint(labels: Mapping[str, str]) -> str:
    """The same for the same alert, whether it stands or is over; severity is left out, because it may rise."""
    named = "\0".join(f"{name}\0{value}" for name, value in sorted(labels.items()) if name != "severity")
    return hashlib.sha256(named.encode()).hexdigest()[:16]


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
