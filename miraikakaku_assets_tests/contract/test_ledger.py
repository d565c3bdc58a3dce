"""The written account of collections."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import text

from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.collection.claims import PostgresClaims
from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.status import PostgresStatus
from miraikakaku_assets.application.collection.collect_prices import collect_prices
from miraikakaku_assets.application.collection.request import CollectionPorts
from miraikakaku_assets.application.ports import BatchEnd, NewBatch, SymbolOutcome
from miraikakaku_assets.domain.errors import TemporarySymbolError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets_tests.fakes.exchange import NOW, Exchange
from miraikakaku_assets_tests.support.bars.raw_bars import closes
from miraikakaku_assets_tests.support.markets.collecting import requested
from miraikakaku_assets_tests.support.markets.stored_market import listed, rows_of

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
    progress = ledger.progress(run_id)
    assert progress is not None
    return (
        progress.batch,
        progress.total,
        progress.processed,
        progress.successful,
        progress.failed,
        progress.records,
    )


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


def statuses(database: Database) -> tuple[dict[int, str], set[int]]:
    """What an operator sees: batch → status, and which of them are shown at work."""
    read = PostgresStatus(database).read(JP, Timeframe.D1, {JP.calendar: NOW})
    return {row["id"]: row["status"] for row in read["batches"]}, {row["batch"] for row in read["running"]}


def let_time_pass(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(
            text("UPDATE miraikakaku.batch_executions SET updated_at = updated_at - interval '1 day'")
        )


def test_batch_whose_process_has_ended_is_broken_off_and_closed_by_the_next(database: Database) -> None:
    ledger = PostgresLedger(database)
    killed, living, ended = (begin(ledger, None) for _ in range(3))
    assert statuses(database) == (dict.fromkeys([killed, living, ended], "running"), {killed, living, ended})
    ledger.end(ended, BatchEnd("completed"))
    with PostgresClaims(database).opened(living):  # it waits for its source, however long
        let_time_pass(database)
        shown = {killed: "broken off", living: "running", ended: "completed"}
        assert statuses(database) == (shown, {living})
        new = begin(ledger, None)
        assert statuses(database) == (shown | {killed: "failed", new: "running"}, {living, new})


def test_whoever_imports_is_seen_at_work_and_leaves_no_symbol_to_another(database: Database) -> None:
    listed(database, "7203")
    source = Exchange({"7203.T": closes(10.0, 11.0, symbol="7203.T")})
    importing = replace(requested(database, source), shares=False)
    ledger, claims = PostgresLedger(database), PostgresClaims(database)
    other = ledger.begin(importing.new_batch(source.name))
    seen = []

    def look(_: Sequence[SymbolOutcome]) -> None:
        let_time_pass(database)
        seen.append(statuses(database)[1] - {other})

    with claims.opened(other) as own:
        own.share_out(["7203.T"], wait=True)
        ports = CollectionPorts(source, PostgresBars(database), ledger, lambda: NOW, claims)
        report = collect_prices(importing, ports, look)
    assert report.verdicts == {"ok": 1}
    assert seen == [{report.batch}]
