"""Metrics of monitoring systems, independent of how they are written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class MetricFamily:
    """Values of one name, in base units. All are gauges: what is counted in tables gets fewer when they are pruned.

    Attributes:
        name: With the prefix ``miraikakaku_`` and its unit.
        documentation: One sentence.
        labels: Names of the labels, in the order of the keys of `values`.
        values: Values of the labels → value.
    """

    name: str
    documentation: str
    labels: tuple[str, ...] = ()
    values: Mapping[tuple[str, ...], float] = field(default_factory=dict)


Table = Mapping[tuple[str, ...], float]


@dataclass(frozen=True)
class StoredFigures:
    """What is stored about an installation; spans in seconds, sizes in bytes.

    Attributes:
        coverage: Universe, segment → share of the newest check.
        newest_bar_age: Universe, timeframe → seconds since the start of the newest final bar.
        standing_alerts: Severity → alerts that stand.
        collections: Universe, timeframe, status → collections that are stored.
        collection_seconds: Universe, timeframe → duration of the newest that ended.
        collection_success: Universe, timeframe → share of its symbols that succeeded.
        collection_end: Universe, timeframe → Unix time of its end.
        cycle_seconds: Universe → duration of the newest cycle that ended.
        cycle_success: Universe → share of its symbols that succeeded.
        waiting_notifications: Channel → notifications that are not delivered.
        table_bytes: Schema, table → size with indexes.
        event_log_bytes: Of the orchestrator's event log.
    """

    coverage: Table
    newest_bar_age: Table
    standing_alerts: Table
    collections: Table
    collection_seconds: Table
    collection_success: Table
    collection_end: Table
    cycle_seconds: Table
    cycle_success: Table
    waiting_notifications: Table
    table_bytes: Table
    event_log_bytes: float


class FigureReader(Protocol):
    """Reads the stored figures."""

    def figures(self, now: datetime) -> StoredFigures:
        """All of them at a moment (UTC)."""
