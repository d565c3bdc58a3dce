"""Takes out of Dagster's books what nobody looks at any more: old runs and overtaken asset events.

Dagster keeps every event for ever: two rows of 1 to 2 KB for each materialized partition, 27 MiB a day for 5 assets
of 8 currency pairs every five minutes (``benchmarks.event_log``). What its web UI, its partition statuses and its
sensors are computed from is the newest event of each asset, partition and type, by row number, never by time. Those
stay, however old they are, and so does the run of each of them: a partition counts as failed only as long as its
run can be looked up.

All deletions are small transactions that leave the books whole, in an order that does not matter, so a pruning can
be killed at any moment and is simply done again. Nothing here becomes wrong by what runs write meanwhile: an event
that has been overtaken stays overtaken.

The tables are Dagster's (1.13: ``dagster._core.storage.{runs,event_log}.schema``); their names, columns and what is
read from them are held by the tests, which ask a real instance before and after.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
from dagster_postgres import PostgresEventLogStorage
from sqlalchemy import Connection, text

from miraikakaku_assets.domain.errors import ConfigurationError

TABLES = ("event_logs", "asset_event_tags", "asset_check_executions", "runs", "run_tags", "bulk_actions")
"""Dagster's tables that rows are taken out of."""
_EVENTS = 5000  # looked at in the first transaction
_FEWEST, _MOST = 500, 20_000
_TRANSACTION_SECONDS = (
    0.25  # what the number of events is adjusted to; nobody waits longer for the rows of a chunk
)
_RUNS = 20  # per transaction; 64 runs with 96,000 events and their tags take 2 s
_LOCK = 0x6D6B5F7072756E65  # any number that nobody else takes for an advisory lock


@dataclass(frozen=True)
class Retention:
    """How long is kept what nothing depends on.

    Attributes:
        runs: Finished runs with their events, and asset events that newer ones have overtaken.
        cycles: Runs of cycles that succeeded; failed ones are kept like any other run.
        cycle_tag: Tag by which runs of cycles are known.
    """

    runs: timedelta
    cycles: timedelta
    cycle_tag: str


@dataclass(frozen=True)
class Pruned:
    """What a pruning took away.

    Attributes:
        runs: Runs, each with all of its events.
        events: Overtaken asset events of runs that stay.
        backfills: Ended backfills without a run left.
        bytes_before: Size of the tables with their indexes before.
        bytes_after: The same afterwards; the files keep their size, the space in them is used again.
        seconds: Wall time.
    """

    runs: int
    events: int
    backfills: int
    bytes_before: int
    bytes_after: int
    seconds: float


def prune_event_log(instance: dg.DagsterInstance, now: datetime, retention: Retention) -> Pruned:
    """Prunes the books of an instance; one pruning at a time, a second one waits and finds nothing to do.

    Args:
        instance: The instance; its storage has to be Dagster's PostgreSQL storage or one that derives from it.
        now: The moment from which the retention counts back, with a time zone.
        retention: What is old.

    Raises:
        ConfigurationError: The instance does not keep its books in PostgreSQL.
    """
    storage = _storage(instance)
    started = time.monotonic()
    moments = {
        "old": (now - retention.runs).timestamp(),
        "old_cycle": (now - retention.cycles).timestamp(),
        "cycle_tag": retention.cycle_tag,
    }
    with _alone(storage):
        before = size_of_tables(instance)
        runs = _prune_runs(storage, moments)
        events = _prune_events(storage, moments)
        with storage.index_transaction() as connection:
            backfills = connection.execute(text(_DELETE_BACKFILLS), moments).rowcount
        with storage.index_connection() as connection:  # every statement commits by itself here
            for table in TABLES:
                connection.execute(text(f"VACUUM (ANALYZE) {table}"))
        after = size_of_tables(instance)
    return Pruned(runs, events, backfills, before, after, time.monotonic() - started)


def size_of_tables(instance: dg.DagsterInstance) -> int:
    """Bytes that the tables take on disk, with indexes and long values."""
    with _storage(instance).index_connection() as connection:
        parameters = {"tables": list(TABLES)}
        query = "SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(:tables) AS name"
        return int(connection.execute(text(query), parameters).scalar_one())


def _storage(instance: dg.DagsterInstance) -> PostgresEventLogStorage:
    storage = instance.event_log_storage
    if not isinstance(storage, PostgresEventLogStorage):
        raise ConfigurationError(
            f"The event log of this Dagster instance is a {type(storage).__name__}, not one in PostgreSQL; "
            "use the dagster.yaml that comes with Miraikakaku"
        )
    return storage


@contextmanager
def _alone(storage: PostgresEventLogStorage) -> Iterator[None]:
    """Two prunings at once would wait for each other's rows; the lock ends with its connection."""
    with storage.index_connection() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})


def _prune_runs(storage: PostgresEventLogStorage, moments: Mapping[str, Any]) -> int:
    after, pruned = 0, 0
    while True:
        with storage.index_transaction() as connection:
            parameters = {**moments, "after": after, "limit": _RUNS}
            old_runs = connection.execute(text(_OLD_RUNS), parameters).all()
            if not old_runs:
                return pruned
            after = old_runs[-1].id
            ended = {"runs": [row.run_id for row in old_runs]}
            needed = {row.run_id for row in connection.execute(text(_NEEDED_RUNS), ended)}
            pruned += _delete_runs(connection, [run for run in ended["runs"] if run not in needed])


def _delete_runs(connection: Connection, runs: list[str]) -> int:
    for statement in _DELETE_RUNS:
        connection.execute(text(statement), {"runs": runs})
    return len(runs)


def _prune_events(storage: PostgresEventLogStorage, moments: Mapping[str, Any]) -> int:
    """Walks through the events from the oldest, until all of a chunk are younger than the retention."""
    after, pruned, limit = 0, 0, _EVENTS
    while True:
        begun = time.monotonic()
        with storage.index_transaction() as connection:
            parameters = {**moments, "after": after, "limit": limit}
            chunk = connection.execute(text(_PRUNE_CHUNK), parameters).one()
            if not chunk.some_old:
                return pruned
        after, pruned = chunk.upto, pruned + chunk.pruned
        limit = _next_limit(limit, time.monotonic() - begun)


def _next_limit(limit: int, seconds: float) -> int:
    """How many events the next transaction looks at, after one of `limit` events has taken so long."""
    fitting = int(limit * _TRANSACTION_SECONDS / max(seconds, 0.001))
    return max(_FEWEST, min(_MOST, 2 * limit, fitting))


_OVERTAKEN_BY = """
    CASE WHEN e.partition IS NULL
    THEN EXISTS (SELECT FROM event_logs n WHERE n.asset_key = e.asset_key
        AND n.dagster_event_type = e.dagster_event_type AND n.partition IS NULL AND n.id > e.id)
    ELSE EXISTS (SELECT FROM event_logs n WHERE n.asset_key = e.asset_key
        AND n.dagster_event_type = e.dagster_event_type AND n.partition = e.partition AND n.id > e.id)
    END"""
"""Whether there is a newer event of the same asset, type and partition. Each half has its own index."""

_FINISHED = """r.status IN ('SUCCESS', 'FAILURE', 'CANCELED') AND NOT EXISTS (
        SELECT FROM bulk_actions b
        WHERE b.key = r.backfill_id AND b.status IN ('REQUESTED', 'CANCELING', 'FAILING'))"""
"""Runs that are over, and so is the backfill they belong to: its daemon still reads theirs."""

_OLD_RUNS = f"""
    SELECT r.id, r.run_id FROM runs r
    WHERE r.id > :after AND {_FINISHED}
        -- the times in other columns have no time zone and come from two clocks
        AND coalesce(r.end_time, extract(epoch FROM r.update_timestamp)) < CASE
            WHEN r.status = 'SUCCESS' AND EXISTS (
                SELECT FROM run_tags t WHERE t.run_id = r.run_id AND t.key = :cycle_tag)
            THEN :old_cycle ELSE :old END
    ORDER BY r.id LIMIT :limit"""

_NEEDED_RUNS = f"""
    SELECT e.run_id FROM event_logs e
    WHERE e.run_id = ANY(:runs) AND e.asset_key IS NOT NULL AND NOT {_OVERTAKEN_BY}
    UNION
    SELECT c.run_id FROM asset_check_executions c
    WHERE c.run_id = ANY(:runs) AND NOT EXISTS (
        SELECT FROM asset_check_executions n WHERE n.asset_key = c.asset_key AND n.check_name = c.check_name
            AND n.partition IS NOT DISTINCT FROM c.partition AND n.id > c.id)"""

_DELETE_RUNS = (
    """DELETE FROM asset_event_tags WHERE event_id IN (
        SELECT id FROM event_logs WHERE run_id = ANY(:runs) AND asset_key IS NOT NULL)""",
    "DELETE FROM event_logs WHERE run_id = ANY(:runs)",
    "DELETE FROM asset_check_executions WHERE run_id = ANY(:runs)",
    "DELETE FROM runs WHERE run_id = ANY(:runs)",  # takes its tags with it
)

_PRUNE_CHUNK = f"""
    WITH chunk AS MATERIALIZED (
        SELECT id, ctid AS place, run_id, asset_key, dagster_event_type, partition,
            timestamp < to_timestamp(:old) AT TIME ZONE 'UTC' AS is_old
        FROM event_logs WHERE id > :after ORDER BY id LIMIT :limit),
    chained AS (
        SELECT *, lead(id) OVER (PARTITION BY asset_key, dagster_event_type, partition ORDER BY id) AS next
        FROM chunk WHERE asset_key IS NOT NULL),
    overtaken AS MATERIALIZED (
        SELECT e.id, e.place FROM chained e
        WHERE e.is_old AND NOT EXISTS (SELECT FROM runs r WHERE r.run_id = e.run_id AND NOT ({_FINISHED}))
            AND (e.next IS NOT NULL OR {_OVERTAKEN_BY})),
    tags AS (
        DELETE FROM asset_event_tags t USING overtaken o
        WHERE t.event_id = o.id AND t.event_id BETWEEN :after AND (SELECT max(id) FROM chunk)),
    events AS (
        DELETE FROM event_logs WHERE ctid = ANY(ARRAY(SELECT place FROM overtaken ORDER BY id)) RETURNING id)
    SELECT (SELECT max(id) FROM chunk) AS upto, (SELECT bool_or(is_old) FROM chunk) AS some_old,
        (SELECT count(*) FROM events) AS pruned"""
"""One chunk of events, from the oldest; only the last one of a series in it is looked up, for a newer one beyond it."""

_DELETE_BACKFILLS = """
    WITH gone AS (
        DELETE FROM bulk_actions b
        WHERE b.status NOT IN ('REQUESTED', 'CANCELING', 'FAILING')
            AND b.timestamp < to_timestamp(:old) AT TIME ZONE 'UTC'
            AND NOT EXISTS (SELECT FROM runs r WHERE r.backfill_id = b.key)
        RETURNING b.key),
    tags AS (DELETE FROM backfill_tags WHERE backfill_id IN (SELECT key FROM gone))
    SELECT key FROM gone"""
