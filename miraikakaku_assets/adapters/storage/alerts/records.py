"""Alerts as people look at them and take them on, in PostgreSQL."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select, update

from miraikakaku_assets.adapters.storage.alerts.conditions import LOCK
from miraikakaku_assets.adapters.storage.alerts.rows import STATE, alert_of, selected_alerts, utc_of
from miraikakaku_assets.adapters.storage.alerts.tables import alerts as stored
from miraikakaku_assets.adapters.storage.alerts.tables import notification_members, notification_outbox
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.alert_states import AlertPage, AlertQuery, Told
from miraikakaku_assets.application.ports.notices import Alert
from miraikakaku_assets.domain.alerting.alert_state import NoticeKind
from miraikakaku_assets.domain.alerting.levels import LEVEL_OF

_STANDS_FIRST = stored.c.resolved_at.is_not(None)
_GRAVITY = case((stored.c.severity == "CRITICAL", 0), (stored.c.severity == "WARNING", 1), else_=2)
_LARGEST = 2**31
_WILDCARDS = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_", "*": "%", "?": "_"})


class PostgresAlertRecords:
    """Implements the port `AlertRecords`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def page(self, query: AlertQuery, *, limit: int, offset: int = 0) -> AlertPage:
        """A part of the alerts a query is about."""
        conditions = list(_conditions(query))
        part = (
            selected_alerts()
            .where(*conditions)
            .order_by(_STANDS_FIRST, case((_STANDS_FIRST, 0), else_=_GRAVITY), stored.c.id.desc())
            .limit(limit)
            .offset(offset)
        )
        with self._engine.connect() as connection:
            alerts = [alert_of(row) for row in connection.execute(part)]
            counting = select(func.count()).select_from(stored).where(*conditions)
            total = connection.execute(counting).scalar_one()
        return AlertPage(alerts, total)

    def find(self, name: str) -> Alert | None:
        """The alert of a number, or the newest of a key."""
        is_number = name.isascii() and name.isdigit() and int(name) < _LARGEST
        wanted = stored.c.id == int(name) if is_number else stored.c.key == name
        with self._engine.connect() as connection:
            row = connection.execute(
                selected_alerts().where(wanted).order_by(stored.c.id.desc()).limit(1)
            ).first()
        return None if row is None else alert_of(row)

    def told(self, numbers: Collection[int]) -> Mapping[int, Sequence[Told]]:
        """Alert → the messages about it, in their order."""
        outbox, members = notification_outbox.c, notification_members.c
        columns = (
            outbox.position,
            *(outbox.channel, outbox.notice, outbox.escalation, outbox.due_at),
            *(outbox.delivered_at, outbox.attempts, outbox.last_error),
        )
        grouped = select(members.alert_id, members.is_over, *columns).join(
            notification_outbox, outbox.position == members.position
        )
        events = select(outbox.alert_id, (outbox.alert_id < 0).label("is_over"), *columns)
        chosen = list(numbers)
        both = grouped.where(members.alert_id.in_(chosen)).union_all(
            events.where(outbox.alert_id.in_(chosen), outbox.notice == NoticeKind.EVENT.value)
        )
        with self._engine.connect() as connection:
            rows = sorted(connection.execute(both).all(), key=lambda row: row.position)
        messages = defaultdict[int, list[Told]](list)
        for row in rows:
            messages[row.alert_id].append(_told(row))
        return messages

    def acknowledge(self, number: int, note: str, now: datetime) -> bool:
        """Notes that somebody takes it on; whether it still stands."""
        return self._changed(number, now, acknowledged_at=now, acknowledged_note=note or None)

    def resolve(self, number: int, now: datetime) -> bool:
        """Declares it over: a plan ends what a condition has raised, anything else ends here."""
        ended = case((stored.c.is_condition, None), else_=now)
        return self._changed(
            number,
            now,
            resolved_at=ended,
            quiet_since=func.coalesce(stored.c.quiet_since, now),
            ended_by_hand=True,
        )

    def _changed(self, number: int, now: datetime, **values: Any) -> bool:
        changing = (
            update(stored)
            .where(stored.c.id == number, stored.c.resolved_at.is_(None))
            .values(plan_due_at=case((stored.c.is_condition, now), else_=None), **values)
            .returning(stored.c.id)
        )
        with self._engine.begin() as connection:
            connection.execute(LOCK)
            return connection.execute(changing).first() is not None


def _conditions(query: AlertQuery) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.only_standing:
        conditions.append(stored.c.resolved_at.is_(None))
    if query.since is not None:
        conditions.append(or_(stored.c.resolved_at.is_(None), stored.c.resolved_at >= query.since))
    if query.key is not None:
        conditions.append(stored.c.key.like(query.key.translate(_WILDCARDS), escape="\\"))
    for name in ("kind", "universe", "symbol"):
        value = getattr(query, name)
        if value is not None:
            conditions.append(stored.c[name] == value)
    if query.level is not None:
        severity = next(name for name, level in LEVEL_OF.items() if level is query.level)
        conditions.append(stored.c.severity == severity)
    if query.state is not None:
        conditions.append(STATE.in_([query.state]))
    return conditions


def _told(row: Any) -> Told:
    return Told(
        row.channel,
        NoticeKind(row.notice),
        row.is_over,
        row.escalation,
        row.due_at.astimezone(UTC),
        utc_of(row.delivered_at),
        row.attempts,
        row.last_error,
    )
