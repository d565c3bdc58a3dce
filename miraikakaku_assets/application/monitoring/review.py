"""Use case: the hourly review of performance. It names what is slow, and takes the remedies that can do no harm.

What it does itself: ANALYZE of tables whose statistics are stale, a few at a time and each within a time limit, and
smaller batches and fewer workers while memory or database are in danger, within the limits of `SIZES`. What it only
proposes, with its cost: an index.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.operations.performance import (
    ReviewBooks,
    ServerReview,
    ServerStatistics,
    StageDuration,
    TableStatistics,
)
from miraikakaku_assets.application.ports.operations.system import SystemMetrics
from miraikakaku_assets.domain.errors import WorkFellShortError
from miraikakaku_assets.domain.operations.sizes import SIZES, AdjustableSize
from miraikakaku_assets.domain.operations.thresholds import shown
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.domain.words import counted, lasting

ANALYZED_AT_ONCE = 5
"""Tables of which one review takes the statistics anew."""
ANALYZE_LIMIT = timedelta(seconds=60)

_STALE_SHARE = 0.20  # twice what autovacuum lets pass: where it keeps up, nothing is done here
_STALE_ROWS = 1_000
_DEAD_SHARE, _DEAD_ROWS = 0.30, 10_000
_CACHE_HITS, _INDEX_HITS = 0.90, 0.95
_FEWEST_BLOCKS = 1_000_000  # 8 GiB: until then the shares are those of a server that has just started
_CONNECTIONS = 0.80
_LONG_TRANSACTION = 3_600.0  # seconds; while one is open, no vacuum removes what was replaced since
_SLOWER, _FEWEST_STAGES = 2.0, 5
_WHOLE_READS, _ROWS_A_READ = 100, 100_000
_MIB = 1 << 20


@dataclass(frozen=True)
class Remark:
    """Something that people should look at.

    Attributes:
        about: What kind of thing, e.g. ``cache``.
        target: Which one.
        says: The figures, one sentence without a full stop.
        advice: What to do about it.
    """

    about: str
    target: str
    says: str
    advice: str


@dataclass(frozen=True)
class Remedy:
    """What the review did, or proposes.

    Attributes:
        kind: ``analyze``, ``size`` or ``index``.
        target: Table, setting, or table and columns.
        reason: Why.
        before: Figures before.
        after: Figures afterwards; None for a proposal.
        error: Why it could not be done.
    """

    kind: str
    target: str
    reason: str
    before: Mapping[str, Any]
    after: Mapping[str, Any] | None = None
    error: str | None = None

    @property
    def state(self) -> str:
        """``applied``, ``failed`` or ``proposed``."""
        if self.error:
            return "failed"
        return "proposed" if self.after is None else "applied"


@dataclass(frozen=True)
class PerformanceReview:
    """A review.

    Attributes:
        reviewed_at: When (UTC).
        server: PostgreSQL's own statistics before any remedy.
        stages: How long the newest work took.
        remarks: What to look at.
        remedies: What was done and what is proposed.
        peaks: Resource → highest value of the health checks of the last hour.
    """

    reviewed_at: datetime
    server: ServerStatistics
    stages: tuple[StageDuration, ...]
    remarks: tuple[Remark, ...]
    remedies: tuple[Remedy, ...]
    peaks: Mapping[str, float]

    @property
    def document(self) -> dict[str, Any]:
        """As it is stored."""
        server = self.server
        return {
            "figures": dict(self.figures),
            "remarks": [vars(remark) for remark in self.remarks],
            "remedies": [{**vars(remedy), "state": remedy.state} for remedy in self.remedies],
            "stages": [vars(stage) for stage in self.stages],
            "statements": None if server.statements is None else [vars(row) for row in server.statements],
            "peaks": dict(self.peaks),
        }

    @property
    def figures(self) -> dict[str, float]:
        """The numbers that are followed over time; what is not known is left out."""
        server = self.server
        live = sum(table.live_rows for table in server.tables)
        dead = sum(table.dead_rows for table in server.tables)
        numbers = {
            "cache_hit_ratio": server.cache_hit_ratio,
            "index_hit_ratio": server.index_hit_ratio,
            "dead_rows_share": dead / (live + dead) if live + dead else None,
            "database_mib": sum(table.size_bytes for table in server.tables) / _MIB,
            "connections": float(server.connections),
            "longest_transaction_seconds": server.longest_transaction_seconds or 0.0,
            "remarks": float(len(self.remarks)),
            "remedies_applied": float(sum(remedy.state == "applied" for remedy in self.remedies)),
        }
        return {name: number for name, number in numbers.items() if number is not None}


def review_performance(
    server: ServerReview,
    books: ReviewBooks,
    metrics: SystemMetrics,
    clock: Clock,
    keep: timedelta,
    configured: Mapping[str, int],
) -> PerformanceReview:
    """Reads everything, takes what remedies can do no harm, and stores the account of both.

    A review that is killed leaves at most a remedy that is ``begun`` for ever; ANALYZE has then changed nothing.

    Args:
        server: PostgreSQL.
        books: Where reviews and remedies are noted.
        metrics: The health checks.
        clock: Time of the review.
        keep: How long reviews are kept.
        configured: Setting → the size that it names, of those in `SIZES`.
    """
    at = clock()
    statistics, stages = server.statistics(), tuple(server.stages(at))
    peaks = metrics.peaks(at - timedelta(hours=1))
    remedies = [
        *(_analyze(table, server, books, at) for table in stale_tables(statistics.tables)),
        *_adjust_sizes(configured, peaks, books, at),
        *_propose_indexes(statistics, books, at),
    ]
    review = PerformanceReview(
        at,
        statistics,
        stages,
        (*_server_remarks(statistics), *_table_remarks(statistics), *_stage_remarks(stages)),
        tuple(remedies),
        peaks,
    )
    books.add(at, review.document, keep)
    return review


def stale_tables(tables: Sequence[TableStatistics]) -> list[TableStatistics]:
    """The tables whose statistics most need to be taken anew, at most `ANALYZED_AT_ONCE`."""
    stale = [table for table in tables if _is_stale(table)]
    return sorted(stale, key=lambda table: table.modified_rows, reverse=True)[:ANALYZED_AT_ONCE]


def _is_stale(table: TableStatistics) -> bool:
    return table.modified_rows > _STALE_ROWS + _STALE_SHARE * table.live_rows or (
        table.analyzed_at is None and table.live_rows > _STALE_ROWS
    )


def _analyze(table: TableStatistics, server: ServerReview, books: ReviewBooks, at: datetime) -> Remedy:
    taken = "never taken" if table.analyzed_at is None else f"of {table.analyzed_at:%Y-%m-%d %H:%M} UTC"
    reason = f"its statistics were {taken}, {counted(table.modified_rows, 'row')} have changed since"
    before = _planner_figures(table)
    number = books.begin(at, "analyze", table.table, reason, before)
    error: str | None = None
    try:
        server.analyze(table.table, ANALYZE_LIMIT)
    except WorkFellShortError as shortfall:
        error = str(shortfall)
    after = _planner_figures(server.table(table.table))
    books.end(number, after, error)
    return Remedy("analyze", table.table, reason, before, after, error)


def _planner_figures(table: TableStatistics) -> dict[str, Any]:
    return {
        "live_rows": table.live_rows,
        "modified_rows": table.modified_rows,
        "analyzed_at": table.analyzed_at and table.analyzed_at.isoformat(),
    }


def sizes_in_force(books: ReviewBooks, configured: Mapping[str, int]) -> dict[str, int]:
    """Setting → the size that work should take now: the configured one, or what the reviews have lowered it to."""
    lowered = books.sizes()
    return {setting: min(size, lowered.get(setting, size)) for setting, size in configured.items()}


def _adjust_sizes(
    configured: Mapping[str, int], peaks: Mapping[str, float], books: ReviewBooks, at: datetime
) -> Iterator[Remedy]:
    in_force = sizes_in_force(books, configured)
    for size in SIZES:
        if size.setting not in configured:
            continue
        peak = peaks.get(size.burdens.resource)
        current = in_force[size.setting]
        wanted = size.next_size(current, configured[size.setting], peak)
        if wanted != current:
            yield _resize(size, current, wanted, peak, books, at)


def _resize(
    size: AdjustableSize, current: int, wanted: int, peak: float | None, books: ReviewBooks, at: datetime
) -> Remedy:
    was = f"{size.burdens.title} reached {shown(peak, size.burdens.unit)} within the hour"
    reason = f"{was}; from {current} to {wanted} for the work that begins from now on"
    before = {"size": current, size.burdens.resource: peak}
    number = books.begin(at, "size", size.setting, reason, before)
    after = {"size": wanted}
    books.end(number, after, None)
    return Remedy("size", size.setting, reason, before, after)


def _propose_indexes(statistics: ServerStatistics, books: ReviewBooks, at: datetime) -> Iterator[Remedy]:
    for missing in statistics.missing_indexes:
        target = f"{missing.table} ({', '.join(missing.columns)})"
        reason = (
            "a foreign key without an index: deleting what it refers to reads the whole table; "
            f"an index would take about {missing.size_bytes / _MIB:,.1f} MiB and slow every insert a little"
        )
        before = {"size_bytes": missing.size_bytes}
        books.propose(at, "index", target, reason, before)
        yield Remedy("index", target, reason, before)


def _server_remarks(server: ServerStatistics) -> Iterator[Remark]:
    for title, ratio, least in (
        ("tables", server.cache_hit_ratio, _CACHE_HITS),
        ("indexes", server.index_hit_ratio, _INDEX_HITS),
    ):
        if ratio is not None and ratio < least and server.blocks_asked > _FEWEST_BLOCKS:
            says = f"{percent(ratio, 1)} of the blocks of {title} were in the buffers, {percent(least, 0)} should be"
            yield Remark("cache", title, says, "raise shared_buffers, up to a quarter of the memory")
    if server.connections > _CONNECTIONS * server.max_connections:
        says = f"{server.connections} of {server.max_connections} connections are open"
        yield Remark("connections", "server", says, "end what is not needed, or raise max_connections")
    seconds = server.longest_transaction_seconds
    if seconds is not None and seconds > _LONG_TRANSACTION:
        says = f"a transaction has been open for {lasting(seconds)}: {server.longest_transaction}"
        yield Remark("transaction", "server", says, "end its process: replaced rows pile up meanwhile")


def _table_remarks(server: ServerStatistics) -> Iterator[Remark]:
    for table in server.tables:
        rows = table.live_rows + table.dead_rows
        if table.dead_rows > _DEAD_ROWS and table.dead_rows > _DEAD_SHARE * rows:
            says = f"{percent(table.dead_rows / rows, 0)} of {counted(rows, 'row')} are dead"
            yield Remark("dead rows", table.table, says, f"VACUUM (ANALYZE) {table.table}")
        each = table.rows_read_whole / table.whole_reads if table.whole_reads else 0
        if table.whole_reads > _WHOLE_READS and each > _ROWS_A_READ:
            says = f"read as a whole {table.whole_reads:,} times, {each:,.0f} rows each"
            yield Remark(
                "whole reads", table.table, says, "see which statement does it; perhaps it lacks an index"
            )
    for index in server.unused_indexes:
        says = f"{index.size_bytes / _MIB:,.1f} MiB, not used since the statistics began"
        yield Remark(
            "unused index",
            index.index,
            says,
            f"every write to {index.table} pays for it; see whether it is needed",
        )


def _stage_remarks(stages: Sequence[StageDuration]) -> Iterator[Remark]:
    for stage in stages:
        usual = stage.usual_seconds
        if usual and stage.count >= _FEWEST_STAGES and stage.seconds > _SLOWER * usual:
            says = f"took {stage.seconds:,.0f} s, usually {usual:,.0f} s (median of {stage.count} in 30 days)"
            yield Remark("slow", stage.stage, says, "compare its run with an earlier one in the web UI")
