"""Ports: what the use cases need from the outside, as small protocols.

Adapters implement them; `miraikakaku_assets.bootstrap` puts them together. Sources and stores are *driven*
(the use case calls them); `Listener` is how whoever drives the use case (Dagster, the command line) hears
what has been done.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import polars as pl

from miraikakaku_assets.domain.bars.frame import ACTIONS, empty
from miraikakaku_assets.domain.bars.validation import ValidatedBars
from miraikakaku_assets.domain.coverage.report import CoverageFindings, Holdings
from miraikakaku_assets.domain.errors import SymbolError
from miraikakaku_assets.domain.market.instruments import Instrument, Timeframe, Universe
from miraikakaku_assets.domain.market.master import KnownIssue, MasterDiff, StockList


class Clock(Protocol):
    """Where the time comes from."""

    def __call__(self) -> datetime:
        """The moment now, with a time zone."""


# --- stock master ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PublishedFile:
    """Bytes of a list as they came in, kept as they are.

    Attributes:
        name: URL (without credentials) or path, for messages.
        content: The bytes.
    """

    name: str
    content: bytes


class MasterSource(Protocol):
    """An exchange's published list."""

    def fetch(self, location: str) -> PublishedFile:
        """Reads a URL or file.

        Raises:
            DependencyUnavailableError: The URL cannot be reached.
            InputFileError: The file does not exist or is empty.
        """

    def parse(self, file: PublishedFile) -> StockList:
        """Reads the list out of the file.

        Raises:
            InputFileError: The file is not such a list; names the rule and, where it applies, the row.
        """


class FileShelf(Protocol):
    """Keeps published files: those in force and those in quarantine."""

    def keep(self, kind: str, file: PublishedFile, sha256: str, label: str) -> Path:
        """Stores the bytes once under ``kind`` (``masters`` or ``quarantine``) and returns the path."""


@dataclass(frozen=True)
class MasterUpdate:
    """One line of the update history (table ``stock_master_updates``)."""

    universe: str
    update_type: str
    status: str
    source: str
    started_at: datetime
    completed_at: datetime
    total_stocks: int = 0
    added_stocks: int = 0
    updated_stocks: int = 0
    removed_stocks: int = 0
    returned_stocks: int = 0
    unchanged_stocks: int = 0
    list_date: date | None = None
    sha256: str | None = None
    stored_file: str | None = None
    rule: str | None = None
    error_message: str | None = None
    accepted_mass_change: bool = False


class MasterStore(Protocol):
    """The stock master and the history of its updates."""

    def exclusive(self, universe: Universe) -> AbstractContextManager[None]:
        """One update of a universe at a time: a list is put into force against the master it was compared with."""

    def known(self, universe: Universe) -> Mapping[str, KnownIssue]:
        """The master by exchange code, inactive issues included."""

    def last_list_date(self, universe: Universe) -> date | None:
        """Date of the list in force, None before the first."""

    def apply(self, universe: Universe, new: StockList, diff: MasterDiff, update: MasterUpdate) -> None:
        """Puts a list into force and records the update, all or nothing."""

    def record(self, update: MasterUpdate) -> None:
        """Records an update that put nothing into force."""

    def instruments(self, universe: Universe, symbols: Sequence[str] | None = None) -> list[Instrument]:
        """Instruments of active issues, sorted by symbol; those of `symbols` even when inactive."""

    def known_symbols(self, universe: Universe) -> Mapping[str, int]:
        """Symbol → instrument id of all issues ever listed, active or not."""


# --- prices ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BarRequest:
    """Bars wanted of one symbol.

    Attributes:
        symbol: Yahoo symbol.
        since: First session wanted (exchange date).
        until: Last session wanted (exchange date).
    """

    symbol: str
    since: date
    until: date


@dataclass(frozen=True)
class Delivery:
    """What a source sent for some of the requested symbols.

    Attributes:
        symbols: Symbols that were served, with or without rows.
        bars: Schema `RAW_DAILY`.
        actions: Schema `ACTIONS`.
        failures: Symbols that could not be served, with their error.
        requests: HTTP requests or files it took.
    """

    symbols: tuple[str, ...]
    bars: pl.DataFrame
    actions: pl.DataFrame = field(default_factory=lambda: empty(ACTIONS))
    failures: Mapping[str, SymbolError] = field(default_factory=dict)
    requests: int = 0


class PriceSource(Protocol):
    """Where bars come from."""

    @property
    def name(self) -> str:
        """Stored with each bar, e.g. ``yahoo`` or ``archive``."""

    @property
    def is_fixed(self) -> bool:
        """Whether it holds a fixed set of rows, delisted issues included, instead of serving what is listed."""

    def deliver(
        self, universe: Universe, timeframe: Timeframe, requests: Sequence[BarRequest]
    ) -> Iterator[Delivery]:
        """Serves the requests in deliveries of its own size; every requested symbol is in exactly one.

        Raises:
            DependencyUnavailableError: The source as a whole cannot be reached.
            InputFileError: An archive as a whole is not readable.
        """

    def unrequested(self, universe: Universe, requested: frozenset[str]) -> Delivery | None:
        """All bars of symbols that were not asked for, where the source holds a fixed set; None otherwise."""

    def common_window(self, universe: Universe) -> tuple[date, date] | None:
        """First and last day a fixed source holds for at least half of its symbols; None when open-ended."""


@dataclass(frozen=True)
class WriteResult:
    """Rows written per symbol: columns ``symbol``, ``inserted``, ``restated``, ``unchanged``, ``withdrawn``."""

    counts: pl.DataFrame


class BarStore(Protocol):
    """Bars, corporate actions and the quarantine."""

    def newest_sessions(self, universe: Universe, timeframe: Timeframe) -> Mapping[str, date]:
        """Symbol → exchange date of its newest final bar."""

    def previous_closes(
        self, universe: Universe, timeframe: Timeframe, first: Mapping[str, date]
    ) -> pl.DataFrame:
        """Close of the last stored bar before a date, per symbol: columns ``symbol``, ``previous``."""

    def read(
        self,
        universe: Universe,
        timeframe: Timeframe,
        symbols: Sequence[str] | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> pl.DataFrame:
        """Stored bars by symbol and time, raw.

        Columns ``symbol``, ``session`` (exchange date), ``ts`` (UTC), ``open``, ``high``, ``low``, ``close``,
        ``volume``, ``status``, ``flag``, ``source``.
        """

    def actions(self, universe: Universe, symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """Stored dividends and splits, schema `ACTIONS`."""

    def write(
        self,
        timeframe: Timeframe,
        instruments: Mapping[str, int],
        bars: ValidatedBars,
        actions: pl.DataFrame,
        source: str,
        fetched_at: datetime,
    ) -> WriteResult:
        """Writes a validated delivery in one transaction; doing it twice changes nothing."""


# --- ledger and coverage --------------------------------------------------------------------------------


@dataclass(frozen=True)
class SymbolOutcome:
    """What happened to one symbol in one collection.

    ``rows_read = inserted + restated + unchanged + quarantined`` always holds.

    Attributes:
        verdict: ``ok`` (new or restated bars), ``no_new_data``, or the error's kind; for symbols nobody asked
            for, ``delisted`` (in the master, no longer listed) or ``not_in_master``.
        requested: Whether the collection was asked for it.
        error: The error that kept the symbol from being served, if any.
        first: First accepted session of this collection.
        last: Last accepted session of this collection.
    """

    symbol: str
    verdict: str
    rows_read: int = 0
    inserted: int = 0
    restated: int = 0
    unchanged: int = 0
    quarantined: int = 0
    flagged: int = 0
    first: date | None = None
    last: date | None = None
    error: SymbolError | None = None
    requested: bool = True

    @property
    def failed(self) -> bool:
        """Whether the symbol could not be served."""
        return self.error is not None


class Listener(Protocol):
    """Hears what a collection has done, right after it was committed."""

    def __call__(self, outcomes: Sequence[SymbolOutcome], /) -> None:
        """Takes the outcomes of one committed delivery."""


class Ledger(Protocol):
    """Written account of collections: ``batch_executions`` and ``batch_execution_details``."""

    def begin(
        self,
        universe: Universe,
        timeframe: Timeframe,
        source: str,
        total: int,
        batch_type: str,
        run_id: str | None,
    ) -> int:
        """Opens a batch and returns its number."""

    def add(self, batch: int, outcomes: Sequence[SymbolOutcome]) -> None:
        """Adds outcomes to the batch and moves its counters, in one transaction."""

    def end(self, batch: int, status: str, error_message: str | None = None) -> None:
        """Closes the batch as ``completed``, ``failed`` or ``paused``."""


class CoverageStore(Protocol):
    """What coverage is computed from and where it is written."""

    def holdings(self, universe: Universe, timeframe: Timeframe, first: date, last: date) -> Holdings | None:
        """Active issues with their sessions stored and quarantined between two dates; None without a master."""

    def save(self, findings: CoverageFindings, report_file: str) -> None:
        """Replaces the gaps and adds the report, in one transaction."""


class ReportShelf(Protocol):
    """Folder of JSON reports for people and scripts."""

    def write(self, stem: str, moment: datetime, content: Mapping[str, object]) -> Path:
        """Writes ``<stem>_<YYYYmmdd_HHMMSS>.json`` and returns its path."""
