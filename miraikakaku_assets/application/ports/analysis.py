"""Ports of the analysis: what is due, and where derived bars, indicators and signals are stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import polars as pl

from miraikakaku_assets.domain.bars.price_basis import PriceBasis
from miraikakaku_assets.domain.errors import SymbolError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe


@dataclass(frozen=True)
class AnalysisRequest:
    """What an analysis is asked for.

    Attributes:
        universe: Whose symbols.
        collected: Timeframe of the bars it starts from: 1d leads to 1w and 1mo, 5m to 1h, 4h and the patterns.
        symbols: Yahoo symbols, each once; None for all that have bars of it.
        basis: Price basis of indicators and patterns.
        definition: Of the patterns.
        again: Compute everything from the first bar on, whether or not something changed.
        channels: Names of the channels a new signal is sent to.
        run_id: Dagster run that does it.
    """

    universe: Universe
    collected: Timeframe
    symbols: Sequence[str] | None = None
    basis: PriceBasis = PriceBasis.SPLIT_ADJUSTED
    definition: str = "v2"
    again: bool = False
    channels: tuple[str, ...] = ()
    run_id: str = ""


@dataclass(frozen=True)
class SymbolAnalysis:
    """What became of one symbol.

    Attributes:
        symbol: Yahoo symbol.
        verdict: ``ok`` (something was computed), ``up_to_date``, ``no_bars``, or the error's kind.
        bars: Timeframe → derived bars that were written.
        indicators: Timeframe → rows of indicators that were written.
        signals: Signals that were not there before.
        newest: Timeframe → start of its newest final bar (UTC), of the symbols that were computed.
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
    """Hears what an analysis has done, right after it was committed."""

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
        signals: New signals, columns ``symbol``, ``pattern``, ``direction``, ``ts`` and more.
        failures: Symbol → why.
    """

    symbols: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    bars: dict[Timeframe, int] = field(default_factory=dict)
    indicators: dict[Timeframe, int] = field(default_factory=dict)
    signals: int = 0
    failures: dict[str, str] = field(default_factory=dict)


class IndicatorStore(Protocol):
    """Stored indicators and signals, for readers."""

    def indicators(self, universe: Universe, timeframe: Timeframe, symbols: Sequence[str]) -> pl.DataFrame:
        """Columns ``symbol``, ``ts`` and the indicators, sorted by symbol and ts."""

    def signals(
        self,
        universe: Universe,
        symbols: Sequence[str] | None = None,
        since: datetime | None = None,
        definition: str | None = None,
    ) -> pl.DataFrame:
        """Stored signals, newest last; schema `SIGNALS` with ``close``, ``track_record`` and ``detected_at``."""
