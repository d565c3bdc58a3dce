"""Every table of the schema in one place, for migrations and counts: importing a concept's tables registers them."""

from miraikakaku_assets.adapters.storage.backups import tables as backups
from miraikakaku_assets.adapters.storage.cold import tables as cold
from miraikakaku_assets.adapters.storage.copper import tables as copper
from miraikakaku_assets.adapters.storage.forecasts import tables as forecasts
from miraikakaku_assets.adapters.storage.jobs import tables as jobs
from miraikakaku_assets.adapters.storage.operations import tables as operations
from miraikakaku_assets.adapters.storage.quality import tables as quality
from miraikakaku_assets.adapters.storage.security import tables as security
from miraikakaku_assets.adapters.storage.tables import metadata

CONCEPTS = (forecasts, jobs, backups, operations, quality, security, copper, cold)
"""Modules of the tables; what they import brings those before them."""

__all__ = ["CONCEPTS", "metadata"]
