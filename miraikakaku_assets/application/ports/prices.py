"""Ports of prices: where bars come from and where they are stored."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

import polars as pl

from miraikakaku_assets.domain.bars.actions import ValidatedActions
from miraikakaku_assets.domain.bars.file_basis import BASES
from miraikakaku_assets.domain.bars.frame import ACTIONS, empty
from miraikakaku_assets.domain.bars.restatement import Rescaling
from miraikakaku_assets.domain.bars.validation import ValidatedBars
from miraikakaku_assets.domain.errors import SymbolError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe


class Clock(Protocol):
    """Where the time comes from."""

    def __call__(self) -> datetime:
        """The moment now, with a time zone."""


@dataclass(frozen=True)
class BarRequest:
    """Bars wanted of one symbol.

    Attributes:
        symbol: Whose.
        since: First session wanted (exchange date).
        until: Last session wanted (exchange date).
    """

    symbol: str
    since: date
    until: date


@dataclass(frozen=True)
class Calls:
    """What one symbol took at the source.

    Attributes:
        requests: HTTP requests or files, retries included.
        seconds: Time the source took to answer them, without our own waiting.
        began: When the first of them was about to be sent (UTC); None when nothing was.
    """

    requests: int = 0
    seconds: float = 0.0
    began: datetime | None = None


NO_CALLS = Calls()


@dataclass(frozen=True)
class Delivery:
    """What a source sent for some of the requested symbols.

    Attributes:
        symbols: Symbols that were served, with or without rows.
        bars: Schema `RAW_DAILY` or `RAW_INTRADAY`.
        actions: Schema `ACTIONS`.
        failures: Symbols that could not be served, with their error.
        calls: What each symbol took; a symbol without an entry took nothing.
        underway: Symbols that were being fetched when it was handed on.
        bases: Schema `BASES`: what the prices of a file were before they came here; empty where a source quotes.
        source: Name of the source where it is another than that of the whole collection.
    """

    symbols: tuple[str, ...]
    bars: pl.DataFrame
    actions: pl.DataFrame = field(default_factory=lambda: empty(ACTIONS))
    failures: Mapping[str, SymbolError] = field(default_factory=dict)
    calls: Mapping[str, Calls] = field(default_factory=dict)
    underway: tuple[str, ...] = ()
    bases: pl.DataFrame = field(default_factory=lambda: empty(BASES))
    source: str = ""

    @property
    def requests(self) -> int:
        """HTTP requests or files it took."""
        return sum(call.requests for call in self.calls.values())


class PriceSource(Protocol):
    """Where bars come from; whoever derives from it serves what it is asked for and holds no fixed set of rows."""

    @property
    def name(self) -> str:
        """Stored with each bar."""

    @property
    def is_fixed(self) -> bool:
        """Whether it holds a fixed set of rows, delisted issues included, instead of serving what is listed."""
        return False

    def deliver(
        self,
        universe: Universe,
        timeframe: Timeframe,
        requests: Sequence[BarRequest],
        stopping: threading.Event | None = None,
    ) -> Iterator[Delivery]:
        """Serves the requests in deliveries of its own size; every requested symbol is in exactly one.

        Args:
            universe: Whose symbols are requested.
            timeframe: Length of the bars.
            requests: What is wanted, each symbol once.
            stopping: Set from another thread to end early.

        Raises:
            DependencyUnavailableError: The source as a whole cannot be reached.
            InputFileError: An archive as a whole is not readable.
        """

    def unrequested(self, universe: Universe, requested: frozenset[str]) -> Iterator[Delivery]:  # noqa: ARG002
        """All bars of symbols that were not asked for, where the source holds a fixed set; nothing otherwise."""
        return iter(())

    def symbols(self, universe: Universe) -> Sequence[str]:  # noqa: ARG002
        """Symbols that a fixed source holds rows of, sorted; none where it serves what it is asked for."""
        return ()

    def common_window(self, universe: Universe) -> tuple[date, date] | None:  # noqa: ARG002
        """First and last day a fixed source holds for at least half of its symbols; None when open-ended."""
        return None


@dataclass(frozen=True)
class Withdrawal:
    """A bar that was accepted once and is in quarantine now.

    Attributes:
        symbol: Whose.
        ts: Start of the bar (UTC).
        at: Exchange date, of bars within the day with the time.
        close: Its close.
        rule: Why it was refused.
        was_final: Whether it was more than a running bar.
    """

    symbol: str
    ts: datetime
    at: str
    close: float
    rule: str
    was_final: bool

    def __str__(self) -> str:
        """One line."""
        return f"{self.symbol} {self.at}: close {self.close:g} [{self.rule}]"


@dataclass(frozen=True)
class WriteResult:
    """What a delivery has changed.

    Attributes:
        counts: Rows per symbol: columns ``symbol``, ``inserted``, ``restated``, ``unchanged``, ``withdrawn`` and
            ``reconsidered`` (bars that were not delivered: let out of quarantine, or with another flag).
        withdrawn: Bars that are no longer stored.
    """

    counts: pl.DataFrame
    withdrawn: Sequence[Withdrawal] = ()


@dataclass(frozen=True)
class Held:
    """What is stored of one symbol.

    Attributes:
        newest: Exchange date of its newest final bar, None before the first.
        complete_from: Every session since then has been asked for and answered; None: not known.
        checked: Up to where that is so: sessions before this day were over when it was last asked for everything up
            to now. It is before `newest` when bars came in by a window with an end, or from files.
    """

    newest: date | None
    complete_from: date | None
    checked: date | None = None


@dataclass(frozen=True)
class Collected:
    """What a delivery says beside its bars.

    Attributes:
        complete_from: Symbol → every session since then has now been asked for and answered.
        rescaled: Symbol → history that was restated as a whole.
        actions: Its dividends and splits.
        channels: Names of the channels that are told when a stored bar is withdrawn.
    """

    complete_from: Mapping[str, date] = field(default_factory=dict)
    rescaled: Mapping[str, Rescaling] = field(default_factory=dict)
    actions: ValidatedActions | None = None
    channels: tuple[str, ...] = ()


class BarReader(Protocol):
    """Stored bars."""

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


class BarStore(BarReader, Protocol):
    """Bars, corporate actions and the quarantine."""

    def holdings(self, universe: Universe, timeframe: Timeframe) -> Mapping[str, Held]:
        """What is stored of each symbol that has a final bar or has been asked for."""

    def overlap(
        self, universe: Universe, timeframe: Timeframe, first: Mapping[str, date], sessions: int
    ) -> pl.DataFrame:
        """Stored final bars from a date on, of symbols that have older bars, too.

        Args:
            universe: Where the symbols belong.
            timeframe: Length of the bars.
            first: Symbol → first session of interest.
            sessions: How many bars of each symbol at most.

        Returns:
            Columns ``symbol``, ``session``, ``close``, and the symbol's first stored bar as ``oldest`` (session)
            and ``oldest_close``.
        """

    def neighbours(
        self,
        universe: Universe,
        timeframe: Timeframe,
        windows: Mapping[str, tuple[date, date]],
        bars: int | None,
    ) -> pl.DataFrame:
        """Bars within and around windows, stored ones and those that a rule about moves holds in quarantine.

        Args:
            universe: Where the symbols belong.
            timeframe: Length of the bars.
            windows: Symbol → first and last exchange date.
            bars: How many stored bars before and after each window; None for all there are.

        Returns:
            Schema `STORED_BARS`, sorted by symbol and time; at most one row per bar, the stored one if there is one.
        """

    def actions(
        self, universe: Universe, symbols: Sequence[str] | None = None, *, trusted: bool = False
    ) -> pl.DataFrame:
        """Stored dividends and splits, schema `ACTIONS`; `trusted` leaves out those that carry a flag."""

    def write(
        self,
        timeframe: Timeframe,
        instruments: Mapping[str, int],
        bars: ValidatedBars,
        source: str,
        fetched_at: datetime,
        collected: Collected | None = None,
    ) -> WriteResult:
        """Writes a validated delivery in one transaction; doing it twice changes nothing."""
