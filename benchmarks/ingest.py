"""Archive ingest against a plain ADBC write of the same rows into the same table."""

import statistics
import time
from datetime import date

from sqlalchemy import text

from benchmarks.market import Year
from miraikakaku_assets.adapters.sources.files.archive import ArchiveSource
from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
from miraikakaku_assets.application.collection.collect_prices import collect_prices
from miraikakaku_assets.application.collection.request import CollectionPorts, CollectionRequest
from miraikakaku_assets.application.ports import MasterUpdate
from miraikakaku_assets.bootstrap import utc_now
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.domain.market.master import compare

_BARS = "SELECT * FROM miraikakaku.price_bars ORDER BY instrument_id, ts"


def measure(database: Database, year: Year, rounds: int) -> dict[str, float]:
    """Times both in turn and returns medians.

    Ours: read the file, validate, write bars and quarantine, keep the ledger. Floor: one ADBC append of the
    accepted rows, already in memory as Arrow, into the same empty table with its primary key and check.

    Returns:
        ``ours_s``, ``floor_s``, ``ratio`` (floor / ours, median of pairs), ``rows_per_s``.
    """
    put_in_force(database, year)
    ours, floors, ratios = [], [], []
    for _ in range(rounds):
        _empty(database)
        began = time.perf_counter()
        report = collect(database, year)
        ours.append(time.perf_counter() - began)
        if report != year.rows:
            raise RuntimeError(f"{report:,} of {year.rows:,} rows are accounted for")
        with database.bulk() as connection, connection.cursor() as cursor:
            cursor.execute(_BARS)
            rows = cursor.fetch_arrow_table()
        _empty(database)
        began = time.perf_counter()
        with database.bulk() as connection, connection.cursor() as cursor:
            cursor.adbc_ingest("price_bars", rows, mode="append", db_schema_name="miraikakaku")
        floors.append(time.perf_counter() - began)
        ratios.append(floors[-1] / ours[-1])
    return {
        "ours_s": statistics.median(ours),
        "floor_s": statistics.median(floors),
        "ratio": statistics.median(ratios),
        "rows_per_s": year.rows / statistics.median(ours),
    }


def put_in_force(database: Database, year: Year) -> None:
    """Puts a master into force that lists every symbol of the year."""
    new, now = year.stock_list(), utc_now()
    update = MasterUpdate("jp", "manual", "success", "benchmark", now, now, list_date=new.list_date)
    PostgresMasters(database).apply(JP, new, compare({}, new.issues), update)


def collect(database: Database, year: Year) -> int:
    """Collects the year from its file; returns the rows that were read."""
    masters = PostgresMasters(database)
    request = CollectionRequest(
        universe=JP,
        timeframe=Timeframe.D1,
        instruments=masters.instruments(JP),
        known=masters.known_symbols(JP),
        history_start=date.min,
        whole_market=True,
        batch_type="all_stocks",
    )
    ports = CollectionPorts(
        ArchiveSource(year.file), PostgresBars(database), PostgresLedger(database), utc_now
    )
    return collect_prices(request, ports, lambda _outcomes: None).rows_read


def _empty(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(
            text("TRUNCATE miraikakaku.price_bars, miraikakaku.quarantined_bars, miraikakaku.analysis_state")
        )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CHECKPOINT"))
