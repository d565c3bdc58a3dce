"""Labels every asset of a universe carries: owners and tags; and what the launchpads of its jobs open with."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import dagster as dg

from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.orchestration.universes import RECORDS


def example_config(universe: str, op: str) -> dict[str, Any]:
    """What the launchpad of a job of a list of symbols opens with, so that it can be launched and edited.

    Args:
        universe: Name of a universe.
        op: Name of the job's only op.
    """
    return {"ops": {op: {"config": {"symbols": [RECORDS[universe].universe.example]}}}}


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
    labels = RECORDS[universe.name]
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
