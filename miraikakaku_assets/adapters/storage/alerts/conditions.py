"""Statements of the alerts of conditions: that they hold, and that they hold no more.

Whoever writes them holds the planner's lock, so that they never meet a plan in the making. Ten thousand that stand are
counted by one statement over their keys; texts are sent for those alone that are new or have become graver.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from miraikakaku_assets.adapters.storage.adbc import plain_array, text_array
from miraikakaku_assets.adapters.storage.alerts.statements import as_json
from miraikakaku_assets.application.ports.notices import NewAlert, Severity

LOCK = text("SELECT planned_at FROM miraikakaku.alert_planner WHERE id = 1 FOR UPDATE")

SEEN_EVERY = timedelta(minutes=4)
"""How often what stands is counted: ten thousand rows are not written anew by every check."""

# Of ten thousand that stand as before, nothing comes back.
_CHANGES = text("""
SELECT given.key, stands.id IS NULL AS is_new, stands.quiet_since IS NOT NULL AS is_quiet
FROM unnest(CAST(:keys AS text[]), CAST(:ranks AS int[])) AS given (key, rank)
LEFT JOIN miraikakaku.alerts AS stands ON stands.key = given.key AND stands.resolved_at IS NULL
WHERE stands.id IS NULL OR stands.quiet_since IS NOT NULL
   OR given.rank > array_position(ARRAY['INFO', 'WARNING', 'CRITICAL'], stands.severity)
""")

_SEEN = text("""
UPDATE miraikakaku.alerts AS stands SET
    occurrences = stands.occurrences + 1, last_seen_at = CAST(:now AS timestamptz)
FROM unnest(CAST(:keys AS text[])) AS given (key)
WHERE stands.key = given.key AND stands.resolved_at IS NULL AND stands.quiet_since IS NULL
  AND stands.last_seen_at <= CAST(:counted_before AS timestamptz)
""")

_BACK = text("""
UPDATE miraikakaku.alerts SET quiet_since = NULL, ended_by_hand = false, flaps = flaps + 1,
    occurrences = occurrences + 1, last_seen_at = CAST(:now AS timestamptz), plan_due_at = CAST(:now AS timestamptz)
WHERE key = ANY (CAST(:keys AS text[])) AND resolved_at IS NULL AND quiet_since IS NOT NULL
""")

# What was acknowledged was less grave: it counts no more.
_GRAVER = text("""
UPDATE miraikakaku.alerts AS stands SET
    severity = graver.severity, title = graver.title, message = graver.message, details = graver.details,
    waiting_since = CAST(:now AS timestamptz), plan_due_at = CAST(:now AS timestamptz),
    acknowledged_at = NULL, acknowledged_note = NULL
FROM jsonb_to_recordset(CAST(:alerts AS jsonb)) AS graver (
    key text, severity text, title text, message text, details jsonb)
WHERE stands.key = graver.key AND stands.resolved_at IS NULL
  AND array_position(ARRAY['INFO', 'WARNING', 'CRITICAL'], graver.severity)
    > array_position(ARRAY['INFO', 'WARNING', 'CRITICAL'], stands.severity)
""")

_NEW = text("""
INSERT INTO miraikakaku.alerts (
    key, severity, kind, universe, symbol, title, message, details, raised_at, last_seen_at,
    is_condition, waiting_since, plan_due_at)
SELECT key, severity, kind, universe, symbol, title, message, details,
       CAST(:now AS timestamptz), CAST(:now AS timestamptz), true, CAST(:now AS timestamptz),
       CAST(:now AS timestamptz)
FROM jsonb_to_recordset(CAST(:alerts AS jsonb)) AS given (
    key text, severity text, kind text, universe text, symbol text, title text, message text, details jsonb)
""")

_END = text("""
UPDATE miraikakaku.alerts SET quiet_since = :now, plan_due_at = :now
WHERE key = ANY (CAST(:keys AS text[])) AND resolved_at IS NULL AND quiet_since IS NULL AND is_condition
RETURNING key
""")

_GRAVITY = list(Severity)


def hold(connection: Connection, alerts: Sequence[NewAlert], now: datetime) -> frozenset[str]:
    """Notes which conditions hold; returns the keys of those that did not before."""
    given: dict[str, NewAlert] = {}
    for alert in alerts:
        given.setdefault(alert.key, alert)
    keys = text_array(given)
    ranks = plain_array(_GRAVITY.index(alert.severity) + 1 for alert in given.values())
    connection.execute(LOCK)
    rows = connection.execute(_CHANGES, {"keys": keys, "ranks": ranks}).all()
    new = [given[row.key] for row in rows if row.is_new]
    standing = [given[row.key] for row in rows if not row.is_new]
    back = [row.key for row in rows if row.is_quiet]
    connection.execute(_SEEN, {"keys": keys, "now": now, "counted_before": now - SEEN_EVERY})
    if back:
        connection.execute(_BACK, {"keys": text_array(back), "now": now})
    if standing:
        connection.execute(_GRAVER, {"alerts": as_json(standing), "now": now})
    if new:
        connection.execute(_NEW, {"alerts": as_json(new), "now": now})
    return frozenset(back) | {alert.key for alert in new}


def end(connection: Connection, keys: Collection[str], now: datetime) -> frozenset[str]:
    """Notes which conditions hold no more; returns the keys of those that did."""
    connection.execute(LOCK)
    return frozenset(connection.scalars(_END, {"keys": text_array(keys), "now": now}))
