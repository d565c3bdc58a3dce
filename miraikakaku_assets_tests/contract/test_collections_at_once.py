"""Several collections of the same symbols at once: each symbol is asked for once, and all of them report the truth."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.collection.claims import PostgresClaims
from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.collection.collect_prices import collect_prices
from miraikakaku_assets.application.collection.report import CollectionReport
from miraikakaku_assets.application.collection.request import CollectionPorts
from miraikakaku_assets.application.ports import (
    BarRequest,
    Delivery,
    NewBatch,
    PriceSource,
    SymbolOutcome,
)
from miraikakaku_assets.domain.errors import TemporarySymbolError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe, Universe
from miraikakaku_assets_tests.fakes.exchange import NOW, Exchange
from miraikakaku_assets_tests.support.bars.raw_bars import closes, january
from miraikakaku_assets_tests.support.markets.collecting import requested
from miraikakaku_assets_tests.support.markets.stored_market import contents, listed
from miraikakaku_assets_tests.support.patience import PATIENCE, until

pytestmark = pytest.mark.slow

CODES = ("1301", "130A", "2593", "7203", "9984")
SYMBOLS = tuple(sorted(f"{code}.T" for code in CODES))
WITHOUT = "2593.T"
LIKE = NewBatch(JP, Timeframe.D1, "exchange", 0)


@dataclass
class Held(Exchange):
    """An exchange that answers the first request and holds back the others until it is told to go on."""

    go_on: threading.Event = field(default_factory=threading.Event)

    def deliver(
        self,
        universe: Universe,
        timeframe: Timeframe,
        requests: Sequence[BarRequest],
        stopping: threading.Event | None = None,
    ) -> Iterator[Delivery]:
        for place, delivery in enumerate(super().deliver(universe, timeframe, requests, stopping)):
            if place:
                assert self.go_on.wait(PATIENCE)
            yield delivery


@pytest.fixture
def rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    listed(database, *CODES)
    return {symbol: closes(10.0, 11.0, symbol=symbol) for symbol in SYMBOLS if symbol != WITHOUT}


def collected(database: Database, source: PriceSource, *symbols: str, **options: Any) -> CollectionReport:
    request = replace(requested(database, source, *symbols), **options)
    return collect_prices(request, ports_of(database, source), lambda _: None)


def ports_of(database: Database, source: PriceSource) -> CollectionPorts:
    ledger, claims = PostgresLedger(database), PostgresClaims(database)
    return CollectionPorts(source, PostgresBars(database), ledger, lambda: NOW, claims)


def comes_true(database: Database, query: str) -> None:
    """Waits for a query that answers true."""

    def answer() -> object:
        with database.engine.connect() as connection:
            return connection.scalar(text(query))

    until(answer, f"never true: {query}")


@contextmanager
def in_between(database: Database, source: Held) -> Iterator[ThreadPoolExecutor]:
    """A collection of everything, held after its first symbol; it goes on when the body says so, or ends."""
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(collected, database, source)
        try:
            comes_true(database, "SELECT count(*) = 1 FROM miraikakaku.batch_execution_details")
            yield pool
        finally:
            source.go_on.set()
        report = first.result()
        assert report.without_bars == {WITHOUT: "never_delivered"}  # whoever stores what meanwhile
        assert (report.symbols, report.failures) == (5, {})


def test_the_second_collection_waits_for_what_the_first_is_at_and_reports_what_came_of_it(
    database: Database, rows: dict[str, Any]
) -> None:
    source, second = Held(rows), Exchange(rows)
    with in_between(database, source) as pool:
        other = pool.submit(collected, database, second)
        comes_true(database, "SELECT count(*) = 2 FROM miraikakaku.run_progress WHERE claimed <> '{}'")
        source.go_on.set()
        report = other.result()
    assert [request.symbol for request in source.asked] == list(SYMBOLS)
    # What was done before it came it asks for once more: faces leave that out, see `Ledger.done_before`.
    assert [request.symbol for request in second.asked] == [SYMBOLS[0]]
    assert report.verdicts == {"no_new_data": 1, "reused": 3, "never_delivered": 1}
    assert report.without_bars == {WITHOUT: "never_delivered"}
    assert (report.symbols, report.failures) == (5, {})


def test_one_that_does_not_wait_says_what_it_has_left_to_the_other(
    database: Database, rows: dict[str, Any]
) -> None:
    source, second = Held(rows), Exchange(rows)
    with in_between(database, source):
        report = collected(database, second, *SYMBOLS[1:], waits=False)
        assert report.verdicts == {"underway": 4}
        assert (report.symbols, report.failures, report.without_bars) == (4, {}, {})
        assert second.asked == []


def test_what_one_has_left_to_another_is_not_done_for_a_third(database: Database) -> None:
    listed(database, *CODES)
    claims, ledger = PostgresClaims(database), PostgresLedger(database)
    first, cycle, third = (ledger.begin(LIKE) for _ in range(3))
    with claims.opened(first) as of_first, claims.opened(cycle) as of_cycle, claims.opened(third) as of_third:
        of_first.share_out(["7203.T"], wait=True)
        share = of_cycle.share_out(["1301.T", "7203.T"], wait=False)
        assert (share.mine, share.underway) == (("1301.T",), {"7203.T"})
        assert of_third.share_out(["1301.T", "7203.T"], wait=False).underway == {"1301.T", "7203.T"}
        ledger.add(cycle, [SymbolOutcome("1301.T", "ok"), SymbolOutcome("7203.T", "underway")])
        share = of_third.share_out(["1301.T", "7203.T"], wait=False)
    assert (share.mine, share.done, share.underway) == ((), {"1301.T": "reused"}, {"7203.T"})


@pytest.mark.parametrize("window", [{"since": january(6)}, {"since": january(6), "until": january(7)}])
def test_another_window_is_another_request(
    database: Database, rows: dict[str, Any], window: dict[str, Any]
) -> None:
    with in_between(database, Held(rows)):
        assert collected(database, Exchange(rows), *SYMBOLS[1:2], **window).verdicts == {"ok": 1}


def test_what_the_first_fails_at_the_second_tries_itself(database: Database, rows: dict[str, Any]) -> None:
    claims, ledger, second = PostgresClaims(database), PostgresLedger(database), Exchange(rows)
    batch = ledger.begin(LIKE)
    error = TemporarySymbolError("7203.T", "timeout", "no answer")
    with ThreadPoolExecutor(1) as pool, claims.opened(batch) as own:
        own.share_out(["7203.T"], wait=True)
        other = pool.submit(collected, database, second, "7203.T")
        comes_true(database, "SELECT count(*) = 2 FROM miraikakaku.batch_executions")
        ledger.add(batch, [SymbolOutcome("7203.T", error.kind, error=error)])
        assert other.result().verdicts == {"ok": 1}


def test_what_a_dead_collection_had_claimed_is_free_at_once(database: Database, rows: dict[str, Any]) -> None:
    claims, ledger, second = PostgresClaims(database), PostgresLedger(database), Exchange(rows)
    batch = ledger.begin(LIKE)
    with ThreadPoolExecutor(1) as pool, claims.opened(batch) as own:
        assert set(own.share_out(SYMBOLS, wait=True).mine) == set(SYMBOLS)
        other = pool.submit(collected, database, second)
        comes_true(database, "SELECT count(*) = 2 FROM miraikakaku.batch_executions")
        comes_true(
            database,
            f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = {batch}"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND objsubid = 2",
        )
        assert other.result().verdicts == {"ok": 4, "never_delivered": 1}
    assert [request.symbol for request in second.asked] == list(SYMBOLS)


def test_many_at_once_ask_for_every_symbol_once_and_end_with_the_same_contents(
    database: Database, rows: dict[str, Any]
) -> None:
    sources = [Exchange(rows) for _ in range(4)]
    start = threading.Barrier(len(sources))

    def collection(source: Exchange) -> CollectionReport:
        request = requested(database, source)
        start.wait()
        return collect_prices(request, ports_of(database, source), lambda _: None)

    with ThreadPoolExecutor(len(sources)) as pool:
        reports = [done.result() for done in [pool.submit(collection, source) for source in sources]]

    together = contents(database)
    for report in reports:
        assert (report.symbols, report.failures, report.balanced) == (5, {}, True)
        assert report.without_bars == {WITHOUT: "never_delivered"}
    assert sum(report.inserted for report in reports) == 2 * (len(SYMBOLS) - 1)
    collected(database, Exchange(rows))
    assert contents(database) == together
    with database.engine.connect() as connection:
        left = connection.scalar(
            text(
                "SELECT count(*) FROM miraikakaku.run_progress WHERE claimed <> '{}' OR status <> 'completed'"
            )
        )
    assert left == 0
