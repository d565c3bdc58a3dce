"""Labels every asset of a universe carries: owners, tags, and how old it may get."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Labels:
    """Labels of one universe.

    Attributes:
        owners: Who answers for its assets.
        tags: Shown and searchable in the web UI.
        master_age: Age at which its stock master counts as stale (JPX publishes monthly, we look weekly).
        coverage_age: Age at which its coverage report counts as stale (checked every six hours).
    """

    owners: tuple[str, ...]
    tags: Mapping[str, str]
    master_age: timedelta = timedelta(days=9)
    coverage_age: timedelta = timedelta(hours=13)


LABELS = {
    "jp": Labels(("team:market-data",), {"market": "tse", "currency": "jpy"}),
    "us": Labels(
        ("team:market-data",), {"market": "us", "currency": "usd"}, master_age=timedelta(days=2)
    ),  # listed daily
    "fx": Labels(("team:market-data",), {"market": "fx"}),
    "copper": Labels(("team:market-data",), {"market": "comex", "currency": "usd"}),
}
"""Universe → its labels."""
