"""Assembly of the code location. Put here: what belongs to it. Keep out: the assets, jobs and resources."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.orchestration.backups.assets import backup, integrity
from miraikakaku_assets.orchestration.canary.assets import source_canary
from miraikakaku_assets.orchestration.copper.assets import futures_curve
from miraikakaku_assets.orchestration.coverage.assets import coverage_asset
from miraikakaku_assets.orchestration.coverage.monitor import coverage_report, market_review
from miraikakaku_assets.orchestration.forecasting.assets import forecast_assets
from miraikakaku_assets.orchestration.forecasting.run import predictions_key
from miraikakaku_assets.orchestration.jobs import default_jobs
from miraikakaku_assets.orchestration.operations.assets import performance_review, system_metrics
from miraikakaku_assets.orchestration.prices.assets import price_assets
from miraikakaku_assets.orchestration.quality.checks import quality_checks
from miraikakaku_assets.orchestration.quality.gates import gate
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.schedules import default_schedules
from miraikakaku_assets.orchestration.security.assets import security_scan
from miraikakaku_assets.orchestration.sensors import default_sensors
from miraikakaku_assets.orchestration.stock_master.assets import master_key, stock_masters
from miraikakaku_assets.orchestration.universes import MASTERS
from miraikakaku_assets.settings import settings


def build_defs(*, resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """The whole code location.

    Args:
        resource_overrides: Resources that take the place of the usual ones, for tests.
    """
    return dg.Definitions(
        assets=[
            *stock_masters(),
            *price_assets(settings().partitions_per_run),
            *(coverage_asset(universe) for universe in UNIVERSES.values()),
            *(asset for universe in UNIVERSES.values() for asset in forecast_assets(universe)),
            futures_curve,
            coverage_report,
            market_review,
            source_canary,
            backup,
            integrity,
            system_metrics,
            performance_review,
            security_scan,
        ],
        asset_checks=[
            *(quality_checks(universe) for universe in UNIVERSES.values()),
            *(gate(master_key(universe)) for universe in MASTERS),
            *(gate(predictions_key(universe)) for universe in UNIVERSES.values()),
        ],
        jobs=default_jobs,
        schedules=default_schedules(),
        sensors=default_sensors(),
        resources={"ports": PortsResource(), **(resource_overrides or {})},
        # A no-op run takes 0.1 s in process, 1.0 s with a process per step; runs are the unit of parallelism.
        executor=dg.in_process_executor,
    )
