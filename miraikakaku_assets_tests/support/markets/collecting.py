"""Collections from a price source into a real database."""

from datetime import date, datetime
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
from miraikakaku_assets.application.ports import PriceSource, SymbolOutcome
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets_tests.fakes.exchange import NOW, Exchange

HISTORY_START = date(2024, 1, 4)


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
