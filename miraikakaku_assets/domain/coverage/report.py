"""Coverage: expected sessions against stored bars, with the denominator named and every gap explained.

An issue is expected to have one final bar per session of its exchange, from the day it was listed (or the
first bar it has, if that is earlier; or the start of the window, if nothing is known) until the window's end
or its delisting. What is expected and not stored is a gap, and every gap has one cause.
"""

from dataclasses import dataclass
from datetime import date, datetime
from math import ceil

import polars as pl

from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets.domain.words import counted

WHOLE = "all"
"""Name of the segment that holds every issue of the universe."""

CAUSES = {
    "quarantined": "a bar came and was refused (see quarantined_bars)",
    "never_delivered": "the source has no bar of this issue in the window",
    "not_on_source": "the source does not know the symbol, and there is no bar of it in the window",
    "before_first_bar": "before the first stored bar; the listing date is unknown",
    "after_last_bar": "after the last stored bar: not delivered yet, or trading has ended",
    "source_hole": "between stored bars: the source left the session out",
    "fetch_failed": "the last collection of this issue failed",
}
"""Cause → what it says."""


@dataclass(frozen=True)
class Holdings:
    """What is listed and what is stored.

    Attributes:
        list_date: Date of the list the issues are taken from.
        issues: Columns ``instrument_id``, ``symbol``, ``segment``, ``listed_on``, ``delisted_on``,
            ``fetch_failed`` (whether its last collection failed), ``not_on_source`` (whether the source said then
            that it does not know the symbol). Active issues of the master.
        present: Columns ``instrument_id``, ``session``: final bars stored, one row per session.
        quarantined: Columns ``instrument_id``, ``session``: sessions with a refused bar.
    """

    list_date: date
    issues: pl.DataFrame
    present: pl.DataFrame
    quarantined: pl.DataFrame


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
        gaps: Columns ``instrument_id``, ``symbol``, ``session``, ``cause``.
        denominator: In words, what 100 % would be.
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

    @property
    def whole(self) -> SegmentCoverage:
        """The segment that holds everything."""
        return self.segments[0]

    @property
    def too_few_issues(self) -> bool:
        """Whether the list is shorter than a whole market can be."""
        return self.whole.instruments < self.least_issues

    def below_threshold(self) -> list[SegmentCoverage]:
        """Segments whose coverage is below the threshold."""
        return [s for s in self.segments if s.coverage is not None and s.coverage < self.threshold]


def find_coverage(
    universe: Universe,
    timeframe: Timeframe,
    first: date,
    last: date,
    holdings: Holdings,
    *,
    checked_at: datetime,
    threshold: float,
    least_issues: int = 0,
) -> CoverageFindings:
    """Compares what is stored between two session dates with what the calendar says is due.

    Args:
        universe: Whose calendar applies.
        timeframe: Daily bars only: one bar per session.
        first: First day of the window (exchange date).
        last: Last day of the window; sessions after it are not expected.
        holdings: What is listed and stored.
        checked_at: Time of the check (UTC).
        threshold: Share below which a segment is reported.
        least_issues: Issues the list should at least hold.
    """
    sessions = sessions_between(universe.calendar, first, last)
    expected = _expected(holdings, sessions, first)
    marked = expected.join(
        holdings.present.unique().with_columns(stored=pl.lit(value=True)),
        on=["instrument_id", "session"],
        how="left",
    ).with_columns(pl.col("stored").fill_null(value=False))
    gaps = _gaps(marked, holdings)
    return CoverageFindings(
        universe=universe,
        timeframe=timeframe,
        checked_at=checked_at,
        first=first,
        last=last,
        threshold=threshold,
        least_issues=least_issues,
        denominator=(
            f"{counted(holdings.issues.height, 'active issue')} of the list dated {holdings.list_date} × their "
            f"{universe.calendar} sessions from {first} to {last} ({len(sessions)}), "
            "each from its listing on where that day is known"
        ),
        segments=_segments(holdings.issues, marked, gaps),
        gaps=gaps.select("instrument_id", "symbol", "session", "cause"),
    )


def _expected(holdings: Holdings, sessions: list[date], first: date) -> pl.DataFrame:
    """One row per issue and session that is due, with the issue's first and last stored session."""
    bounds = holdings.present.group_by("instrument_id").agg(
        first_bar=pl.col("session").min(), last_bar=pl.col("session").max()
    )
    begins = pl.min_horizontal("listed_on", "first_bar").clip(lower_bound=first)
    issues = holdings.issues.join(bounds, on="instrument_id", how="left").with_columns(
        begins=pl.when(pl.col("listed_on").is_not_null()).then(begins).otherwise(pl.lit(first))
    )
    due = issues.join(pl.DataFrame({"session": sessions}, schema={"session": pl.Date}), how="cross")
    delisted = pl.col("delisted_on").is_not_null() & (pl.col("session") >= pl.col("delisted_on"))
    return due.filter((pl.col("session") >= pl.col("begins")) & ~delisted)


def _gaps(marked: pl.DataFrame, holdings: Holdings) -> pl.DataFrame:
    refused = holdings.quarantined.unique().with_columns(refused=pl.lit(value=True))
    missing = marked.filter(~pl.col("stored")).join(refused, on=["instrument_id", "session"], how="left")
    cause = (
        pl.when(pl.col("refused").is_not_null())
        .then(pl.lit("quarantined"))
        .when(pl.col("not_on_source") & pl.col("last_bar").is_null())
        .then(pl.lit("not_on_source"))
        .when(
            pl.col("fetch_failed") & (pl.col("last_bar").is_null() | (pl.col("session") > pl.col("last_bar")))
        )
        .then(pl.lit("fetch_failed"))
        .when(pl.col("first_bar").is_null())
        .then(pl.lit("never_delivered"))
        .when(pl.col("session") < pl.col("first_bar"))
        .then(pl.lit("before_first_bar"))
        .when(pl.col("session") > pl.col("last_bar"))
        .then(pl.lit("after_last_bar"))
        .otherwise(pl.lit("source_hole"))
    )
    return missing.with_columns(cause=cause)


def _segments(issues: pl.DataFrame, marked: pl.DataFrame, gaps: pl.DataFrame) -> tuple[SegmentCoverage, ...]:
    per_issue = marked.group_by("segment", "instrument_id").agg(
        expected=pl.len(), stored=pl.col("stored").sum(), empty=pl.col("first_bar").is_null().all()
    )
    names = [WHOLE, *issues["segment"].value_counts(sort=True)["segment"].to_list()]
    causes = dict(_causes(gaps))
    segments = []
    for name in names:
        mine = per_issue if name == WHOLE else per_issue.filter(pl.col("segment") == name)
        members = issues if name == WHOLE else issues.filter(pl.col("segment") == name)
        segments.append(
            SegmentCoverage(
                segment=name,
                instruments=members.height,
                complete=mine.filter(pl.col("stored") == pl.col("expected")).height,
                empty=int(mine["empty"].sum()),
                expected=int(mine["expected"].sum()),
                stored=int(mine["stored"].sum()),
                causes=causes.get(name, {}),
            )
        )
    return tuple(segments)


def _causes(gaps: pl.DataFrame) -> list[tuple[str, dict[str, int]]]:
    counted = gaps.group_by("segment", "cause").len().sort("cause")
    whole = gaps.group_by("cause").len().sort("cause")
    by_segment = [(WHOLE, dict(whole.iter_rows()))]
    for (segment,), rows in counted.group_by("segment"):
        by_segment.append((str(segment), dict(rows.select("cause", "len").iter_rows())))
    return by_segment
