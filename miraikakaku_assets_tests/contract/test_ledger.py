"""The written account of collections."""

from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports import BatchEnd, NewBatch, SymbolOutcome
from miraikakaku_assets.domain.errors import TemporarySymbolError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets_tests.contract.stored_market import rows_of

COUNTERS = (
    "total_stocks, processed_stocks, successful_stocks, failed_stocks, rows_read, rows_inserted, rows_restated,"
    " rows_unchanged, rows_quarantined"
)
SERVED = SymbolOutcome("7203.T", "ok", rows_read=10, inserted=4, restated=3, unchanged=2, quarantined=1)
FAILED = SymbolOutcome("130A.T", "timeout", error=TemporarySymbolError("130A.T", "timeout", "no answer"))
UNASKED = SymbolOutcome("9998.T", "not_in_master", rows_read=5, quarantined=5, requested=False)


def begin(ledger: PostgresLedger, run_id: str | None = "run-1", total: int = 2) -> int:
    return ledger.begin(NewBatch(JP, Timeframe.D1, "yahoo", total, run_id=run_id))


def test_batch_is_open_until_it_is_ended(database: Database) -> None:
    ledger = PostgresLedger(database)
    batch = begin(ledger)
    columns = "id, status, universe, timeframe, source, batch_type, run_id, end_time IS NULL, error_message"
    assert rows_of(database, "batch_executions", columns) == [
        (batch, "running", "jp", "1d", "yahoo", "partial", "run-1", True, None)
    ]
    ledger.end(batch, BatchEnd("failed", "1 of 2 symbols failed"))
    assert rows_of(database, "batch_executions", "status, error_message, end_time IS NULL") == [
        ("failed", "1 of 2 symbols failed", False)
    ]


def test_counters_are_the_sums_of_the_outcomes(database: Database) -> None:
    ledger = PostgresLedger(database)
    batch = begin(ledger)
    ledger.add(batch, [SERVED, FAILED])
    ledger.add(batch, [UNASKED])
    ledger.add(batch, [])
    assert rows_of(database, "batch_executions", COUNTERS) == [(2, 2, 1, 1, 15, 4, 3, 2, 6)]
    assert len(rows_of(database, "batch_execution_details")) == 3


def test_batches_are_accounted_for_apart(database: Database) -> None:
    ledger = PostgresLedger(database)
    first, second = begin(ledger, "run-1"), begin(ledger, "run-2")
    ledger.add(second, [SERVED])
    assert first != second
    assert [row[1] for row in rows_of(database, "batch_executions", COUNTERS, "id")] == [0, 1]


def counted(ledger: PostgresLedger, run_id: str = "run-1") -> tuple[int, ...]:
    found = ledger.progress(run_id)
    assert found is not None
    return found.batch, found.total, found.processed, found.successful, found.failed, found.records


def test_progress_is_that_of_the_newest_batch_of_a_run(database: Database) -> None:
    ledger = PostgresLedger(database)
    assert ledger.progress("run-1") is None
    ledger.add(begin(ledger), [SERVED])
    newest = begin(ledger, total=7)
    assert counted(ledger) == (newest, 7, 0, 0, 0, 0)
    ledger.add(newest, [SERVED, FAILED])
    assert counted(ledger) == (newest, 7, 2, 1, 1, 10)


def test_batches_of_a_run_whose_process_is_gone_are_closed(database: Database) -> None:
    ledger = PostgresLedger(database)
    ended, running = begin(ledger), begin(ledger)
    begin(ledger, "run-2")
    ledger.end(ended, BatchEnd("completed"))
    ledger.abandon("run-1")
    assert running > ended
    assert rows_of(database, "batch_executions", "status", "id") == [
        ("completed",),
        ("failed",),
        ("running",),
    ]
