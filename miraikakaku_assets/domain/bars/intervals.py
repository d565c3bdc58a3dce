"""The intervals that bars longer than their source stand for, anchored to sessions.

The rule is one for all markets: every unbroken stretch of trading is divided from its beginning on, and a bar
ends after its length or with the stretch.

- Tokyo trades 9:00-11:30 and 12:30-15:30 (15:00 until 2024-11-04). 1h bars begin at 9:00, 10:00, 11:00 (half an
  hour), 12:30, 13:30 and 14:30; 4h bars are the morning and the afternoon. No bar spans the lunch break, and
  every 4h bar consists of whole 1h bars: 9:00-13:00 by the clock would cut the bar of 12:30 in two. The morning
  ends with a print at 11:30, a 5-minute bar of its own, so the bars of the morning's end are over at 11:35.
- New York trades 9:30-16:00. 1h bars begin at 9:30 … 15:30 (half an hour), 4h bars at 9:30 and 13:30 (two and a
  half hours); half days end both at 13:00.
- Currencies trade from Sunday to Friday, 17:00 in New York. Their stretch is New York's day from 17:00 to 17:00,
  which is also the default of OANDA's candles (``dailyAlignment`` 17, ``America/New_York``). A week then has 30
  whole 4h bars; anchored at London midnight, where daily bars of currencies begin, it would begin and end with stubs.
  Clocks change at weekends only, so no stretch ever has 23 or 25 hours.
- 1w is the ISO week of the exchange's dates, 1mo their calendar month. The bar is stamped with the open of the
  calendar's first session in it, whether or not the issue was traded then: all issues share their stamps.

A bar is over when the last part that may belong to it has ended, and from then on it is known. Bars of days and
longer are known `FINAL_AFTER` the close: their last price is the closing auction's, made after the last 5-minute bar.
"""

from datetime import timedelta
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.bars.series import stamps
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import (
    FINAL_AFTER,
    SLOT,
    session_table,
    slot_bounds,
    trading_hours,
)

SOURCES = {
    Timeframe.H1: (Timeframe.M5,),
    Timeframe.H4: (Timeframe.H1, Timeframe.M5),
    Timeframe.W1: (Timeframe.D1,),
    Timeframe.MO1: (Timeframe.D1,),
}
"""Timeframe → what it may be built from, the usual one first. Daily bars are always collected."""

_LENGTH = {Timeframe.H1: timedelta(hours=1), Timeframe.H4: timedelta(hours=4)}
_CALENDAR_UNIT = {Timeframe.W1: "1w", Timeframe.MO1: "1mo"}


def check_pair(source: Timeframe, target: Timeframe) -> None:
    """Refuses what is never built.

    Raises:
        ConfigurationError: `target` is not built from `source`; daily bars from nothing at all.
    """
    if source in SOURCES.get(target, ()):
        return
    if target is Timeframe.D1:
        raise ConfigurationError(
            f"1d bars are collected, never built from {source}: Tokyo's closing auction is missing from 5-minute "
            "bars, as domain/bars/daily_gap.py measures"
        )
    known = "; ".join(f"{to} from {' or '.join(froms)}" for to, froms in SOURCES.items())
    raise ConfigurationError(f"{target} bars are not built from {source}; what is built: {known}")


@cache
def intervals(universe: Universe, target: Timeframe) -> pl.DataFrame:
    """Every interval of a timeframe that the calendar knows.

    Returns:
        Columns ``ts`` (start), ``ends`` (when its last part is over) and ``last`` (the latest start of a bar
        that belongs to it); UTC, ascending, not overlapping. Where a break begins, ``last`` is the break's
        beginning and ``ends`` a slot later: Tokyo's morning closes with a print at 11:30.
    """
    if target in _CALENDAR_UNIT:
        table = session_table(universe.calendar)
        unit = pl.col("session").dt.truncate(_CALENDAR_UNIT[target])
        grouped = table.group_by(unit, maintain_order=True).agg(
            ts=pl.col("opens").first(), ends=pl.col("closes").last()
        )
        return grouped.select("ts", "ends", last=pl.col("ends") - timedelta(microseconds=1))
    length = _LENGTH[target]
    stretches = _stretches(universe)
    longest: timedelta = stretches.select((pl.col("ends") - pl.col("begins")).max()).item()
    count = -(-longest // length)
    steps = pl.DataFrame({"step": [length * number for number in range(count)]})
    each = stretches.join(steps, how="cross").with_columns(ts=pl.col("begins") + pl.col("step"))
    each = each.filter(pl.col("ts") < pl.col("ends")).sort("ts")
    ends = pl.min_horizontal(pl.col("ts") + length, "ends")
    printed = pl.col("breaks") & (ends == pl.col("ends"))
    last = pl.when(printed).then(ends).otherwise(ends - timedelta(microseconds=1))
    # Until 11:35 the print of 11:30 may still change: who reads the morning at 11:30 reads the next five minutes.
    return each.select("ts", ends=pl.when(printed).then(ends + SLOT).otherwise(ends), last=last)


def settled_after(timeframe: Timeframe, universe: Universe) -> timedelta:
    """How long after its end a bar may still change: bars of days and longer wait for the close's late volumes."""
    return universe.settling if timeframe in (Timeframe.M5, *_LENGTH) else FINAL_AFTER


def with_ends(bars: pl.DataFrame, timeframe: Timeframe, universe: Universe) -> pl.DataFrame:
    """Adds ``ends``, the moment (UTC) from which each bar is known: nothing it says was known before.

    Bars shorter than a day are known when they are over, as `intervals` says. Daily and longer bars are known
    when they are final, `FINAL_AFTER` the close: the 5-minute bar that ends with the session knows nothing of
    the closing auction, and the one after London's midnight nothing of a currency day that may still change.

    Args:
        bars: Column ``ts`` (UTC start) of stored bars, any order; others are kept.
        timeframe: Of all the bars.
        universe: Whose sessions they belong to.
    """
    if timeframe is Timeframe.M5:
        return bars.with_columns(ends=pl.col("ts") + SLOT)
    return bars.join(_ends(universe, timeframe), on="ts", how="left", maintain_order="left")


@cache
def _ends(universe: Universe, timeframe: Timeframe) -> pl.DataFrame:
    if timeframe in _LENGTH:
        return intervals(universe, timeframe).select("ts", "ends")
    if timeframe is Timeframe.D1:
        table = session_table(universe.calendar).select(ts="opens", ends="closes")
    else:
        table = intervals(universe, timeframe).select("ts", "ends")
    return table.with_columns(pl.col("ends") + FINAL_AFTER)


def _stretches(universe: Universe) -> pl.DataFrame:
    """Unbroken trading: columns ``begins``, ``ends`` (UTC) and ``breaks`` (a break within the session follows)."""
    hours = trading_hours(universe.calendar)
    if universe.own_calendar and universe.own_calendar.stretches:
        return universe.own_calendar.stretches(hours)
    whole = pl.col("break_start").is_null()
    first = hours.select(
        begins="opens", ends=pl.coalesce("break_start", "closes"), breaks=pl.col("break_start").is_not_null()
    )
    second = hours.filter(~whole).select(begins="break_end", ends="closes", breaks=pl.lit(value=False))
    return pl.concat([first, second]).sort("begins")


@cache
def expected_parts(universe: Universe, source: Timeframe, target: Timeframe) -> NDArray[np.int32]:
    """How many source bars each interval of `intervals` has when nothing is missing.

    Five-minute bars are due as `miraikakaku_assets.domain.market.sessions.expected_slots` says: closing prints
    and Sunday evenings of currencies come on top, so an interval may have more parts than are expected.
    """
    table = intervals(universe, target)
    if source is Timeframe.D1:
        starts = stamps(session_table(universe.calendar)["opens"])
    elif source is Timeframe.H1:
        hourly = intervals(universe, Timeframe.H1)
        starts = stamps(hourly["ts"])[expected_parts(universe, Timeframe.M5, Timeframe.H1) > 0]
    else:
        return _due_slots(universe, table)
    counted = np.searchsorted(starts, stamps(table["ends"])) - np.searchsorted(starts, stamps(table["ts"]))
    return counted.astype(np.int32)


@cache
def expected_days(universe: Universe, target: Timeframe, calendar: str) -> NDArray[np.int32]:
    """The same of daily bars of those instruments of a universe that trade on the days of a calendar."""
    table = intervals(universe, target)
    universal = session_table(universe.calendar)
    own = universal.filter(pl.col("session").is_in(session_table(calendar)["session"].implode()))
    starts = stamps(own["opens"])
    counted = np.searchsorted(starts, stamps(table["ends"])) - np.searchsorted(starts, stamps(table["ts"]))
    return counted.astype(np.int32)


def _due_slots(universe: Universe, table: pl.DataFrame) -> NDArray[np.int32]:
    bounds = slot_bounds(universe.calendar)
    due = pl.concat(
        [
            bounds.select(start="opens", end="pauses"),
            bounds.drop_nulls("resumes").select(start="resumes", end="ends"),
        ]
    ).sort("start")
    edges = np.column_stack([stamps(due["start"]), stamps(due["end"])]).ravel()
    length = np.diff(edges)
    length[1::2] = 0  # between two stretches nothing is due
    total = np.concatenate([[0], np.cumsum(length)])

    def elapsed(moments: pl.Series) -> NDArray[np.int64]:
        at = stamps(moments)
        before = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(edges) - 1)
        running = (before % 2 == 0) & (at > edges[0])
        since: NDArray[np.int64] = total[before] + np.where(running, at - edges[before], 0)
        return since

    slot = int(SLOT.total_seconds()) * 1_000_000
    slots: NDArray[np.int32] = ((elapsed(table["ends"]) - elapsed(table["ts"])) // slot).astype(np.int32)
    return slots
