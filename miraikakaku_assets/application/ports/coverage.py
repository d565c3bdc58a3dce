"""Ports of what coverage checks have left: what reports and reviews are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from miraikakaku_assets.domain.market.instruments import Universe


@dataclass(frozen=True)
class CheckedUniverse:
    """The newest check of a universe's daily bars.

    Attributes:
        universe: Its name.
        checked_at: When (UTC).
        denominator: In words, what 100 % would be.
        snapshot: ``id``, ``list_date`` and ``issues`` of the composition that was counted; None in old reports.
        segments: Rows of ``coverage_reports``, the whole universe first.
        trend: Moment and coverage of earlier checks and this one, ascending.
        worst: Symbols with most missing bars: ``symbol``, ``missing_bars``, ``newest_session``, ``sessions_behind``.
        behind: Sessions that issues are behind → how many issues.
        days: Columns ``sector``, ``session``, ``expected_bars``, ``stored_bars``.
    """

    universe: str
    checked_at: datetime
    denominator: str
    snapshot: Mapping[str, Any] | None
    segments: Sequence[Mapping[str, Any]]
    trend: Sequence[tuple[datetime, float]]
    worst: Sequence[Mapping[str, Any]]
    behind: Mapping[int, int]
    days: pl.DataFrame


@dataclass(frozen=True)
class IssueCounts:
    """Active issues: of the lists of Tokyo and the US, and ETFs in both."""

    jp: int
    us: int
    etfs: int


class CoverageHistory(Protocol):
    """What earlier checks have found, and how large the storage was at the time."""

    def newest(self, universe: Universe, checks: int) -> CheckedUniverse | None:
        """The newest check with the trend of so many; None where there was none."""

    def issues(self) -> IssueCounts:
        """How many issues are listed."""

    def measure_sizes(self, moment: datetime) -> Mapping[str, int]:
        """Measures and keeps bytes of the database, of its tables, and of what is free beside them."""

    def sizes(self, what: str, since: datetime) -> Sequence[tuple[datetime, int]]:
        """Measured bytes of one thing since a moment (UTC), ascending."""

    def collections(self, since: datetime) -> Sequence[Mapping[str, Any]]:
        """Per universe and timeframe since a moment: batches, failed ones, symbols, rows, seconds, requests."""

    def alerts(self, since: datetime) -> Sequence[Mapping[str, Any]]:
        """Per level since a moment: alerts raised, and those that still stand."""


class ReportShelf(Protocol):
    """Folder of reports, as documents and as pages."""

    def write(self, stem: str, moment: datetime, content: Mapping[str, object]) -> Path:
        """Writes ``<stem>_<YYYYmmdd_HHMMSS>.json`` and returns its path."""

    def write_page(self, stem: str, moment: datetime, html: str) -> Path:
        """Writes ``<stem>_<YYYYmmdd_HHMMSS>.html`` and returns its path."""

    def damaged(self, stem: str) -> Sequence[str]:
        """Names of documents of that stem that cannot be read as what they are."""
