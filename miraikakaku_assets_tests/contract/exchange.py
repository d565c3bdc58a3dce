"""A price source that serves what a test writes down, and collections from it into a real database."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
from miraikakaku_assets.application.collection.collect_prices import collect_prices
from miraikakaku_assets.application.collection.plan import plan_collection
from miraikakaku_assets.application.collection.report import CollectionReport
from miraikakaku_assets.application.collection.request import CollectionPorts, CollectionRequest
from miraikakaku_assets.application.ports import BarRequest, Calls, Delivery, PriceSource, SymbolOutcome
from miraikakaku_assets.domain.errors import DependencyUnavailableError, SymbolError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe, Universe
from miraikakaku_assets_tests.unit.raw_bars import actions, raw

NOW = datetime(2025, 10, 1, tzinfo=UTC)
HISTORY_START = date(2024, 1, 4)

Action = tuple[str, date, str, float]


@dataclass
class Exchange:
    """Serves what it is told to, one delivery per symbol and one request each; notes what it was asked for.

    Attributes:
        rows: Symbol → bars it knows.
        failures: Symbol → error instead of bars.
        actions: Dividends and splits it knows; served with the bars of their day, as Yahoo does.
        refuses_before: Symbol → error for windows that begin before that day.
        breaks_before: Symbol before which `trouble` is raised.
        asked: Requests since the collection began, in their order.
    """

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    failures: dict[str, SymbolError] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)
    refuses_before: dict[str, tuple[date, SymbolError]] = field(default_factory=dict)
    breaks_before: str | None = None
    trouble: BaseException = field(
        default_factory=lambda: DependencyUnavailableError("the exchange has gone away")
    )
    asked: list[BarRequest] = field(default_factory=list)
    name: str = "exchange"
    is_fixed: bool = False

    def deliver(
        self,
        _: Universe,
        __: Timeframe,
        requests: Sequence[BarRequest],
        stopping: threading.Event | None = None,  # noqa: ARG002 - it answers at once
    ) -> Iterator[Delivery]:
        self.asked += requests
        for wanted in requests:
            if wanted.symbol == self.breaks_before:
                raise self.trouble
            yield self._answer(wanted)

    def _answer(self, wanted: BarRequest) -> Delivery:
        calls = {wanted.symbol: Calls(1, 0.125, NOW)}
        day, error = self.refuses_before.get(wanted.symbol, (date.min, None))
        error = self.failures.get(wanted.symbol, error if wanted.since < day else None)
        if error is not None:
            return Delivery((), raw([]), failures={wanted.symbol: error}, calls=calls)
        rows = [one for one in self.rows.get(wanted.symbol, []) if _within(one["session"], wanted)]
        served = {one["session"] for one in rows}
        happened = [one for one in self.actions if one[0] == wanted.symbol and one[1] in served]
        return Delivery((wanted.symbol,), raw(rows), actions(*happened), calls=calls)

    def unrequested(self, _: Universe, __: frozenset[str]) -> Iterator[Delivery]:
        return iter(())

    def symbols(self, _: Universe) -> tuple[str, ...]:
        return ()

    def common_window(self, _: Universe) -> tuple[date, date] | None:
        return None

    def since(self) -> dict[str, date]:
        """Symbol → first day last asked for."""
        return {wanted.symbol: wanted.since for wanted in self.asked}


def _within(day: date, wanted: BarRequest) -> bool:
    return wanted.since <= day <= wanted.until


def requested(
    database: Database,
    source: PriceSource,
    *symbols: str,
    done: frozenset[str] = frozenset(),
    **options: Any,
) -> CollectionRequest:
    """What a face would ask for: the named symbols, or every listed one."""
    masters = PostgresMasters(database)
    instruments, settled, whole = plan_collection(JP, symbols or None, masters, source, done)
    known = masters.known_symbols(JP)
    given = {"history_start": HISTORY_START, "batch_type": "all_stocks" if whole else "partial", **options}
    return CollectionRequest(
        JP, Timeframe.D1, instruments, known, settled=settled, whole_market=whole, **given
    )


def collect(
    database: Database,
    source: PriceSource,
    *symbols: str,
    told: list[SymbolOutcome] | None = None,
    now: datetime = NOW,
    **options: Any,
) -> CollectionReport:
    if isinstance(source, Exchange):
        source.asked.clear()
    request = requested(database, source, *symbols, **options)
    ports = CollectionPorts(source, PostgresBars(database), PostgresLedger(database), lambda: now)
    return collect_prices(request, ports, (told if told is not None else []).extend)


def stored_closes(database: Database, symbol: str) -> dict[date, float]:
    """Session → close of everything stored of a symbol."""
    bars = PostgresBars(database).read(JP, Timeframe.D1, [symbol])
    return dict(bars.select(pl.col("session"), pl.col("close")).iter_rows())
