"""Alerts and the outbox of their notifications, in PostgreSQL."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from miraikakaku_assets.adapters.storage.alerts import conditions, statements
from miraikakaku_assets.adapters.storage.alerts.rows import alert_of, selected_alerts
from miraikakaku_assets.adapters.storage.alerts.tables import alerts as stored
from miraikakaku_assets.adapters.storage.alerts.tables import (
    notification_channels,
    notification_members,
    notification_outbox,
)
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.notices import Alert, Claim, MessageAlert, NewAlert
from miraikakaku_assets.domain.alerting.alert_state import NoticeKind

# A machine that dies without a word leaves its connection open; the server then ends the transaction itself.
_LONGEST_DELIVERY = text("SET LOCAL idle_in_transaction_session_timeout = '180s'")


class PostgresAlerts:
    """Implements the ports `AlertStore` and `ConditionStore`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def raise_alerts(self, alerts: Sequence[NewAlert], now: datetime) -> frozenset[str]:
        """Raises events and queues their notifications, in one transaction; returns the keys that did not stand."""
        if not alerts:
            return frozenset()
        with self._engine.begin() as connection:
            rows = connection.execute(
                statements.RAISE, {"alerts": statements.as_json(alerts), "now": now}
            ).all()
        return frozenset(key for key, fresh in rows if fresh)

    def raise_conditions(self, alerts: Sequence[NewAlert], now: datetime) -> frozenset[str]:
        """Notes which conditions hold and returns the keys of those that did not before."""
        if not alerts:
            return frozenset()
        with self._engine.begin() as connection:
            return conditions.hold(connection, alerts, now)

    def end_conditions(self, keys: Collection[str], now: datetime) -> frozenset[str]:
        """Notes which conditions hold no more and returns which of them did."""
        if not keys:
            return frozenset()
        with self._engine.begin() as connection:
            return conditions.end(connection, keys, now)

    def record(self, alert: NewAlert, since: datetime, until: datetime) -> None:
        """Stores an alert that is over and of which nobody is told any more; the same one twice is one."""
        named = {"alerts": statements.as_json([alert]), "since": since, "until": until}
        with self._engine.begin() as connection:
            connection.execute(statements.RECORD, named)

    def resolve_events(self, kind: str, before: datetime, now: datetime) -> int:
        """Ends standing events of a kind that were raised before a moment."""
        ending = update(stored).where(
            stored.c.kind == kind, stored.c.resolved_at.is_(None), stored.c.raised_at < before
        )
        with self._engine.begin() as connection:
            return len(connection.scalars(ending.values(resolved_at=now).returning(stored.c.id)).all())

    def listed(self, *, since: datetime | None = None, only_standing: bool = False) -> list[Alert]:
        """Alerts that stood at or after a moment, newest first."""
        query = selected_alerts().order_by(stored.c.id.desc())
        if only_standing:
            query = query.where(stored.c.resolved_at.is_(None), stored.c.quiet_since.is_(None))
        elif since is not None:
            query = query.where(or_(stored.c.resolved_at.is_(None), stored.c.resolved_at >= since))
        with self._engine.connect() as connection:
            return [alert_of(row) for row in connection.execute(query)]

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
            if state is None or row is None:
                yield None
                return
            yield _Claimed(
                connection,
                channel,
                row.position,
                _alert_of(connection, row.alert_id),
                NoticeKind(row.notice),
                _members_of(connection, row.position),
                row.escalation,
                row.attempts,
                state.failures,
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
    position: int
    alert: Alert
    notice: NoticeKind
    members: Sequence[MessageAlert]
    escalation: int
    attempts: int
    failures: int

    def delivered(self, at: datetime, note: str = "", paused_until: datetime | None = None) -> None:
        self.connection.execute(statements.DELIVERED, {"position": self.position, "now": at, "note": note})
        self.connection.execute(statements.OPEN, {"channel": self.channel, "now": at, "until": paused_until})

    def failed(self, explanation: str, due_at: datetime, *, whole_channel: bool) -> None:
        failure = {"error": explanation, "due": due_at}
        self.connection.execute(statements.FAILED, failure | {"position": self.position})
        if whole_channel:
            self.connection.execute(statements.PAUSED, failure | {"channel": self.channel})


def _alert_of(connection: Connection, number: int) -> Alert:
    return alert_of(connection.execute(selected_alerts().where(stored.c.id == number)).one())


def _members_of(connection: Connection, position: int) -> list[MessageAlert]:
    query = (
        selected_alerts()
        .add_columns(notification_members.c.is_over)
        .join(notification_members, notification_members.c.alert_id == stored.c.id)
        .where(notification_members.c.position == position)
        .order_by(notification_members.c.place)
    )
    return [MessageAlert(alert_of(row), row.is_over) for row in connection.execute(query)]
