"""Jobs: named selections of assets. Put here: selections. Keep out: steps (they belong to their concept)."""

from typing import Any

import dagster as dg

from miraikakaku_assets.bootstrap import price_vendor
from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.orchestration.analysis.jobs import analysis_jobs
from miraikakaku_assets.orchestration.backups.jobs import backup_job, integrity_job
from miraikakaku_assets.orchestration.bulk.jobs import bulk_job
from miraikakaku_assets.orchestration.canary.assets import SOURCE_CANARY
from miraikakaku_assets.orchestration.copper.jobs import curve_job
from miraikakaku_assets.orchestration.coverage.assets import coverage_key
from miraikakaku_assets.orchestration.coverage.monitor import (
    COVERAGE_REPORT,
    coverage_report_job,
    review_job,
)
from miraikakaku_assets.orchestration.coverage.repair import coverage_repair_job
from miraikakaku_assets.orchestration.cycles.jobs import cycle_jobs
from miraikakaku_assets.orchestration.cycles.notices import notifications_job
from miraikakaku_assets.orchestration.forecasting.jobs import forecast_jobs
from miraikakaku_assets.orchestration.job_builders import asset_jobs, assets_only
from miraikakaku_assets.orchestration.maintenance.jobs import purge_job, vacuum_job
from miraikakaku_assets.orchestration.operations.jobs import operations_jobs
from miraikakaku_assets.orchestration.prices.jobs import daily_jobs, prices_jobs, symbol_jobs
from miraikakaku_assets.orchestration.pruning.jobs import event_log_pruning_job
from miraikakaku_assets.orchestration.quality.gates import gate_key
from miraikakaku_assets.orchestration.quality.jobs import quality_check_job, quality_jobs
from miraikakaku_assets.orchestration.security.assets import SECURITY_SCAN
from miraikakaku_assets.orchestration.stock_master.assets import master_key
from miraikakaku_assets.orchestration.universes import MASTERS

master_jobs = {
    universe: dg.define_asset_job(
        f"{universe.name}_master_job",
        assets_only([master_key(universe)], [gate_key(master_key(universe))]),
        description=master.job,
    )
    for universe, master in MASTERS.items()
}
coverage_jobs = asset_jobs("coverage", coverage_key, "Checks the coverage of {} and writes the report.")
coverage_check_job = dg.define_asset_job(
    "coverage_check_job",
    [*(coverage_key(universe) for universe in UNIVERSES.values()), COVERAGE_REPORT],
    description="Checks the coverage of every universe and writes the reports, and the one of all of them.",
)
source_canary_job = dg.define_asset_job(
    "source_canary_job",
    [SOURCE_CANARY],
    description=f"Asks {price_vendor().title} for a few symbols and lets the request rate follow from the answers.",
)
security_scan_job = dg.define_asset_job(
    "security_scan_job",
    [SECURITY_SCAN],
    description="Looks for weak places of this installation and raises alerts about them.",
)
default_jobs: list[Any] = [
    *master_jobs.values(),
    *prices_jobs.values(),
    *daily_jobs.values(),
    *coverage_jobs.values(),
    coverage_check_job,
    coverage_repair_job,
    coverage_report_job,
    review_job,
    *quality_jobs.values(),
    quality_check_job,
    source_canary_job,
    security_scan_job,
    curve_job,
    *symbol_jobs.values(),
    *analysis_jobs.values(),
    *cycle_jobs.values(),
    *forecast_jobs,
    bulk_job,
    notifications_job,
    event_log_pruning_job,
    backup_job,
    integrity_job,
    purge_job,
    vacuum_job,
    *operations_jobs,
]
