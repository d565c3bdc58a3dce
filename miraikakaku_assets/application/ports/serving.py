"""Ports of the API: pages of what is stored, and how often somebody may ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class Allowance:
    """Whether a request may be answered.

    Attributes:
        is_granted: Whether it may.
        left: Requests that may follow at once.
        reset_seconds: Until as many may follow as ever.
        wait_seconds: Until the next is granted, where this one was not.
    """

    is_granted: bool
    left: int
    reset_seconds: float
    wait_seconds: float


class RequestLimits(Protocol):
    """How many requests each key may send, over all processes."""

    per_minute: int

    async def take(self, key: str) -> Allowance:
        """Takes one request of a key.

        Raises:
            DependencyUnavailableError: The database cannot be reached.
        """


@dataclass(frozen=True)
class MasterFilter:
    """Which issues of a stock master are wanted.

    Attributes:
        universe: Name of whose.
        is_active: Listed or delisted ones; None for both.
        market_category: The segment, or how it begins (``プライム``).
        sector: Of 33業種区分.
        search: Part of a name, or how a code begins; full and half width are the same.
    """

    universe: str
    is_active: bool | None = True
    market_category: str | None = None
    sector: str | None = None
    search: str | None = None


@dataclass(frozen=True)
class NamedInstrument:
    """An instrument that a client has named.

    Attributes:
        universe: Name of its universe.
        symbol: Its partition key, e.g. ``7203.T``.
        currency: ISO 4217.
        price_unit: E.g. ``JPY per share``.
    """

    universe: str
    symbol: str
    currency: str
    price_unit: str


class MasterLists(Protocol):
    """Pages of the stock masters; every method raises `DependencyUnavailableError` without a database."""

    async def version(self) -> tuple[int, datetime | None]:
        """Number and end of the newest update: as long as it is the same, so is every page."""

    async def page(
        self, chosen: MasterFilter, limit: int, offset: int
    ) -> tuple[int, Sequence[Mapping[str, Any]]]:
        """How many issues there are, and some of them, by code."""

    async def updates(
        self, universe: str | None, limit: int, offset: int
    ) -> tuple[int, Sequence[Mapping[str, Any]]]:
        """How many updates there were, and some of them, newest first."""

    async def update_of(self, universe: str, since: int) -> Mapping[str, Any] | None:
        """The newest update of a universe behind a number."""

    async def instrument(self, name: str) -> NamedInstrument | None:
        """The instrument of a symbol, or of a code of the Tokyo exchange."""


@dataclass(frozen=True)
class GapFilter:
    """Which gaps of daily bars are wanted.

    Attributes:
        universe: Name of whose.
        session: Gaps that it lies in; None for all.
        sector: As it is counted per day (``coverage_days``).
        cause: Why they are missing.
        symbol: One issue.
    """

    universe: str
    session: date | None = None
    sector: str | None = None
    cause: str | None = None
    symbol: str | None = None


class GapLists(Protocol):
    """Pages of the coverage gaps."""

    async def ranges(
        self, chosen: GapFilter, limit: int, offset: int
    ) -> tuple[int, int, Sequence[Mapping[str, Any]]]:
        """How many gaps of daily bars, of how many issues, and some of them with names, the newest first."""

    async def page(
        self,
        universe: str,
        timeframe: str,
        symbol: str | None,
        cause: str | None,
        since: date | None,
        limit: int,
        offset: int,
    ) -> tuple[int, Sequence[Mapping[str, Any]]]:
        """How many gaps there are, and some of them, newest session first."""
