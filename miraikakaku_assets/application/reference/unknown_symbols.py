"""Use case: tell symbols that nobody knows from those that have no bars yet; a typing error must not pass for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # every command line loads this: the ports bring Polars
    from collections.abc import Sequence

    from miraikakaku_assets.application.ports import MasterStore
    from miraikakaku_assets.domain.market.instruments import Universe


def unknown_symbols(
    universe: Universe, symbols: Sequence[str], masters: MasterStore, named: Sequence[str]
) -> list[str]:
    """The symbols that are neither in the master, delisted issues included, nor named by the settings.

    Args:
        universe: Where they should belong.
        symbols: What was named.
        masters: The stock master.
        named: Symbols of the universe that the settings name.
    """
    if not symbols:
        return []
    known = {*masters.known_symbols(universe), *named}
    return [symbol for symbol in symbols if symbol not in known]


def not_analysed(universe: Universe, unknown: Sequence[str], done: str = "analysed") -> str:
    """Why nothing was analysed (or forecast) of unknown symbols, and what to do about it."""
    where, remedy = f"no stock master of {universe.name}", "correct them or update the master"
    if not universe.has_master:
        where, remedy = f"neither {universe.named_by} nor the stored symbols", "correct them"
    return f"Nothing was {done} of symbols that are in {where}: {', '.join(unknown)}; {remedy}"
