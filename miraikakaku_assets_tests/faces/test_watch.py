"""The watch through its front door: rounds of a process that is not Dagster's."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster import DagsterInstance
from dagster._daemon.types import DaemonHeartbeat

from miraikakaku_assets.application.ports.notices import NewAlert, Severity
from miraikakaku_assets.orchestration.instance.home import open_instance
from miraikakaku_assets_tests.fakes.ping_receiver import ping_receiver
from miraikakaku_assets_tests.fakes.webhook_receiver import webhook_receiver
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.in_process import InProcess, ports_of

pytestmark = pytest.mark.slow

EARLY = datetime(2026, 1, 5, tzinfo=UTC)


def beat(command: Command, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """The daemon said so long after 1970 that it lives."""
    for name in ("DAGSTER_HOME", "MIRAIKAKAKU_HOME", "DAGSTER_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "")
    from miraikakaku_assets import bootstrap

    ports = ports_of(command, EARLY)
    monkeypatch.setattr(bootstrap, "_ports", ports)
    with open_instance(ports.settings) as instance:
        assert isinstance(instance, DagsterInstance)
        instance.add_daemon_heartbeat(DaemonHeartbeat(seconds, "SENSOR", "one", None))
    ports.notices.alerts.raise_alerts(
        [NewAlert("waits", Severity.WARNING, "test", "it waits", "text", channels=("discord",))], EARLY
    )
    ports.database.close()


def test_a_dead_daemon_is_told_and_its_notifications_are_delivered(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with webhook_receiver() as receiver, ping_receiver() as pings:
        settings = {
            "DISCORD_WEBHOOK_URL": receiver.discord,
            "HEALTHCHECK_URL": pings.address,
            "ALERT_GROUP_WAIT": "0",
        }
        beat(command, monkeypatch, 1_000_000.0)
        first = command.with_(**settings)("watch", "--once", "--json")
        again = command.with_(**settings)("watch", "--once")
    report = json.loads(first.out)
    assert first.code == 0
    assert report["is_daemon_dead"] is True
    assert "service/daemon/stopped" in report["raised"]
    assert report["delivered"]["discord"] >= 1  # a slow machine leaves the other one to the next round
    texts = [delivery.text for delivery in receiver.accepted()]
    assert any("スケジューラのプロセスが停止しています" in text for text in texts)
    assert any("it waits" in text for text in texts)
    assert len(texts) == len(set(texts)) == 2
    assert "the daemon is silent" in again.out
    assert pings.paths == ["/watch", "/watch"]


def test_a_database_that_is_down_is_told_once_by_the_second_round(nowhere: Command, tmp_path: Path) -> None:
    with webhook_receiver() as receiver, ping_receiver() as pings:
        down = nowhere.with_(DISCORD_WEBHOOK_URL=receiver.discord, HEALTHCHECK_URL=pings.address)
        rounds = [down("watch", "--once", "--json") for _ in range(3)]
    assert [ended.code for ended in rounds] == [3, 3, 3]
    reports = [json.loads(ended.out) for ended in rounds]
    assert [report["told"] for report in reports] == [[], ["discord"], []]
    assert len(receiver.accepted()) == 1
    assert "データベースに接続できません" in receiver.accepted()[0].text
    assert pings.paths == ["/watch/fail"] * 3
    everything = (
        "".join(ended.out + ended.err for ended in rounds) + (tmp_path / "home/watch.json").read_text()
    )
    assert "s3cr3t" not in everything
    assert nowhere.variables["DATABASE_URL"].split(":")[2].split("@")[0] not in everything


def test_before_there_is_a_database_there_is_nothing_to_watch(here: InProcess, tmp_path: Path) -> None:
    command = Command(tmp_path, {"MIRAIKAKAKU_HOME": str(tmp_path / "home")}, inside=here)
    ended = command("watch", "--once")
    assert (ended.code, ended.out.strip()) == (
        0,
        "There is no database here yet, so there is nothing to watch.",
    )
    assert not (tmp_path / "home" / "postgres").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--every", "1h"), "--every 1h: must be a time like 60s or 5m, from 5s to 15m"),
        (("--every", "1s"), "--every 1s: must be a time like 60s or 5m, from 5s to 15m"),
        (("--json",), "--json prints one document, so it goes with --once only"),
    ],
)
def test_what_makes_no_sense_is_refused(nowhere: Command, arguments: tuple[str, ...], sentence: str) -> None:
    ended = nowhere("watch", *arguments)
    assert ended.code == 2
    assert sentence in ended.err


def test_an_address_that_cannot_be_one_is_refused_without_being_shown(nowhere: Command) -> None:
    ended = nowhere.with_(HEALTHCHECK_URL="hc-ping.com/s3cr3t")("watch", "--once")
    assert ended.code == 2
    assert "HEALTHCHECK_URL: must be an address like https://hc-ping.com/PING-KEY" in ended.err
    assert "s3cr3t" not in ended.err
