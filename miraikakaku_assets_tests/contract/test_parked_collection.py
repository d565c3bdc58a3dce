"""Collections that a source refused to go on with: each is due once, until it has been gone on with."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.collection.report import CollectionReport
from miraikakaku_assets.application.ports import NewBatch
from miraikakaku_assets.domain.errors import PermanentSymbolError, SourcePausedError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets_tests.fakes.exchange import Exchange
from miraikakaku_assets_tests.support.bars.raw_bars import closes, january
from miraikakaku_assets_tests.support.markets.collecting import collect
from miraikakaku_assets_tests.support.markets.stored_market import listed

CODES = ("1301", "130A", "7203", "9984")
RESUME_AT = datetime(2025, 10, 1, 0, 5, tzinfo=UTC)


@pytest.fixture
def source(database: Database) -> Exchange:
    listed(database, *CODES)
    return Exchange({f"{code}.T": closes(10.0, 11.0, symbol=f"{code}.T") for code in CODES})


def go_on(database: Database, source: Exchange, *symbols: str, run_id: str | None) -> CollectionReport:
    """The same request once more, as the next run would make it."""
    lately = datetime.now(UTC) - timedelta(hours=1)
    done = PostgresLedger(database).done_before(NewBatch(JP, Timeframe.D1, "exchange", 0), lately)
    return collect(database, source, *symbols, done=done, run_id=run_id)


def parked(database: Database, now: datetime = RESUME_AT) -> list[str]:
    return [batch.run_id for batch in PostgresLedger(database).paused(now)]


def pause(
    database: Database, source: Exchange, *symbols: str, run_id: str | None, at: str = "7203.T"
) -> None:
    source.breaks_before, source.trouble = at, SourcePausedError("exchange", RESUME_AT, "HTTP 503")
    with pytest.raises(SourcePausedError):
        go_on(database, source, *symbols, run_id=run_id)
    source.breaks_before = None


def test_parked_collection_is_due_when_the_source_may_be_asked_again(
    database: Database, source: Exchange
) -> None:
    pause(database, source, run_id="first")
    (batch,) = PostgresLedger(database).paused(RESUME_AT)
    assert (batch.run_id, batch.universe, batch.resume_at) == ("first", "jp", RESUME_AT)
    assert parked(database, RESUME_AT - timedelta(seconds=1)) == []


def test_collection_of_no_run_is_nobodys_to_go_on_with(database: Database, source: Exchange) -> None:
    pause(database, source, run_id=None)
    assert parked(database) == []


@pytest.mark.parametrize("failing", [False, True])
def test_parked_collection_is_not_due_after_it_was_gone_on_with(
    database: Database, source: Exchange, *, failing: bool
) -> None:
    pause(database, source, run_id="first")
    if failing:  # a symbol that always fails must not bring the parked collection back for ever
        source.failures = {"9984.T": PermanentSymbolError("9984.T", "not_on_source", "unknown")}
    go_on(database, source, run_id="second")
    assert parked(database) == []


def test_collection_that_pauses_again_is_due_once(database: Database, source: Exchange) -> None:
    pause(database, source, run_id="first")
    pause(database, source, run_id="second", at="9984.T")
    assert parked(database) == ["second"]


def test_parked_collection_is_not_due_while_it_is_gone_on_with(database: Database, source: Exchange) -> None:
    pause(database, source, run_id="first")
    during: list[list[str]] = []

    class Watching(Exchange):
        def _answer(self, request: Any) -> Any:
            during.append(parked(database))
            return super()._answer(request)

    go_on(database, Watching(source.rows), run_id="second")
    assert during == [[], []]


def test_collections_of_other_symbols_do_not_take_a_parked_one_away(
    database: Database, source: Exchange
) -> None:
    """As the parts of a backfill: each is parked and gone on with by itself."""
    pause(database, source, "1301.T", "7203.T", run_id="first")
    pause(database, source, "9984.T", run_id="second", at="9984.T")
    collect(database, source, "130A.T", run_id="third")
    assert parked(database) == ["first", "second"]
    go_on(database, source, "7203.T", "1301.T", run_id="fourth")
    assert parked(database) == ["second"]


def test_other_window_does_not_take_a_parked_collection_away(database: Database, source: Exchange) -> None:
    pause(database, source, run_id="first")
    collect(database, source, run_id="other", since=january(6))
    collect(database, source, run_id="other", until=january(10))
    assert parked(database) == ["first"]
