"""Alerts stand once, are counted while they stand, and queue their notifications in the same transaction."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from miraikakaku_assets.adapters.storage.alerts.records import PostgresAlertRecords
from miraikakaku_assets.adapters.storage.alerts.statements import as_json, raise_statement
from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.notices import PATTERN, Severity
from miraikakaku_assets_tests.support.markets.signal_alerts import DETAILS, NOW, plain, signal

LATER = NOW + timedelta(minutes=5)


def resolve(database: Database, key: str, now: datetime) -> bool:
    """Ends the newest alert of a key by hand."""
    records = PostgresAlertRecords(database)
    alert = records.find(key)
    assert alert is not None
    return records.resolve(alert.id, now)


@pytest.fixture
def store(database: Database) -> PostgresAlerts:
    return PostgresAlerts(database)


def queued(database: Database) -> list[tuple[str, str, datetime]]:
    query = text("""
        SELECT key, channel, due_at FROM miraikakaku.notification_outbox
        JOIN miraikakaku.alerts ON id = alert_id ORDER BY id, channel
    """)
    with database.engine.connect() as connection:
        return [(row.key, row.channel, row.due_at.astimezone(UTC)) for row in connection.execute(query)]


def test_an_alert_that_stands_is_counted_and_told_once(store: PostgresAlerts, database: Database) -> None:
    assert store.raise_alerts([plain("a", "discord", "slack")], NOW) == {"a"}
    assert store.raise_alerts([plain("a", "discord"), plain("b")], LATER) == {"b"}
    a, b = sorted(store.listed(only_standing=True), key=lambda alert: alert.key)
    assert (a.occurrences, a.raised_at, a.last_seen_at) == (2, NOW, LATER)
    assert (b.occurrences, b.raised_at) == (1, LATER)
    assert queued(database) == [("a", "discord", NOW), ("a", "slack", NOW)]
    assert store.raise_alerts([], LATER) == frozenset()


def test_an_alert_that_is_over_is_raised_anew_and_told_again_after_an_hour(
    store: PostgresAlerts, database: Database
) -> None:
    store.raise_alerts([plain("a", "discord")], NOW)
    assert resolve(database, "a", LATER)
    assert not resolve(database, "a", LATER)
    assert store.listed(only_standing=True) == []
    soon, late = LATER + timedelta(minutes=59), LATER + timedelta(minutes=120)
    assert store.raise_alerts([plain("a", "discord")], soon) == {"a"}
    assert [alert.resolved_at for alert in store.listed()] == [None, LATER]
    assert queued(database) == [
        ("a", "discord", NOW)
    ]  # it is on record, and nobody hears of it twice an hour

    assert resolve(database, "a", soon)
    assert store.raise_alerts([plain("a", "discord", after=timedelta(hours=3))], late) == {"a"}
    assert queued(database) == [("a", "discord", NOW), ("a", "discord", NOW + timedelta(hours=3))]


def test_alerts_come_back_as_they_went_in(store: PostgresAlerts) -> None:
    store.raise_alerts([signal("discord")], NOW)
    (alert,) = store.listed()
    assert (alert.severity, alert.kind, alert.universe, alert.symbol) == (
        Severity.INFO,
        PATTERN,
        "jp",
        "7203.T",
    )
    assert alert.details == DETAILS


def test_alerts_are_listed_from_a_moment_on(store: PostgresAlerts, database: Database) -> None:
    store.raise_alerts([plain("over"), plain("stands")], NOW)
    assert resolve(database, "over", LATER)
    assert [alert.key for alert in store.listed(since=LATER)] == ["stands", "over"]
    assert [alert.key for alert in store.listed(since=LATER + timedelta(seconds=1))] == ["stands"]


def test_events_end_after_their_time(store: PostgresAlerts) -> None:
    store.raise_alerts([signal(), plain("stands")], NOW)
    assert store.resolve_events(PATTERN, NOW, LATER) == 0
    assert store.resolve_events(PATTERN, NOW + timedelta(seconds=1), LATER) == 1
    assert [alert.key for alert in store.listed(only_standing=True)] == ["stands"]


def test_one_key_twice_in_one_call_is_one_alert(store: PostgresAlerts, database: Database) -> None:
    assert store.raise_alerts(
        [plain("a", "discord", "discord"), plain("a", "slack", title="second")], NOW
    ) == {"a"}
    assert [alert.title for alert in store.listed()] == ["title of a"]
    assert queued(database) == [("a", "discord", NOW)]


def test_many_who_raise_the_same_alert_at_once_queue_it_once(
    store: PostgresAlerts, database: Database
) -> None:
    fresh: list[frozenset[str]] = []
    raisers = [
        threading.Thread(
            target=lambda: fresh.append(store.raise_alerts([plain("b", "discord"), plain("a")], NOW))
        )
        for _ in range(6)
    ]
    for raiser in raisers:
        raiser.start()
    for raiser in raisers:
        raiser.join()
    assert sum(len(keys) for keys in fresh) == 2
    assert {alert.occurrences for alert in store.listed()} == {6}
    assert len(queued(database)) == 1


def test_all_of_it_comes_or_nothing(store: PostgresAlerts, database: Database) -> None:
    with pytest.raises(IntegrityError):
        store.raise_alerts([plain("a", "discord"), plain("b", title=None)], NOW)
    assert (store.listed(), queued(database)) == ([], [])


def test_signals_and_their_alerts_can_share_a_transaction_of_the_bulk_driver(database: Database) -> None:
    with database.bulk() as connection, connection.cursor() as cursor:
        cursor.execute(raise_statement("$1", "$2"), (as_json([signal("discord")]), NOW.isoformat()))
        assert [bool(row[1]) for row in cursor.fetchall()] == [True]
    assert [channel for _, channel, _ in queued(database)] == ["discord"]
