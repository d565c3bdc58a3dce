"""Chart answers in the shape of Yahoo's v8 protocol."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from miraikakaku_assets.simulator.core.bars import Bars
from miraikakaku_assets.simulator.core.sessions import SessionGrid
from miraikakaku_assets.simulator.prices.quotes import Quotes
from miraikakaku_assets.simulator.yahoo_api.chart_request import VALID_RANGES, ChartRefusedError, ChartRequest
from miraikakaku_assets.simulator.yahoo_api.chart_text import Stamps, price_columns, to_json, volumes

NOT_FOUND = (
    b'{"chart":{"result":null,"error":{"code":"Not Found",'
    b'"description":"No data found, symbol may be delisted"}}}'
)
_YEAR_OF_SESSIONS = 252
_PRE_MARKET = 5 * 3600 + 30 * 60  # 04:00 to 09:30 in New York
_POST_MARKET = 4 * 3600
_VALID_RANGES = to_json(list(VALID_RANGES)).decode()

_stamps = Stamps()


def refusal(error: ChartRefusedError) -> bytes:
    """Return the body of a refusal."""
    return to_json(
        {"chart": {"result": None, "error": {"code": error.code, "description": error.description}}}
    )


def chart_answer(
    quotes: Quotes, bars: Bars, request: ChartRequest, now: int, *, time_zone: bool = True
) -> bytes:
    """Return the body of an answer.

    Args:
        quotes: What is known of the symbol.
        bars: The bars of the window; without any, the answer has no ``timestamp``, as Yahoo's.
        request: What was asked for.
        now: Clock of the exchange, UTC seconds.
        time_zone: Whether ``meta`` names the time zone.
    """
    parts = ['{"chart":{"result":[{"meta":', _meta(quotes, bars, request, now, time_zone=time_zone)]
    quote = adjclose = "{}"
    if len(bars):
        parts += [',"timestamp":', _stamps(bars.stamps)]
        events = _events(quotes, request)
        if events:
            parts += [',"events":', to_json(events).decode()]
        adjusted = () if bars.adjclose is None else (bars.adjclose,)
        high, close, low, opened, *rest = price_columns(bars.high, bars.close, bars.low, bars.open, *adjusted)
        quote = (
            f'{{"high":{high},"volume":{volumes(bars.volume)},"close":{close},"low":{low},"open":{opened}}}'
        )
        if rest:
            adjclose = f'{{"adjclose":{rest[0]}}}'
    parts += [',"indicators":{"quote":[', quote, "]"]
    if request.interval == "1d":
        parts += [',"adjclose":[', adjclose, "]"]
    parts.append('}}],"error":null}}')
    return "".join(parts).encode()


def _events(quotes: Quotes, request: ChartRequest) -> dict[str, Any]:
    events: dict[str, Any] = {}
    dividends = {
        str(event.stamp): {"amount": event.amount, "date": event.stamp}
        for event in quotes.dividends
        if request.start <= event.stamp < request.end
    }
    splits = {
        str(event.stamp): {
            "date": event.stamp,
            "numerator": float(event.numerator),
            "denominator": float(event.denominator),
            "splitRatio": f"{event.numerator}:{event.denominator}",
        }
        for event in sorted(quotes.splits, key=lambda event: event.stamp)
        if request.start <= event.stamp < request.end
    }
    if dividends and request.dividends:
        events["dividends"] = dividends
    if splits and request.splits:
        events["splits"] = splits
    return events


def _meta(quotes: Quotes, bars: Bars, request: ChartRequest, now: int, *, time_zone: bool) -> str:
    instrument, grid = quotes.instrument, quotes.instrument.grid
    intraday = request.interval != "1d"
    meta: dict[str, Any] = {
        "currency": instrument.currency,
        "symbol": instrument.symbol,
        "exchangeName": instrument.exchange,
        "fullExchangeName": instrument.full_exchange,
        "instrumentType": instrument.kind,
        "firstTradeDate": quotes.first_trade,
        "regularMarketTime": _market_time(quotes, now),
        "hasPrePostMarketData": instrument.pre_post,
    }
    if time_zone:
        meta["gmtoffset"], meta["timezone"] = _offset(grid, now)
        meta["exchangeTimezoneName"] = grid.zone.key
    meta |= {
        **_market_state(quotes),
        "longName": instrument.long_name,
        "shortName": instrument.short_name,
        **_previous_closes(quotes, bars, request, intraday=intraday),
        "priceHint": instrument.price_hint,
    }
    head = to_json(meta).decode()[:-1]
    period = _current_period(grid, now, pre_post=instrument.pre_post)
    trading = ""
    if intraday:
        trading = f',"tradingPeriods":{to_json(_trading_periods(quotes, bars, request)).decode()}'
    range_name = to_json(request.range_name).decode()
    return (
        f'{head},"currentTradingPeriod":{period}{trading},"dataGranularity":"{request.interval}",'
        f'"range":{range_name},"validRanges":{_VALID_RANGES}}}'
    )


@lru_cache(maxsize=64)
def _offset(grid: SessionGrid, now: int) -> tuple[int, str]:
    return grid.offset(now)


def _market_time(quotes: Quotes, now: int) -> int:
    if quotes.live is not None:
        return int(quotes.live.stamps[0])
    grid = quotes.instrument.grid
    last = _last_traded(quotes.daily)
    if last < 0:
        return quotes.first_trade
    session = grid.opened(int(quotes.daily.stamps[last])) - 1
    return min(int(grid.closes[session]) + quotes.instrument.last_stamp_delay, now)


def _last_traded(bars: Bars) -> int:
    """Return the row of the last close, -1 without any."""
    if len(bars) and bars.close[-1] == bars.close[-1]:
        return len(bars) - 1
    traded = np.flatnonzero(~np.isnan(bars.close))
    return int(traded[-1]) if len(traded) else -1


def _market_state(quotes: Quotes) -> dict[str, Any]:
    """Return the latest price and its surroundings; nothing for an issue that never traded."""
    year = quotes.daily.take(slice(-_YEAR_OF_SESSIONS, None))
    year = year.then(quotes.live) if quotes.live is not None else year
    last = _last_traded(year)
    if last < 0:
        return {}
    return {
        "regularMarketPrice": _rounded(year.close[last]),
        "fiftyTwoWeekHigh": _rounded(np.fmax.reduce(year.high)),
        "fiftyTwoWeekLow": _rounded(np.fmin.reduce(year.low)),
        "regularMarketDayHigh": _rounded(year.high[last]),
        "regularMarketDayLow": _rounded(year.low[last]),
        "regularMarketVolume": round(float(year.volume[last])),
    }


def _rounded(value: float | np.float64) -> float:
    return round(float(value), 5)


def _previous_closes(quotes: Quotes, bars: Bars, request: ChartRequest, *, intraday: bool) -> dict[str, Any]:
    start = int(bars.stamps[0]) if len(bars) else request.start
    grid = quotes.instrument.grid
    session = max(grid.opened(start) - 1, 0) if intraday else 0
    limit = int(grid.opens[session]) if intraday else start
    before = quotes.daily.take(slice(0, int(quotes.daily.stamps.searchsorted(limit))))
    last = _last_traded(before)
    if last < 0:
        return {}
    close = _rounded(before.close[last])
    return (
        {"chartPreviousClose": close, "previousClose": close, "scale": 3}
        if intraday
        else {"chartPreviousClose": close}
    )


def _period(grid: SessionGrid, start: int, end: int) -> dict[str, Any]:
    offset, abbreviation = grid.offset(start)
    return {"timezone": abbreviation, "start": start, "end": end, "gmtoffset": offset}


def _periods(grid: SessionGrid, session: int, *, pre_post: bool) -> dict[str, dict[str, Any]]:
    start, end = int(grid.opens[session]), int(grid.closes[session])
    before, after = (_PRE_MARKET, _POST_MARKET) if pre_post else (0, 0)
    return {
        "pre": _period(grid, start - before, start),
        "regular": _period(grid, start, end),
        "post": _period(grid, end, end + after),
    }


@lru_cache(maxsize=64)
def _current_period(grid: SessionGrid, now: int, *, pre_post: bool) -> str:
    """Return today's periods, on days without a session those of the next one."""
    session = min(grid.first_on_or_after(grid.local_day(now)), len(grid.days) - 1)
    return to_json(_periods(grid, session, pre_post=pre_post)).decode()


def _trading_periods(quotes: Quotes, bars: Bars, request: ChartRequest) -> Any:
    grid = quotes.instrument.grid
    if len(bars):
        first, last = grid.opened(int(bars.stamps[0])) - 1, grid.opened(int(bars.stamps[-1])) - 1
        sessions = list(range(max(first, 0), last + 1))
    else:
        sessions = []
    if request.pre_post:
        periods = [_periods(grid, session, pre_post=quotes.instrument.pre_post) for session in sessions]
        return {part: [[period[part]] for period in periods] for part in ("pre", "regular", "post")}
    return [[_periods(grid, session, pre_post=False)["regular"]] for session in sessions]


def window(quotes: Quotes, five_minutes: Bars | None, request: ChartRequest, *, twice: bool) -> Bars:
    """Return the bars of an answer, the provisional one included.

    Args:
        quotes: What is known of the symbol.
        five_minutes: 5-minute bars of the window for an intraday request, ``None`` for a daily one.
        request: What was asked for.
        twice: Whether the running session appears at its open as well.
    """
    live = quotes.live
    in_window = live is not None and request.start <= int(live.stamps[0]) < request.end
    if five_minutes is not None:
        return _with_last_trade(quotes, five_minutes) if in_window and len(five_minutes) else five_minutes
    bars = quotes.daily.between(request.start, request.end)
    if live is None:
        return bars
    if twice and request.start <= quotes.live_session_open < request.end:
        bars = bars.then(replace(live, stamps=np.array([quotes.live_session_open], dtype=np.int64)))
    return bars.then(live) if in_window else bars


def _with_last_trade(quotes: Quotes, bars: Bars) -> Bars:
    """Return 5-minute bars with the row of the last trade: off the grid, without volume."""
    live = quotes.live
    if live is None or int(live.stamps[0]) <= int(bars.stamps[-1]):
        return bars
    price = live.close
    return bars.then(Bars(live.stamps, price, price, price, price, np.zeros(1), None))
