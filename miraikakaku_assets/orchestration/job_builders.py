"""How jobs are built: of one asset of each universe, and of one op, without partitions and assets of its own."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import dagster as dg

from miraikakaku_assets.domain.market.instruments import UNIVERSES, Universe


def assets_only(keys: Iterable[dg.AssetKey], gates: Iterable[dg.AssetCheckKey] = ()) -> dg.AssetSelection:
    """Assets without the checks of what is stored, which look at whole universes and are a job of their own.

    Args:
        keys: Of the assets.
        gates: Checks that are made all the same: they hold up what comes after.
    """
    return dg.AssetSelection.assets(*keys).without_checks() | dg.AssetSelection.checks(*gates)


def asset_jobs(
    what: str,
    key_of: Callable[[Universe], dg.AssetKey],
    description: str,
    selected: Callable[[dg.AssetKey], dg.AssetSelection] = dg.AssetSelection.assets,
) -> dict[Universe, Any]:
    """A job per universe that materializes one of its assets.

    Args:
        what: Name of the jobs behind the universe's.
        key_of: Key of the asset.
        description: For people; ``{}`` stands for the universe's name.
        selected: What of an asset the job makes; by default it and all its checks.
    """
    return {
        universe: dg.define_asset_job(
            f"{universe.name}_{what}_job",
            selected(key_of(universe)),
            description=description.format(universe.name),
        )
        for universe in UNIVERSES.values()
    }


def symbols_names(universe: Universe, verb: str) -> tuple[str, str]:
    """Names of a universe's job for any list of symbols, and of its only op."""
    return f"{universe.name}_{verb}_symbols", f"{verb}_{universe.name}_symbols"


def op_job(
    op: dg.OpDefinition,
    name: str,
    description: str,
    tags: Mapping[str, str] | None = None,
    example: str | None = None,
) -> dg.JobDefinition:
    """A job whose only step is an op.

    Args:
        op: What it does.
        name: Of the job.
        description: What people read of it.
        tags: Of its runs.
        example: Symbol that its launchpad opens with, so that it can be launched and edited.
    """
    graph = dg.GraphDefinition(name, node_defs=[op], description=description)
    config = {"ops": {op.name: {"config": {"symbols": [example]}}}} if example else None
    return graph.to_job(name, description=description, tags=tags, config=config)
