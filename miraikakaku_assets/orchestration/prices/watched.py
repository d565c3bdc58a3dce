"""Symbols that the settings name: those of a universe without a master, and the watch lists of five-minute bars.

Put here: their keys. Keep out: reading settings. Keys are never deleted, so a collection of five-minute bars is asked
for the list by name and not for the range of keys, in which yesterday's list would still be.
"""

import dagster as dg

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import UNIVERSES, Universe
from miraikakaku_assets.orchestration.partitions import register_keys


def named_keys(instance: dg.DagsterInstance, ports: Ports, universe: Universe) -> int:
    """Makes the symbols that the settings name of a universe its listed ones, with their keys.

    Returns:
        How many keys were added; none of a universe with a master, whose list says what it consists of.
    """
    if universe.has_master:
        return 0
    named = ports.settings.named_symbols(universe.name)
    ports.stores.masters.ensure_named(universe, named, ports.clock())
    return register_keys(instance, universe.partitions, list(named))


def watched_symbols(instance: dg.DagsterInstance, ports: Ports, universe: Universe) -> tuple[list[str], int]:
    """The watch list; symbols that the master knows have their keys afterwards, others would keep one for ever.

    Returns:
        The symbols, and how many keys were added, those of `named_keys` included.
    """
    added, symbols = named_keys(instance, ports, universe), list(ports.settings.watch_list(universe.name))
    if universe.intraday_partitions is None:
        return [], added
    known = ports.stores.masters.known_symbols(universe)
    keys = [symbol for symbol in symbols if symbol in known]
    return symbols, added + register_keys(instance, universe.intraday_partitions, keys)


def register_named(instance: dg.DagsterInstance, ports: Ports) -> int:
    """Adds the keys of everything that the settings name: currency pairs, copper futures, the watch lists.

    Returns:
        How many were added.
    """
    return sum(watched_symbols(instance, ports, universe)[1] for universe in UNIVERSES.values())
