"""Longer bars from shorter ones: 5m → 1h → 4h and 1d → 1w, 1mo.

A bar is a function of the source bars in its own interval, of the clock and of nothing else. Open is the first
part's, close the last's, high and low the extremes and volume a sum of whole numbers: no rounding is involved, so
a rebuilt part of a series equals, bit for bit, the same part of a series built from scratch, and 4h bars built
from 1h bars equal those built from 5-minute bars. The intervals are in
`miraikakaku_assets.domain.bars.intervals`.

Incrementally: after source bars changed, `recompute_from` and `closing_by_time` say from where on each symbol's
bars are not what they were; those are put in the place of what was stored from there on.
"""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.bars.intervals import (
    check_pair,
    expected_days,
    expected_parts,
    intervals,
    settled_after,
)
from miraikakaku_assets.domain.bars.series import Positions, series_bounds, stamps
from miraikakaku_assets.domain.errors import PermanentSymbolError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

AGGREGATED: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "ts": pl.Datetime("us", "UTC"),  # start of the interval, whether or not a part begins there
    "open": pl.Float64(),
    "high": pl.Float64(),
    "low": pl.Float64(),
    "close": pl.Float64(),
    "volume": pl.Int64(),
    "status": pl.String(),  # final or provisional
    "flag": pl.String(),  # the first flag among the parts, null for none
    "built_from": pl.String(),  # timeframe of the parts
    "parts": pl.Int32(),  # how many there are
    "expected_parts": pl.Int32(),  # how many the calendar expects, see `expected_parts`
}
"""A bar that was built, with what it was built from. Prices and volume have the basis of the parts."""


def aggregate(
    bars: pl.DataFrame,
    source: Timeframe,
    target: Timeframe,
    universe: Universe,
    now: datetime,
    collected: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Builds the bars of a longer timeframe.

    A bar is ``final`` only when its interval is over, the source was asked after its last price had settled
    (`settled_after` the end), and every part is final; until then it is ``provisional``: never taken for closed.

    Args:
        bars: Columns ``symbol``, ``ts`` (UTC start of the bar), the four prices (any basis, finite), ``volume``
            (Int64), ``status``, ``flag``; sorted by symbol and ts.
        source: Timeframe of the bars.
        target: Timeframe to build.
        universe: Whose sessions the intervals are anchored to.
        now: When the bars were collected (UTC).
        collected: Columns ``symbol`` and ``collected`` (UTC): the symbols' own moments where they differ, as
            after a collection in which some failed. A later moment than `now` counts as `now`, a symbol that is
            not in it stays provisional.

    Returns:
        Schema `AGGREGATED`, sorted by symbol and ts. An interval without a part has no bar.

    Raises:
        ConfigurationError: The target is not built from this source, as daily bars never are.
        PermanentSymbolError: Bars are out of order, have nulls, or lie outside every interval.
    """
    check_pair(source, target)
    if bars.is_empty():
        return pl.DataFrame(schema=AGGREGATED)
    _without_nulls(bars)
    bars = bars.with_columns(bars["ts"].rechunk())  # read three times below, and copied each time in pieces
    bounds = series_bounds(bars)
    table = intervals(universe, target)
    at = _placed(bars, table)
    heads = _first_parts(at, bounds)
    tails = np.append(heads[1:], bars.height) - 1
    _refuse_strangers(bars, table["last"], at, tails)
    place = at[heads]
    grouped = bars.select("symbol", "open").select(pl.all().gather(heads))
    high, low, volume = (bars[name].to_numpy() for name in ("high", "low", "volume"))
    moments = pl.DataFrame({"ends": table["ends"].gather(place), "symbol": grouped["symbol"]})
    delay = settled_after(target, universe)
    return grouped.select(
        "symbol",
        table["ts"].gather(place),
        "open",
        high=pl.Series(np.maximum.reduceat(high, heads)).fill_nan(None),
        low=pl.Series(np.minimum.reduceat(low, heads)).fill_nan(None),
        close=bars["close"].gather(tails),
        volume=np.add.reduceat(volume, heads),
        status=_status(moments, _all_final(bars["status"], heads), now, collected, delay),
        flag=_first_flag(bars["flag"], heads),
        built_from=pl.lit(source.value),
        parts=pl.Series(tails - heads + 1, dtype=pl.Int32),
        expected_parts=pl.Series(_expected(universe, source, target, grouped["symbol"], place)),
    ).cast(AGGREGATED)  # type: ignore[arg-type]


def _expected(
    universe: Universe, source: Timeframe, target: Timeframe, symbols: pl.Series, place: Positions
) -> NDArray[np.int32]:
    """Parts that each bar should have; where the instruments of a universe trade on different days, on their own."""
    expected = expected_parts(universe, source, target)[place]
    if not universe.markets or source is not Timeframe.D1:
        return expected
    calendars = {symbol: universe.calendar_of(symbol) for symbol in symbols.unique()}
    own = symbols.replace_strict(calendars, return_dtype=pl.String).to_numpy()
    for calendar in set(calendars.values()):
        expected = np.where(own == calendar, expected_days(universe, target, calendar)[place], expected)
    return expected


def _without_nulls(bars: pl.DataFrame) -> None:
    whole = bars.filter(
        ~pl.all_horizontal(pl.col("open", "high", "low").is_null())
    )  # an official price has no range
    counted = {name: whole[name].null_count() for name in ("open", "high", "low")}
    counted |= {name: bars[name].null_count() for name in ("close", "volume")}
    for name, nulls in counted.items():
        if nulls:
            symbol = bars.filter(pl.col(name).is_null())["symbol"][0]
            raise PermanentSymbolError(
                symbol, "null_in_bars", f"{nulls} bars have no {name}; store valid bars only"
            )


def _placed(bars: pl.DataFrame, table: pl.DataFrame) -> Positions:
    """Number of the latest interval that begins before each bar, -1 for none."""
    moments, starts = stamps(bars["ts"]), stamps(table["ts"])
    # A binary search in the few intervals concerned is faster than the hash that distinct stamps would cost.
    low = max(int(np.searchsorted(starts, moments.min(), side="right")) - 1, 0)
    high = int(np.searchsorted(starts, moments.max(), side="right"))
    placed: Positions = np.searchsorted(starts[low:high], moments, side="right") + (low - 1)
    return placed


def _refuse_strangers(bars: pl.DataFrame, last: pl.Series, at: Positions, tails: Positions) -> None:
    """Refuses bars before the first interval or behind their own; the last parts stand for those before them."""
    outside = (at[tails] < 0) | (stamps(bars["ts"])[tails] > stamps(last)[at[tails]])
    if outside.any():
        row = int(tails[np.argmax(outside)])
        explanation = f"the bar of {bars['ts'][row]} lies outside trading hours, in no interval; withdraw it"
        raise PermanentSymbolError(bars["symbol"][row], "outside_hours", explanation)


def _first_parts(at: Positions, bounds: Positions) -> Positions:
    """Rows at which another interval or another symbol begins."""
    begins = np.empty(len(at), dtype=np.bool_)
    np.not_equal(at[1:], at[:-1], out=begins[1:])
    begins[bounds[:-1]] = True
    return np.flatnonzero(begins)


def _all_final(status: pl.Series, heads: Positions) -> NDArray[np.bool_]:
    return np.logical_and.reduceat((status == "final").to_numpy(), heads)


def _first_flag(flags: pl.Series, heads: Positions) -> pl.Series:
    none = pl.repeat(None, len(heads), dtype=pl.String, eager=True)
    flagged = np.flatnonzero(flags.is_not_null().to_numpy())
    if not len(flagged):
        return none
    bar, first = np.unique(np.searchsorted(heads, flagged, side="right") - 1, return_index=True)
    return none.scatter(pl.Series(bar), flags.gather(flagged[first]))


def _status(
    moments: pl.DataFrame,
    settled: NDArray[np.bool_],
    now: datetime,
    collected: pl.DataFrame | None,
    delay: timedelta,
) -> pl.Series:
    collected_at: pl.Expr = pl.lit(now, pl.Datetime("us", "UTC"))
    if collected is not None:
        known = collected.select("symbol", collected_at=pl.min_horizontal("collected", collected_at))
        moments = moments.join(known, on="symbol", how="left", maintain_order="left", validate="m:1")
        collected_at = pl.col("collected_at")
    over = (pl.col("ends") + delay <= collected_at).fill_null(value=False)
    final = moments.select(over & pl.Series(settled)).to_series()
    text = pl.when(final).then(pl.lit("final")).otherwise(pl.lit("provisional"))
    return moments.select(text.alias("status")).to_series()


def recompute_from(changed: pl.DataFrame, target: Timeframe, universe: Universe) -> pl.DataFrame:
    """From where on bars must be built again after source bars came, changed or were withdrawn.

    Args:
        changed: Columns ``symbol`` and ``ts`` (UTC start) of the source bars concerned, any order.
        target: Timeframe that is built.
        universe: Whose sessions the intervals are anchored to.

    Returns:
        Columns ``symbol`` and ``since``: start of the interval of each symbol's earliest change, UTC. A change
        outside every interval counts from the interval before it.
    """
    earliest = changed.group_by("symbol").agg(pl.col("ts").min()).sort("ts")
    starts = intervals(universe, target).select(since="ts")
    matched = earliest.join_asof(starts, left_on="ts", right_on="since", strategy="backward")
    return matched.select("symbol", since=pl.coalesce("since", "ts")).sort("symbol")


def closing_by_time(
    built: pl.DataFrame, target: Timeframe, universe: Universe, collected: pl.DataFrame
) -> pl.DataFrame:
    """Bars that a later collection closes although it brings nothing new: their interval is not over yet.

    A bar that is provisional because a part is does not count: nothing closes it but a change of that part.

    Args:
        built: As from `aggregate`.
        target: Its timeframe.
        universe: As for `aggregate`.
        collected: Columns ``symbol`` and ``collected`` that the bars were built with.

    Returns:
        Per symbol that has such bars: ``symbol``, ``since`` (start of the earliest, UTC) and ``settles_at`` (the
        first moment of a collection, UTC, that closes one).
    """
    over = intervals(universe, target).select("ts", "ends")
    waiting = built.filter(pl.col("status") == "provisional").join(over, on="ts", how="left")
    waiting = waiting.with_columns(settles_at=pl.col("ends") + settled_after(target, universe))
    waiting = waiting.join(collected, on="symbol", how="left")
    waiting = waiting.filter((pl.col("settles_at") > pl.col("collected")).fill_null(value=True))
    return (
        waiting.group_by("symbol")
        .agg(since=pl.col("ts").min(), settles_at=pl.col("settles_at").min())
        .sort("symbol")
    )
