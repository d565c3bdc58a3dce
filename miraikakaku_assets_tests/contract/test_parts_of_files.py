"""Parts of a file of adjusted prices beside the history that they were cut from: one scale, whatever comes again."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from miraikakaku_assets.adapters.sources.files.archive import ArchiveSource
from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
from miraikakaku_assets.application.collection.import_bars import (
    ImportRequest,
    import_bars,
    refusal_sentences,
)
from miraikakaku_assets.application.collection.report import CollectionReport
from miraikakaku_assets.application.collection.request import CollectionPorts
from miraikakaku_assets.domain.bars.adjustment import dividend_adjusted
from miraikakaku_assets.domain.bars.file_basis import FileBasis
from miraikakaku_assets.domain.market.instruments import JP, US, Timeframe, Universe
from miraikakaku_assets.domain.market.master import ListedIssue
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets.domain.market.tokyo import tokyo_issue
from miraikakaku_assets_tests.fakes.exchange import NOW
from miraikakaku_assets_tests.support.markets.stored_market import PRIME, put_in_force, rows_of

PAID = {30: 40.0, 60: 35.0, 90: 45.0}  # position of the ex-date → per share
BARS = ("price_bars", "instrument_id, ts, open, high, low, close, volume, status, flag")


def file_of(universe: Universe) -> pl.DataFrame:
    """What yfinance writes of half a year: prices adjusted for three dividends, and no Adj Close."""
    days = sessions_between(universe.calendar, date(2025, 1, 6), date(2025, 6, 30))
    closes = [2_000.0 + 5 * (at * at * 7 % 9) for at in range(len(days))]
    quoted = pl.DataFrame(
        {"symbol": "X", "session": days} | dict.fromkeys(("open", "high", "low", "close"), closes)
    )
    paid = pl.DataFrame(
        {"symbol": "X", "ex_date": [days[at] for at in PAID], "kind": "dividend", "value": PAID.values()}
    )
    adjusted = dividend_adjusted(quoted, paid)
    return adjusted.select(
        pl.col("session").alias("Date"),
        *(pl.col(name).alias(name.title()) for name in ("open", "high", "low", "close")),
        pl.lit(100).alias("Volume"),
        pl.Series("Dividends", [PAID.get(at, 0.0) for at in range(len(days))]),
        pl.lit(0.0).alias("Stock Splits"),
    )


def imported(database: Database, universe: Universe, file: Path, *, strict: bool = False) -> CollectionReport:
    masters = PostgresMasters(database)
    if not masters.known_symbols(universe):
        apple = ListedIssue("AAPL", "Apple Inc.", "Nasdaq Global Select Market", "Nasdaq", "AAPL", "stock")
        issue = apple if universe is US else tokyo_issue("7203", "銘柄", PRIME)
        put_in_force(database, date(2024, 12, 31), issue, universe=universe)
    ports = CollectionPorts(
        ArchiveSource(file), PostgresBars(database), PostgresLedger(database), lambda: NOW
    )
    request = ImportRequest(universe, Timeframe.D1, file.name, strict=strict)
    return import_bars(request, ports, masters, lambda _: None)


def stored(database: Database) -> list[tuple[Any, ...]]:
    return rows_of(database, *BARS, order="ts")


PARTS = {"first": (0, 50), "middle": (40, 20), "row": (40, 1), "last": (70, 999)}


@pytest.mark.parametrize("universe", [JP, US], ids=lambda universe: universe.name)
def test_parts_of_an_adjusted_file_come_back_to_the_stored_prices(
    database: Database, tmp_path: Path, universe: Universe
) -> None:
    file = tmp_path / ("7203.csv" if universe is JP else "AAPL.csv")
    whole = file_of(universe)
    whole.write_csv(file)
    assert imported(database, universe, file).inserted == whole.height
    before = stored(database)
    for first, rows in PARTS.values():
        part = whole.slice(first, rows)
        part.write_csv(file)

        report = imported(database, universe, file)

        assert (report.rows_read, report.unchanged) == (part.height, part.height)
        assert not report.failures
        assert FileBasis.BEYOND not in report.bases
        assert stored(database) == before


@pytest.mark.parametrize("part", ["first", "middle", "last"])
@pytest.mark.parametrize("universe", [JP, US], ids=lambda universe: universe.name)
def test_a_part_on_a_scale_that_nothing_stored_explains_is_refused_whole(
    database: Database, tmp_path: Path, universe: Universe, part: str
) -> None:
    """As of a file from before a split that the stored history knows."""
    file = tmp_path / ("7203.csv" if universe is JP else "AAPL.csv")
    whole = file_of(universe)
    whole.write_csv(file)
    imported(database, universe, file)
    before, happened = stored(database), rows_of(database, "corporate_actions")
    other = whole.slice(*PARTS[part]).with_columns(
        pl.col("Open", "High", "Low", "Close") * 3, Dividends=pl.lit(0.0)
    )
    other.write_csv(file)

    report = imported(database, universe, file)

    assert (report.rows_read, report.quarantined) == (other.height, other.height)
    assert report.balanced
    assert not report.failures
    assert not report.bases
    (sentence,) = refusal_sentences(file.name, report)
    assert "on another scale than the stored ones" in sentence
    assert f"[rule other_scale; {other.height} rows in quarantine]" in sentence
    assert stored(database) == before
    assert rows_of(database, "corporate_actions") == happened


def test_corrected_bars_in_the_middle_of_a_history_are_taken(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "7203.csv"
    whole = file_of(JP)
    whole.write_csv(file)
    imported(database, JP, file)
    quoted = PostgresBars(database).read(JP, Timeframe.D1).slice(10, 4)
    better = quoted.select(
        "symbol", pl.col("session").alias("date"), "open", "high", "low",
        close=pl.col("close") + pl.Series([0.0, 5.0, 0.0, -5.0]), volume="volume",
    ).with_columns(high=pl.max_horizontal("high", "close"), low=pl.min_horizontal("low", "close"))  # fmt: skip
    better.write_csv(file)

    report = imported(database, JP, file)

    assert (report.rows_read, report.restated, report.unchanged) == (4, 2, 2)
