"""Coverage: expected sessions against stored bars, with the denominator named and every gap explained.

An issue is expected to have every final bar of each session of its exchange, from the day it was listed (or the
first bar it has, if that is earlier; or the start of the window, if nothing is known) until the window's end
or its delisting. What is expected and not stored is a gap, and every gap has one cause (`causes`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from math import ceil

import numpy as np
import polars as pl

from miraikakaku_assets.domain.coverage.causes import CAUSES
from miraikakaku_assets.domain.coverage.frames import GAPS
from miraikakaku_assets.domain.coverage.gaps import Holdings, Tally, find_gaps
from miraikakaku_assets.domain.coverage.grid import SessionGrid
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.words import counted

__all__ = ["CAUSES", "WHOLE", "CoverageFindings", "Holdings", "SegmentCoverage", "find_coverage"]

WHOLE = "all"
"""Name of the segment that holds every issue of the universe."""


@dataclass(frozen=True)
class SegmentCoverage:
    """Coverage of one segment.

    Attributes:
        segment: Market segment as printed in the list, or `WHOLE`.
        instruments: Issues in it.
        complete: Issues without a gap.
        empty: Issues without any bar in the window.
        expected: Expected bars: the denominator.
        stored: Expected bars that are stored: the numerator.
        causes: Gaps by cause; they add up to ``expected - stored``.
    """

    segment: str
    instruments: int
    complete: int
    empty: int
    expected: int
    stored: int
    causes: dict[str, int]

    @property
    def coverage(self) -> float | None:
        """Share of expected bars that are stored, None when nothing was expected."""
        return self.stored / self.expected if self.expected else None

    def short_of(self, threshold: float) -> int:
        """Bars that would have to be there, too, for this share of the expected ones."""
        return max(ceil(round(threshold * self.expected, 6)) - self.stored, 0)


@dataclass(frozen=True)
class CoverageFindings:
    """Result of one coverage check.

    Attributes:
        least_issues: Issues the list should at least hold.
        denominator: In words, what 100 % would be.
        members: Issues that were counted: ``instrument_id``, ``symbol``, ``segment``, ``listed_on``, ``delisted_on``.
        list_date: Date of the list that they are taken from.
        sessions: Those of the window.
        gaps: Missing bars as ranges of sessions, schema `GAPS`.
        issues: Per issue what is expected, stored and newest, schema `ISSUE_COVERAGE`.
        days: Per sector and session of the newest ones expected and stored bars, schema `DAYS`.
        grid: What was counted; None in findings that are made up.
    """

    universe: Universe
    timeframe: Timeframe
    checked_at: datetime
    first: date
    last: date
    threshold: float
    least_issues: int
    denominator: str
    segments: tuple[SegmentCoverage, ...]
    gaps: pl.DataFrame
    members: pl.DataFrame = field(default_factory=pl.DataFrame)
    list_date: date | None = None
    sessions: Sequence[date] = ()
    issues: pl.DataFrame = field(default_factory=pl.DataFrame)
    days: pl.DataFrame = field(default_factory=pl.DataFrame)
    grid: SessionGrid | None = None

    @property
    def whole(self) -> SegmentCoverage:
        """The segment that holds everything."""
        return self.segments[0]

    @property
    def too_few_issues(self) -> bool:
        """Whether the list is shorter than a whole market can be."""
        return self.whole.instruments < self.least_issues

    def missing(self, instrument_id: int, first: date, last: date) -> int:
        """Bars that an issue misses between two sessions of the window, both included."""
        mine = self.issue_rows.get(instrument_id)
        if mine is None or self.grid is None:
            return 0
        return self.grid.shortfall(mine, first, last)

    @cached_property
    def issue_rows(self) -> dict[int, int]:
        """Instrument → its row in the grid."""
        return {int(number): row for row, number in enumerate(self.issues["instrument_id"])}

    def below_threshold(self) -> list[SegmentCoverage]:
        """Segments whose coverage is below the threshold."""
        return [s for s in self.segments if s.coverage is not None and s.coverage < self.threshold]


def find_coverage(
    first: date,
    last: date,
    holdings: Holdings,
    *,
    checked_at: datetime,
    threshold: float,
    least_issues: int = 0,
    served_from: date | None = None,
) -> CoverageFindings:
    """Compares what is stored between two session dates with what the calendar says is due.

    Args:
        first: First day of the window (exchange date).
        last: Last day of the window; sessions after it are not expected.
        holdings: What is listed and stored; its grid knows the universe and the timeframe.
        checked_at: Time of the check (UTC).
        threshold: Share below which a segment is reported.
        least_issues: Issues the list should at least hold.
        served_from: First day the source still serves of this timeframe; None: it has no such limit.
    """
    tally = find_gaps(holdings, served_from)
    universe = holdings.grid.universe
    return CoverageFindings(
        universe=universe,
        timeframe=holdings.grid.timeframe,
        checked_at=checked_at,
        first=first,
        last=last,
        threshold=threshold,
        least_issues=least_issues,
        denominator=(
            f"{counted(holdings.issues.height, 'active issue')} of the list dated {holdings.list_date} × their "
            f"{universe.calendar} sessions from {first} to {last} ({len(holdings.grid.sessions)}), "
            "each from its listing on where that day is known"
        ),
        segments=_segments(holdings, tally),
        gaps=tally.gaps.select(*GAPS),
        members=holdings.issues.select("instrument_id", "symbol", "segment", "listed_on", "delisted_on"),
        list_date=holdings.list_date,
        sessions=holdings.grid.sessions,
        issues=_issues(holdings, tally),
        days=tally.days,
        grid=holdings.grid,
    )


ISSUE_COVERAGE = {
    "instrument_id": pl.Int32,
    "expected_bars": pl.Int64,
    "stored_bars": pl.Int64,
    "newest_session": pl.Date,
    "due_session": pl.Date,
    "sessions_behind": pl.Int32,
}
"""Columns of what is known per issue: `newest_session` of its stored bars (null for none), `due_session` the newest
that is expected of it, `sessions_behind` how many expected ones lie after the newest stored one."""


def _issues(holdings: Holdings, tally: Tally) -> pl.DataFrame:
    days = pl.Series([*holdings.grid.sessions, None], dtype=pl.Date)  # the last one stands for none
    newest = np.where(tally.last_bar < 0, len(days) - 1, tally.last_bar)
    due = np.where(tally.ends <= tally.begins, len(days) - 1, tally.ends - 1)
    newest_known = np.maximum(tally.last_bar, tally.begins - 1)
    behind = np.maximum(tally.ends - 1 - newest_known, 0)
    if holdings.grid.closed is not None:
        rests, rows = holdings.grid.rest_days(), np.arange(len(behind))
        behind = np.maximum(behind - (rests[rows, tally.ends] - rests[rows, newest_known + 1]), 0)
    columns = (
        holdings.issues["instrument_id"],
        tally.expected,
        tally.stored,
        days.gather(newest),
        days.gather(due),
        behind,
    )
    return pl.DataFrame(
        [
            pl.Series(name, column).cast(kind)
            for (name, kind), column in zip(ISSUE_COVERAGE.items(), columns, strict=True)
        ]
    )


def _segments(holdings: Holdings, tally: Tally) -> tuple[SegmentCoverage, ...]:
    per_issue = holdings.issues.select("segment").with_columns(
        expected=tally.expected,
        stored=tally.stored,
        empty=(tally.last_bar < 0) & (tally.expected > 0),
    )
    causes = tally.gaps.group_by("segment", "cause").agg(pl.col("missing_bars").sum()).sort("cause")
    names = [WHOLE, *holdings.issues["segment"].value_counts(sort=True)["segment"].to_list()]
    segments = []
    for name in names:
        own = pl.lit(value=True) if name == WHOLE else pl.col("segment") == name
        mine = per_issue.filter(own)
        missing = causes.filter(own).group_by("cause", maintain_order=True).agg(pl.col("missing_bars").sum())
        segments.append(
            SegmentCoverage(
                segment=name,
                instruments=mine.height,
                complete=mine.filter(
                    (pl.col("stored") == pl.col("expected")) & (pl.col("expected") > 0)
                ).height,
                empty=int(mine["empty"].sum()),
                expected=int(mine["expected"].sum()),
                stored=int(mine["stored"].sum()),
                causes=dict(missing.iter_rows()),
            )
        )
    return tuple(segments)
