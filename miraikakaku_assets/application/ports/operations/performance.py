"""Ports of the review of performance: what the server counts of tables, indexes and statements, and what was done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol


@dataclass(frozen=True)
class TableStatistics:
    """What PostgreSQL knows of one of our tables.

    Attributes:
        table: With its schema.
        live_rows: Estimated.
        dead_rows: Rows that were replaced or deleted and not yet vacuumed, estimated.
        modified_rows: Rows that have changed since the statistics were taken.
        analyzed_at: When they were (UTC); None: never.
        size_bytes: With indexes.
        whole_reads: How often it was read as a whole.
        rows_read_whole: Rows read that way.
    """

    table: str
    live_rows: int
    dead_rows: int
    modified_rows: int
    analyzed_at: datetime | None
    size_bytes: int
    whole_reads: int
    rows_read_whole: int


@dataclass(frozen=True)
class Statement:
    """One of the most expensive statements since the statistics were reset; times in milliseconds."""

    text: str
    calls: int
    total_ms: float
    mean_ms: float
    rows: int


@dataclass(frozen=True)
class UnusedIndex:
    """An index that nothing has used since the statistics were reset."""

    index: str
    table: str
    size_bytes: int


@dataclass(frozen=True)
class MissingIndex:
    """A foreign key whose columns no index begins with.

    Attributes:
        size_bytes: What an index would take, estimated from rows and widths.
    """

    table: str
    columns: tuple[str, ...]
    size_bytes: int


@dataclass(frozen=True)
class StageDuration:
    """How long the newest of a kind of work took.

    Attributes:
        stage: What it is, e.g. ``collection jp 1d`` or ``cycle fx``.
        seconds: Of the newest that succeeded.
        usual_seconds: Median of those before it in the last thirty days.
        count: How many those are.
    """

    stage: str
    seconds: float
    usual_seconds: float | None
    count: int


@dataclass(frozen=True)
class ServerStatistics:
    """What PostgreSQL knows of itself.

    Attributes:
        statements: The worst; None where ``pg_stat_statements`` is not there.
        cache_hit_ratio: Share of the blocks of tables that were in its buffers; None before anything was read.
        index_hit_ratio: The same of indexes.
        blocks_asked: Blocks of tables and indexes that were asked for: what both shares are of.
        connections: Open ones, of `max_connections`.
        longest_transaction_seconds: The oldest that is open; None without any.
        longest_transaction: What it does, its first words; empty without any.
        since: From when on is counted (UTC); None: from the server's first start on.
    """

    tables: tuple[TableStatistics, ...]
    statements: tuple[Statement, ...] | None
    unused_indexes: tuple[UnusedIndex, ...]
    missing_indexes: tuple[MissingIndex, ...]
    cache_hit_ratio: float | None
    index_hit_ratio: float | None
    blocks_asked: int
    connections: int
    max_connections: int
    longest_transaction_seconds: float | None
    longest_transaction: str
    since: datetime | None


class ServerReview(Protocol):
    """Reads PostgreSQL's own statistics, and renews those of a table."""

    def statistics(self) -> ServerStatistics:
        """What it knows now."""

    def stages(self, now: datetime) -> list[StageDuration]:
        """How long cycles and collections took, against their own last thirty days."""

    def table(self, name: str) -> TableStatistics:
        """What it knows of one table now."""

    def analyze(self, name: str, limit: timedelta) -> None:
        """Takes the statistics of a table anew.

        Raises:
            WorkFellShortError: It took longer than the limit, or the table is locked; nothing has changed then.
        """


class ReviewBooks(Protocol):
    """Account of reviews and remedies: ``performance_reviews``, ``performance_remedies``."""

    def begin(self, at: datetime, kind: str, target: str, reason: str, before: Mapping[str, Any]) -> int:
        """Notes a remedy that is about to be taken, and returns its number."""

    def end(self, number: int, after: Mapping[str, Any], error: str | None) -> None:
        """Notes what came of it."""

    def propose(self, at: datetime, kind: str, target: str, reason: str, before: Mapping[str, Any]) -> None:
        """Notes a proposal, once; one that stands already is only seen again."""

    def add(self, at: datetime, report: Mapping[str, Any], keep: timedelta) -> None:
        """Stores a review and removes what is older than `keep`."""

    def remedies(self, since: datetime) -> list[Mapping[str, Any]]:
        """Remedies and proposals seen since a moment, newest first."""

    def sizes(self) -> dict[str, int]:
        """Setting → the size that the newest applied remedy of kind ``size`` has chosen."""
