"""Which sessions a collection asks for, symbol by symbol, and from when on an earlier attempt still counts."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, timedelta

import polars as pl

from miraikakaku_assets.application.collection.request import CollectionRequest
from miraikakaku_assets.application.ports import BarRequest, BarStore, Held
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import (
    FINAL_AFTER,
    last_completed_session,
    session_table,
    sessions_back,
    trading_hours,
)

_CYCLE = timedelta(minutes=5)
_NOTHING = Held(newest=None, complete_from=None)


def bar_requests(
    request: CollectionRequest, store: BarStore, now: datetime, *, is_fixed: bool
) -> tuple[list[BarRequest], frozenset[str]]:
    """The window of each symbol: what was asked for, or from where its stored bars end.

    The newest stored sessions are asked for again, because sources restate them. A symbol whose stored bars are
    not known to be complete since the start of the history is asked for all of it, once.

    Args:
        request: What is asked for.
        store: Holds the bars.
        now: The moment (UTC).
        is_fixed: The source is an archive: what it holds is not all there is.

    Returns:
        The requests, and the symbols of which nothing is stored.
    """
    until = request.until or date.max
    held = store.holdings(request.universe, request.timeframe)
    bare = frozenset(
        instrument.symbol
        for instrument in request.instruments
        if held.get(instrument.symbol, _NOTHING).newest is None
    )
    if request.windows is not None:
        own = request.windows
        return [BarRequest(symbol, *own[symbol]) for symbol in _symbols(request) if symbol in own], bare
    if request.since is not None:
        return [
            BarRequest(instrument.symbol, request.since, until) for instrument in request.instruments
        ], bare
    known = {
        instrument.symbol: _known_to(
            held.get(instrument.symbol, _NOTHING), request.history_start, is_fixed=is_fixed
        )
        for instrument in request.instruments
    }
    # What is stored may end where the source no longer reaches: it is asked for what it still has.
    starts = {
        day: max(start, request.history_start)
        for day, start in _restatement_starts(request, known.values(), now).items()
    }
    requests = [
        BarRequest(symbol, starts.get(day, request.history_start), until) for symbol, day in known.items()
    ]
    return requests, bare


def _symbols(request: CollectionRequest) -> list[str]:
    return [instrument.symbol for instrument in request.instruments]


def _known_to(held: Held, history_start: date, *, is_fixed: bool) -> date | None:
    """Last session up to which nothing is missing; None when that is not known."""
    if is_fixed or held.newest is None:
        return held.newest
    if held.complete_from is None or held.checked is None or held.complete_from > history_start:
        return None
    return min(held.newest, held.checked)


def _restatement_starts(
    request: CollectionRequest, known: Iterable[date | None], now: datetime
) -> dict[date | None, date]:
    """Last known session → first session that is asked for again."""
    back = request.restatement_sessions - 1 if request.timeframe is Timeframe.D1 else 0
    days = {day for day in known if day is not None}
    return {day: sessions_back(request.universe.calendar, min(day, now.date()), back) for day in days}


def complete_from(requests: Sequence[BarRequest], delivered: AbstractSet[str]) -> dict[str, date]:
    """Symbol → first session of an answered request that had no end: since then nothing is missing.

    Args:
        requests: To the source.
        delivered: Symbols of which a bar was accepted. An empty answer promises nothing: it may be a symbol that
            never trades, and it may be a source that is not itself.
    """
    return {
        request.symbol: request.since
        for request in requests
        if request.until == date.max and request.symbol in delivered
    }


def collected_since(universe: Universe, timeframe: Timeframe, now: datetime) -> datetime:
    """The moment since which a symbol's bars cannot have changed for good.

    Daily bars: since the newest session became final. Shorter ones: the same while the market is closed, and
    the current five minutes while it trades.
    """
    day = last_completed_session(universe.calendar, now)
    closes = session_table(universe.calendar).filter(pl.col("session") == day)["closes"]
    final: datetime = closes.item() + FINAL_AFTER
    if timeframe is Timeframe.D1:
        return final
    return max(final, now - _CYCLE) if is_open(universe, now) else final


def changes_between(universe: Universe, earlier: datetime, now: datetime) -> bool:
    """Whether a daily bar has run or become final between two moments (UTC): else the source has nothing new."""
    table = session_table(universe.calendar)
    begun = pl.col("opens") < now.astimezone(UTC)
    unfinished = pl.col("closes") + FINAL_AFTER > earlier.astimezone(UTC)
    return not table.filter(begun & unfinished).is_empty()


def is_open(universe: Universe, now: datetime) -> bool:
    """Whether bars may still appear or change: from the first price until the last is final after the close.

    That moment is included: it is when the last bar of a session becomes final.

    Currencies begin on Sunday at 17:00 in New York, hours before the session that those bars belong to.
    """
    hours, moment = trading_hours(universe.calendar), now.astimezone(UTC)  # Polars compares equal zones only
    running = (pl.col("opens") <= moment) & (pl.col("closes") + FINAL_AFTER >= moment)
    return not hours.filter(running).is_empty()
