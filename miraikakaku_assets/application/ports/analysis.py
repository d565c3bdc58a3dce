"""Ports of the analysis: what is due, and where derived bars, indicators and signals are stored."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, Protocol

import polars as pl

from miraikakaku_assets.application.ports.notices import NewAlert
from miraikakaku_assets.domain.bars.price_basis import PriceBasis
from miraikakaku_assets.domain.errors import SymbolError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.patterns.definitions import DEFAULT

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""After every bar: nothing of that timeframe is computed again."""


@dataclass(frozen=True)
class AnalysisRequest:
    """What an analysis is asked for.

    Attributes:
        universe: Whose symbols.
        collected: Timeframe of the bars it starts from: 1d leads to 1w and 1mo, 5m to 1h, 4h and the patterns.
        symbols: Each once; None for all that have bars of it.
        basis: Price basis of indicators and patterns.
        definition: Of the patterns.
        full_refresh: Compute everything from the first bar on, whether or not something changed.
        since: The same from the bars of that session (exchange date) on; None does what is due.
        channels: Names of the channels a new signal is sent to.
        run_id: Run that does it.
    """

    universe: Universe
    collected: Timeframe
    symbols: Sequence[str] | None = None
    basis: PriceBasis = PriceBasis.SPLIT_ADJUSTED
    definition: str = DEFAULT
    full_refresh: bool = False
    since: date | None = None
    channels: tuple[str, ...] = ()
    run_id: str = ""


@dataclass(frozen=True)
class SymbolAnalysis:
    """What became of one symbol.

    Attributes:
        symbol: Whose.
        verdict: ``ok`` (something was computed), ``up_to_date``, ``no_bars`` (what was derived from bars that are
            gone is gone, too), or the error's kind.
        bars: Timeframe → derived bars that were written.
        indicators: Timeframe → rows of indicators that were written.
        signals: Signals that were not there before.
        newest: Timeframe → start of its newest final bar (UTC), collected and derived, of the symbols that were
            computed.
        error: Why it could not be analysed, if so.
    """

    symbol: str
    verdict: str
    bars: Mapping[Timeframe, int] = field(default_factory=dict)
    indicators: Mapping[Timeframe, int] = field(default_factory=dict)
    signals: int = 0
    newest: Mapping[Timeframe, datetime] = field(default_factory=dict)
    error: SymbolError | None = None

    @property
    def failed(self) -> bool:
        """Whether the symbol could not be analysed."""
        return self.error is not None


class AnalysisListener(Protocol):
    """Called with the outcomes of an analysis, right after they were committed."""

    def __call__(self, done: Sequence[SymbolAnalysis], /) -> None:
        """Takes the outcomes of one committed transaction."""


@dataclass
class AnalysisReport:
    """What an analysis has done, in sum.

    Attributes:
        symbols: How many it was asked for.
        verdicts: Verdict → symbols.
        bars: Timeframe → derived bars written.
        indicators: Timeframe → rows of indicators written.
        signals: Signals that were not there before.
        failures: Symbol → why.
    """

    symbols: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    bars: dict[Timeframe, int] = field(default_factory=dict)
    indicators: dict[Timeframe, int] = field(default_factory=dict)
    signals: int = 0
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Standing:
    """How far a symbol is analysed, and what has happened to its bars since; all moments in UTC.

    Attributes:
        symbol: Whose.
        id: Of the instrument.
        revision: Of its collected bars; an analysis counts only if it is still the same when it is stored.
        changed_since: Start of the earliest bar that came, changed or went; None: none did.
        open_since: Start of the earliest derived bar that time alone will close.
        settles_at: A collection from then on closes one.
        basis: Price basis it was analysed on; None: never.
        judged_by: Rules of its signals, as `judged_by` of the definition marks them.
        checked_at: When everything up to then was last collected; None: not known.
        first: Start of its first collected bar; None: it has none.
        newest: Start of its newest one.
    """

    symbol: str
    id: int
    revision: int
    changed_since: datetime | None = None
    open_since: datetime | None = None
    settles_at: datetime | None = None
    basis: str | None = None
    judged_by: str | None = None
    checked_at: datetime | None = None
    first: datetime | None = None
    newest: datetime | None = None


@dataclass(frozen=True)
class Material:
    """What a group of symbols is computed from; bars are raw and sorted by symbol and ts, from the first one on.

    Attributes:
        bars: Collected bars: ``symbol``, ``ts``, the prices, ``volume``, ``status``, ``flag``, ``fetched_at``.
        daily: Daily bars of the same columns, for patterns; without rows where `bars` are the daily ones.
        actions: Schema `ACTIONS`, those without a flag.
        signals: Stored signals, columns as of `AnalysisStore.signals`.
    """

    bars: pl.DataFrame
    daily: pl.DataFrame
    actions: pl.DataFrame
    signals: pl.DataFrame


@dataclass(frozen=True)
class Found:
    """Signals of a group of symbols.

    Attributes:
        since: Symbol → start of the first five-minute bar that was judged; None: the first of all. What is stored
            from there on and is not in `signals` has vanished.
        signals: Schema `SIGNALS` with ``close`` (raw, in the instrument's unit), and ``track_record`` (JSON text
            or null) for those that are new.
        alerts: Symbol → alerts to raise.
        withdrawn: Symbol → keys of alerts about signals that have vanished.
    """

    since: Mapping[str, datetime | None]
    signals: pl.DataFrame
    alerts: Mapping[str, Sequence[NewAlert]] = field(default_factory=dict)
    withdrawn: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Analysis:
    """What a group of symbols came to, ready to be stored.

    Attributes:
        collected: Timeframe of the bars it started from.
        standings: The symbols, as they were when their bars were read.
        since: Timeframe → symbol → start of the first bar that is replaced; None: all of them.
        bars: Derived timeframe → schema `AGGREGATED`, from `since` on, raw.
        indicators: Timeframe → ``symbol``, ``ts`` and the indicators, from `since` on.
        waiting: Columns ``symbol``, ``since`` and ``settles_at`` of derived bars that time alone will close.
        basis: Price basis of the indicators.
        definition: Of the patterns; None where none were looked for.
        now: When it was computed (UTC).
        judgement: Of the patterns; None where none were looked for.
    """

    collected: Timeframe
    standings: Sequence[Standing]
    since: Mapping[Timeframe, Mapping[str, datetime | None]]
    bars: Mapping[Timeframe, pl.DataFrame]
    indicators: Mapping[Timeframe, pl.DataFrame]
    waiting: pl.DataFrame
    basis: PriceBasis
    definition: str | None
    now: datetime
    judgement: Found | None = None


@dataclass(frozen=True)
class Saved:
    """What of an analysis was stored.

    Attributes:
        symbols: Those whose bars had not changed meanwhile; nothing was written of the others.
        signals: Symbol → signals that were not there before.
    """

    symbols: AbstractSet[str]
    signals: Mapping[str, int] = field(default_factory=dict)


class AnalysisStore(Protocol):
    """Marks, what an analysis is computed from, and where it goes."""

    def standings(
        self, universe: Universe, collected: Timeframe, symbols: Sequence[str] | None = None
    ) -> list[Standing]:
        """All symbols that have, or had, collected bars; in the order of their instruments' numbers."""

    def mark_all(
        self,
        universe: Universe,
        collected: Timeframe,
        symbols: Sequence[str] | None = None,
        since: datetime | None = None,
    ) -> None:
        """Marks everything as due from each symbol's first bar on, or from the first at or after a moment (UTC)."""

    def material(
        self, universe: Universe, collected: Timeframe, standings: Sequence[Standing], definition: str
    ) -> Material:
        """What these symbols are computed from."""

    def market(self, universe: Universe, timeframe: Timeframe, since: datetime) -> pl.DataFrame:
        """Final bars of all symbols since a moment (UTC): ``symbol``, ``ts``, ``close`` (raw), sorted by both."""

    def actions(self, universe: Universe) -> pl.DataFrame:
        """Dividends and splits without a flag, schema `ACTIONS`."""

    def signals(
        self,
        universe: Universe,
        symbols: Sequence[str] | None = None,
        since: datetime | None = None,
        definition: str | None = None,
    ) -> pl.DataFrame:
        """Stored signals, newest last; schema `SIGNALS` with ``close``, ``track_record`` and ``detected_at``."""

    def indicators(self, universe: Universe, timeframe: Timeframe, symbols: Sequence[str]) -> pl.DataFrame:
        """Columns ``symbol``, ``ts`` and the indicators, sorted by symbol and ts."""

    def save(self, analysis: Analysis) -> Saved:
        """Stores an analysis in one transaction.

        Symbols whose revision has moved since it was read are left out and keep their mark. Of the others all
        derived rows from `Analysis.since` on are replaced, signals that are known already keep their detection
        and their track record, alerts are raised, restatements are settled, and the mark is cleared.
        """


class SignalFilter(NamedTuple):
    """Which signals are wanted; None stands for any.

    Attributes:
        universe: Name of whose.
        definition: Of the patterns.
        pattern: Key of one pattern.
        direction: ``BUY``, ``SELL`` or ``NEUTRAL``.
        symbol: One instrument.
    """

    universe: str
    definition: str
    pattern: str | None = None
    direction: str | None = None
    symbol: str | None = None


class SignalLists(Protocol):
    """Pages of signals."""

    def page(self, chosen: SignalFilter, limit: int, offset: int) -> tuple[int, Sequence[Mapping[str, Any]]]:
        """How many signals there are, and some of them, newest first."""

    def newest_of_sides(self, chosen: SignalFilter) -> Sequence[Mapping[str, Any]]:
        """The newest signal of each side of each pattern with its record, and how many there are."""
