"""Coverage: what is stored against what is due. Put here: one asset per universe and its checks."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from miraikakaku_assets.application.coverage.report import coverage_totals
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.coverage.report import CoverageFindings, SegmentCoverage
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.orchestration.coverage.check import check_coverage
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.prices.assets import prices_key
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.run_config import CoverageConfig
from miraikakaku_assets.orchestration.stage_reports import hand_back
from miraikakaku_assets.orchestration.universes import described

_WORST = 20
_STALE = timedelta(hours=13)  # checked every six hours


def coverage_key(universe: Universe) -> dg.AssetKey:
    """Key of the asset that holds a universe's coverage."""
    return dg.AssetKey([universe.name, "coverage"])


def _checks(universe: Universe) -> list[dg.AssetCheckSpec]:
    floor = universe.least_issues
    least = f"{floor.setting or floor.value} issues" if universe.has_master else universe.named_by
    texts = {
        "above_threshold": "Every segment reaches the threshold.",
        "enough_issues": f"The list holds at least {least}.",
    }
    return [
        dg.AssetCheckSpec(name, asset=coverage_key(universe), description=text)
        for name, text in texts.items()
    ]


def coverage_asset(universe: Universe) -> dg.AssetsDefinition:
    """The coverage of one universe."""
    text = (
        f"Expected sessions of {universe.name} against stored daily bars, per issue and market segment, every gap with "
        "a cause. The denominator is named in the report: active issues of the newest list × their sessions since "
        "listing. Writes `coverage_reports`, `coverage_gap_ranges` and a JSON report under `reports/`; of five-minute "
        "bars, those of the watch list."
    )

    @dg.asset(
        key=coverage_key(universe),
        deps=[dg.AssetDep(prices_key(universe, Timeframe.D1), partition_mapping=dg.AllPartitionMapping())],
        check_specs=_checks(universe),
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=_STALE),
        **described(universe, "coverage_reports", text, {"postgres", "json"}),
    )
    def coverage(
        context: dg.AssetExecutionContext, config: CoverageConfig, ports: PortsResource
    ) -> dg.MaterializeResult:  # type: ignore[type-arg]
        use, command = ports.use, config.command()
        try:
            findings, path = check_coverage(use, universe, Timeframe.D1, command.since, command.until)
            within_days = _intraday(use, universe)
        except MiraikakakuError as error:
            raise failure(error) from error
        return dg.MaterializeResult(
            metadata={
                **hand_back(context, use, universe, coverage_totals(findings, path)),
                "report": dg.MetadataValue.path(str(path)),
                **_pictures(findings),
                **within_days,
            },
            check_results=[
                _above_threshold(findings),
                _enough_issues(findings),
            ],
        )

    return coverage


def _intraday(use: Ports, universe: Universe) -> dict[str, Any]:
    """Coverage of the watch list's five-minute bars; nothing where none are collected."""
    if Timeframe.M5 not in universe.collected or not use.settings.watch_list(universe.name):
        return {}
    whole = check_coverage(use, universe, Timeframe.M5)[0].whole
    return {"coverage_5m": whole.coverage or 0.0, "gaps_by_cause_5m": whole.causes}


def _pictures(findings: CoverageFindings) -> dict[str, Any]:
    from miraikakaku_assets.adapters.charts.png import as_markdown, coverage_chart

    return {
        "chart": dg.MetadataValue.md(as_markdown(coverage_chart(findings), "Coverage per segment")),
        "segments": dg.MetadataValue.table(records=[_record(segment) for segment in findings.segments]),
    }


def _record(segment: SegmentCoverage) -> dg.TableRecord:
    return dg.TableRecord(
        {
            "segment": segment.segment,
            "coverage": percent(segment.coverage),
            "stored": segment.stored,
            "expected": segment.expected,
            "issues": segment.instruments,
            "complete": segment.complete,
            "empty": segment.empty,
        }
    )


def _above_threshold(findings: CoverageFindings) -> dg.AssetCheckResult:
    below = sorted(findings.below_threshold(), key=lambda segment: segment.coverage or 0.0)
    return dg.AssetCheckResult(
        check_name="above_threshold",
        passed=not below,
        severity=dg.AssetCheckSeverity.WARN,
        description=_in_words(findings, below),
        metadata={
            "threshold": findings.threshold,
            "segments_below": len(below),
            "worst": dg.MetadataValue.json({s.segment: percent(s.coverage) for s in below[:_WORST]}),
            "bars_short": dg.MetadataValue.json(
                {s.segment: s.short_of(findings.threshold) for s in below[:_WORST]}
            ),
        },
    )


def _in_words(findings: CoverageFindings, below: Sequence[SegmentCoverage]) -> str:
    """Which segments are below the threshold, the worst first, and by how much."""
    threshold = percent(findings.threshold)
    if not below:
        return f"Every segment reaches {threshold} of its expected bars."
    named = [
        f"{segment.segment} has {percent(segment.coverage or 0.0)}, {segment.short_of(findings.threshold):,} bars short"
        for segment in below[:_WORST]
    ]
    more = f"; and {len(below) - _WORST} more" if len(below) > _WORST else ""
    return f"{len(below)} of {len(findings.segments)} segments below {threshold}: {'; '.join(named)}{more}."


def _enough_issues(findings: CoverageFindings) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name="enough_issues",
        passed=not findings.too_few_issues,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{findings.whole.instruments:,} issues are listed, at least {findings.least_issues:,} expected.",
        metadata={"issues": findings.whole.instruments, "at_least": findings.least_issues},
    )
