"""Messages as programs read them that take Alertmanager's webhook JSON, version 4."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from miraikakaku_assets.adapters.notify.channels import Addresses, Channels
from miraikakaku_assets.application.ports.notices import Alert, Message, MessageAlert, Severity, Verdict
from miraikakaku_assets_tests.fakes.webhook_receiver import Receiver, Reply, webhook_receiver
from miraikakaku_assets_tests.support.alerting.desk import NOON

SLOW = Alert(
    *(7, "cycle/fx/slow", Severity.WARNING, "cycle", "fx", None, "slow", "facts", {}),
    *(NOON, NOON, 1, None),
)
FAILED = replace(SLOW, id=8, key="cycle/fx/failed", severity=Severity.CRITICAL, escalation=2)
OVER = replace(SLOW, resolved_at=NOON + timedelta(minutes=5))
FIELDS = {
    *("version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels"),
    *("commonAnnotations", "externalURL", "alerts"),
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as listening:
        yield listening


def sent(receiver: Receiver, *alerts: MessageAlert) -> dict[str, Any]:
    channel = Channels(Addresses(alertmanager=f"{receiver.base_url}/hook"))["alertmanager"]
    answer = channel.send(Message("title", "text", Severity.CRITICAL, alerts=alerts))
    assert answer.verdict is Verdict.DELIVERED
    return receiver.got[-1].payload


def test_alerts_of_a_group_are_told_with_labels_and_times(receiver: Receiver) -> None:
    document = sent(receiver, MessageAlert(FAILED), MessageAlert(SLOW))
    assert set(document) == FIELDS
    assert (document["version"], document["status"]) == ("4", "firing")
    assert document["groupLabels"] == document["commonLabels"] == {"kind": "cycle", "universe": "fx"}
    assert document["groupKey"] == '{}:{kind="cycle", universe="fx"}'
    failed, slow = document["alerts"]
    assert failed["labels"] == {
        "alertname": "cycle/fx/failed",
        "kind": "cycle",
        "severity": "critical",
        "universe": "fx",
    }
    assert (failed["status"], failed["startsAt"], failed["endsAt"]) == (
        "firing",
        "2026-11-20T03:00:00Z",
        "0001-01-01T00:00:00Z",
    )
    assert failed["annotations"]["escalation"] == "L2"
    assert failed["fingerprint"] != slow["fingerprint"]


def test_what_is_over_has_the_fingerprint_of_what_stood(receiver: Receiver) -> None:
    (before,) = sent(receiver, MessageAlert(SLOW))["alerts"]
    document = sent(receiver, MessageAlert(OVER, is_over=True))
    (after,) = document["alerts"]
    assert document["status"] == after["status"] == "resolved"
    assert after["endsAt"] == "2026-11-20T03:05:00Z"
    assert after["fingerprint"] == before["fingerprint"]


def test_an_address_that_refuses_is_named_by_its_setting_alone(receiver: Receiver) -> None:
    receiver.script("/hook", Reply(404))
    channel = Channels(Addresses(alertmanager=f"{receiver.base_url}/hook"))["alertmanager"]
    answer = channel.send(Message("title", "text", Severity.INFO, alerts=(MessageAlert(SLOW),)))
    assert answer.verdict is Verdict.CLOSED
    assert "ALERTMANAGER_WEBHOOK_URL" in answer.explanation
    assert receiver.base_url not in answer.explanation
