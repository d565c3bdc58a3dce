"""What waits in an installation: runs, daemons, notifications.

Dagster's tables are read as tables: importing Dagster for two numbers takes two seconds, and a health check is asked
every five minutes. Where it has never run, they are not there.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import text

from miraikakaku_assets.adapters.storage.engine import DAGSTER_SCHEMA, Database
from miraikakaku_assets.application.ports.operations.system import Backlog

_TABLES_THERE = text(f"SELECT to_regclass('{DAGSTER_SCHEMA}.daemon_heartbeats') IS NOT NULL")
_QUEUED = text(f"SELECT count(*) FROM {DAGSTER_SCHEMA}.runs WHERE status = 'QUEUED'")
# Written by the daemons in UTC, without a zone. One that was turned off leaves its row: what counts are those that beat
# within an hour of the newest of all.
_SILENT = text(f"""
SELECT max(extract(epoch FROM (clock_timestamp() AT TIME ZONE 'UTC') - "timestamp"))
FROM {DAGSTER_SCHEMA}.daemon_heartbeats
WHERE "timestamp" > (SELECT max("timestamp") FROM {DAGSTER_SCHEMA}.daemon_heartbeats) - interval '1 hour'
""")
# A failed attempt moves `due_at` on, so what has failed is as old as its alert.
_UNDELIVERED = text("""
SELECT extract(epoch FROM CAST(:now AS timestamptz) - min(CASE WHEN o.attempts > 0 THEN a.raised_at ELSE o.due_at END))
FROM miraikakaku.notification_outbox o JOIN miraikakaku.alerts a ON a.id = o.alert_id
WHERE o.delivered_at IS NULL AND o.channel = ANY(:channels)
  AND (o.attempts > 0 OR o.due_at <= CAST(:now AS timestamptz))
""")


class PostgresBacklog:
    """Implements the port `BacklogReader`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def backlog(self, now: datetime, channels: Collection[str]) -> Backlog:
        """What waits at a moment (UTC); notifications of these channels only."""
        with self._database.engine.connect() as connection:
            queued, silent = None, None
            if connection.scalar(_TABLES_THERE):
                queued = int(connection.scalar(_QUEUED) or 0)
                silent = connection.scalar(_SILENT)
            undelivered = connection.scalar(_UNDELIVERED, {"now": now, "channels": list(channels)})
        return Backlog(
            queued,
            None if silent is None else max(float(silent), 0.0),
            None if undelivered is None else max(float(undelivered), 0.0),
        )
