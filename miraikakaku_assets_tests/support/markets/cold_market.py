"""Two markets with months of five-minute bars, and everything that they answer: before bars move, and after."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from miraikakaku_assets.adapters.files.cold_files import FolderColdFiles
from miraikakaku_assets.adapters.storage.analysis.store import PostgresAnalysis
from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.cold.store import PostgresCold
from miraikakaku_assets.adapters.storage.coverage.store import PostgresCoverage
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.operations.figures import PostgresFigures
from miraikakaku_assets.adapters.storage.quality.store import PostgresQuality
from miraikakaku_assets.adapters.storage.status import PostgresStatus
from miraikakaku_assets.application.cold.move_bars import ColdPorts
from miraikakaku_assets.application.reading.bars import Window, symbol_bars
from miraikakaku_assets.application.work_progress import WorkProgress
from miraikakaku_assets.domain.bars.price_basis import PriceBasis
from miraikakaku_assets.domain.market.instruments import FX, JP, Timeframe, Universe
from miraikakaku_assets.domain.quality.batch import batch_of
from miraikakaku_assets.domain.quality.suites import suites_of
from miraikakaku_assets_tests.support.bars.raw_bars import actions
from miraikakaku_assets_tests.support.markets.analysed_market import (
    Market,
    currencies,
    derived,
    opens,
    slots,
    tokyo,
    utc,
    walk,
)
from miraikakaku_assets_tests.support.markets.stored_market import rows_of

M5, D1 = Timeframe.M5, Timeframe.D1
NOW = utc(2026, 6, 10, 12)
WEEKS = tuple(date(2026, month, day) for month, day in ((1, 26), (2, 23), (3, 2), (6, 1), (6, 8)))
"""Mondays of the weeks that have five-minute bars; the first two have moved when bars of three months have."""
PAIRS, CODES = ("EURUSD=X", "USDJPY=X"), ("1301", "1306", "7203")
SYMBOLS = tuple(f"{code}.T" for code in CODES)
SILENT = SYMBOLS[2]
"""Has traded in the first week only."""
OLD = date(2026, 2, 27)
"""A session whose bars move."""
PARTIAL = (date(2026, 2, 25), date(2026, 3, 4))
"""Dates on both sides of the moment at which bars move."""


def markets(database: Database, home: Path) -> tuple[Market, Market]:
    """USD/JPY and EUR/USD, and three issues of Tokyo with a split and a dividend among bars that move."""
    database.cold_files = FolderColdFiles(home)
    pairs = currencies(database, *PAIRS, now=NOW)
    issues = tokyo(database, JP, *CODES, now=NOW)
    days = date(2025, 9, 1), NOW.date()
    for number, pair in enumerate(PAIRS):
        pairs.deliver(D1, walk(pair, _past(opens(FX, *days)), FX, number, 0.01))
        pairs.deliver(M5, walk(pair, _past(_weeks(FX, WEEKS)), FX, number))
    for number, symbol in enumerate(SYMBOLS):
        split = actions(
            (symbol, date(2026, 2, 12), "split", 2.0), (symbol, date(2026, 2, 24), "dividend", 1.5)
        )
        issues.deliver(D1, walk(symbol, opens(JP, *days), JP, number, 0.01), actions=split)
        weeks = WEEKS[:1] if symbol == SILENT else WEEKS
        issues.deliver(M5, walk(symbol, _past(_weeks(JP, weeks)), JP, 10 + number))
    return pairs, issues


def _weeks(universe: Universe, mondays: Sequence[date]) -> list[datetime]:
    return [ts for monday in mondays for ts in slots(universe, monday, monday + timedelta(days=4))]


def _past(stamps: Iterable[datetime]) -> list[datetime]:
    return [ts for ts in stamps if ts < NOW]


def cold_ports(database: Database, now: datetime = NOW, after_days: int | None = 90) -> ColdPorts:
    """Cold storage of an installation."""
    assert database.cold_files is not None
    store = PostgresCold(database, database.cold_files)
    kept = timedelta(days=3)
    return ColdPorts(store, database.cold_files, after_days, kept, lambda: now, WorkProgress())


def answers(database: Database) -> Mapping[str, Any]:
    """What the readers of bars say, each as they are asked; frames are compared with order, types and values."""
    return _bars(database) | _analysis(database) | _judged(database)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Names of answers that are not the same."""
    return [name for name in before if not _same(before[name], after[name])]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, pl.DataFrame):
        return bool(one.schema == other.schema and one.equals(other, null_equal=True))
    return bool(one == other)


def _bars(database: Database) -> dict[str, Any]:
    bars = PostgresBars(database)
    of_symbol = {
        f"{symbol} {window}": symbol_bars(universe, M5, symbol, PriceBasis.RAW, window, bars)
        for universe, symbol in ((FX, PAIRS[1]), (JP, SYMBOLS[0]), (JP, SILENT))
        for window in (Window(), Window(*PARTIAL), Window(date(2026, 5, 1)), Window(None, OLD))
    }
    windows = {
        "cold": (date(2026, 1, 27), date(2026, 1, 28)),
        "across": PARTIAL,
        "hot": (date(2026, 6, 2), date(2026, 6, 4)),
    }
    around = {
        f"around {name} {universe.name} {count}": bars.neighbours(
            universe, M5, dict.fromkeys(symbols, window), count
        )
        for name, window in windows.items()
        for universe, symbols in ((FX, PAIRS), (JP, SYMBOLS))
        for count in (3, None)
    }
    whole = {
        f"{read} {universe.name}": value
        for universe in (FX, JP)
        for read, value in {
            "all": bars.read(universe, M5),
            "days": bars.read(universe, D1),
            "hours": bars.read(universe, Timeframe.H1),
            "session": bars.read_session(universe, M5, OLD),
            "holdings": bars.holdings(universe, M5),
            "newest": bars.newest_starts(universe, M5, (*PAIRS, *SYMBOLS)),
        }.items()
    }
    return of_symbol | around | whole


def _analysis(database: Database) -> dict[str, Any]:
    store = PostgresAnalysis(database)
    answers: dict[str, Any] = {"derived": derived(database)}
    for universe in (FX, JP):
        standings = store.standings(universe, M5)
        material = store.material(universe, M5, standings, "v2")
        answers |= {
            # The revision counts analyses, of which there is one in between.
            f"standings {universe.name}": [replace(standing, revision=0) for standing in standings],
            f"market {universe.name}": store.market(universe, M5, datetime(2026, 1, 28, tzinfo=UTC)),
            f"material {universe.name}": material.bars,
            f"days {universe.name}": material.daily,
        }
    return answers


def _judged(database: Database) -> dict[str, Any]:
    status, coverage, quality = (
        PostgresStatus(database),
        PostgresCoverage(database),
        PostgresQuality(database),
    )
    answers: dict[str, Any] = {
        "rows": sorted(map(str, status.analysed_rows())),
        "ages": PostgresFigures(database).figures(NOW).newest_bar_age,
    }
    for universe in (FX, JP):
        bars = status.read(universe, M5, {universe.calendar: NOW - timedelta(hours=1)})
        answers |= {f"status {name} {universe.name}": bars[name] for name in ("bars", "fresh_symbols")}
        for until in (OLD, None):
            batch = batch_of(universe, NOW, until)
            answers |= {
                f"{suite.name} {universe.name} {until}": (
                    quality.counted(suite, batch),
                    quality.rows(suite, batch).to_dicts(),
                )
                for suite in suites_of(universe)
                if suite.name != "table_schema"
            }
        answers[f"totals {universe.name}"] = quality.totals(universe, M5, *PARTIAL)
    for symbols in (None, SYMBOLS[:1]):
        holdings = coverage.holdings(JP, M5, WEEKS[0], NOW.date(), symbols)
        assert holdings is not None
        answers[f"coverage {symbols}"] = (holdings.grid.stored.tolist(), holdings.issues.to_dicts())
    return answers


def stored_rows(database: Database) -> list[tuple[Any, ...]]:
    """Five-minute bars of the database, all columns."""
    return rows_of(database, "price_bars WHERE timeframe = '5m'", "*", "instrument_id, ts")
