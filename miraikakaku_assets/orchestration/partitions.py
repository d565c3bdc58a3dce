"""Partitions: one key per symbol, named once here.

Keys are registered by the stock master assets and the key sensors, sorted and in one batch (ranges run in
insertion order, and every change of a key list rebuilds Dagster's status cache), and are never deleted: a
delisted issue keeps its key and history. No time dimension: a symbol × date grid would pass Dagster's limit of
100,000 keys.
"""

from collections.abc import Sequence
from functools import cache

import dagster as dg

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe


@cache
def _definition(name: str) -> dg.DynamicPartitionsDefinition:
    return dg.DynamicPartitionsDefinition(name=name)


def partitions_name(universe: Universe, timeframe: Timeframe) -> str:
    """Name of the partitions of a universe's assets of that timeframe: its symbols, or its watch list.

    Raises:
        ConfigurationError: Bars of that timeframe are not collected of it.
    """
    if timeframe is Timeframe.D1:
        return universe.partitions
    if universe.intraday_partitions is None:
        raise ConfigurationError(f"{timeframe} bars of {universe.name} are not collected")
    return universe.intraday_partitions


def partitions_of(universe: Universe, timeframe: Timeframe) -> dg.DynamicPartitionsDefinition:
    """The partitions of a universe's assets of that timeframe."""
    return _definition(partitions_name(universe, timeframe))


def register_keys(instance: dg.DagsterInstance, partitions: str, symbols: list[str]) -> int:
    """Adds the symbols that have no key yet, sorted, in one batch.

    Returns:
        How many were added.
    """
    present = set(instance.get_dynamic_partitions(partitions))
    new = sorted(set(symbols) - present)
    if new:
        instance.add_dynamic_partitions(partitions, new)
    return len(new)


def range_tags(keys: Sequence[str]) -> dict[str, str]:
    """Run tags that make a partitioned run cover all of these keys, which are in insertion order."""
    return {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
