"""Plans: the states of alerts are read, and what a plan says is stored, in one transaction."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from miraikakaku_assets.adapters.storage.alerts.conditions import LOCK
from miraikakaku_assets.adapters.storage.alerts.rows import utc_of
from miraikakaku_assets.adapters.storage.alerts.silences import silences_ending_after
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports.alert_states import PlanningSession, Response
from miraikakaku_assets.domain.alerting.alert_state import AlertState, Notice, Plan, Suppression
from miraikakaku_assets.domain.alerting.levels import LEVEL_OF, RESPOND_WITHIN, Level, first_escalation
from miraikakaku_assets.domain.alerting.silences import Silence
from miraikakaku_assets.fault_points import fault_point

_LATELY = timedelta(days=1)
"""Silences that ended so long ago may still be asked for, by alerts that ended in them."""
_TOLERANCE = timedelta(minutes=1)
"""By so much two processes may differ about now before the clock counts as set back."""

# Nothing is due in most plans: that costs one look at an index.
_IS_DUE = text("""
SELECT planned_at > CAST(:ahead AS timestamptz) AS is_ahead, EXISTS (
    SELECT 1 FROM miraikakaku.alerts WHERE plan_due_at <= :now AND is_condition) AS is_due
FROM miraikakaku.alert_planner WHERE id = 1
""")

# Beside what is due, what was told to nobody yet: it may join a message of its group.
_STATES = text("""
SELECT id, key, kind, severity, universe, symbol, waiting_since, quiet_since, ended_by_hand, flaps, told_at, told_level,
       flapping_told_at, acknowledged_at, escalation, escalated_at, suppression, suppressed_by, resolved_at, plan_due_at
FROM miraikakaku.alerts
WHERE is_condition AND plan_due_at IS NOT NULL AND (
    plan_due_at <= :now OR (:all AND resolved_at IS NULL)
    OR (plan_due_at <= CAST(:now AS timestamptz) + INTERVAL '1 hour' AND resolved_at IS NULL AND suppression IS NULL
        AND quiet_since IS NULL AND told_at IS NULL))
ORDER BY id
""")

_ROOTS = text("""
SELECT id, key FROM miraikakaku.alerts WHERE kind = ANY (:kinds) AND resolved_at IS NULL AND is_condition ORDER BY id
""")

_TOLD = text("""
SELECT members.alert_id, waiting.position, waiting.channel, waiting.delivered_at IS NOT NULL AS is_delivered
FROM miraikakaku.notification_members AS members JOIN miraikakaku.notification_outbox AS waiting USING (position)
WHERE members.alert_id = ANY (:alerts) AND NOT members.is_over
""")

# A message that is being sent is locked: whether it arrives is known when it no longer is.
_HELD = text("""
SELECT position FROM miraikakaku.notification_outbox
WHERE position = ANY (:positions) AND delivered_at IS NULL FOR UPDATE SKIP LOCKED
""")

_STORE = text("""
UPDATE miraikakaku.alerts AS stored SET
    waiting_since = given.waiting_since, quiet_since = given.quiet_since, told_at = given.told_at,
    told_level = given.told_level, flapping_told_at = given.flapping_told_at, escalation = given.escalation,
    escalated_at = given.escalated_at, suppression = given.suppression, suppressed_by = given.suppressed_by,
    resolved_at = given.over_at, plan_due_at = given.due_at
FROM jsonb_to_recordset(CAST(:states AS jsonb)) AS given (
    id int, waiting_since timestamptz, quiet_since timestamptz, told_at timestamptz, told_level text,
    flapping_told_at timestamptz, escalation int, escalated_at timestamptz, suppression text, suppressed_by text,
    over_at timestamptz, due_at timestamptz)
WHERE stored.id = given.id
""")

# What the root explained waits for a group wait of its own; it may have another root.
_RELEASE = text("""
UPDATE miraikakaku.alerts SET suppression = NULL, suppressed_by = NULL, plan_due_at = :now,
    waiting_since = CASE WHEN told_at IS NULL THEN CAST(:now AS timestamptz) ELSE waiting_since END
WHERE suppression = 'inhibited' AND resolved_at IS NULL AND suppressed_by = ANY (:roots)
""")

_WITHDRAW = text("""
DELETE FROM miraikakaku.notification_outbox AS waiting
WHERE waiting.delivered_at IS NULL AND waiting.notice <> 'event'
  AND waiting.position IN (SELECT position FROM miraikakaku.notification_members WHERE alert_id = ANY (:alerts))
  AND NOT EXISTS (
    SELECT 1 FROM miraikakaku.notification_members AS members JOIN miraikakaku.alerts ON alerts.id = members.alert_id
    WHERE members.position = waiting.position AND (members.is_over OR alerts.resolved_at IS NULL))
""")

_POSITIONS = text("""
SELECT nextval(pg_get_serial_sequence('miraikakaku.notification_outbox', 'position')) FROM generate_series(1, :count)
""")

_QUEUE = text("""
INSERT INTO miraikakaku.notification_outbox (position, alert_id, channel, notice, escalation, due_at)
SELECT position, alert_id, channel, notice, escalation, :now
FROM jsonb_to_recordset(CAST(:notices AS jsonb)) AS given (
    position bigint, alert_id int, channel text, notice text, escalation int)
""")

_MEMBERS = text("""
INSERT INTO miraikakaku.notification_members (position, alert_id, is_over, place)
SELECT position, alert_id, is_over, place FROM jsonb_to_recordset(CAST(:members AS jsonb)) AS given (
    position bigint, alert_id int, is_over boolean, place int)
""")

_PLANNED = text("UPDATE miraikakaku.alert_planner SET planned_at = :now WHERE id = 1")


class PostgresPlans:
    """Implements the port `PlanStore`."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    @contextmanager
    def planning(
        self, now: datetime, response_of: Callable[[str], Response], root_kinds: Collection[str]
    ) -> Iterator[PlanningSession | None]:
        """One transaction in which a plan is made; None if nothing is due."""
        with self._engine.connect() as connection:
            look = connection.execute(_IS_DUE, {"now": now, "ahead": now + _TOLERANCE}).one()
        if not (look.is_due or look.is_ahead):
            yield None
            return
        with self._engine.begin() as connection:
            planned_at = connection.execute(LOCK).scalar_one()
            is_ahead = planned_at is not None and planned_at > now + _TOLERANCE
            rows = connection.execute(_STATES, {"now": now, "all": is_ahead}).all()
            states = [_state(row, response_of(row.key)) for row in rows]
            ending = [state.id for state in states if state.quiet_since or state.over_at]
            told_on, being_sent = _deliveries(connection, ending)
            roots = connection.execute(_ROOTS, {"kinds": list(root_kinds)}).all() if root_kinds else []
            yield _Session(
                connection,
                now,
                states,
                silences_ending_after(connection, now - _LATELY),
                [(row.id, row.key) for row in roots],
                told_on,
                being_sent,
            )
            connection.execute(_PLANNED, {"now": now})
            fault_point("alerts.before_plan_commit")


@dataclass(frozen=True)
class _Session:
    """Implements the port `PlanningSession` inside the transaction that holds the lock."""

    connection: Connection
    now: datetime
    states: Sequence[AlertState]
    silences: Sequence[Silence]
    roots: Sequence[tuple[int, str]]
    told_on: Mapping[int, frozenset[str]]
    being_sent: frozenset[int]

    def store(self, plan: Plan) -> None:
        if plan.states:
            self.connection.execute(_STORE, {"states": json.dumps([_row(state) for state in plan.states])})
        if plan.closed:
            over = [state.id for state in plan.states if state.over_at is not None]
            self.connection.execute(_WITHDRAW, {"alerts": over})
            self.connection.execute(_RELEASE, {"roots": list(plan.closed), "now": self.now})
        if plan.notices:
            self._queue(plan.notices)

    def _queue(self, notices: Sequence[Notice]) -> None:
        positions = self.connection.scalars(_POSITIONS, {"count": len(notices)}).all()
        queued, members = [], []
        for position, notice in zip(positions, notices, strict=True):
            queued.append(
                {
                    "position": position,
                    "alert_id": notice.members[0].id,
                    "channel": notice.channel,
                    "notice": notice.kind.value,
                    "escalation": notice.escalation,
                }
            )
            members += [
                {"position": position, "alert_id": member.id, "is_over": member.is_over, "place": place}
                for place, member in enumerate(notice.members, 1)
            ]
        self.connection.execute(_QUEUE, {"notices": json.dumps(queued), "now": self.now})
        self.connection.execute(_MEMBERS, {"members": json.dumps(members)})


def _deliveries(
    connection: Connection, alerts: Sequence[int]
) -> tuple[dict[int, frozenset[str]], frozenset[int]]:
    """Alert → channels on which it was delivered, and the alerts of which a message is being sent."""
    if not alerts:
        return {}, frozenset()
    rows = connection.execute(_TOLD, {"alerts": list(alerts)}).all()
    waiting = sorted({row.position for row in rows if not row.is_delivered})
    held = set(connection.scalars(_HELD, {"positions": waiting})) if waiting else set()
    told_on: dict[int, frozenset[str]] = {}
    for row in rows:
        if row.is_delivered:
            told_on[row.alert_id] = told_on.get(row.alert_id, frozenset()) | {row.channel}
    being_sent = {row.alert_id for row in rows if not row.is_delivered and row.position not in held}
    return told_on, frozenset(being_sent)


def _state(row: Any, response: Response) -> AlertState:
    level = LEVEL_OF[row.severity]
    within = RESPOND_WITHIN[level] if response.within is None else response.within
    waiting_since = utc_of(row.waiting_since)
    assert waiting_since is not None  # noqa: S101 - every condition has one
    return AlertState(
        id=row.id,
        key=row.key,
        kind=row.kind,
        level=level,
        universe=row.universe,
        symbol=row.symbol,
        waiting_since=waiting_since,
        respond_within=within,
        first_escalation=first_escalation(within, response.escalates_from),
        quiet_since=utc_of(row.quiet_since),
        ended_by_hand=row.ended_by_hand,
        flaps=row.flaps,
        told_at=utc_of(row.told_at),
        told_level=None if row.told_level is None else Level(row.told_level),
        flapping_told_at=utc_of(row.flapping_told_at),
        acknowledged_at=utc_of(row.acknowledged_at),
        escalation=row.escalation,
        escalated_at=utc_of(row.escalated_at),
        suppression=None if row.suppression is None else Suppression(row.suppression),
        suppressed_by=row.suppressed_by,
        over_at=utc_of(row.resolved_at),
        due_at=utc_of(row.plan_due_at),
    )


def _row(state: AlertState) -> dict[str, Any]:
    moments = (
        "waiting_since",
        "quiet_since",
        "told_at",
        "flapping_told_at",
        "escalated_at",
        "over_at",
        "due_at",
    )
    row: dict[str, Any] = {name: _text(getattr(state, name)) for name in moments}
    names = ("id", "told_level", "escalation", "suppression", "suppressed_by")
    return row | {name: getattr(state, name) for name in names}


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
