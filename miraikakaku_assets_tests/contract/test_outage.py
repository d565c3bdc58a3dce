"""A database that is out of reach: told once, by whoever watches, and over only for those who heard of it."""

from datetime import timedelta
from pathlib import Path

from miraikakaku_assets.adapters.files.outage_file import OutageFile
from miraikakaku_assets.adapters.notify.channels import Addresses, Channels
from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.alerting.outage import OutagePorts, end_outage, tell_outage
from miraikakaku_assets_tests.fakes.webhook_receiver import DISCORD_PATH, Receiver, Reply, webhook_receiver
from miraikakaku_assets_tests.support.markets.signal_alerts import NOW

WHY = "The database postgresql://prices@db/x cannot be reached"
NOBODY = "http://127.0.0.1:9/services/T0123ABCD/B0123ABCD/s3cr3tt0k3n"
MINUTE = timedelta(minutes=1)


def watcher(home: Path, receiver: Receiver, minutes: int = 0, slack: str = "") -> OutagePorts:
    """A watcher that was just started."""
    channels = Channels(Addresses(discord=receiver.discord, slack=slack))
    return OutagePorts(OutageFile(home), channels, tuple(channels), lambda: NOW + minutes * MINUTE)


def test_an_outage_is_told_once_and_so_is_its_end(tmp_path: Path, database: Database) -> None:
    alerts = PostgresAlerts(database)
    with webhook_receiver() as receiver:
        assert tell_outage(WHY, watcher(tmp_path, receiver)) == ()  # it may be a restart
        assert tell_outage(WHY, watcher(tmp_path, receiver, 1)) == ("discord",)
        assert tell_outage(WHY, watcher(tmp_path, receiver, 2)) == ()
        assert end_outage(watcher(tmp_path, receiver, 3), alerts).resolved == {"database/unreachable"}
        assert end_outage(watcher(tmp_path, receiver, 4), alerts).resolved == frozenset()
        told, over = (delivery.text for delivery in receiver.accepted())
    assert "データベースに接続できません" in told
    assert "発生: 2026-11-20 15:35:00 JST" in told
    assert "復旧: 2026-11-20 15:38:00 JST" in over
    (alert,) = alerts.listed()
    assert (alert.key, alert.raised_at, alert.resolved_at) == ("database/unreachable", NOW, NOW + 3 * MINUTE)
    assert alerts.waiting(["discord"]) == {"discord": 0}


def test_a_restart_of_the_server_is_told_to_nobody(tmp_path: Path, database: Database) -> None:
    with webhook_receiver() as receiver:
        tell_outage(WHY, watcher(tmp_path, receiver))
        end_outage(watcher(tmp_path, receiver, 1), PostgresAlerts(database))
        tell_outage(WHY, watcher(tmp_path, receiver, 60))
        assert receiver.accepted() == []
    assert PostgresAlerts(database).listed() == []


def test_a_channel_that_was_down_is_told_later_and_the_others_not_again(
    tmp_path: Path, database: Database
) -> None:
    with webhook_receiver() as receiver:
        tell_outage(WHY, watcher(tmp_path, receiver))
        assert tell_outage(WHY, watcher(tmp_path, receiver, 1, NOBODY)) == ("discord",)
        assert tell_outage(WHY, watcher(tmp_path, receiver, 2, receiver.slack)) == ("slack",)
        receiver.script(DISCORD_PATH, Reply(503))
        alerts = PostgresAlerts(database)
        assert end_outage(watcher(tmp_path, receiver, 3, receiver.slack), alerts).resolved == frozenset()
        receiver.script(DISCORD_PATH, Reply())
        assert end_outage(watcher(tmp_path, receiver, 4, receiver.slack), alerts).resolved
        paths = [delivery.path for delivery in receiver.got]
    assert paths.count(DISCORD_PATH) == 3  # the outage, an end that did not arrive, and the end
    assert len(paths) == 5
    assert len(alerts.listed()) == 1


def test_nobody_is_told_of_a_demo_and_a_damaged_file_is_forgotten(tmp_path: Path) -> None:
    with webhook_receiver() as receiver:
        OutageFile(tmp_path).note_demo(is_demo=True)
        for minutes in range(3):
            assert tell_outage(WHY, watcher(tmp_path, receiver, minutes)) == ()
        (tmp_path / "watch.json").write_text('{"outage": {"since": "yest')
        assert OutageFile(tmp_path).read() is None
        assert receiver.got == []


def test_one_watches_at_a_time(tmp_path: Path) -> None:
    with OutageFile(tmp_path).alone() as first, OutageFile(tmp_path).alone() as second:
        assert (first, second) == (True, False)
    with OutageFile(tmp_path).alone() as third:
        assert third
