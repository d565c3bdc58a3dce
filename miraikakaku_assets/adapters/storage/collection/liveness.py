"""Which batches are at work: each holds an advisory lock for as long as its process lives and has the database."""

ALIVE = 20251130
"""Class of the lock, whose object is the number of the batch."""

HELD = f"""
EXISTS (
    SELECT FROM pg_locks AS lock
    WHERE lock.locktype = 'advisory' AND lock.granted
      AND (lock.classid, lock.objid, lock.objsubid) = ({ALIVE}, {{batch}}, 2)
      AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
)"""
"""Condition that the process of a batch lives; to be formatted with the expression of its number."""

AT_WORK = f"({{batches}}.updated_at > now() - interval '10 seconds' OR {HELD.format(batch='{batches}.id')})"
"""Condition that a running batch is at work; to be formatted with the name of its table.

A batch is written a moment before its lock is taken.
"""

UNDER_WAY = f"""
(b.status = 'running' AND {AT_WORK.format(batches="b")}) OR (b.status = 'paused' AND b.id = (
    SELECT max(later.id) FROM miraikakaku.batch_executions later
    WHERE later.universe = b.universe AND later.timeframe = b.timeframe))"""
"""Condition that a batch ``b`` is at work, or is the newest of its bars and waits for the source."""
