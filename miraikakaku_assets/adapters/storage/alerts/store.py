"""Alerts and the outbox of their notifications, in PostgreSQL."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from miraikakaku_assets.adapters.storage.alerts import statements
from miraikakaku_assets.adapters.storage.analysis.tables import alerts as stored
from miraikakaku_assets.adapters.storage.analysis.tables import notification_channels, notification_outbox
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.notices import Alert, Claim, NewAlert, Severity

# A machine that dies without a word leaves its connection open; the server then ends the transaction itself.
_LONGEST_DELIVERY = text("SET LOCAL idle_in_transaction_session_timeout = '180s'")


class PostgresAlerts:
    """Implements the port `AlertStore`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def raise_alerts(self, alerts: Sequence[NewAlert], now: datetime) -> frozenset[str]:
        """Raises alerts and queues their notifications, in one transaction; returns the keys that did not stand."""
        if not alerts:
            return frozenset()
        with self._engine.begin() as connection:
            rows = connection.execute(
                statements.RAISE, {"alerts": statements.as_json(alerts), "now": now}
            ).all()
        return frozenset(key for key, fresh in rows if fresh)

    def resolve(self, keys: Collection[str], now: datetime) -> frozenset[str]:
        """Ends the standing alerts of these keys and returns which of them stood."""
        ending = (
            update(stored)
            .where(stored.c.key.in_(keys), stored.c.resolved_at.is_(None))
            .values(resolved_at=now)
        )
        with self._engine.begin() as connection:
            return frozenset(connection.scalars(ending.returning(stored.c.key)))

    def resolve_events(self, kind: str, before: datetime, now: datetime) -> int:
        """Ends standing alerts of a kind that were raised before a moment."""
        ending = update(stored).where(
            stored.c.kind == kind, stored.c.resolved_at.is_(None), stored.c.raised_at < before
        )
        with self._engine.begin() as connection:
            return len(connection.scalars(ending.values(resolved_at=now).returning(stored.c.id)).all())

    def listed(self, *, since: datetime | None = None, only_standing: bool = False) -> list[Alert]:
        """Alerts that stood at or after a moment, newest first."""
        query = select(stored).order_by(stored.c.id.desc())
        if only_standing:
            query = query.where(stored.c.resolved_at.is_(None))
        elif since is not None:
            query = query.where(or_(stored.c.resolved_at.is_(None), stored.c.resolved_at >= since))
        with self._engine.connect() as connection:
            return [_alert(row) for row in connection.execute(query)]

    def due(self, channels: Collection[str], now: datetime) -> list[str]:
        """Which of these channels have something to send now and are not paused."""
        with self._engine.begin() as connection:
            waiting = set(connection.scalars(statements.DUE, {"channels": list(channels), "now": now}))
            if waiting:
                rows = [{"channel": channel} for channel in sorted(waiting)]
                connection.execute(insert(notification_channels).on_conflict_do_nothing(), rows)
        return [channel for channel in channels if channel in waiting]

    @contextmanager
    def claim(self, channel: str, now: datetime) -> Iterator[Claim | None]:
        """The oldest notification due on a channel, locked until the block ends.

        It is sent inside the block: whoever is killed there loses the lock and leaves it due.
        """
        place = {"channel": channel, "now": now}
        with self._engine.begin() as connection:
            connection.execute(_LONGEST_DELIVERY)
            state = connection.execute(statements.LOCK, place).first()
            row = None if state is None else connection.execute(statements.OLDEST, place).first()
            yield (
                None
                if state is None or row is None
                else _Claimed(connection, channel, _alert(row), row.attempts, state.failures)
            )

    def waiting(self, channels: Collection[str]) -> Mapping[str, int]:
        """Channel → notifications that are not delivered yet; channels no longer set up are named, too."""
        query = (
            select(notification_outbox.c.channel, func.count())
            .where(notification_outbox.c.delivered_at.is_(None))
            .group_by(notification_outbox.c.channel)
        )
        with self._engine.connect() as connection:
            counts = {str(row[0]): int(row[1]) for row in connection.execute(query)}
        return dict.fromkeys(channels, 0) | counts


@dataclass(frozen=True)
class _Claimed:
    """Implements the port `Claim` inside the transaction that holds the lock."""

    connection: Connection
    channel: str
    alert: Alert
    attempts: int
    failures: int

    def delivered(self, at: datetime, note: str = "", paused_until: datetime | None = None) -> None:
        place = {"channel": self.channel, "alert": self.alert.id, "now": at}
        self.connection.execute(statements.DELIVERED, place | {"note": note})
        self.connection.execute(statements.OPEN, {"channel": self.channel, "now": at, "until": paused_until})

    def failed(self, explanation: str, due_at: datetime, *, whole_channel: bool) -> None:
        failure = {"channel": self.channel, "error": explanation, "due": due_at}
        self.connection.execute(statements.FAILED, failure | {"alert": self.alert.id})
        if whole_channel:
            self.connection.execute(statements.PAUSED, failure)


def _alert(row: Any) -> Alert:
    return Alert(
        row.id,
        row.key,
        Severity(row.severity),
        row.kind,
        row.universe,
        row.symbol,
        row.title,
        row.message,
        row.details,
        row.raised_at.astimezone(UTC),
        row.last_seen_at.astimezone(UTC),
        row.occurrences,
        row.resolved_at and row.resolved_at.astimezone(UTC),
    )
