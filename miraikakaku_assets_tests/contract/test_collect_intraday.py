"""Collecting 5-minute bars into a real database: same account, same state, own window."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
from miraikakaku_assets.application.collection.collect_prices import collect_prices
from miraikakaku_assets.application.collection.report import CollectionReport
from miraikakaku_assets.application.collection.request import CollectionPorts, CollectionRequest
from miraikakaku_assets.application.ports import BarRequest, Calls, Delivery, SymbolOutcome
from miraikakaku_assets.domain.market.instruments import JP, Timeframe, Universe
from miraikakaku_assets_tests.support.bars.raw_bars import january
from miraikakaku_assets_tests.support.bars.raw_intraday import raw, tick, tokyo
from miraikakaku_assets_tests.support.markets.stored_market import contents, listed, rows_of

SYMBOL = "7203.T"
START = date(2024, 12, 2)


@dataclass
class Ticks:
    """A source of 5-minute bars of one issue; it knows no corporate actions."""

    rows: list[dict[str, Any]]
    requests: list[BarRequest] = field(default_factory=list)
    name: str = "ticks"
    is_fixed: bool = False

    def deliver(
        self,
        _: Universe,
        timeframe: Timeframe,
        requests: Sequence[BarRequest],
        stopping: threading.Event | None = None,  # noqa: ARG002 - it answers at once
    ) -> Iterator[Delivery]:
        assert timeframe is Timeframe.M5
        self.requests = list(requests)
        for request in requests:
            rows = [row for row in self.rows if request.since <= row["stamp"].date() <= request.until]
            yield Delivery((request.symbol,), raw(rows), calls={request.symbol: Calls(1, 0.1, None)})

    def unrequested(self, _: Universe, __: frozenset[str]) -> Iterator[Delivery]:
        return iter(())

    def symbols(self, _: Universe) -> tuple[str, ...]:
        return ()

    def common_window(self, _: Universe) -> tuple[date, date] | None:
        return None


def morning(day: int, *minutes: int, close: float = 1_000.0) -> list[dict[str, Any]]:
    return [tick(tokyo(9, minute, day=day), close + minute) for minute in minutes]


@pytest.fixture
def source(database: Database) -> Ticks:
    listed(database, "7203")
    return Ticks([*morning(6, 0, 5, 10), *morning(7, 0, 5)])


def collect(
    database: Database,
    source: Ticks,
    now: datetime = datetime(2025, 10, 1, tzinfo=UTC),
    outcomes: list[SymbolOutcome] | None = None,
    reaches_back_to: date = START,
) -> CollectionReport:
    masters = PostgresMasters(database)
    instruments, known = masters.instruments(JP), masters.known_symbols(JP)
    request = CollectionRequest(
        JP, Timeframe.M5, instruments, known, reaches_back_to, restatement_sessions=10
    )
    ports = CollectionPorts(source, PostgresBars(database), PostgresLedger(database), lambda: now)
    return collect_prices(request, ports, (outcomes if outcomes is not None else []).extend)


def test_five_minute_bars_are_stored_beside_the_daily_ones(database: Database, source: Ticks) -> None:
    report = collect(database, source)
    assert (report.rows_read, report.inserted, report.balanced) == (5, 5, True)
    stored = PostgresBars(database).read(JP, Timeframe.M5)
    assert stored["ts"].to_list() == [row["stamp"].astimezone(UTC) for row in source.rows]
    assert stored["close"].to_list() == [1_000.0, 1_005.0, 1_010.0, 1_000.0, 1_005.0]
    assert set(stored["status"]) == {"final"}
    assert PostgresBars(database).read(JP, Timeframe.D1).is_empty()
    assert rows_of(database, "collection_state", "timeframe, complete_from") == [("5m", START)]
    log = "symbol, timeframe, since, until, requests, rows_read, outcome"
    assert rows_of(database, "data_collection_log", log) == [(SYMBOL, "5m", START, None, 1, 5, "ok")]


def test_collection_goes_on_with_the_newest_day_and_not_with_ten_of_them(
    database: Database, source: Ticks
) -> None:
    collect(database, source)
    before = contents(database)
    report = collect(database, source)
    assert [(request.symbol, request.since) for request in source.requests] == [(SYMBOL, january(7))]
    assert (report.rows_read, report.unchanged, report.inserted) == (2, 2, 0)
    assert contents(database) == before


def test_running_bar_is_provisional_until_a_later_collection_finds_it_over(
    database: Database, source: Ticks
) -> None:
    source.rows = [*morning(6, 0, 5), tick(tokyo(9, 12, 31), 990.0)]
    now = tokyo(9, 12, 40).astimezone(UTC)
    collect(database, source, now)
    assert rows_of(database, "price_bars", "close, status", "ts")[-1] == (990.0, "provisional")
    source.rows = [*morning(6, 0, 5), tick(tokyo(9, 10), 985.0), tick(tokyo(9, 15), 986.0)]
    collect(database, source, now + timedelta(days=1))
    assert rows_of(database, "price_bars", "close, status", "ts")[2:] == [
        (985.0, "final"),
        (986.0, "final"),
    ]


def test_moves_of_five_minute_bars_pull_no_history_again(database: Database, source: Ticks) -> None:
    """Yahoo keeps sixty days of them; nothing is compared, and no restatement is written."""
    collect(database, source)
    source.rows = [*morning(6, 0, 5, 10, close=200.0), *morning(7, 0, 5, close=200.0)]
    outcomes: list[SymbolOutcome] = []
    collect(database, source, outcomes=outcomes)
    assert len(source.requests) == 1
    assert outcomes[0].rescaled is None
    assert rows_of(database, "restatements") == []


def test_after_months_off_the_source_is_asked_for_what_it_still_has(
    database: Database, source: Ticks
) -> None:
    collect(database, source)
    edge = date(2025, 8, 4)
    collect(database, source, reaches_back_to=edge)
    # An older window would be refused as a whole.
    assert [request.since for request in source.requests] == [edge]
