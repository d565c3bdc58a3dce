"""Ports of the copper curve: where quotes come from, and where they are stored."""

import threading
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

import polars as pl

from miraikakaku_assets.domain.copper.quotes import RAW_QUOTES, RAW_STOCKS, JudgedQuotes


@dataclass(frozen=True)
class QuoteDelivery:
    """What a source sent.

    Attributes:
        source: Name of the source, stored with each quote.
        quotes: Schema `RAW_QUOTES`.
        stocks: Schema `RAW_STOCKS`; empty where the source has none.
        requests: Requests or files it took.
        failures: Contract → why it could not be served, in one sentence.
    """

    source: str
    quotes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RAW_QUOTES))
    stocks: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RAW_STOCKS))
    requests: int = 0
    failures: dict[str, str] = field(default_factory=dict)


class QuoteSource(Protocol):
    """Where official prices and contract months come from."""

    @property
    def name(self) -> str:
        """Stored with each quote."""

    def deliver(self, since: date | None, stopping: threading.Event | None = None) -> QuoteDelivery:
        """Everything from a session on.

        Args:
            since: First session wanted (exchange date); None for all there is.
            stopping: Set from another thread to end waits early.

        Raises:
            DependencyUnavailableError: The source cannot be reached.
            SourcePausedError: Nobody asks it for now.
            InputFileError: What it sent is not what it should be.
        """


@dataclass(frozen=True)
class QuoteCounts:
    """What a delivery has changed in the store.

    Attributes:
        inserted: Quotes that are new.
        restated: Stored ones for which the source now says something else.
        unchanged: Those that were stored already.
        quarantined: Refused ones.
        stocks: Stocks that are new or other than before.
    """

    inserted: int
    restated: int
    unchanged: int
    quarantined: int
    stocks: int


class CurveStore(Protocol):
    """The table ``lme_copper_futures`` and the stocks beside it."""

    def write(
        self, source: str, judged: JudgedQuotes, stocks: pl.DataFrame, fetched_at: datetime
    ) -> QuoteCounts:
        """Stores a delivery in one transaction; doing it twice changes nothing.

        Args:
            source: Name of the source.
            judged: What may be stored, and what was refused.
            stocks: Columns ``session``, ``tonnes`` and ``known_at``.
            fetched_at: When it was delivered (UTC).
        """

    def quotes(self, since: date | None = None) -> pl.DataFrame:
        """Stored quotes, schema `QUOTES` and ``source``, sorted by contract and session."""

    def stocks(self) -> pl.DataFrame:
        """Columns ``session`` and ``tonnes``, sorted."""

    def newest(self) -> dict[str, date]:
        """Contract → its newest stored session."""
