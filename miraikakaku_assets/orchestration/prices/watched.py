"""Watch lists: the symbols whose five-minute bars are collected. Put here: their keys. Keep out: reading settings.

The settings say what is watched; keys are never deleted. So a collection is asked for the list by name and not for the
range of keys, in which yesterday's list would still be.
"""

import dagster as dg

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.orchestration.partitions import register_keys


def watched_symbols(instance: dg.DagsterInstance, ports: Ports, universe: Universe) -> tuple[list[str], int]:
    """The watch list; symbols that the master knows have their keys afterwards, others would keep one for ever.

    Returns:
        The symbols, and how many keys were added.
    """
    symbols = list(ports.settings.watch_list(universe.name))
    if not universe.has_master:
        ports.masters.ensure_named(universe, symbols, ports.clock())
    known = ports.masters.known_symbols(universe)
    added = register_keys(instance, universe.intraday_partitions, [one for one in symbols if one in known])
    return symbols, added
