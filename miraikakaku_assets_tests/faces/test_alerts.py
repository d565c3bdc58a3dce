"""`alerts`: what stands and who was told, and what whoever looks after it does about it."""

from datetime import timedelta

import pytest
from rich.cells import cell_len

from miraikakaku_assets.application.alerting.plan_notices import plan_notices
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets_tests.support.alerting.desk import NOON, condition
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.in_process import InProcess, ports_of


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> InProcess:
    return InProcess(monkeypatch, capsys, width=80)


@pytest.fixture
def troubled(command: Command) -> Command:
    """An installation of which three conditions stand, two of them planned, and one is over."""
    installation = command.with_(
        DISCORD_WEBHOOK_URL="http://127.0.0.1:9/api/webhooks/1/not-to-be-seen",
        ALERT_GROUP_WAIT=0,
        MIRAIKAKAKU_NOW=NOON.isoformat(),
    )
    now = NOON - timedelta(hours=3)
    use = ports_of(installation, now)
    alerts = [
        condition("cycle/fx/slow"),
        condition("collection/jp/failed", Severity.CRITICAL),
        condition("cycle/fx/over"),
        condition("forecast/jp/theta/skill", Severity.INFO),
    ]
    use.notices.alerts.raise_conditions(alerts, now)
    plan_notices(use.notices.planning)
    over = use.notices.alert_records.find("cycle/fx/over")
    assert over is not None
    use.notices.alert_records.resolve(over.id, now)
    plan_notices(use.notices.planning)
    use.database.close()
    return installation


def test_what_stands_is_listed_the_gravest_first(troubled: Command, run: InProcess) -> None:
    ended = run(troubled, "alerts", "--json")
    assert ended.code == 0, ended.err
    document = ended.document
    assert [(row["key"], row["level"], row["state"]) for row in document["alerts"]] == [
        ("collection/jp/failed", "high", "firing"),
        ("cycle/fx/slow", "medium", "firing"),
        ("forecast/jp/theta/skill", "low", "firing"),
    ]
    (notification,) = document["alerts"][0]["notifications"]
    assert (notification["channel"], notification["notice"], notification["delivered_at"]) == (
        "discord",
        "raised",
        None,
    )
    assert run(troubled, "alerts", "list", "--all", "--json").document["total"] == 4
    assert run(troubled, "alerts", "--since", "1d", "--json").document["total"] == 4
    assert run(troubled, "alerts", "--since", "1h", "--json").document["total"] == 3
    page = run(troubled, "alerts", "--limit", "1", "--offset", "1", "--key", "c*", "--json").document
    assert [row["key"] for row in page["alerts"]] == ["cycle/fx/slow"]
    assert run(troubled, "alerts", "--state", "silenced", "--json").document["alerts"] == []
    shown = run(troubled, "alerts", "--limit", "2").out.splitlines()
    assert shown[1].split() == ["id", "level", "age", "key", "state", "told"]
    assert shown[2].split()[1:] == [
        "high",
        "3",
        "h",
        "collection/jp/failed",
        "firing",
        *shown[2].split()[-2:],
    ]
    assert shown[-1] == "and 1 more: --offset 2"
    assert max(map(cell_len, shown)) <= 80


def test_an_alert_is_shown_acknowledged_and_resolved(troubled: Command, run: InProcess) -> None:
    number = run(troubled, "alerts", "--json").document["alerts"][0]["id"]
    noted = run(troubled, "alerts", "acknowledge", number, "--note", "on it", "--json").document
    assert (noted["alert"]["state"], noted["alert"]["acknowledged_note"]) == ("acknowledged", "on it")
    shown = run(troubled, "alerts", "show", "collection/jp/failed").out
    assert "facts of collection/jp/failed" in shown
    assert "on it" in shown
    assert "not-to-be-seen" not in shown
    ended = run(troubled, "alerts", "resolve", number)
    assert (ended.code, ended.errors) == (0, [])
    assert run(troubled, "alerts", "show", number, "--json").document["alert"]["state"] == "over"
    again = run(troubled, "alerts", "resolve", number, "--json")
    assert (again.code, again.document["succeeded"]) == (1, False)
    unknown = run(troubled, "alerts", "acknowledge", "nothing", "--json")
    assert (unknown.code, unknown.document["error"][:29]) == (2, "there is no alert 'nothing'; ")


def test_alerts_are_silenced_and_expected_for_a_while(troubled: Command, run: InProcess) -> None:
    made = run(
        troubled, "alerts", "silence", "cycle/fx/*", "severity=medium", "--for", "2h", "--json"
    ).document
    number = made["silence"]["id"]
    states = {row["key"]: row["state"] for row in run(troubled, "alerts", "--json").document["alerts"]}
    assert (states["cycle/fx/slow"], states["collection/jp/failed"]) == ("silenced", "escalated")
    until = ("--from", "2026-11-01", "--until", "2026-11-30")
    ended = run(troubled, "alerts", "expect", "collection/jp/*", *until, "--note", "a holiday of the source")
    assert (ended.code, ended.errors) == (0, [])
    states = {row["key"]: row["state"] for row in run(troubled, "alerts", "--json").document["alerts"]}
    assert states["collection/jp/failed"] == "expected"
    shown = run(troubled, "alerts", "silences").out.splitlines()
    assert ["alerts", "key=cycle/fx/*"] in [text.split()[:2] for text in shown]
    assert max(map(cell_len, shown)) <= 80
    assert run(troubled, "alerts", "unsilence", number).code == 0
    assert run(troubled, "alerts", "unsilence", number + 7).code == 2
    for wrong in (["cycle/*", "--for", "soon"], ["age=3", "--for", "1h"], ["*", "--for", "400d"]):
        assert run(troubled, "alerts", "silence", *wrong).code == 2
    assert run(troubled, "alerts", "silences", "--all", "--json").document["silences"][1]["id"] == number
