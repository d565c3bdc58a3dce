"""The report of everything's coverage and the reviews. Put here: two assets and their jobs. Keep out: what they say."""

from datetime import timedelta
from typing import Any

import dagster as dg

from miraikakaku_assets.application.commands import ALL_MARKETS
from miraikakaku_assets.application.coverage.monitor import CoverageMonitor, Floors, heat, monitor_coverage
from miraikakaku_assets.application.reporting.review import review
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.orchestration.coverage.assets import coverage_key
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.run_config import ReviewConfig
from miraikakaku_assets.orchestration.stage_reports import hand_back
from miraikakaku_assets.orchestration.universes import OWNERS

COVERAGE_REPORT = dg.AssetKey(["market", "coverage_report"])
REVIEW = dg.AssetKey(["market", "review"])
_STALE = timedelta(hours=13)  # written every six hours
_PICTURED = ("jp", "us")  # the others have no sectors worth a picture


@dg.asset(
    key=COVERAGE_REPORT,
    group_name="market",
    kinds={"postgres", "json", "html"},
    deps=[coverage_key(universe) for universe in UNIVERSES.values()],
    check_specs=[
        dg.AssetCheckSpec(
            "floors_and_thresholds",
            asset=COVERAGE_REPORT,
            description="Lists are long enough, every segment reaches the threshold, and no check is too old.",
        ),
        dg.AssetCheckSpec(
            "earlier_reports_readable",
            asset=COVERAGE_REPORT,
            description="Earlier reports in the folder can be read.",
        ),
    ],
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=_STALE),
    description=(
        "Coverage of everything that is collected, from the newest check of each universe, every six hours: segments, "
        "floors (MIN_JAPANESE_STOCKS, MIN_US_STOCKS, MIN_ETFS), trend, heat map of sectors and sessions, causes, worst "
        "symbols. Writes `reports/coverage_monitor_YYYYMMDD_HHMMSS.json` and a page beside it; keeps the size of the "
        "storage in `storage_sizes`."
    ),
    owners=OWNERS,
    tags={"market": "all"},
)
def coverage_report(context: dg.AssetExecutionContext, ports: PortsResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Writes the report of the newest checks."""
    use = ports.use
    settings = use.settings
    least = Floors(settings.min_japanese_stocks, settings.min_us_stocks, settings.min_etfs)
    try:
        monitor, totals = monitor_coverage(
            use.stores.coverage_history,
            use.stores.reports,
            use.clock,
            settings.coverage_alert_threshold,
            least,
        )
    except MiraikakakuError as error:
        raise failure(error) from error
    plots = {f"coverage_{name}": share for name, share in totals.coverage.items()}
    plots |= {f"missing_bars_{name}": bars for name, bars in totals.missing_bars.items()}
    return dg.MaterializeResult(
        metadata={
            **hand_back(context, use, ALL_MARKETS, totals),
            **plots,
            **totals.floors,
            "report": dg.MetadataValue.path(totals.report),
            "page": dg.MetadataValue.path(totals.page),
            **_pictures(monitor),
        },
        check_results=_checks(monitor),
    )


def _pictures(monitor: CoverageMonitor) -> dict[str, Any]:
    from miraikakaku_assets.adapters.charts.png import as_markdown, heat_chart

    pictures = {}
    for checked in monitor.universes:
        sectors, sessions, shares = heat(checked.days)
        if sessions and checked.universe in _PICTURED:
            picture = heat_chart(len(sectors), sessions, shares, checked.universe)
            pictures[f"heat_map_{checked.universe}"] = dg.MetadataValue.md(
                as_markdown(picture, f"Coverage of {checked.universe}, sector by session")
            )
    return pictures


def _checks(monitor: CoverageMonitor) -> list[dg.AssetCheckResult]:
    shortfalls, damaged = monitor.shortfalls, list(monitor.damaged)
    well = f"Every list is long enough and every segment reaches {percent(monitor.threshold)}."
    return [
        dg.AssetCheckResult(
            check_name="floors_and_thresholds",
            passed=not shortfalls,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(shortfalls) or well,
            metadata={"shortfalls": len(shortfalls)},
        ),
        dg.AssetCheckResult(
            check_name="earlier_reports_readable",
            passed=not damaged,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"Damaged: {', '.join(damaged)}." if damaged else "All of them can be read.",
            metadata={"damaged": len(damaged)},
        ),
    ]


@dg.asset(
    key=REVIEW,
    group_name="market",
    kinds={"postgres", "json", "html"},
    description=(
        "Weekly and monthly review: collections, coverage, capacity with a forecast of the disk, failures and alerts. "
        "Writes `reports/weekly_review_…` or `reports/monthly_review_…`, JSON and a page."
    ),
    owners=OWNERS,
    tags={"market": "all"},
)
def market_review(
    context: dg.AssetExecutionContext, config: ReviewConfig, ports: PortsResource
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Writes the review of the period that ends now."""
    use = ports.use
    try:
        totals = review(config.chosen(), use.stores.coverage_history, use.stores.reports, use.clock)
    except MiraikakakuError as error:
        raise failure(error) from error
    metadata = hand_back(context, use, ALL_MARKETS, totals)
    paths = {name: dg.MetadataValue.path(getattr(totals, name)) for name in ("report", "page")}
    return dg.MaterializeResult(metadata={**metadata, **paths})


coverage_report_job = dg.define_asset_job(
    "coverage_report_job",
    [COVERAGE_REPORT],
    description="Writes the report of the newest coverage checks, without checking anew.",
)
review_job = dg.define_asset_job(
    "review_job", [REVIEW], description="Writes the weekly or the monthly review."
)
