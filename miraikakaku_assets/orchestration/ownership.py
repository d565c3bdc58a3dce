"""Labels every asset of a universe carries: owners, tags, and how old it may get."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass(frozen=True)
class Labels:
    """Labels of one universe.

    Attributes:
        asset: Keyword arguments for ``@asset`` and ``AssetSpec``.
        master_age: Age at which its stock master counts as stale (JPX publishes monthly, we look weekly).
        coverage_age: Age at which its coverage report counts as stale (checked every six hours).
    """

    asset: dict[str, Any]
    master_age: timedelta = timedelta(days=9)
    coverage_age: timedelta = timedelta(hours=13)


JP_LABELS = Labels({"owners": ["team:market-data"], "tags": {"market": "tse", "currency": "jpy"}})
