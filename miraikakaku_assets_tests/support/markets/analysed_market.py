"""Markets whose bars come, change and go, in a real database, and what an analysis leaves in its tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.analysis.store import PostgresAnalysis
from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.adapters.storage.masters.store import PostgresMasters
from miraikakaku_assets.application.analysis.analyze_bars import AnalysisPorts, analyze_bars
from miraikakaku_assets.application.ports import Collected, WriteResult
from miraikakaku_assets.application.ports.analysis import AnalysisReport, AnalysisRequest, SymbolAnalysis
from miraikakaku_assets.domain.bars.intervals import with_ends
from miraikakaku_assets.domain.bars.restatement import Rescaling
from miraikakaku_assets.domain.bars.validation import ValidatedBars
from miraikakaku_assets.domain.indicators.definitions import COLUMNS
from miraikakaku_assets.domain.market.instruments import FX, Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import expected_slots, session_table
from miraikakaku_assets_tests.support.markets.stored_market import listed, rows_of, undoubted

_BAR: dict[str, Any] = {
    "symbol": pl.String,
    "session": pl.Date,
    "stamp": pl.Datetime("us", "UTC"),
    "open": pl.Float64,
    "high": pl.Float64,
    "low": pl.Float64,
    "close": pl.Float64,
    "volume": pl.Float64,
    "row": pl.Int64,
    "ts": pl.Datetime("us", "UTC"),
}
_PRICES = ("open", "high", "low", "close")

_BARS = (
    "instrument_id, timeframe, ts, open, high, low, close, volume, source, status, flag, built_from, parts"
)
_SIGNALS = (
    "instrument_id, definition, pattern, direction, ts, at, name, name_ja, priority, close, evidence::text"
)
_STATE = "instrument_id, timeframe, changed_since, open_since, settles_at, basis, definition"

DERIVED = {
    "bars": ("price_bars WHERE built_from IS NOT NULL", f"{_BARS}, expected_parts"),
    "indicators": ("technical_indicators", ", ".join(("instrument_id", "timeframe", "ts", *COLUMNS))),
    "latest": ("latest_indicators", "*"),
    "signals": ("pattern_signals", f"{_SIGNALS}, take_profit_pips, stop_pips"),
    "state": ("analysis_state", _STATE),
}
"""What an analysis leaves, without the times at which it was done and what was known then."""

_ORDER = {
    "bars": "1, 2, 3",
    "indicators": "1, 2, 3",
    "latest": "1",
    "signals": "1, 2, 3, 4, 5",
    "state": "1, 2",
}


def derived(database: Database, *only: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is derived from bars, bit for bit."""
    return {
        name: rows_of(database, table, columns, _ORDER[name])
        for name, (table, columns) in DERIVED.items()
        if not only or name in only
    }


def marks(database: Database) -> dict[tuple[int, str], datetime | None]:
    """Instrument and timeframe → start of the earliest bar that changed."""
    rows = rows_of(database, "analysis_state", "instrument_id, timeframe, changed_since")
    return {(number, timeframe): since for number, timeframe, since in rows}


@dataclass
class Market:
    """A market with a clock.

    Attributes:
        database: Where its bars are.
        universe: Whose sessions it has.
        ids: Symbol → number of its instrument.
        now: The time.
        told: Symbol → report of its last analysis.
    """

    database: Database
    universe: Universe
    ids: Mapping[str, int]
    now: datetime
    told: dict[str, SymbolAnalysis] = field(default_factory=dict)

    def deliver(
        self,
        timeframe: Timeframe,
        rows: Iterable[Mapping[str, Any]],
        withdrawn: Iterable[Mapping[str, Any]] = (),
        actions: pl.DataFrame | None = None,
        rescaled: Sequence[Rescaling] = (),
        asked: Iterable[str] | None = None,
    ) -> WriteResult:
        """Stores bars as a collection would that ends now; statuses follow from the clock.

        Args:
            timeframe: Of the bars.
            rows: As from `walk`.
            withdrawn: Stored bars that are now judged bad.
            actions: Dividends and splits.
            rescaled: Histories that were restated as a whole.
            asked: Symbols collected up to now; those of the rows by default.
        """
        frame = pl.DataFrame(list(rows), schema=_BAR)
        late = (
            timedelta(0) if timeframe is Timeframe.D1 else self.universe.settling
        )  # days are known when final
        over = with_ends(frame, timeframe, self.universe)["ends"] + late
        status = pl.select(pl.when(over <= self.now).then(pl.lit("final")).otherwise(pl.lit("provisional")))
        accepted = frame.with_columns(status.to_series().alias("status"), flag=pl.lit(None, pl.String))
        refused = pl.DataFrame(list(withdrawn), schema=_BAR).with_columns(
            rule=pl.lit("unit_error"), detail=pl.lit("")
        )
        everyone = frame["symbol"].unique().to_list() if asked is None else asked
        collected = Collected(
            dict.fromkeys(everyone, date(2020, 1, 1)),
            {rescaling.symbol: rescaling for rescaling in rescaled},
            None if actions is None else undoubted(actions),
        )
        bars = ValidatedBars(accepted, refused)
        return PostgresBars(self.database).write(timeframe, self.ids, bars, "test", self.now, collected)

    def analyze(
        self, timeframe: Timeframe = Timeframe.M5, symbols: Sequence[str] | None = None, **options: Any
    ) -> AnalysisReport:
        """Analyses what is due."""
        self.told = {}

        def listen(done: Sequence[SymbolAnalysis]) -> None:
            self.told |= {analysis.symbol: analysis for analysis in done}

        request = AnalysisRequest(self.universe, timeframe, symbols, **options)
        ports = AnalysisPorts(PostgresAnalysis(self.database), lambda: self.now)
        return analyze_bars(request, ports, listen)

    def from_scratch(self, *timeframes: Timeframe, **options: Any) -> dict[str, list[tuple[Any, ...]]]:
        """What the same analysis gives where nothing was analysed before; the tables hold that afterwards."""
        with self.database.engine.begin() as connection:
            connection.execute(text("DELETE FROM miraikakaku.price_bars WHERE built_from IS NOT NULL"))
            connection.execute(
                text(
                    "TRUNCATE miraikakaku.technical_indicators, miraikakaku.pattern_signals,"
                    " miraikakaku.latest_indicators, miraikakaku.analysis_state"
                )
            )
        for timeframe in timeframes:
            assert not self.analyze(timeframe, **options).failures
        return derived(self.database)


def currencies(database: Database, *symbols: str, now: datetime) -> Market:
    """A market of currency pairs without a bar."""
    masters = PostgresMasters(database)
    masters.ensure_named(FX, symbols, now)
    return Market(database, FX, masters.known_symbols(FX), now)


def tokyo(database: Database, universe: Universe, *codes: str, now: datetime) -> Market:
    """A market of Tokyo's issues without a bar."""
    return Market(database, universe, listed(database, *codes), now)


def slots(universe: Universe, first: date, last: date) -> list[datetime]:
    """Starts of all five-minute bars that are due between two days."""
    days = session_table(universe.calendar).filter(pl.col("session").is_between(first, last))["session"]
    return [ts for day in days for ts in expected_slots(universe.calendar, day)]


def opens(universe: Universe, first: date, last: date) -> list[datetime]:
    """Stamps of all daily bars between two days."""
    table = session_table(universe.calendar)
    return table.filter(pl.col("session").is_between(first, last))["opens"].to_list()


def walk(
    symbol: str, stamps: Sequence[datetime], universe: Universe, seed: int, size: float = 0.001
) -> list[dict[str, Any]]:
    """Bars of a random walk around 100, with spells of a trend so that patterns show."""
    rng = np.random.default_rng(seed)
    spell = np.repeat(rng.normal(0, size / 6, len(stamps) // 200 + 1), 200)[: len(stamps)]
    close = 100 * np.exp(np.cumsum(rng.standard_t(4, len(stamps)) * size + spell))
    start = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(start, close) * (1 + rng.exponential(size / 2, len(close)))
    low = np.minimum(start, close) * (1 - rng.exponential(size / 2, len(close)))
    volume = rng.integers(0, 1_000, len(close)) if universe.has_volume else np.zeros(len(close), dtype=int)
    columns = (stamps, start, high, low, close, volume)
    return [
        {
            "symbol": symbol,
            "session": ts.date(),
            "stamp": ts,
            "ts": ts,
            "row": number,
            **dict(zip(_PRICES, map(float, prices), strict=True)),
            "volume": float(sold),
        }
        for number, (ts, *prices, sold) in enumerate(zip(*columns, strict=True))
    ]


def scaled(row: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """The bar with all prices multiplied."""
    return {**row, **{name: row[name] * factor for name in _PRICES}}


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


MINUTE = timedelta(minutes=1)
