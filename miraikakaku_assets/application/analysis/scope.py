"""What an analysis has to compute again: which symbols are due, from where on, and how many at a time."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import polars as pl

from miraikakaku_assets.application.ports.analysis import NEVER, AnalysisRequest, Material, Standing
from miraikakaku_assets.domain.bars.aggregation import recompute_from
from miraikakaku_assets.domain.bars.price_basis import PriceBasis
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import session_table, slots_per_session
from miraikakaku_assets.domain.patterns.definitions import judged_by

Since = Mapping[str, datetime | None]
"""Symbol → start of the first bar that is computed again (UTC); None for the first of all."""

DERIVED: Mapping[Timeframe, tuple[tuple[Timeframe, Timeframe], ...]] = {
    Timeframe.D1: ((Timeframe.W1, Timeframe.D1), (Timeframe.MO1, Timeframe.D1)),
    Timeframe.M5: ((Timeframe.H1, Timeframe.M5), (Timeframe.H4, Timeframe.H1)),
}
"""Collected timeframe → what is built, and from what."""

BARS_PER_GROUP = 60_000
"""Collected bars that are computed and stored together: 250 issues over a year of days. The real year of Tokyo took
5.1 s in groups of this size, 5.8 s in halves, 5.4 s in doubles, and 9.2 s and 230 MiB more in fours.
Of five-minute bars it is 16 issues over 60 days. A hundred issues took 7.0 s and 290 MiB, 8.5 s and 230 MiB in halves,
7.3 s and 335 MiB in doubles; a pair over three years (220,000 bars, a group of its own) 6.0 s and 330 MiB."""

SYMBOLS_PER_GROUP = 250
"""At most so many symbols in one transaction, however few bars they have."""


def is_due(standing: Standing, request: AnalysisRequest) -> bool:
    """Whether bars changed, time has closed a derived bar, or the symbol was analysed otherwise than asked for."""
    if standing.changed_since is not None:
        return True
    if standing.first is None:
        return False
    closed = (
        standing.settles_at is not None
        and standing.checked_at is not None
        and standing.settles_at <= standing.checked_at
    )
    return closed or _is_new(standing, request)


def _is_new(standing: Standing, request: AnalysisRequest) -> bool:
    """Whether nothing that is stored counts: it was never analysed, or by other definitions."""
    patterns = request.collected is Timeframe.M5
    return standing.basis != request.basis or (
        patterns and standing.judged_by != judged_by(request.definition)
    )


def groups(
    due: Sequence[Standing], universe: Universe, collected: Timeframe, largest: int = BARS_PER_GROUP
) -> Iterator[list[Standing]]:
    """The symbols in groups of about as many bars; a symbol with more of them is a group of its own."""
    group: list[Standing] = []
    bars = 0.0
    for standing in due:
        weight = _bars(standing, universe, collected)
        if group and (bars + weight > largest or len(group) == SYMBOLS_PER_GROUP):
            yield group
            group, bars = [], 0.0
        group.append(standing)
        bars += weight
    if group:
        yield group


def _bars(standing: Standing, universe: Universe, collected: Timeframe) -> float:
    """About how many collected bars a symbol has; counting them would read half of what reading them does."""
    if standing.first is None or standing.newest is None:
        return 0.0
    table = slots_per_session(universe.calendar)
    slots = 1 if collected is Timeframe.D1 else int(table["slots"].max())  # type: ignore[arg-type]
    return ((standing.newest - standing.first).days + 1) * 5 / 7 * slots


def first_changes(standings: Sequence[Standing], request: AnalysisRequest, material: Material) -> Since:
    """Symbol → start of the earliest collected bar that has changed; `NEVER` if none has."""
    anew = _moved_by_dividends(standings, request, material)
    changes: dict[str, datetime | None] = {}
    for standing in standings:
        changed = standing.changed_since
        if _is_new(standing, request) or standing.symbol in anew or standing.first is None:
            changes[standing.symbol] = None
        elif changed is None:
            changes[standing.symbol] = NEVER
        else:
            changes[standing.symbol] = None if changed <= standing.first else changed
    return changes


def _moved_by_dividends(
    standings: Sequence[Standing], request: AnalysisRequest, material: Material
) -> set[str]:
    """Symbols whose adjusted prices of long ago may have moved with a recent bar.

    A dividend is measured by the close before it and moves every earlier price. So as long as a dividend may follow
    the last bar that has not changed, nothing before it can be relied on.
    """
    if request.basis is not PriceBasis.ADJUSTED:
        return set()
    daily = material.bars if request.collected is Timeframe.D1 else material.daily
    paid = material.actions.filter(pl.col("kind") == "dividend")
    newest = dict(paid.group_by("symbol").agg(pl.col("ex_date").max()).iter_rows())
    opens = session_table(request.universe.calendar).select("session", ts="opens")
    dated = daily.filter(pl.col("symbol").is_in(list(newest))).join(opens, on="ts")
    changed = pl.DataFrame(
        [
            (standing.symbol, standing.changed_since)
            for standing in standings
            if standing.changed_since and standing.symbol in newest
        ],
        schema={"symbol": pl.String, "changed": pl.Datetime("us", "UTC")},
        orient="row",
    )
    before = dated.join(changed, on="symbol").filter(pl.col("ts") < pl.col("changed"))
    reliable = dict(before.group_by("symbol").agg(pl.col("session").max()).iter_rows())
    return {
        symbol for symbol in changed["symbol"] if symbol not in reliable or newest[symbol] > reliable[symbol]
    }


def rebuilt_since(standings: Sequence[Standing], changes: Since) -> Since:
    """Symbol → start of the earliest bar, collected or derived, that is not what it was."""
    waiting = {standing.symbol: standing.open_since or NEVER for standing in standings}
    return {
        symbol: None if changed is None else min(changed, waiting[symbol])
        for symbol, changed in changes.items()
    }


def intervals_since(rebuilt: Since, target: Timeframe, universe: Universe) -> Since:
    """The same, moved back to where the interval of a derived timeframe begins."""
    moved = {symbol: moment for symbol, moment in rebuilt.items() if moment is not None and moment < NEVER}
    changed = pl.DataFrame(
        list(moved.items()), schema={"symbol": pl.String, "ts": pl.Datetime("us", "UTC")}, orient="row"
    )
    return {**rebuilt, **dict(recompute_from(changed, target, universe).iter_rows())}
