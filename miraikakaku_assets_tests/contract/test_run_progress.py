"""Where a running collection is, how fast it goes, and what each symbol took."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.collection.ledger import BatchProgress, PostgresLedger
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports import BarRequest, BatchEnd, Calls, NewBatch, SymbolOutcome
from miraikakaku_assets.domain.errors import PermanentSymbolError, TemporarySymbolError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets_tests.fakes.exchange import Exchange
from miraikakaku_assets_tests.support.bars.raw_bars import closes, january
from miraikakaku_assets_tests.support.markets.collecting import HISTORY_START, collect
from miraikakaku_assets_tests.support.markets.stored_market import listed, rows_of

BEGAN = datetime(2025, 10, 1, 7, 30, tzinfo=UTC)


def begin(database: Database, total: int, settled: int = 0, minutes_ago: float = 0.0) -> int:
    """Opens a batch as if it had been opened so many minutes ago."""
    batch = PostgresLedger(database).begin(NewBatch(JP, Timeframe.D1, "yahoo", total, settled, run_id="run"))
    with database.engine.begin() as connection:
        earlier = text(
            "UPDATE miraikakaku.batch_executions SET start_time = clock_timestamp() - make_interval(secs => :s)"
            " WHERE id = :batch"
        )
        connection.execute(earlier, {"s": minutes_ago * 60, "batch": batch})
    return batch


def served(count: int, rows: int = 10, first: int = 1300) -> list[SymbolOutcome]:
    return [
        SymbolOutcome(f"{first + number}.T", "ok", rows_read=rows, inserted=rows) for number in range(count)
    ]


def progress(database: Database) -> BatchProgress:
    batch = PostgresLedger(database).progress("run")
    assert batch is not None
    return batch


def shown(database: Database) -> tuple[Any, ...]:
    batch = progress(database)
    return batch.status, batch.total, batch.processed, batch.successful, batch.failed, batch.percentage


def test_nothing_is_told_of_a_run_that_has_not_begun(database: Database) -> None:
    assert PostgresLedger(database).progress("run") is None


def test_before_the_first_symbol_nobody_knows_when_it_ends(database: Database) -> None:
    batch = begin(database, 40)
    assert shown(database) == ("running", 40, 0, 0, 0, 0.0)
    state = progress(database)
    assert (state.batch, state.symbols_per_minute, state.estimated_completion) == (batch, None, None)


def test_percentage_and_counts_follow_every_delivery(database: Database) -> None:
    ledger, batch = PostgresLedger(database), begin(database, 40)
    ledger.add(batch, served(10))
    assert shown(database) == ("running", 40, 10, 10, 0, 25.0)
    error = TemporarySymbolError("7203.T", "timeout", "no answer")
    ledger.add(batch, [SymbolOutcome("7203.T", "timeout", error=error)])
    assert shown(database) == ("running", 40, 11, 10, 1, 27.5)
    strangers = [SymbolOutcome("9998.T", "not_in_master", rows_read=7, quarantined=7, requested=False)]
    ledger.add(batch, strangers)  # rows nobody asked for are read, and are no progress
    assert shown(database) == ("running", 40, 11, 10, 1, 27.5)
    assert progress(database).records == 107


def test_rate_and_end_are_computed_from_what_was_done_so_far(database: Database) -> None:
    batch = begin(database, 400, minutes_ago=500)
    PostgresLedger(database).add(batch, served(100, rows=245))
    state = progress(database)
    assert state.symbols_per_minute == pytest.approx(0.2, rel=0.02)
    assert state.records_per_minute == pytest.approx(0.2 * 245, rel=0.02)
    assert state.estimated_completion is not None
    left = state.estimated_completion - datetime.now(UTC)
    assert left == pytest.approx(timedelta(minutes=1500), abs=timedelta(minutes=30))


def test_reused_symbols_are_progress_but_no_speed(database: Database) -> None:
    """Three quarters were collected before: at 4 symbols in 100 minutes the rest does not end in a moment."""
    ledger, batch = PostgresLedger(database), begin(database, 400, settled=300, minutes_ago=500)
    ledger.add(batch, [SymbolOutcome(f"{n}.T", "reused") for n in range(2000, 2300)])
    assert shown(database)[2:] == (300, 300, 0, 75.0)
    state = progress(database)
    assert (state.symbols_per_minute, state.estimated_completion) == (None, None)
    ledger.add(batch, served(20))
    state = progress(database)
    assert state.percentage == 80.0
    assert state.symbols_per_minute == pytest.approx(0.04, rel=0.02)
    assert state.estimated_completion is not None
    left = state.estimated_completion - datetime.now(UTC)
    assert left == pytest.approx(timedelta(minutes=2000), abs=timedelta(minutes=40))


def test_some_of_the_symbols_that_are_being_fetched_are_named(database: Database) -> None:
    ledger, batch = PostgresLedger(database), begin(database, 400)
    ledger.add(batch, served(1), ["7203.T", "9984.T"])
    assert list(progress(database).current_symbols) == ["7203.T", "9984.T"]
    ledger.add(batch, served(1, first=1400), [f"{number}.T" for number in range(2000, 2040)])
    assert list(progress(database).current_symbols) == [f"{number}.T" for number in range(2000, 2010)]


def _end(ledger: PostgresLedger, batch: int) -> str:
    ledger.end(batch, BatchEnd("failed", "1 of 4 symbols failed"))
    return "failed"


def _pause(ledger: PostgresLedger, batch: int) -> str:
    ledger.end(batch, BatchEnd("paused", "later", resume_at=BEGAN))
    return "paused"


def _kill(ledger: PostgresLedger, _: int) -> str:
    ledger.abandon("run")
    return "failed"


@pytest.mark.parametrize("ending", [_end, _pause, _kill])
def test_collection_that_ended_early_is_fetching_nothing_and_has_no_end_to_wait_for(
    database: Database, ending: Callable[[PostgresLedger, int], str]
) -> None:
    ledger, batch = PostgresLedger(database), begin(database, 4, minutes_ago=1)
    ledger.add(batch, served(3), ["7203.T"])
    assert progress(database).estimated_completion is not None
    status = ending(ledger, batch)
    assert shown(database) == (status, 4, 3, 3, 0, 75.0)
    assert list(progress(database).current_symbols) == []
    assert progress(database).estimated_completion is None


def test_collection_of_nothing_is_done(database: Database) -> None:
    batch = begin(database, 0)
    PostgresLedger(database).end(batch, BatchEnd("completed"))
    assert shown(database) == ("completed", 0, 0, 0, 0, 100.0)


def test_progress_of_a_whole_collection(database: Database) -> None:
    listed(database, "1301", "7203", "9984")
    source = Exchange({"1301.T": closes(10.0, 11.0, symbol="1301.T")})
    source.failures = {"9984.T": PermanentSymbolError("9984.T", "not_on_source", "unknown")}
    seen: list[float] = []

    class Watching(Exchange):
        def _answer(self, request: BarRequest) -> Any:
            seen.append(progress(database).percentage)
            return super()._answer(request)

    report = collect(
        database, Watching(source.rows, source.failures), run_id="run", done=frozenset({"7203.T"})
    )
    # The reused one is told first; the source is asked one delivery ahead of what is stored.
    assert seen[0] == pytest.approx(100 / 3)
    assert shown(database) == ("failed", 3, 3, 2, 1, 100.0)
    assert progress(database).batch == report.batch


# --- what each symbol took ------------------------------------------------------------------------------

LOG = "run_id, symbol, timeframe, since, until, requests, latency_ms, rows_read, outcome, error_class"


def test_log_has_a_row_per_symbol_that_was_asked_for(database: Database) -> None:
    ledger, batch = PostgresLedger(database), begin(database, 4)
    calls = Calls(3, 1.5, BEGAN)
    limited = TemporarySymbolError("130A.T", "rate_limited", "too many")
    window = BarRequest("1301.T", january(6), january(10))
    ledger.add(
        batch,
        [
            SymbolOutcome("1301.T", "ok", rows_read=5, inserted=5, asked=window, calls=calls),
            SymbolOutcome(
                "130A.T",
                "rate_limited",
                error=limited,
                asked=BarRequest("130A.T", january(6), date.max),
                calls=Calls(4, 0.25, BEGAN),
            ),
            SymbolOutcome("7203.T", "reused"),
            SymbolOutcome("9998.T", "not_in_master", rows_read=5, quarantined=5, requested=False),
        ],
    )
    assert rows_of(database, "data_collection_log", LOG, "symbol") == [
        ("run", "1301.T", "1d", january(6), january(10), 3, 1_500.0, 5, "ok", None),
        ("run", "130A.T", "1d", january(6), None, 4, 250.0, 0, "rate_limited", "temporary"),
    ]
    assert rows_of(database, "batch_executions", "requests") == [(7,)]
    details = rows_of(database, "batch_execution_details", "symbol, start_time", "symbol")
    assert details == [("1301.T", BEGAN), ("130A.T", BEGAN), ("7203.T", None), ("9998.T", None)]


def test_log_of_a_collection_says_which_window_each_symbol_was_asked_for(database: Database) -> None:
    listed(database, "1301", "7203")
    source = Exchange({symbol: closes(10.0, 11.0, 12.0, symbol=symbol) for symbol in ("1301.T", "7203.T")})
    collect(database, source, "1301.T")
    collect(database, source, restatement_sessions=2, run_id="run")
    collect(database, source, "7203.T", since=january(6), until=january(7))
    columns = "run_id, symbol, since, until, requests, latency_ms, rows_read, outcome"
    assert rows_of(database, "data_collection_log", columns, "batch_execution_id, symbol") == [
        (None, "1301.T", HISTORY_START, None, 1, 125.0, 3, "ok"),
        ("run", "1301.T", january(7), None, 1, 125.0, 2, "no_new_data"),
        ("run", "7203.T", HISTORY_START, None, 1, 125.0, 3, "ok"),
        (None, "7203.T", january(6), january(7), 1, 125.0, 2, "no_new_data"),
    ]
