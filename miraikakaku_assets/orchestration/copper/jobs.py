"""Job and schedule of the copper curve."""

import dagster as dg

from miraikakaku_assets.orchestration.copper.assets import CURVE
from miraikakaku_assets.orchestration.job_builders import assets_only
from miraikakaku_assets.orchestration.universes import Schedule, at_collection_time

curve_job = dg.define_asset_job(
    "copper_curve_job",
    assets_only([CURVE]),
    description="Collects the copper curve: official prices and stocks of the LME, contract months of COMEX.",
)
CURVE_SCHEDULE = Schedule(
    "copper_curve",
    at_collection_time,
    "The copper curve, weekdays at COLLECTION_TIME: official prices and stocks of the LME, contract months of COMEX.",
    due="all",
)
