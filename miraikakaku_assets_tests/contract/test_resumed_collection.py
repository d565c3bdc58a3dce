"""Collections that did not end: the same request goes on where they stopped, another one does not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.collection.report import CollectionReport
from miraikakaku_assets.application.collection.windows import collected_since
from miraikakaku_assets.application.ports import WITHOUT_BARS, BatchEnd, NewBatch, SymbolOutcome
from miraikakaku_assets.domain.errors import PermanentSymbolError, SourcePausedError, TemporarySymbolError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets_tests.fakes.exchange import Exchange
from miraikakaku_assets_tests.support.bars.raw_bars import closes, january
from miraikakaku_assets_tests.support.markets.collecting import collect
from miraikakaku_assets_tests.support.markets.stored_market import contents, listed, rows_of

CODES = ("1301", "130A", "7203", "9984")
SYMBOLS = tuple(f"{code}.T" for code in CODES)
CLOSE = datetime.now(UTC) - timedelta(hours=1)  # the ledger's times are the database's own
RESUME_AT = datetime(2025, 10, 1, 0, 5, tzinfo=UTC)
LIKE = NewBatch(JP, Timeframe.D1, "exchange", 0)


@pytest.fixture
def source(database: Database) -> Exchange:
    listed(database, *CODES)
    return Exchange({symbol: closes(10.0, 11.0, symbol=symbol) for symbol in SYMBOLS})


def done(database: Database, moment: datetime = CLOSE, **other: Any) -> set[str]:
    return set(PostgresLedger(database).done_before(replace(LIKE, **other), moment))


def go_on(database: Database, source: Exchange, *symbols: str, **options: Any) -> CollectionReport:
    return collect(database, source, *symbols, done=frozenset(done(database)), **options)


def broken_off(database: Database, source: Exchange, error: BaseException, at: str = "7203.T") -> None:
    source.breaks_before, source.trouble = at, error
    with pytest.raises(type(error)):
        collect(database, source, run_id="first")
    source.breaks_before = None


@pytest.mark.parametrize(
    "error",
    [SourcePausedError("exchange", RESUME_AT, "HTTP 503"), OSError("no space left"), KeyboardInterrupt()],
    ids=lambda error: type(error).__name__,
)
def test_what_was_collected_before_the_end_is_not_asked_for_again(
    database: Database, source: Exchange, error: BaseException
) -> None:
    broken_off(database, source, error)
    assert done(database) == {"1301.T", "130A.T"}
    outcomes: list[SymbolOutcome] = []
    report = go_on(database, source, told=outcomes)
    assert [request.symbol for request in source.asked] == ["7203.T", "9984.T"]
    assert {outcome.symbol: outcome.verdict for outcome in outcomes} == {
        "1301.T": "reused", "130A.T": "reused", "7203.T": "ok", "9984.T": "ok"
    }  # fmt: skip
    assert (report.symbols, report.succeeded, report.requests) == (4, 4, 2)
    undisturbed = contents(database)
    collect(database, source)
    assert contents(database) == undisturbed


def test_batches_say_how_they_ended(database: Database, source: Exchange) -> None:
    broken_off(database, source, SourcePausedError("exchange", RESUME_AT, "HTTP 503"))
    broken_off(database, source, OSError("no space left"))
    broken_off(database, source, KeyboardInterrupt())
    columns = "status, error_class, resume_at, processed_stocks, end_time IS NULL, error_message"
    ended = rows_of(database, "batch_executions", columns, "id")
    assert [row[:5] for row in ended] == [
        ("paused", None, RESUME_AT, 2, False),
        ("failed", "system", None, 2, False),
        ("failed", "cancelled", None, 2, False),
    ]
    messages = [row[5] for row in ended]
    assert "2025-10-01 00:05:00 UTC (HTTP 503)" in messages[0]
    assert messages[1] == "OSError: no space left"
    assert "the same command goes on" in messages[2]


def test_failed_symbols_are_asked_again_and_the_others_are_not(database: Database, source: Exchange) -> None:
    source.failures = {
        "130A.T": TemporarySymbolError("130A.T", "rate_limited", "too many"),
        "9984.T": PermanentSymbolError("9984.T", "not_on_source", "unknown"),
    }
    collect(database, source)
    assert done(database) == {"1301.T", "7203.T"}
    del source.failures["130A.T"]
    report = go_on(database, source)
    assert [request.symbol for request in source.asked] == ["130A.T", "9984.T"]
    assert list(report.failures) == ["9984.T"]
    assert report.verdicts == {"reused": 2, "ok": 1, "not_on_source": 1}
    # What the second attempt reused is still collected for the third.
    assert done(database) == {"1301.T", "130A.T", "7203.T"}


def test_totals_of_every_attempt_add_up(database: Database, source: Exchange) -> None:
    broken_off(database, source, SourcePausedError("exchange", RESUME_AT, "HTTP 503"))
    source.failures = {"9984.T": TemporarySymbolError("9984.T", "timeout", "no answer")}
    go_on(database, source)
    source.failures = {}
    go_on(database, source)
    counts = (
        "total_stocks, processed_stocks, successful_stocks, failed_stocks, rows_read, rows_inserted, requests"
    )
    assert rows_of(database, "batch_executions", f"status, {counts}", "id") == [
        ("paused", 4, 2, 2, 0, 4, 4, 2),
        ("failed", 4, 4, 3, 1, 2, 2, 2),
        ("completed", 4, 4, 4, 0, 2, 2, 1),
    ]
    verdicts = (
        "batch_execution_id, verdict, count(*) AS n FROM miraikakaku.batch_execution_details GROUP BY 1, 2"
    )
    with database.engine.connect() as connection:
        counted = connection.execute(text(f"SELECT {verdicts} ORDER BY 1, 2")).all()
    assert [tuple(row[1:]) for row in counted] == [
        ("ok", 2), ("ok", 1), ("reused", 2), ("timeout", 1), ("ok", 1), ("reused", 3)
    ]  # fmt: skip
    assert len(rows_of(database, "price_bars")) == 8
    assert len(rows_of(database, "data_collection_log")) == 2 + 2 + 1


def test_completed_collection_leaves_nothing_to_reuse(database: Database, source: Exchange) -> None:
    collect(database, source)
    assert done(database) == set()


def test_completed_collection_also_ends_the_attempts_before_it(database: Database, source: Exchange) -> None:
    broken_off(database, source, OSError("no space left"))
    go_on(database, source)
    assert done(database) == set()
    go_on(database, source)
    assert {request.symbol for request in source.asked} == set(SYMBOLS)


def test_one_symbol_collected_meanwhile_does_not_cost_the_others_their_attempt(
    database: Database, source: Exchange
) -> None:
    broken_off(database, source, OSError("no space left"), at="9984.T")
    collect(database, source, "7203.T")
    assert done(database) == {"1301.T", "130A.T"}


@pytest.mark.parametrize("verdict", WITHOUT_BARS)
def test_symbol_without_a_single_bar_is_asked_again(database: Database, verdict: str) -> None:
    ledger = PostgresLedger(database)
    batch = ledger.begin(LIKE)
    ledger.add(batch, [SymbolOutcome("1301.T", "ok"), SymbolOutcome("9984.T", verdict)])
    ledger.end(batch, BatchEnd("failed"))
    assert done(database) == {"1301.T"}


def test_what_a_running_collection_is_done_with_is_not_asked_for_twice(database: Database) -> None:
    ledger = PostgresLedger(database)
    outcomes = [SymbolOutcome("1301.T", "ok"), SymbolOutcome("7203.T", "underway")]
    ledger.add(ledger.begin(LIKE), outcomes)
    assert done(database) == {"1301.T"}


@pytest.mark.parametrize(
    "other",
    [
        {"since": january(6)},
        {"until": january(10)},
        {"since": january(6), "until": january(10)},
        {"source": "yahoo"},
        {"timeframe": Timeframe.M5},
    ],
    ids=str,
)
def test_another_request_reuses_nothing(database: Database, source: Exchange, other: dict[str, Any]) -> None:
    broken_off(database, source, OSError("no space left"))
    assert done(database, **other) == set()


def test_same_window_is_the_same_request(database: Database, source: Exchange) -> None:
    source.breaks_before, source.trouble = "7203.T", OSError("no space left")
    with pytest.raises(OSError, match="no space left"):
        collect(database, source, since=january(6), until=january(10))
    assert done(database) == set()
    assert done(database, since=january(6), until=january(10)) == {"1301.T", "130A.T"}


def test_what_was_collected_before_the_last_close_is_asked_for_again(
    database: Database, source: Exchange
) -> None:
    broken_off(database, source, OSError("no space left"))
    assert done(database, datetime.now(UTC) + timedelta(seconds=1)) == set()


@pytest.mark.parametrize(
    ("now", "since"),
    [
        # Friday 2025-01-10; Tokyo closes at 15:30, final half an hour later, 07:00 UTC.
        (datetime(2025, 1, 10, 6, 59, tzinfo=UTC), datetime(2025, 1, 9, 7, 0, tzinfo=UTC)),
        (datetime(2025, 1, 10, 7, 0, tzinfo=UTC), datetime(2025, 1, 10, 7, 0, tzinfo=UTC)),
        (datetime(2025, 1, 13, 3, 0, tzinfo=UTC), datetime(2025, 1, 10, 7, 0, tzinfo=UTC)),
        (datetime(2025, 1, 14, 3, 0, tzinfo=UTC), datetime(2025, 1, 10, 7, 0, tzinfo=UTC)),
    ],
)
def test_daily_bars_count_from_the_moment_the_newest_session_became_final(
    now: datetime, since: datetime
) -> None:
    assert collected_since(JP, Timeframe.D1, now) == since


def test_shorter_bars_count_for_five_minutes_while_the_market_trades() -> None:
    noon = datetime(2025, 1, 10, 3, 0, tzinfo=UTC)
    assert collected_since(JP, Timeframe.M5, noon) == noon - timedelta(minutes=5)
    weekend = datetime(2025, 1, 11, 3, 0, tzinfo=UTC)
    assert collected_since(JP, Timeframe.M5, weekend) == datetime(2025, 1, 10, 7, 0, tzinfo=UTC)


def test_silent_collection_counts_as_ended_when_the_next_one_begins(
    database: Database, source: Exchange
) -> None:
    ledger = PostgresLedger(database)
    killed = ledger.begin(NewBatch(JP, Timeframe.D1, "exchange", 4, run_id="killed"))
    ledger.add(killed, [SymbolOutcome("1301.T", "ok")], ["7203.T"])
    with database.engine.begin() as connection:
        connection.execute(
            text("UPDATE miraikakaku.batch_executions SET updated_at = now() - interval '2 hours'")
        )
    ledger.begin(LIKE)
    assert rows_of(database, "batch_executions", "status", "id") == [("failed",), ("running",)]
    progress = ledger.progress("killed")
    assert progress is not None
    assert (progress.status, progress.processed, list(progress.current_symbols)) == ("failed", 1, [])
    assert done(database) == {"1301.T"}
