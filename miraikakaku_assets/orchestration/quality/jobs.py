"""Jobs and schedule of the checks of stored data."""

import dagster as dg

from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.orchestration.quality.checks import check_keys

quality_jobs = {
    universe: dg.define_asset_job(
        f"{universe.name}_quality_job",
        dg.AssetSelection.checks(*check_keys(universe)),
        description=f"Judges what is stored of {universe.name} by suites, by the health of series, and as a day.",
    )
    for universe in UNIVERSES.values()
}
quality_check_job = dg.define_asset_job(
    "quality_check_job",
    dg.AssetSelection.checks(*(key for universe in UNIVERSES.values() for key in check_keys(universe))),
    description="Judges what is stored of every universe that is collected.",
)
