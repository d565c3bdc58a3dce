"""Use case: tell symbols that nobody knows from those that have no bars yet; a typing error must not pass for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # every command line loads this: the ports bring Polars
    from collections.abc import Sequence

    from miraikakaku_assets.application.ports import MasterStore
    from miraikakaku_assets.domain.market.instruments import Universe


def sort_out_unknown(
    universe: Universe, symbols: Sequence[str] | None, masters: MasterStore, named: Sequence[str]
) -> tuple[list[str] | None, list[str]]:
    """Sorts out the symbols that are neither in the master, delisted issues included, nor named by the settings.

    Args:
        universe: Where they should belong.
        symbols: None stands for all there are.
        masters: The stock master.
        named: Symbols of the universe that the settings name.

    Returns:
        Those that are known, None for all there are, and those that are not.
    """
    if not symbols:
        return None if symbols is None else [], []
    there = {*masters.known_symbols(universe), *named}
    return [symbol for symbol in symbols if symbol in there], [
        symbol for symbol in symbols if symbol not in there
    ]


def nothing_done(universe: Universe, unknown: Sequence[str], done: str) -> str:
    """Why nothing was done of unknown symbols, and what to do about it.

    Args:
        universe: Where they should belong.
        unknown: At least one symbol.
        done: Participle, e.g. ``analysed``.
    """
    where, remedy = f"no stock master of {universe.name}", "correct them or update the master"
    if not universe.has_master:
        where, remedy = f"neither {universe.named_by} nor the stored symbols", "correct them"
    return f"Nothing was {done} of symbols that are in {where}: {', '.join(unknown)}; {remedy}"
