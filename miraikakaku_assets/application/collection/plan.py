"""Use case: what the master says of the symbols a collection is asked for."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from miraikakaku_assets.application.ports import MasterStore, PriceSource, SymbolOutcome
from miraikakaku_assets.domain.errors import PermanentSymbolError, WorkFellShortError
from miraikakaku_assets.domain.market.instruments import Instrument, Universe


def plan_collection(
    universe: Universe,
    symbols: Sequence[str] | None,
    masters: MasterStore,
    source: PriceSource,
    done: AbstractSet[str] = frozenset(),
) -> tuple[list[Instrument], list[SymbolOutcome], bool]:
    """Sorts the symbols a collection is asked for by what the master says of them.

    Args:
        universe: Where the symbols belong.
        symbols: None stands for every listed issue.
        masters: The stock master.
        source: LeakageCheckRequest for delisted issues, too, if it holds a fixed set of rows.
        done: Symbols that an attempt which did not end has collected already.

    Returns:
        Instruments to fetch, outcomes that need no fetching, and whether this is the whole market.

    Raises:
        WorkFellShortError: There is no stock master yet.
    """
    listed = masters.instruments(universe)
    if not listed:
        raise WorkFellShortError(
            f"There is no stock master of {universe.name} yet, so nothing can be collected; "
            f"run `miraikakaku master update --universe {universe.name}` first"
        )
    if symbols is None:
        return *_without(listed, done), True
    instruments = masters.instruments(universe, symbols)
    known = {instrument.symbol for instrument in instruments}
    settled = [
        SymbolOutcome(instrument.symbol, "delisted")
        for instrument in instruments
        if not instrument.is_active and not source.is_fixed
    ]
    for symbol in dict.fromkeys(symbols):
        if symbol not in known:
            explanation = f"it is in no stock master of {universe.name}; correct it or update the master"
            settled.append(
                SymbolOutcome(
                    symbol, "not_in_master", error=PermanentSymbolError(symbol, "not_in_master", explanation)
                )
            )
    fetched = [instrument for instrument in instruments if instrument.is_active or source.is_fixed]
    left, reused = _without(fetched, done)
    return left, [*settled, *reused], {instrument.symbol for instrument in listed} <= known


def _without(
    instruments: Sequence[Instrument], done: AbstractSet[str]
) -> tuple[list[Instrument], list[SymbolOutcome]]:
    left = [instrument for instrument in instruments if instrument.symbol not in done]
    return left, [
        SymbolOutcome(instrument.symbol, "reused") for instrument in instruments if instrument.symbol in done
    ]
