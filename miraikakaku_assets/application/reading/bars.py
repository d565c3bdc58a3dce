"""Use cases: stored bars of a symbol, or of a whole market on a day, on the basis somebody wants."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from miraikakaku_assets.application.ports.prices import BarReader
from miraikakaku_assets.domain.bars.price_basis import PriceBasis, on_basis
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe


class StoredBars(BarReader, Protocol):
    """Reads bars and corporate actions."""

    def read_session(self, universe: Universe, timeframe: Timeframe, session: date) -> pl.DataFrame:
        """Stored bars of a whole universe of one day."""

    def actions(
        self, universe: Universe, symbols: Sequence[str] | None = None, *, trusted: bool = False
    ) -> pl.DataFrame:
        """Stored dividends and splits."""


class StoredIndicators(Protocol):
    """Reads indicators."""

    def indicators(self, universe: Universe, timeframe: Timeframe, symbols: Sequence[str]) -> pl.DataFrame:
        """Columns ``symbol``, ``ts`` and the indicators."""


@dataclass(frozen=True)
class Window:
    """Exchange dates, both included.

    Attributes:
        since: None from the first bar on.
        until: None up to the newest.
    """

    since: date | None = None
    until: date | None = None


def symbol_bars(
    universe: Universe,
    timeframe: Timeframe,
    symbol: str,
    basis: PriceBasis,
    window: Window,
    store: StoredBars,
) -> pl.DataFrame:
    """Bars of a symbol: ``symbol``, ``session``, ``ts`` (UTC), prices, ``volume``, ``status``, ``flag``, ``source``.

    Raises:
        ConfigurationError: Bars of that timeframe are not to be had on that basis here.
    """
    _require_basis(timeframe, basis)
    if basis is not PriceBasis.ADJUSTED:
        return store.read(universe, timeframe, [symbol], window.since, window.until)
    # Dividends behind the window's end adjust what is in it: the factor runs back from the newest bar.
    bars = store.read(universe, timeframe, [symbol], window.since)
    whole = on_basis(bars, basis, timeframe, universe, store.actions(universe, [symbol], trusted=True))
    return whole if window.until is None else whole.filter(pl.col("session") <= window.until)


def market_bars(universe: Universe, session: date, basis: PriceBasis, store: StoredBars) -> pl.DataFrame:
    """Daily bars of every symbol of a session, columns as of `symbol_bars`.

    Raises:
        ConfigurationError: Adjusted for dividends they would need every later bar.
    """
    if basis is PriceBasis.ADJUSTED:
        raise ConfigurationError(
            "a whole market by date has no prices adjusted for dividends; choose raw or split_adjusted"
        )
    return store.read_session(universe, Timeframe.D1, session)


def symbol_indicators(
    universe: Universe, timeframe: Timeframe, symbol: str, window: Window, store: StoredIndicators
) -> pl.DataFrame:
    """Indicators of a symbol; days of the window are the exchange's."""
    rows = store.indicators(universe, timeframe, [symbol])
    session = pl.col("ts").dt.convert_time_zone(universe.time_zone).dt.date()
    if window.since is not None:
        rows = rows.filter(session >= window.since)
    return rows if window.until is None else rows.filter(session <= window.until)


def _require_basis(timeframe: Timeframe, basis: PriceBasis) -> None:
    """Daily bars are on the newest scale as they are stored; shorter and longer ones are served as they are stored."""
    if timeframe is not Timeframe.D1 and basis is not PriceBasis.RAW:
        raise ConfigurationError(
            f"{timeframe} bars are served as they are stored; choose basis raw, or timeframe 1d"
        )
