"""Jobs: named selections of assets. Put here: selections. Keep out: steps (they belong to their concept)."""

from typing import Any

import dagster as dg

from miraikakaku_assets.orchestration.prices.assets import JP_PRICES_1D
from miraikakaku_assets.orchestration.prices.jobs import jp_collect_symbols

jp_master_job = dg.define_asset_job(
    "jp_master_job",
    selection=dg.AssetSelection.assets(["jp", "stock_master"]),
    description="Reads JPX's list and puts it into force.",
)
jp_prices_job = dg.define_asset_job(
    "jp_prices_job",
    selection=dg.AssetSelection.assets(JP_PRICES_1D),
    description="Daily bars of a range of TSE symbols, as one run.",
)
jp_coverage_job = dg.define_asset_job(
    "jp_coverage_job",
    selection=dg.AssetSelection.assets(["jp", "coverage"]),
    description="Checks the coverage of the TSE and writes the report.",
)
default_jobs: list[Any] = [jp_master_job, jp_prices_job, jp_coverage_job, jp_collect_symbols]
