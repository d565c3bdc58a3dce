"""Use case: check coverage, write the report, keep the gaps."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from miraikakaku_assets.application.ports import Clock, CoverageStore, PriceSource, ReportStore
from miraikakaku_assets.application.stage_reports import CoverageTotals
from miraikakaku_assets.domain.coverage.causes import CAUSES, WITHOUT_BARS
from miraikakaku_assets.domain.coverage.report import CoverageFindings, SegmentCoverage, find_coverage
from miraikakaku_assets.domain.errors import ConfigurationError, WorkFellShortError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import last_completed_session


def report_coverage(  # noqa: PLR0913 - ports and options, all named
    universe: Universe,
    timeframe: Timeframe,
    *,
    source: PriceSource,
    store: CoverageStore,
    shelf: ReportStore,
    clock: Clock,
    history_start: date,
    threshold: float,
    least_issues: int = 0,
    since: date | None = None,
    until: date | None = None,
    symbols: Sequence[str] | None = None,
    is_bounded: bool = False,
) -> tuple[CoverageFindings, Path]:
    """Compares stored bars with expected sessions and writes the result to tables and a JSON report.

    The window runs from `since` to `until`. Where they are not given, it is what the source can be expected
    to serve: an archive's common window, or everything from `history_start` to the last completed session.

    Args:
        universe: Whose coverage.
        timeframe: Collected timeframe.
        source: Knows the window of an archive.
        store: Holds bars and gaps.
        shelf: Takes the report.
        clock: Where the time comes from.
        history_start: First day that is asked for when a symbol has no bars yet.
        threshold: Share below which a segment is reported.
        least_issues: Issues the list should at least hold.
        since: First session.
        until: Last session.
        symbols: Only these issues: the watch list of a shorter timeframe; None stands for all.
        is_bounded: Whether the source serves nothing older than `history_start`.

    Returns:
        The findings and the path of the report.

    Raises:
        ConfigurationError: The report cannot be written; the tables hold its figures all the same.
        WorkFellShortError: There is no master yet, so there is no denominator, or the window is empty.
    """
    now = clock()
    common = source.common_window(universe) if timeframe is Timeframe.D1 else None
    window = common or (history_start, last_completed_session(universe.calendar, now))
    first, last = since or window[0], min(until or window[1], last_completed_session(universe.calendar, now))
    if first > last:
        raise WorkFellShortError(
            f"There is no completed session of {universe.name} from {first} to {last}; choose another window"
        )
    holdings = store.holdings(universe, timeframe, first, last, symbols)
    if holdings is None:
        raise WorkFellShortError(
            f"Coverage of {universe.name} has no denominator: there is no stock master yet; "
            f"run `miraikakaku master update --universe {universe.name}` first"
        )
    findings = find_coverage(
        first,
        last,
        holdings,
        checked_at=now,
        threshold=threshold,
        least_issues=least_issues,
        served_from=history_start if is_bounded else None,
    )
    stem = universe.name if timeframe is Timeframe.D1 else f"{universe.name}_{timeframe}"
    try:
        path = shelf.write(f"coverage_{stem}", now, as_json(findings))
    except ConfigurationError:
        store.save(findings, "")  # alerts and repairs go by the tables, whatever is wrong with the folder
        raise
    store.save(findings, str(path))
    return findings, path


def coverage_totals(findings: CoverageFindings, report: Path) -> CoverageTotals:
    """The counts of the whole universe; `report` is where the JSON report is."""
    whole = findings.whole
    return CoverageTotals(
        coverage=whole.coverage or 0.0,
        expected_bars=whole.expected,
        stored_bars=whole.stored,
        missing_bars=whole.expected - whole.stored,
        complete_instruments=whole.complete,
        empty_instruments=whole.empty,
        denominator=findings.denominator,
        below_threshold=", ".join(segment.segment for segment in findings.below_threshold()) or "none",
        gaps_by_cause=whole.causes,
        report=str(report),
    )


def as_json(findings: CoverageFindings) -> Mapping[str, object]:
    """The findings as the JSON report shows them."""
    return {
        "universe": findings.universe.name,
        "timeframe": findings.timeframe.value,
        "checked_at": findings.checked_at.isoformat(),
        "window": {"first": findings.first.isoformat(), "last": findings.last.isoformat()},
        "denominator": findings.denominator,
        "threshold": findings.threshold,
        "least_issues": findings.least_issues,
        "too_few_issues": findings.too_few_issues,
        "segments": [_segment(segment) for segment in findings.segments],
        "causes": CAUSES,
        "worst": _worst(findings),
    }


def _segment(segment: SegmentCoverage) -> dict[str, object]:
    return {
        "segment": segment.segment,
        "instruments": segment.instruments,
        "complete_instruments": segment.complete,
        "empty_instruments": segment.empty,
        "expected_bars": segment.expected,
        "stored_bars": segment.stored,
        "missing_bars": segment.expected - segment.stored,
        "coverage": segment.coverage,
        "gaps_by_cause": segment.causes,
    }


def _worst(findings: CoverageFindings, count: int = 20) -> list[dict[str, object]]:
    """The symbols with most gaps among those that have bars at all; the empty ones are counted above."""
    has_bars = findings.gaps.filter(~findings.gaps["cause"].is_in(WITHOUT_BARS))
    table = has_bars.group_by("symbol").agg(missing=pl.col("missing_bars").sum())
    return table.sort(["missing", "symbol"], descending=[True, False]).head(count).to_dicts()
