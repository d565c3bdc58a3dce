"""Use cases of charts: when an instrument trades, in how fine steps, and its bars up to a moment."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import polars as pl

from miraikakaku_assets.application.reading.bars import StoredBars, Window, symbol_bars
from miraikakaku_assets.domain.bars.price_basis import PriceBasis
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import last_completed_session, trading_hours

INTRADAY = (Timeframe.M5, Timeframe.H1, Timeframe.H4)
"""Timeframes whose bars have a time of the day; the others have a day."""
_USUAL_SESSIONS = 20  # the newest ones, whose hours are told
_SCALES = {"JPY per share": 10, "USD per share": 100, "USD per pound": 10_000}
_YEN_SCALE, _PAIR_SCALE = 1000, 100_000


class NewestBars(Protocol):
    """Knows the newest bar of a symbol."""

    def newest_starts(
        self, universe: Universe, timeframe: Timeframe, symbols: Sequence[str]
    ) -> Mapping[str, datetime | None]:
        """Symbol → start of its newest final bar (UTC)."""


@dataclass(frozen=True)
class ChartedInstrument:
    """What a chart has to know of an instrument.

    Attributes:
        hours: Trading hours of a usual day at the exchange, e.g. ``0900-1130,1230-1530``.
        price_scale: Quote increments of one unit of price.
        timeframes: Those that there are bars of.
    """

    hours: str
    price_scale: int
    timeframes: tuple[Timeframe, ...]


@dataclass(frozen=True)
class ChartedBars:
    """Bars of a chart.

    Attributes:
        bars: Columns ``time`` (UTC; midnight of the exchange's date where a bar has a day only), ``open``, ``high``,
            ``low``, ``close``, ``volume``; ascending.
        earlier: Time of the newest bar before the window, where it is empty.
    """

    bars: pl.DataFrame
    earlier: datetime | None


def charted_instrument(
    universe: Universe, symbol: str, price_unit: str, now: datetime, store: NewestBars
) -> ChartedInstrument:
    """Trading hours, quote increment and timeframes of an instrument."""
    is_intraday = store.newest_starts(universe, Timeframe.M5, [symbol]).get(symbol) is not None
    longer = (Timeframe.D1, Timeframe.W1, Timeframe.MO1)
    timeframes = (*INTRADAY, *longer) if is_intraday else longer
    return ChartedInstrument(usual_hours(universe, now), price_scale(price_unit), timeframes)


def usual_hours(universe: Universe, now: datetime) -> str:
    """The hours that most of the newest sessions had, on the exchange's clock."""
    newest = pl.col("session") <= last_completed_session(universe.calendar, now)
    zone = ZoneInfo(universe.time_zone)
    written = Counter[str]()
    for row in trading_hours(universe.calendar).filter(newest).tail(_USUAL_SESSIONS).iter_rows(named=True):
        names = ("opens", "break_start", "break_end", "closes")
        ends = [f"{row[name].astimezone(zone):%H%M}" for name in names if row[name] is not None]
        written[",".join(f"{begin}-{end}" for begin, end in zip(ends[::2], ends[1::2], strict=True))] += 1
    return written.most_common(1)[0][0]


def price_scale(price_unit: str) -> int:
    """Quote increments of one unit of price: Tokyo's finest step is 0.1 yen, a pip's tenth is 0.001 yen or 0.00001."""
    if price_unit in _SCALES:
        return _SCALES[price_unit]
    return _YEN_SCALE if price_unit.startswith("JPY") else _PAIR_SCALE


def charted_bars(
    universe: Universe,
    timeframe: Timeframe,
    symbol: str,
    begin: datetime,
    end: datetime,
    count: int | None,
    store: StoredBars,
) -> ChartedBars:
    """Bars of a window, daily ones adjusted for splits.

    Args:
        universe: Whose instrument.
        timeframe: Length of the bars.
        symbol: Which one.
        begin: First moment (UTC), unless a number of bars is asked for.
        end: First moment behind the window (UTC).
        count: So many bars before the end, whenever they were; None for those from `begin` on.
        store: Holds them.
    """
    zone = ZoneInfo(universe.time_zone)
    until = None if end.year >= date.max.year else end.astimezone(zone).date()
    basis = PriceBasis.SPLIT_ADJUSTED if timeframe is Timeframe.D1 else PriceBasis.RAW
    stored = symbol_bars(universe, timeframe, symbol, basis, Window(None, until), store)
    day = pl.col("session").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    moment = pl.col("ts") if timeframe in INTRADAY else day
    bars = (
        stored.filter(pl.col("close").is_not_null())
        .select(moment.alias("time"), "open", "high", "low", "close", pl.col("volume").fill_null(0))
        .filter(pl.col("time") < end)
        .sort("time")
    )
    chosen = bars.filter(pl.col("time") >= begin) if count is None else bars.tail(count)
    earlier = bars["time"][-1] if chosen.is_empty() and not bars.is_empty() else None
    return ChartedBars(chosen, earlier)
