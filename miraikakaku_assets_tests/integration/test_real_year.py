"""The real TSE year through the whole way: four masters in order, one collection, coverage. Totals must add up.

The golden figures are those printed in README.md and docs/validation.md; the last test holds the pages to them.
"""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.files.state_folders import FolderFileStore, FolderReportStore
from miraikakaku_assets.adapters.sources.files.archive import ArchiveSource
from miraikakaku_assets.adapters.sources.jpx.stock_list import JpxList
from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger
from miraikakaku_assets.adapters.storage.coverage import PostgresCoverage
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
from miraikakaku_assets.adapters.storage.migrate import upgrade
from miraikakaku_assets.application.collection.collect_prices import collect_prices
from miraikakaku_assets.application.collection.plan import plan_collection
from miraikakaku_assets.application.collection.report import CollectionReport
from miraikakaku_assets.application.collection.request import CollectionPorts, CollectionRequest
from miraikakaku_assets.application.coverage.report import report_coverage
from miraikakaku_assets.application.ports import SymbolOutcome
from miraikakaku_assets.application.reference.update_master import update_master
from miraikakaku_assets.bootstrap import utc_now
from miraikakaku_assets.domain.errors import MasterRefusedError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe

pytestmark = pytest.mark.slow
PARQUET = "jp_daily/jp_daily_all4178_2024-12_2025-12.parquet"
DOCS = Path(__file__).resolve().parents[2]
MASTERS = {
    # list: (added, updated, removed, returned, unchanged), rule of the guard's objection
    "20220331": ((4179, 0, 0, 0, 0), None),
    "20220428": ((12, 3764, 7, 0, 408), "markets_changed"),
    "20240731": ((389, 850, 190, 0, 3144), "more_issues"),
    "20250930": ((172, 645, 153, 1, 3585), None),
}
ROWS, STORED, QUARANTINED = 1_006_943, 995_976, 10_967
RULES = {
    "no_price": 7_727,
    "price_out_of_range": 2_170,
    "not_a_session": 561,
    "not_in_master": 493,
    "inconsistent_range": 12,
    "limit_absurd": 3,
    "limit_undone": 1,
}


class Market:
    """The real market in a database of its own."""

    def __init__(self, database: Database, data: Path, home: Path) -> None:
        self.database = database
        self.data = data
        self.home = home
        self.masters = PostgresMasters(database)
        self.source = ArchiveSource(data / PARQUET)

    def update(self, listed: str, *, accept: bool) -> tuple[int, ...]:
        update = update_master(
            JP,
            str(self.data / "jpx" / f"data_j_{listed}.xls"),
            source=JpxList(30),
            store=self.masters,
            shelf=FolderFileStore(self.home),
            clock=utc_now,
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
        heard: list[SymbolOutcome] = []
        known = self.masters.known_symbols(JP)
        fetched, settled, whole = plan_collection(JP, sorted(known), self.masters, self.source)
        request = CollectionRequest(
            JP, Timeframe.D1, fetched, known, date.min, settled=settled, whole_market=whole
        )
        ports = CollectionPorts(
            self.source, PostgresBars(self.database), PostgresLedger(self.database), utc_now
        )
        return collect_prices(request, ports, heard.extend), heard

    def digest(self) -> object:
        """Everything a second run must not change."""
        query = "SELECT md5(string_agg(b::text, '' ORDER BY instrument_id, ts)) FROM miraikakaku.price_bars b"
        with self.database.engine.connect() as connection:
            return connection.scalar(text(query))


@pytest.fixture
def market(database_url: str, real_data: Path, tmp_path: Path) -> Iterator[Market]:
    database = Database(database_url)
    upgrade(database)
    yield Market(database, real_data, tmp_path)
    database.close()


def test_the_real_year_is_accounted_for_to_the_last_row(market: Market):
    for listed, (counts, objection) in MASTERS.items():
        if objection is not None:
            with pytest.raises(MasterRefusedError, match=objection):
                market.update(listed, accept=False)
        assert market.update(listed, accept=objection is not None) == counts
        assert market.update(listed, accept=False) == (0, 0, 0, 0, sum(counts) - counts[2])
    first, heard = market.collect()
    assert first.balanced
    assert not first.failures
    assert (first.rows_read, first.inserted, first.quarantined) == (ROWS, STORED, QUARANTINED)
    assert dict(first.rules) == RULES
    assert first.rows_read == sum(outcome.rows_read for outcome in heard)
    before = market.digest()
    second, _ = market.collect()
    assert (second.inserted, second.restated) == (0, 0)
    assert market.digest() == before
    _check_coverage(market)


def _check_coverage(market: Market) -> None:
    findings, _ = report_coverage(
        JP,
        Timeframe.D1,
        source=market.source,
        store=PostgresCoverage(market.database),
        shelf=FolderReportStore(market.home),
        clock=utc_now,
        history_start=date.min,
        threshold=0.95,
    )
    assert (findings.first, findings.last) == (date(2024, 12, 23), date(2025, 12, 22))
    assert (findings.whole.stored, findings.whole.expected) == (993_630, 1_038_255)
    for segment in findings.segments:
        assert sum(segment.causes.values()) == segment.expected - segment.stored
    assert findings.gaps.height == findings.whole.expected - findings.whole.stored


def test_the_documentation_says_what_was_measured():
    readme = (DOCS / "README.md").read_text()
    for figure in (ROWS, STORED, QUARANTINED, RULES["price_out_of_range"]):
        assert f"{figure:,}" in readme
    table = dict(
        re.findall(
            r"^\| `(\w+)` \|.*\| ([\d,]+) \|$", (DOCS / "docs/validation.md").read_text(), re.MULTILINE
        )
    )
    assert {rule: int(count.replace(",", "")) for rule, count in table.items() if count != "0"} == RULES
