"""One coverage check inside a step. Put here: what it is given. Keep out: how coverage is counted."""

from datetime import date
from pathlib import Path

from miraikakaku_assets.application.coverage.report import report_coverage
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.coverage.report import CoverageFindings
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe


def check_coverage(
    ports: Ports,
    universe: Universe,
    timeframe: Timeframe,
    since: date | None = None,
    until: date | None = None,
) -> tuple[CoverageFindings, Path]:
    """Checks a universe's collected bars, and writes tables and report; of five-minute bars those of the watch list.

    Raises:
        MiraikakakuError: See `report_coverage`.
    """
    is_daily = timeframe is Timeframe.D1
    return report_coverage(
        universe,
        timeframe,
        source=ports.sources.prices,
        store=ports.stores.coverage,
        shelf=ports.stores.reports,
        clock=ports.clock,
        history_start=ports.sources.history_start(universe, timeframe),
        threshold=ports.settings.coverage_alert_threshold,
        least_issues=ports.settings.least_issues(universe.name) if is_daily else 0,
        since=since,
        until=until,
        symbols=None if is_daily else list(ports.settings.watch_list(universe.name)),
        is_bounded=timeframe in ports.sources.vendor.lookback,
    )
