"""Port of the page of a symbol: what is known of an instrument, and what happened to its data."""

from dataclasses import dataclass
from typing import Protocol

import polars as pl


@dataclass(frozen=True)
class SymbolFacts:
    """What is known of an instrument beside its prices.

    Attributes:
        symbol: Its partition key.
        universe: Name of its universe.
        name: As its exchange's list has it, None where no list names it.
        market: Market segment.
        sector: Sector.
        size: Size category.
        security_type: Kind of security.
        currency: ISO 4217.
        price_unit: E.g. ``JPY per share``.
        is_listed: Whether its exchange still lists it.
        status_reason: Why not, where that is known.
    """

    symbol: str
    universe: str
    name: str | None
    market: str | None
    sector: str | None
    size: str | None
    security_type: str
    currency: str
    price_unit: str
    is_listed: bool
    status_reason: str | None


@dataclass(frozen=True)
class DataNews:
    """What happened to the data of a symbol.

    Attributes:
        restatements: ``timeframe``, ``reason``, ``ex_date``, ``factor``, ``first_session``, ``bars``, ``old_close``,
            ``new_close``, ``detected_at``, ``settled_at`` (UTC; null: what is derived is not computed anew yet).
        quarantined: ``timeframe``, ``ts`` (UTC), ``rule``, ``detail``, the refused values, ``source``,
            ``last_seen_at``, ``released_at`` (null: held).
        refused_actions: ``ex_date``, ``kind``, ``value``, ``rule``, ``detail``, ``last_seen_at``.
    """

    restatements: pl.DataFrame
    quarantined: pl.DataFrame
    refused_actions: pl.DataFrame


class SymbolRecords(Protocol):
    """Reads what is known of one symbol."""

    def facts(self, name: str) -> SymbolFacts | None:
        """The instrument of a symbol, or of a code of the Tokyo exchange; None where there is none."""

    def news(self, symbol: str, last: int) -> DataNews:
        """The newest that happened to its data."""
