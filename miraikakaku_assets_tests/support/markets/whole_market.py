"""A whole market of Tokyo in a database of its own: its lists, the archive of its bars, and the books about both."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import text

from miraikakaku_assets.adapters.files.state_folders import FolderFileStore, FolderReportStore
from miraikakaku_assets.adapters.sources.files.archive import ArchiveSource
from miraikakaku_assets.adapters.sources.jpx.stock_list import JpxList
from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger
from miraikakaku_assets.adapters.storage.coverage.store import PostgresCoverage
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
from miraikakaku_assets.application.collection.collect_prices import collect_prices
from miraikakaku_assets.application.collection.plan import plan_collection
from miraikakaku_assets.application.collection.report import CollectionReport
from miraikakaku_assets.application.collection.request import CollectionPorts, CollectionRequest
from miraikakaku_assets.application.coverage.report import report_coverage
from miraikakaku_assets.application.ports import Clock, SymbolOutcome
from miraikakaku_assets.application.reference.update_master import update_master
from miraikakaku_assets.domain.coverage.report import CoverageFindings
from miraikakaku_assets.domain.market.instruments import JP, Timeframe


@dataclass(frozen=True)
class WholeMarket:
    """Use cases over real adapters.

    Attributes:
        database: With today's tables.
        archive: Parquet file of daily bars.
        home: Folder of the installation.
        clock: What it goes by.
    """

    database: Database
    archive: Path
    home: Path
    clock: Clock

    def update(self, listed: Path, *, accept: bool = False) -> tuple[int, ...]:
        """Issues that a list of JPX adds, updates, removes, brings back and leaves as they were."""
        update = update_master(
            JP,
            str(listed),
            source=JpxList(30),
            store=PostgresMasters(self.database),
            shelf=FolderFileStore(self.home),
            clock=self.clock,
            accept_mass_change=accept,
        )
        return (
            update.added_stocks,
            update.updated_stocks,
            update.removed_stocks,
            update.returned_stocks,
            update.unchanged_stocks,
        )

    def collect(self) -> tuple[CollectionReport, list[SymbolOutcome]]:
        """Collects every known symbol from the archive; the report, and the outcome of each symbol."""
        outcomes: list[SymbolOutcome] = []
        masters, source = PostgresMasters(self.database), ArchiveSource(self.archive)
        known = masters.known_symbols(JP)
        fetched, settled, whole = plan_collection(JP, sorted(known), masters, source)
        request = CollectionRequest(
            JP, Timeframe.D1, fetched, known, date.min, settled=settled, whole_market=whole
        )
        ports = CollectionPorts(
            source, PostgresBars(self.database), PostgresLedger(self.database), self.clock
        )
        return collect_prices(request, ports, outcomes.extend), outcomes

    def digest(self) -> object:
        """Everything a second run must not change."""
        query = "SELECT md5(string_agg(b::text, '' ORDER BY instrument_id, ts)) FROM miraikakaku.price_bars b"
        with self.database.engine.connect() as connection:
            return connection.scalar(text(query))

    def coverage(self) -> CoverageFindings:
        """Missing sessions by cause; every gap has one cause."""
        findings, _ = report_coverage(
            JP,
            Timeframe.D1,
            source=ArchiveSource(self.archive),
            store=PostgresCoverage(self.database),
            shelf=FolderReportStore(self.home),
            clock=self.clock,
            history_start=date.min,
            threshold=0.95,
        )
        for segment in findings.segments:
            assert sum(segment.causes.values()) == segment.expected - segment.stored
        assert findings.gaps["missing_bars"].sum() == findings.whole.expected - findings.whole.stored
        return findings
