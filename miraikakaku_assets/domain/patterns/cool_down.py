"""From states to signals: the bar on which a pattern begins, unless it began shortly before."""

from collections.abc import Iterable
from datetime import datetime

import polars as pl

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.patterns.pattern import Pattern
from miraikakaku_assets.domain.patterns.states import POSITION, way

COOL_DOWN = 72
"""Five-minute bars after a signal, its own counted, in which the same symbol, pattern and direction stays silent.
Bars that exist are counted, not minutes: a night does not count, a slot without a trade neither."""

NUMBER = "number"
"""Column with the index of a pattern within its definition."""

WAY = "way"
"""Column with the index of the first alternative that was true."""


def onsets(bars: pl.DataFrame, patterns: Iterable[Pattern]) -> pl.DataFrame:
    """Bars on which a pattern is true that was not true on the bar before.

    The first bar of a symbol is none: what was before it is not known.

    Args:
        bars: `States.bars`.
        patterns: Of the definition, in its order.

    Returns:
        The bars' rows, once per pattern that begins there, with `NUMBER` and `WAY`.
    """
    ways = {
        number: [way(number, which) for which in range(len(pattern.any_of))]
        for number, pattern in enumerate(patterns)
    }
    begins = {}
    for number, names in ways.items():
        state = pl.any_horizontal(names)
        begins[str(number)] = state & ~state.shift(1).over("symbol").fill_null(value=True)
    begun = bars.select(**begins)  # all at once: few of them begin on the bars of a cycle
    onset_rows = [bars.clear().with_columns(pl.lit(None, pl.Int64).alias(name) for name in (WAY, NUMBER))]
    for number, names in ways.items():
        rows = begun[str(number)].arg_true()
        if rows.is_empty():
            continue
        first = pl.coalesce(
            pl.when(name).then(pl.lit(which, pl.Int64)) for which, name in enumerate(names)
        ).alias(WAY)
        onset_rows.append(bars[rows].with_columns(first, pl.lit(number, pl.Int64).alias(NUMBER)))
    kept = pl.concat(onset_rows)
    return kept.select(pl.exclude("^pattern .*$")).sort("symbol", NUMBER, POSITION)


def without_repeats(onsets: pl.DataFrame, last: pl.DataFrame) -> pl.DataFrame:
    """Leaves out what begins again within `COOL_DOWN` bars of a signal; what is left out starts no cool-down.

    Args:
        onsets: As from `onsets`.
        last: ``symbol``, `NUMBER` and `POSITION` of the last signals before; the position may be negative.

    Returns:
        The rows of `onsets` that are signals.
    """
    free_from = {(symbol, number): at + COOL_DOWN for symbol, number, at in last.rows()}
    kept = []
    for symbol, number, at in onsets.select("symbol", NUMBER, POSITION).iter_rows():
        is_free = at >= free_from.get((symbol, number), at)
        kept.append(is_free)
        if is_free:
            free_from[symbol, number] = at + COOL_DOWN
    return onsets.filter(pl.Series(kept, dtype=pl.Boolean))


def last_positions(bars: pl.DataFrame, last_signals: pl.DataFrame, from_ts: datetime) -> pl.DataFrame:
    """Where the last signals lie on the axis of the bars at hand.

    Args:
        bars: ``symbol``, ``ts`` and `POSITION`, sorted by symbol and ``ts``.
        last_signals: ``symbol``, ``ts`` and `NUMBER` of signals before `from_ts`.
        from_ts: Start of the first bar that is judged (UTC).

    Returns:
        ``symbol``, `NUMBER` and `POSITION`, one row per symbol and pattern that has had a signal.

    Raises:
        ConfigurationError: A signal lies before the first bar at hand, and there are too few bars to know that
            its cool-down is over.
    """
    newest = last_signals.group_by("symbol", NUMBER).agg(pl.col("ts").max()).sort("symbol", "ts")
    placed = newest.join_asof(bars, on="ts", by="symbol", strategy="backward", check_sortedness=False)
    before = bars.filter(pl.col("ts") < from_ts).group_by("symbol").agg(known=pl.len())
    placed = placed.join(before, on="symbol", how="left").with_columns(pl.col("known").fill_null(0))
    unknown = placed.filter(pl.col(POSITION).is_null() & (pl.col("known") < COOL_DOWN))
    at_hand = bars.select("symbol").unique()
    unknown = unknown.join(at_hand, on="symbol", how="semi")
    if not unknown.is_empty():
        names = ", ".join(sorted(set(unknown["symbol"])))
        raise ConfigurationError(
            f"The cool-down of {names} cannot be told from fewer than {COOL_DOWN} five-minute bars before "
            f"{from_ts:%Y-%m-%d %H:%M} UTC; pass bars that go back further"
        )
    return placed.drop_nulls(POSITION).select("symbol", NUMBER, POSITION)
