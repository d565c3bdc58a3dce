"""Coverage: what is stored against what is due. Put here: one asset per universe and its checks."""

from typing import Any

import dagster as dg

from miraikakaku_assets.application.report_coverage import report_coverage
from miraikakaku_assets.bootstrap import Ports, utc_now
from miraikakaku_assets.domain.coverage.report import CoverageFindings
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.domain.market.sessions import sessions_back
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.ownership import JP_LABELS
from miraikakaku_assets.orchestration.prices.assets import JP_PRICES_1D
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.window import WindowConfig

_WORST = 20


class CoverageConfig(WindowConfig):
    """Window of a coverage check; by default everything the source can be expected to serve."""


@dg.asset(
    key=["jp", "coverage"],
    deps=[dg.AssetDep(JP_PRICES_1D, partition_mapping=dg.AllPartitionMapping())],
    group_name="jp",
    kinds={"postgres", "json"},
    check_specs=[
        dg.AssetCheckSpec(
            "above_threshold", asset=["jp", "coverage"], description="Every segment reaches the threshold."
        ),
        dg.AssetCheckSpec(
            "enough_issues",
            asset=["jp", "coverage"],
            description="The list holds at least MIN_JAPANESE_STOCKS issues.",
        ),
        dg.AssetCheckSpec(
            "bars_quality",
            asset=["jp", "coverage"],
            description="The newest stored sessions keep the Great Expectations suite of daily bars.",
        ),
    ],
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=JP_LABELS.coverage_age),
    owners=JP_LABELS.owners,
    tags=JP_LABELS.tags,
)
def jp_coverage(config: CoverageConfig, ports: PortsResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Expected TSE sessions against stored daily bars, per issue and market segment, every gap with a cause.

    The denominator is named in the report: active issues of the newest list × their sessions since listing.
    Writes `coverage_reports`, `coverage_gaps` and a JSON report under `reports/`.
    """
    use = ports.use
    try:
        since, until = config.dates()
        findings, path = report_coverage(
            JP,
            Timeframe.D1,
            source=use.prices,
            store=use.coverage,
            shelf=use.reports,
            clock=utc_now,
            history_start=use.history_start,
            threshold=use.settings.coverage_alert_threshold,
            least_issues=use.settings.min_japanese_stocks,
            since=since,
            until=until,
        )
    except MiraikakakuError as error:
        raise failure(error) from error
    return dg.MaterializeResult(
        metadata={**_metadata(findings), "report": dg.MetadataValue.path(str(path))},
        check_results=[_above_threshold(findings), _enough_issues(findings), _bars_quality(use, findings)],
    )


def _metadata(findings: CoverageFindings) -> dict[str, Any]:
    from miraikakaku_assets.adapters.charts import as_markdown, coverage_chart

    whole = findings.whole
    return {
        "coverage": whole.coverage or 0.0,
        "expected_bars": whole.expected,
        "stored_bars": whole.stored,
        "missing_bars": whole.expected - whole.stored,
        "complete_instruments": whole.complete,
        "empty_instruments": whole.empty,
        "denominator": findings.denominator,
        "below_threshold": ", ".join(segment.segment for segment in findings.below_threshold()) or "none",
        "gaps_by_cause": dg.MetadataValue.json(whole.causes),
        "chart": dg.MetadataValue.md(as_markdown(coverage_chart(findings), "Coverage per segment")),
        "segments": dg.MetadataValue.table(
            records=[_record(findings, position) for position in range(len(findings.segments))]
        ),
    }


def _record(findings: CoverageFindings, position: int) -> dg.TableRecord:
    segment = findings.segments[position]
    return dg.TableRecord(
        {
            "segment": segment.segment,
            "coverage": f"{segment.coverage:.2%}" if segment.coverage is not None else "–",
            "stored": segment.stored,
            "expected": segment.expected,
            "issues": segment.instruments,
            "complete": segment.complete,
            "empty": segment.empty,
        }
    )


def _above_threshold(findings: CoverageFindings) -> dg.AssetCheckResult:
    below = findings.below_threshold()
    return dg.AssetCheckResult(
        check_name="above_threshold",
        passed=not below,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "threshold": findings.threshold,
            "segments_below": len(below),
            "worst": dg.MetadataValue.json({s.segment: round(s.coverage or 0, 4) for s in below[:_WORST]}),
        },
    )


def _enough_issues(findings: CoverageFindings) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name="enough_issues",
        passed=not findings.too_few_issues,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"issues": findings.whole.instruments, "at_least": findings.least_issues},
    )


def _bars_quality(use: Ports, findings: CoverageFindings) -> dg.AssetCheckResult:
    from miraikakaku_assets.adapters.quality import SESSIONS_CHECKED, check_bars

    first = sessions_back(JP.calendar, findings.last, SESSIONS_CHECKED - 1)
    bars = use.bars.read(JP, Timeframe.D1, since=first, until=findings.last)
    broken = [expectation for expectation in check_bars(bars) if not expectation.held]
    return dg.AssetCheckResult(
        check_name="bars_quality",
        passed=not broken and not bars.is_empty(),
        metadata={
            "rows": bars.height,
            "sessions": f"{first} to {findings.last}",
            "broken": dg.MetadataValue.json(
                {expectation.rule: expectation.exceptions for expectation in broken}
            ),
        },
    )
