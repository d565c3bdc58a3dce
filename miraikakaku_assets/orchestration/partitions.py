"""Partitions: one key per symbol, named once here.

Keys are registered by the stock master assets, sorted and in one batch (ranges run in insertion order, and
every change of a key list rebuilds Dagster's status cache), and are never deleted: a delisted issue keeps
its key and history. No time dimension: a symbol × date grid would pass Dagster's limit of 100,000 keys.
"""

import dagster as dg

from miraikakaku_assets.domain.market.instruments import JP

jp_symbols = dg.DynamicPartitionsDefinition(name=JP.partitions)


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
