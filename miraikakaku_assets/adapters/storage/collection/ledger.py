"""Written account of collections, kept as the work goes on.

``batch_executions`` has a row per collection, ``batch_execution_details`` one per symbol with its verdict,
``data_collection_log`` what each symbol took at the source, ``run_progress`` where a running collection is.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, TextClause, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from miraikakaku_assets.adapters.storage.collection.liveness import AT_WORK
from miraikakaku_assets.adapters.storage.collection.outcome_log import log_outcomes
from miraikakaku_assets.adapters.storage.collection.tables import batch_execution_details as details
from miraikakaku_assets.adapters.storage.collection.tables import batch_executions as batches
from miraikakaku_assets.adapters.storage.collection.tables import data_collection_log as calls
from miraikakaku_assets.adapters.storage.collection.tables import run_progress as progress
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports import WITHOUT_BARS, BatchEnd, NewBatch, SymbolOutcome
from miraikakaku_assets.fault_points import fault_point

_LEFT = text(f"NOT {AT_WORK.format(batches='miraikakaku.batch_executions')}")
_GONE = {
    "status": "failed",
    "error_message": "the process ended before the batch did; run the same command again",
    "end_time": func.now(),
    "updated_at": func.now(),
}

_CODE_LENGTH = 20  # of the column, which the specification fixes
_UNDERWAY = 10  # symbols shown as being fetched

# The rate leaves out what was known before anything was fetched: it took no time.
_PROGRESS = text("""
UPDATE miraikakaku.run_progress AS shown SET
    status = batch.status,
    processed = batch.processed_stocks, successful = batch.successful_stocks, failed = batch.failed_stocks,
    records = batch.rows_read,
    percentage = CASE WHEN batch.total_stocks = 0 THEN 100 ELSE 100.0 * batch.processed_stocks / batch.total_stocks END,
    symbols_per_minute = rate.symbols, records_per_minute = batch.rows_read / rate.minutes,
    estimated_completion = CASE WHEN batch.status = 'running' THEN clock_timestamp()
        + make_interval(mins => 1) * ((batch.total_stocks - batch.processed_stocks) / rate.symbols) END,
    current_symbols = :underway, updated_at = clock_timestamp()
FROM miraikakaku.batch_executions AS batch, LATERAL (
    SELECT minutes, NULLIF(GREATEST(batch.processed_stocks - settled, 0), 0) / minutes AS symbols
    FROM miraikakaku.run_progress AS own,
         LATERAL (SELECT GREATEST(extract(epoch FROM clock_timestamp() - batch.start_time) / 60, 1e-6) AS minutes) AS t
    WHERE own.batch_execution_id = batch.id
) AS rate
WHERE batch.id = :batch AND shown.batch_execution_id = batch.id
""")


@dataclass(frozen=True)
class BatchProgress:
    """Where a collection is.

    Attributes:
        percentage: 0 to 100.
        symbols_per_minute: Over the whole batch; None before the first symbol.
        records_per_minute: Bars read, likewise.
        estimated_completion: UTC; None while it cannot be told, and after the end.
        current_symbols: Some of those being fetched.
    """

    batch: int
    status: str
    total: int
    processed: int
    successful: int
    failed: int
    records: int
    percentage: float
    symbols_per_minute: float | None
    records_per_minute: float | None
    estimated_completion: datetime | None
    current_symbols: Sequence[str]
    doing = ""

    @property
    def per_minute(self) -> float | None:
        """Symbols a minute, over the whole batch."""
        return self.symbols_per_minute

    @property
    def seconds_left(self) -> float | None:
        """What is left at that rate; None before the first symbol."""
        pace = self.symbols_per_minute
        return 60 * (self.total - self.processed) / pace if pace else None


@dataclass(frozen=True)
class PausedBatch:
    """A collection that a source refused to go on with."""

    batch: int
    run_id: str
    universe: str
    resume_at: datetime


class PostgresLedger:
    """Implements the port `Ledger`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, new: NewBatch) -> int:
        """Opens a batch and returns its number; closes those whose process has ended."""
        row = {
            "batch_type": new.batch_type,
            "status": "running",
            "universe": new.universe.name,
            "timeframe": new.timeframe.value,
            "source": new.source,
            "run_id": new.run_id,
            "total_stocks": new.total,
            "since": new.since,
            "until": new.until,
            "scope": new.scope,
        }
        with self._database.engine.begin() as connection:
            _close_gone(connection, _LEFT)
            batch = int(connection.scalar(insert(batches).values(row).returning(batches.c.id)) or 0)
            shown = {"run_id": new.run_id, "status": "running", "total": new.total, "settled": new.settled}
            connection.execute(insert(progress).values(batch_execution_id=batch, **shown))
        fault_point("ledger.after_begin")
        return batch

    def add(self, batch: int, outcomes: Sequence[SymbolOutcome], underway: Sequence[str] = ()) -> None:
        """Adds outcomes to the batch, moves its counters and its progress, in one transaction."""
        if not outcomes:
            return
        requested = [outcome for outcome in outcomes if outcome.requested]
        failed = sum(outcome.failed for outcome in requested)
        moved = {
            "processed_stocks": len(requested),
            "successful_stocks": len(requested) - failed,
            "failed_stocks": failed,
            "rows_read": sum(outcome.rows_read for outcome in outcomes),
            "rows_inserted": sum(outcome.inserted for outcome in outcomes),
            "rows_restated": sum(outcome.restated for outcome in outcomes),
            "rows_unchanged": sum(outcome.unchanged for outcome in outcomes),
            "rows_quarantined": sum(outcome.quarantined for outcome in outcomes),
            "requests": sum(outcome.calls.requests for outcome in outcomes),
        }
        counters = {name: batches.c[name] + count for name, count in moved.items()}
        with self._database.engine.begin() as connection:
            connection.execute(
                upsert(details).on_conflict_do_nothing(), [_detail(batch, outcome) for outcome in outcomes]
            )
            moving = update(batches).where(batches.c.id == batch).values(updated_at=func.now(), **counters)
            run_id, timeframe = connection.execute(
                moving.returning(batches.c.run_id, batches.c.timeframe)
            ).one()
            fetched = [
                _call(batch, run_id, timeframe, outcome) for outcome in outcomes if outcome.asked is not None
            ]
            if fetched:
                connection.execute(upsert(calls).on_conflict_do_nothing(), fetched)
            connection.execute(_PROGRESS, {"batch": batch, "underway": list(underway[:_UNDERWAY])})
            fault_point("ledger.before_commit")
        fault_point("ledger.after_commit")
        log_outcomes(batch, timeframe, outcomes)

    def end(self, batch: int, end: BatchEnd) -> None:
        """Closes the batch."""
        fault_point("ledger.before_end")
        with self._database.engine.begin() as connection:
            connection.execute(
                update(batches)
                .where(batches.c.id == batch)
                .values(end_time=func.now(), updated_at=func.now(), **asdict(end))
            )
            connection.execute(_PROGRESS, {"batch": batch, "underway": []})

    def done_before(self, like: NewBatch, moment: datetime) -> frozenset[str]:
        """Symbols whose newest batch of this window since `moment` collected them and has not ended completed."""
        same = (
            batches.c.universe == like.universe.name,
            batches.c.timeframe == like.timeframe.value,
            batches.c.source == like.source,
            batches.c.since.is_not_distinct_from(like.since),
            batches.c.until.is_not_distinct_from(like.until),
        )
        newest = (
            select(details.c.symbol, details.c.status, details.c.verdict, batches.c.status.label("ended"))
            .join(batches, batches.c.id == details.c.batch_execution_id)
            .where(*same, batches.c.start_time >= moment)
            .distinct(details.c.symbol)
            .order_by(details.c.symbol, batches.c.id.desc())
            .subquery()
        )
        query = (
            select(newest.c.symbol)
            .where(newest.c.status == "completed", newest.c.ended != "completed")
            .where(newest.c.verdict.not_in((*WITHOUT_BARS, "underway")))
        )
        with self._database.engine.connect() as connection:
            return frozenset(connection.scalars(query))

    def abandon(self, run_id: str, error_class: str | None = None) -> None:
        """Closes batches of a run whose process is gone, or was stopped (`CANCELLED`)."""
        with self._database.engine.begin() as connection:
            _close_gone(connection, batches.c.run_id == run_id, error_class)

    def open_runs(self) -> list[str]:
        """Runs with a batch that nobody has closed."""
        query = select(batches.c.run_id).where(batches.c.status == "running", batches.c.run_id.is_not(None))
        with self._database.engine.connect() as connection:
            return list(connection.scalars(query.distinct()))

    def paused(self, now: datetime | None = None) -> list[PausedBatch]:
        """Paused batches that may go on, of runs, oldest first; those gone on with since are left out.

        Args:
            now: Moment of the question; the database's own by default, because its clock set the end of the pause.
        """
        later = batches.alias()
        gone_on = (
            select(later.c.id)
            .where(later.c.id > batches.c.id, later.c.universe == batches.c.universe)
            .where(later.c.timeframe == batches.c.timeframe, later.c.source == batches.c.source)
            .where(later.c.since.is_not_distinct_from(batches.c.since))
            .where(later.c.until.is_not_distinct_from(batches.c.until), later.c.scope == batches.c.scope)
            .exists()
        )
        query = (
            select(batches.c.id, batches.c.run_id, batches.c.universe, batches.c.resume_at)
            .where(batches.c.status == "paused", batches.c.run_id.is_not(None), ~gone_on)
            .where(batches.c.resume_at <= (func.now() if now is None else now))
            .order_by(batches.c.id)
        )
        with self._database.engine.connect() as connection:
            return [PausedBatch(*row) for row in connection.execute(query)]

    def progress(self, run_id: str) -> BatchProgress | None:
        """Where a run's newest batch is; None before it has begun."""
        shown = [progress.c[name] for name in BatchProgress.__dataclass_fields__ if name != "batch"]
        query = (
            select(progress.c.batch_execution_id, *shown)
            .where(progress.c.run_id == run_id)
            .order_by(progress.c.batch_execution_id.desc())
            .limit(1)
        )
        with self._database.engine.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else BatchProgress(*row)


def _close_gone(
    connection: Connection, which: ColumnElement[bool] | TextClause, error_class: str | None = None
) -> None:
    """Closes running batches, and their progress, for a process that cannot do it any more."""
    running = update(batches).where(batches.c.status == "running", which)
    for batch in connection.scalars(
        running.values(_GONE | {"error_class": error_class}).returning(batches.c.id)
    ).all():
        connection.execute(_PROGRESS, {"batch": batch, "underway": []})


def _detail(batch: int, outcome: SymbolOutcome) -> dict[str, Any]:
    error = outcome.error
    return {
        "batch_execution_id": batch,
        "symbol": outcome.symbol,
        # A file's name may stand where a symbol should; the whole of it is in the column before.
        "stock_code": outcome.symbol.partition(".")[0][:_CODE_LENGTH],
        "status": "failed" if outcome.failed else "completed",
        "verdict": outcome.verdict,
        "error_class": error.error_class if error else None,
        "error_message": str(error) if error else None,
        "rows_read": outcome.rows_read,
        "records_inserted": outcome.inserted,
        "records_restated": outcome.restated,
        "records_quarantined": outcome.quarantined,
        "start_time": outcome.calls.began,
    }


def _call(batch: int, run_id: str | None, timeframe: str, outcome: SymbolOutcome) -> dict[str, Any]:
    request = outcome.asked
    open_ended = request is None or request.until == date.max
    return {
        "batch_execution_id": batch,
        "run_id": run_id,
        "symbol": outcome.symbol,
        "timeframe": timeframe,
        "since": request.since if request else None,
        "until": None if open_ended or request is None else request.until,
        "requests": outcome.calls.requests,
        "latency_ms": outcome.calls.seconds * 1000,
        "rows_read": outcome.rows_read,
        "outcome": outcome.verdict,
        "error_class": outcome.error.error_class if outcome.error else None,
    }
