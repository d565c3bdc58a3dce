"""Use case: what a five-minute cycle has to collect besides the newest bars."""

from collections.abc import Sequence
from datetime import date, datetime

from miraikakaku_assets.application.ports import BarStore, Held
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import last_completed_session


def daily_due(universe: Universe, symbols: Sequence[str], store: BarStore, now: datetime) -> list[str]:
    """Symbols whose daily bars are not there yet or not up to the newest completed session.

    So the first cycle loads every timeframe, later ones only what is due, and a machine that was off for a week
    catches up. A symbol that was asked for after that session had ended is not asked for again: some sources never
    have a bar for a holiday.

    Args:
        universe: Where the symbols belong.
        symbols: What is watched.
        store: Holds the bars.
        now: The moment (UTC).
    """
    newest = last_completed_session(universe.calendar, now)
    held = store.holdings(universe, Timeframe.D1)
    return [symbol for symbol in symbols if _is_due(held.get(symbol), newest)]


def _is_due(held: Held | None, newest: date) -> bool:
    if held is None or held.newest is None:
        return True
    if held.newest >= newest:
        return False
    return held.checked is None or held.checked <= newest
