"""Rows of alerts as the ports have them."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, case, select

from miraikakaku_assets.adapters.storage.alerts.tables import alerts as stored
from miraikakaku_assets.application.ports.alert_states import STATES
from miraikakaku_assets.application.ports.notices import Alert, Severity
from miraikakaku_assets.domain.alerting.alert_state import FLAPPING_AFTER, Suppression

_FIRING, _SETTLING, _FLAPPING, _ESCALATED, _ACKNOWLEDGED, _INHIBITED, _SILENCED, _EXPECTED, _OVER = STATES
STATE = case(
    (stored.c.resolved_at.is_not(None), _OVER),
    (stored.c.suppression == "expected", _EXPECTED),
    (stored.c.suppression == "silenced", _SILENCED),
    (stored.c.suppression == "inhibited", _INHIBITED),
    (stored.c.quiet_since.is_not(None), _SETTLING),
    (stored.c.acknowledged_at.is_not(None), _ACKNOWLEDGED),
    (stored.c.escalation > 1, _ESCALATED),
    (stored.c.flaps >= FLAPPING_AFTER, _FLAPPING),
    else_=_FIRING,
)
"""State of an alert in a word: the first that fits."""


def selected_alerts() -> Select[Any]:
    """All alerts with their states."""
    return select(stored, STATE.label("state"))


def alert_of(row: Any) -> Alert:
    """A row of `selected_alerts`."""
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
        utc_of(row.resolved_at),
        row.is_condition,
        row.state,
        utc_of(row.quiet_since),
        row.flaps,
        utc_of(row.told_at),
        utc_of(row.acknowledged_at),
        row.acknowledged_note,
        row.escalation,
        None if row.suppression is None else Suppression(row.suppression),
        row.suppressed_by,
    )


def utc_of(moment: datetime | None) -> datetime | None:
    """A stored moment in UTC."""
    return None if moment is None else moment.astimezone(UTC)
