"""Delivery against a real webhook: once without faults, at least once with them, in order, and politely."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.notify.channels import Addresses, Channels
from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.alerting.deliver_notifications import (
    LONGEST_PAUSE,
    DeliveryPorts,
    DeliveryReport,
    backoff,
    deliver_notifications,
)
from miraikakaku_assets.application.ports.notices import Alert
from miraikakaku_assets.domain.patterns.pattern import Priority
from miraikakaku_assets_tests.fakes.webhook_receiver import (
    DISCORD_PATH,
    SLACK_PATH,
    TOKEN,
    Receiver,
    Reply,
    webhook_receiver,
)
from miraikakaku_assets_tests.support.markets.signal_alerts import NOW, plain, signal
from miraikakaku_assets_tests.support.patience import PATIENCE, until


class Desk:
    """A deliverer whose clock a test moves."""

    def __init__(self, database: Database, addresses: Addresses) -> None:
        self.database = database
        self.store = PostgresAlerts(database)
        self.channels = Channels(addresses)
        self.now = NOW
        self.waits: list[float] = []
        self.drawn: list[str] = []
        self.draw: Callable[[Alert], bytes | None] = self.picture

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += timedelta(seconds=seconds)

    def picture(self, alert: Alert) -> bytes | None:
        self.drawn.append(alert.key)
        return b"\x89PNG\r\n\x1a\n picture of " + alert.key.encode()

    def raises(self, *keys: str, channels: tuple[str, ...] = ("discord",), **given: Any) -> None:
        self.store.raise_alerts([plain(key, *channels, **given) for key in keys], self.now)

    def delivers(self) -> DeliveryReport:
        ports = DeliveryPorts(self.store, self.channels, lambda: self.now, self.wait, self.draw)
        return deliver_notifications(ports)

    def row(self, key: str, channel: str = "discord") -> Any:
        query = text("""
            SELECT outbox.* FROM miraikakaku.notification_outbox AS outbox JOIN miraikakaku.alerts ON id = alert_id
            WHERE key = :key AND channel = :channel
        """)
        with self.database.engine.connect() as connection:
            return connection.execute(query, {"key": key, "channel": channel}).one()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as listening:
        yield listening


@pytest.fixture
def desk(database: Database, receiver: Receiver) -> Desk:
    return Desk(database, Addresses(discord=receiver.discord, slack=receiver.slack))


def titles(receiver: Receiver, path: str = DISCORD_PATH) -> list[str]:
    return [
        request.text.splitlines()[0].strip("*").removeprefix("title of ")
        for request in receiver.accepted(path)
    ]


def test_everything_arrives_exactly_once_and_in_order(desk: Desk, receiver: Receiver) -> None:
    assert desk.delivers() == DeliveryReport()
    desk.raises("a", "b", "c")
    desk.raises("b", "d")
    report = desk.delivers()
    assert titles(receiver) == ["a", "b", "c", "d"]
    assert (dict(report.delivered), dict(report.failed), report.troubles) == ({"discord": 4}, {}, {})
    desk.now += timedelta(days=1)
    assert desk.delivers() == DeliveryReport()
    assert len(receiver.got) == 4


def test_nothing_is_sent_before_the_delay_of_its_priority(desk: Desk, receiver: Receiver) -> None:
    for priority in reversed(Priority):
        desk.raises(priority.name, after=priority.notified_after)
    desk.delivers()
    assert titles(receiver) == ["HIGH"]
    desk.now = NOW + timedelta(seconds=299)
    desk.delivers()
    assert titles(receiver) == ["HIGH"]
    desk.now = NOW + timedelta(seconds=300)
    desk.delivers()
    assert titles(receiver) == ["HIGH", "MEDIUM"]
    desk.now = NOW + timedelta(seconds=600)
    desk.delivers()
    assert titles(receiver) == ["HIGH", "MEDIUM", "LOW"]


def test_a_signal_carries_its_picture_in_the_same_message(desk: Desk, receiver: Receiver) -> None:
    desk.store.raise_alerts([signal("discord", "slack")], NOW)
    desk.delivers()
    (message,) = receiver.accepted()
    assert "強力なトレンド転換シグナル 7203.T" in message.text
    assert [(name, content[:8]) for name, content in message.pictures] == [
        ("chart.png", b"\x89PNG\r\n\x1a\n")
    ]
    assert len(receiver.accepted(SLACK_PATH)) == len(desk.drawn) == 1


def test_a_picture_that_cannot_be_drawn_costs_the_picture_only(desk: Desk, receiver: Receiver) -> None:
    def broken(_: Alert) -> bytes | None:
        raise ValueError("no bars")

    desk.draw = broken
    desk.store.raise_alerts([signal("discord")], NOW)
    report = desk.delivers()
    assert len(receiver.accepted()) == 1
    assert receiver.accepted()[0].pictures == []
    assert "ValueError: no bars" in report.troubles["picture"]


def test_details_of_another_version_are_told_by_the_stored_text(desk: Desk, receiver: Receiver) -> None:
    desk.store.raise_alerts([signal("discord", evidence=[1, 2])], NOW)
    desk.delivers()
    assert [request.text for request in receiver.accepted()] == ["**title**\ntext"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(429, b"{}", {"Retry-After": "30"}),
        Reply(429, b'{"message": "You are being rate limited.", "retry_after": 30.0, "global": false}'),
        Reply(429, b'{"retry_after": 30.0}', {"Retry-After": "1"}),
    ],
)
def test_nobody_asks_before_the_moment_a_429_names(
    desk: Desk, receiver: Receiver, database: Database, reply: Reply
) -> None:
    receiver.script(DISCORD_PATH, reply, Reply())
    desk.raises("a", "b", channels=("discord", "slack"))
    assert dict(desk.delivers().failed) == {"discord": 1}
    assert [len(receiver.accepted(path)) for path in (DISCORD_PATH, SLACK_PATH)] == [1, 2]
    another = Desk(database, Addresses(discord=receiver.discord))  # another process with its own channels
    another.raises("c")
    for seconds in (0.0, 15.0, 29.9):
        another.now = NOW + timedelta(seconds=seconds)
        assert another.delivers() == DeliveryReport()
    assert len(receiver.accepted()) == 1
    assert desk.row("a").due_at == NOW + timedelta(seconds=30)
    assert "429" in desk.row("a").last_error
    another.now = NOW + timedelta(seconds=30)
    another.delivers()
    assert titles(receiver) == ["a", "a", "b", "c"]
    assert desk.row("a").delivered_at == another.now
    assert desk.row("a").last_error is None


def test_a_short_silence_is_waited_for_on_the_spot(desk: Desk, receiver: Receiver) -> None:
    used_up = {"X-RateLimiter-Remaining": "0", "X-RateLimiter-Reset-After": "1.25"}
    receiver.script(
        DISCORD_PATH, Reply(429, b"{}", {"Retry-After": "2"}), Reply(200, headers=used_up), Reply()
    )
    desk.raises("a", "b")
    desk.delivers()
    assert titles(receiver) == ["a", "a", "b"]
    assert desk.waits == [2.0, 1.25]


@pytest.mark.parametrize("status", [401, 403, 404, 410, 301])
def test_what_somebody_must_correct_is_said_once_and_tried_once_an_hour(
    desk: Desk, receiver: Receiver, status: int
) -> None:
    receiver.script(DISCORD_PATH, Reply(status, b'{"code": 10015}'), Reply())
    desk.raises("a", "b")
    report = desk.delivers()
    assert "correct DISCORD_WEBHOOK_URL" in report.troubles["discord"]
    assert str(status) in desk.row("a").last_error
    assert desk.row("b").attempts == 0
    desk.now = NOW + LONGEST_PAUSE - timedelta(seconds=1)
    desk.delivers()
    assert len(receiver.got) == 1
    desk.now = NOW + LONGEST_PAUSE
    desk.delivers()
    assert titles(receiver) == ["a", "a", "b"]


def test_a_message_that_is_not_taken_lets_the_others_pass(desk: Desk, receiver: Receiver) -> None:
    receiver.script(DISCORD_PATH, Reply(400, b'{"code": 50006}'), Reply())
    desk.raises("a", "b", "c")
    desk.delivers()
    assert titles(receiver) == ["a", "b", "c"]
    assert desk.row("a").due_at == NOW + LONGEST_PAUSE


def test_hours_of_outage_lose_nothing_and_everything_arrives_in_order(desk: Desk, receiver: Receiver) -> None:
    receiver.script(DISCORD_PATH, Reply(502))
    sent, tries, hours = [], [], 4
    while desk.now < NOW + timedelta(hours=hours):
        key = f"{desk.now:%H%M}"
        desk.raises(key, channels=("discord", "slack"))
        sent.append(key)
        before = len(receiver.accepted())
        desk.delivers()
        tries += [desk.now] * (len(receiver.accepted()) - before)
        desk.now += timedelta(minutes=5)
    assert [request.payload for request in receiver.accepted(SLACK_PATH)]  # which had no outage
    assert len(receiver.accepted(SLACK_PATH)) == len(sent)
    assert 8 <= len(tries) <= 16  # and not one per message and cycle
    gaps = [after - before for before, after in pairwise(tries)]
    assert max(gaps) <= LONGEST_PAUSE + timedelta(minutes=5)
    outage = len(receiver.accepted())
    receiver.script(DISCORD_PATH, Reply())
    desk.now += LONGEST_PAUSE
    desk.delivers()
    assert titles(receiver)[outage:] == sent


def test_pauses_double_up_to_an_hour_and_never_beat_in_time() -> None:
    for failures, longest in ((1, 15), (2, 30), (5, 240), (9, 3600), (500, 3600)):
        pauses = [backoff(failures).total_seconds() for _ in range(50)]
        assert longest / 2 <= min(pauses) < max(pauses) <= longest


def test_one_message_that_always_breaks_the_server_blocks_nobody_for_ever(
    desk: Desk, receiver: Receiver, database: Database
) -> None:
    desk.raises("a", "b")
    with database.engine.begin() as connection:
        connection.execute(
            text("UPDATE miraikakaku.notification_outbox SET attempts = 36 WHERE alert_id = 1")
        )
    receiver.script(DISCORD_PATH, Reply(), Reply(500))
    desk.delivers()
    assert titles(receiver) == ["b", "a"]


def test_a_channel_that_hangs_holds_up_no_other(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("miraikakaku_assets.adapters.notify.webhooks.LONGEST", PATIENCE)
    goes_on = threading.Event()
    receiver.script(DISCORD_PATH, Reply(after=goes_on), Reply())
    desk.raises("a", "b", channels=("discord", "slack"))
    with ThreadPoolExecutor(1) as pool:
        delivering = pool.submit(desk.delivers)
        try:
            until(lambda: len(receiver.accepted(SLACK_PATH)) == 2, "one channel waits for the other")
        finally:
            goes_on.set()
        assert dict(delivering.result().delivered) == {"slack": 2, "discord": 2}


def test_a_channel_that_hangs_is_given_up_and_tried_later(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("miraikakaku_assets.adapters.notify.webhooks.LONGEST", 0.2)
    receiver.script(DISCORD_PATH, Reply(after=threading.Event()))
    desk.raises("a", "b")
    report = desk.delivers()
    assert (dict(report.delivered), dict(report.failed)) == ({}, {"discord": 1})
    assert desk.row("a").last_error == "no answer within 0.2 seconds"


def test_refused_connections_back_off_and_nobody_learns_the_token(database: Database) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    desk = Desk(database, Addresses(discord=f"http://127.0.0.1:{port}{DISCORD_PATH}"))
    desk.raises("a")
    report = desk.delivers()
    row = desk.row("a")
    assert row.attempts == 1
    assert timedelta(seconds=7) < row.due_at - NOW <= timedelta(seconds=15)
    assert TOKEN not in f"{row} {report}"
    assert row.last_error == report.troubles["discord"] == "it cannot be reached (ConnectionError)"


def test_two_deliverers_at_once_send_everything_once(
    database: Database, database_url: str, receiver: Receiver
) -> None:
    receiver.script(DISCORD_PATH, Reply(delay=0.02))
    keys = [f"{number:02}" for number in range(25)]
    databases = [Database(database_url) for _ in range(3)]
    desks = [Desk(opened, Addresses(discord=receiver.discord)) for opened in databases]
    desks[0].raises(*keys)
    threads = [threading.Thread(target=desk.delivers) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desks[0].delivers()
    assert titles(receiver) == keys
    for opened in databases:
        opened.close()


def test_what_was_queued_for_a_channel_that_is_gone_waits_for_it(
    desk: Desk, receiver: Receiver, database: Database
) -> None:
    desk.raises("a", channels=("discord", "other-1"))
    desk.delivers()
    assert desk.store.waiting(desk.channels) == {"discord": 0, "slack": 0, "other-1": 1}
    address = receiver.discord.replace("http://", "json://")
    back = Desk(database, Addresses(others=(address,)))
    assert dict(back.delivers().delivered) == {"other-1": 1}
    assert receiver.got[-1].payload["title"] == "title of a"


def test_a_delivery_ends_with_its_budget(desk: Desk, receiver: Receiver) -> None:
    clock = iter(NOW + timedelta(seconds=10 * step) for step in range(1000))
    ports = DeliveryPorts(desk.store, desk.channels, lambda: next(clock), desk.wait)
    desk.raises(*(f"{number:02}" for number in range(25)))
    report = deliver_notifications(ports, timedelta(seconds=45))
    assert 1 <= report.delivered["discord"] < 5
    assert isinstance(next(clock), datetime)
    while deliver_notifications(ports).delivered:
        pass
    assert titles(receiver) == [f"{number:02}" for number in range(25)]
