"""Labels every asset of a universe carries: owners, tags, and how old it may get."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypedDict

import dagster as dg

from miraikakaku_assets.domain.market.instruments import Universe


@dataclass(frozen=True)
class Labels:
    """Labels of one universe.

    Attributes:
        owners: Who answers for its assets.
        tags: Shown and searchable in the web UI.
        master_age: Age at which its stock master counts as stale (JPX publishes monthly, we look weekly).
        coverage_age: Age at which its coverage report counts as stale (checked every six hours).
        example: The symbol that launchpads open with.
    """

    owners: tuple[str, ...]
    tags: Mapping[str, str]
    master_age: timedelta = timedelta(days=9)
    coverage_age: timedelta = timedelta(hours=13)
    example: str = ""


LABELS = {
    "jp": Labels(("team:market-data",), {"market": "tse", "currency": "jpy"}, example="7203.T"),
    "us": Labels(
        ("team:market-data",),
        {"market": "us", "currency": "usd"},
        master_age=timedelta(days=2),
        example="AAPL",
    ),  # listed daily
    "fx": Labels(("team:market-data",), {"market": "fx"}, example="USDJPY=X"),
    "copper": Labels(("team:market-data",), {"market": "comex", "currency": "usd"}, example="HG=F"),
}
"""Universe → its labels."""


def example_config(universe: str, op: str) -> dict[str, Any]:
    """What the launchpad of a job of a list of symbols opens with, so that it can be launched and edited.

    Args:
        universe: Name of a universe.
        op: Name of the job's only op.
    """
    return {"ops": {op: {"config": {"symbols": [LABELS[universe].example]}}}}


class Described(TypedDict):
    """What an asset of a universe says of itself: keyword arguments of `dg.AssetSpec` and `dg.asset`."""

    group_name: str
    kinds: set[str]
    metadata: Mapping[str, Any]
    description: str
    owners: Sequence[str]
    tags: Mapping[str, str]


def described(
    universe: Universe, table: str, text: str, kinds: set[str], columns: Sequence[dg.TableColumn] = ()
) -> Described:
    """What an asset of a universe says of itself.

    Args:
        universe: Whose asset.
        table: Where its rows are, without schema.
        text: For people.
        kinds: What it is made with.
        columns: Of the table, where they are worth naming.
    """
    labels = LABELS[universe.name]
    metadata: dict[str, Any] = {"dagster/table_name": f"miraikakaku.{table}"}
    if columns:
        metadata["dagster/column_schema"] = dg.TableSchema(columns=list(columns))
    return Described(
        group_name=universe.name,
        kinds=kinds,
        metadata=metadata,
        description=text,
        owners=labels.owners,
        tags=labels.tags,
    )
