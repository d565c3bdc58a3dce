"""Statements of events and of the outbox, for any connection that is in a transaction."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text

from miraikakaku_assets.application.ports.notices import NewAlert

PATIENCE = 36
"""Failed attempts (a day) after which a notification lets the others of its channel go first: an outage of hours keeps
the order, one message that breaks the server for ever blocks nobody for ever."""


QUIET_MINUTES = 60
"""What was over less than an hour ago and is back is recorded and not told again: one pair that fails in every other
cycle would be 144 messages a day, and a signal whose bar is restated twice would be told twice."""


def raise_statement(alerts: str, now: str) -> str:
    """SQL that raises events and queues their notifications; returns ``key`` and whether it is ``fresh``.

    It is one statement, so that whoever writes signals over ADBC raises their alerts in the same transaction.

    Args:
        alerts: Placeholder of the text made by `as_json`, e.g. ``$1``.
        now: Placeholder of the moment (timestamptz), e.g. ``$2``.
    """
    return f"""
WITH given AS (
    SELECT * FROM jsonb_to_recordset(CAST({alerts} AS jsonb)) AS one (
        key text, severity text, kind text, universe text, symbol text, title text, message text, details jsonb,
        due_at timestamptz, channels jsonb)
), raised AS (
    INSERT INTO miraikakaku.alerts AS stored (
        key, severity, kind, universe, symbol, title, message, details, raised_at, last_seen_at)
    SELECT key, severity, kind, universe, symbol, title, message, details,
           CAST({now} AS timestamptz), CAST({now} AS timestamptz)
    FROM given ORDER BY key
    ON CONFLICT (key) WHERE resolved_at IS NULL DO UPDATE SET
        occurrences = stored.occurrences + 1,
        last_seen_at = GREATEST(stored.last_seen_at, EXCLUDED.last_seen_at)
    RETURNING id, key, xmax = 0 AS fresh
), queued AS (
    INSERT INTO miraikakaku.notification_outbox (alert_id, channel, due_at)
    SELECT raised.id, named.channel, COALESCE(given.due_at, CAST({now} AS timestamptz))
    FROM raised JOIN given USING (key)
    CROSS JOIN LATERAL jsonb_array_elements_text(given.channels) AS named (channel)
    WHERE raised.fresh AND NOT EXISTS (
        SELECT 1 FROM miraikakaku.alerts AS before WHERE before.key = raised.key AND before.id <> raised.id
          AND before.resolved_at > CAST({now} AS timestamptz) - INTERVAL '{QUIET_MINUTES} minutes')
    ON CONFLICT DO NOTHING
)
SELECT key, fresh FROM raised
"""


def as_json(alerts: Sequence[NewAlert]) -> str:
    """The alerts as `raise_statement` takes them; of one key the first counts."""
    first: dict[str, NewAlert] = {}
    for alert in alerts:
        first.setdefault(alert.key, alert)
    rows = [
        {
            "key": alert.key,
            "severity": alert.severity.value,
            "kind": alert.kind,
            "universe": alert.universe,
            "symbol": alert.symbol,
            "title": alert.title,
            "message": alert.message,
            "details": dict(alert.details),
            "due_at": _moment(alert.due_at),
            "channels": list(dict.fromkeys(alert.channels)),
        }
        for alert in first.values()
    ]
    return json.dumps(rows, ensure_ascii=False, allow_nan=False)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


RAISE = text(raise_statement(":alerts", ":now"))

RECORD = text("""
INSERT INTO miraikakaku.alerts (
    key, severity, kind, universe, symbol, title, message, details, raised_at, last_seen_at, resolved_at)
SELECT key, severity, kind, universe, symbol, title, message, details,
       CAST(:since AS timestamptz), CAST(:until AS timestamptz), CAST(:until AS timestamptz)
FROM jsonb_to_recordset(CAST(:alerts AS jsonb)) AS past (
    key text, severity text, kind text, universe text, symbol text, title text, message text, details jsonb)
WHERE NOT EXISTS (
    SELECT 1 FROM miraikakaku.alerts AS stored
    WHERE stored.key = past.key AND stored.raised_at = CAST(:since AS timestamptz))
""")

DUE = text("""
SELECT DISTINCT waiting.channel FROM miraikakaku.notification_outbox AS waiting
LEFT JOIN miraikakaku.notification_channels AS state USING (channel)
WHERE waiting.delivered_at IS NULL AND waiting.due_at <= :now AND waiting.channel = ANY(:channels)
  AND (state.paused_until IS NULL OR state.paused_until <= :now)
""")

# The lock of a channel is what makes one deliverer the only one: it is asked for before the notification is looked up,
# because a row that was found before another deliverer's commit may be one that is delivered already.
LOCK = text("""
SELECT failures FROM miraikakaku.notification_channels
WHERE channel = :channel AND (paused_until IS NULL OR paused_until <= :now)
FOR UPDATE SKIP LOCKED
""")

OLDEST = text(f"""
SELECT waiting.position, waiting.attempts, waiting.notice, waiting.escalation, waiting.alert_id
FROM miraikakaku.notification_outbox AS waiting JOIN miraikakaku.alerts ON alerts.id = waiting.alert_id
WHERE waiting.channel = :channel AND waiting.delivered_at IS NULL AND waiting.due_at <= :now
ORDER BY waiting.attempts >= {PATIENCE}, alerts.severity <> 'CRITICAL', waiting.position LIMIT 1
FOR UPDATE OF waiting SKIP LOCKED
""")

DELIVERED = text("""
UPDATE miraikakaku.notification_outbox
SET delivered_at = :now, last_error = NULLIF(:note, '') WHERE position = :position
""")

OPEN = text("""
UPDATE miraikakaku.notification_channels
SET failures = 0, paused_until = :until, last_error = NULL, delivered_at = :now WHERE channel = :channel
""")

FAILED = text("""
UPDATE miraikakaku.notification_outbox
SET attempts = attempts + 1, last_error = :error, due_at = :due WHERE position = :position
""")

PAUSED = text("""
UPDATE miraikakaku.notification_channels
SET failures = failures + 1, paused_until = :due, last_error = :error WHERE channel = :channel
""")
