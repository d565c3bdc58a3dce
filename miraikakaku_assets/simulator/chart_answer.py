"""Chart answers in the shape of Yahoo's v8 protocol."""

import importlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from miraikakaku_assets.simulator.bars import Bars
from miraikakaku_assets.simulator.chart_request import VALID_RANGES, ChartRefusedError, ChartRequest
from miraikakaku_assets.simulator.noise import FloatArray
from miraikakaku_assets.simulator.quotes import Quotes
from miraikakaku_assets.simulator.sessions import SessionGrid

NOT_FOUND = (
    b'{"chart":{"result":null,"error":{"code":"Not Found",'
    b'"description":"No data found, symbol may be delisted"}}}'
)
_YEAR_OF_SESSIONS = 252
_PRE_MARKET = 5 * 3600 + 30 * 60  # 04:00 to 09:30 in New York
_POST_MARKET = 4 * 3600


def _writer() -> Callable[[object], bytes]:
    """Return the fastest JSON writer installed."""
    try:
        orjson = importlib.import_module("orjson")
    except ModuleNotFoundError:
        encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False, ensure_ascii=False)
        return lambda value: encoder.encode(value).encode()
    dumps: Callable[[object], bytes] = orjson.dumps
    return dumps


to_json = _writer()


def refusal(error: ChartRefusedError) -> bytes:
    """Return the body of a refusal."""
    return to_json(
        {"chart": {"result": None, "error": {"code": error.code, "description": error.description}}}
    )


def chart_answer(quotes: Quotes, bars: Bars, request: ChartRequest, now: int) -> bytes:
    """Return the body of an answer.

    Args:
        quotes: What is known of the symbol.
        bars: The bars of the window; without any, the answer has no ``timestamp``, as Yahoo's.
        request: What was asked for.
        now: Clock of the exchange, UTC seconds.
    """
    result: dict[str, Any] = {"meta": _meta(quotes, bars, request, now)}
    indicators: dict[str, Any] = {"quote": [{}]}
    if len(bars):
        result["timestamp"] = bars.stamps.tolist()
        events = _events(quotes, request)
        if events:
            result["events"] = events
        indicators["quote"] = [
            {
                "high": _prices(bars.high),
                "volume": _volumes(bars.volume),
                "close": _prices(bars.close),
                "low": _prices(bars.low),
                "open": _prices(bars.open),
            }
        ]
    if request.interval == "1d":
        adjclose = [{"adjclose": _prices(bars.adjclose)}] if bars.adjclose is not None and len(bars) else [{}]
        indicators["adjclose"] = adjclose
    result["indicators"] = indicators
    return to_json({"chart": {"result": [result], "error": None}})


def _prices(values: FloatArray) -> list[float | None]:
    # Yahoo keeps prices as 32-bit floats and prints them as doubles: 1443.33337402344 for 1443 1/3.
    numbers: list[float | None] = values.astype(np.float32).astype(np.float64).tolist()
    if np.isnan(values).any():
        return [None if number != number else number for number in numbers]  # noqa: PLR0124
    return numbers


def _volumes(values: FloatArray) -> list[int | None]:
    if np.isnan(values).any():
        return [None if number != number else round(number) for number in values.tolist()]  # noqa: PLR0124
    numbers: list[int | None] = np.rint(values).astype(np.int64).tolist()
    return numbers


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


def _meta(quotes: Quotes, bars: Bars, request: ChartRequest, now: int) -> dict[str, Any]:
    instrument, grid = quotes.instrument, quotes.instrument.grid
    offset, abbreviation = grid.offset(now)
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
        "gmtoffset": offset,
        "timezone": abbreviation,
        "exchangeTimezoneName": grid.zone.key,
        **_market_state(quotes),
        "longName": instrument.long_name,
        "shortName": instrument.short_name,
        **_previous_closes(quotes, bars, request, intraday=intraday),
        "priceHint": instrument.price_hint,
        "currentTradingPeriod": _current_period(quotes, now),
    }
    if intraday:
        meta["tradingPeriods"] = _trading_periods(quotes, bars, request)
    meta |= {
        "dataGranularity": request.interval,
        "range": request.range_name,
        "validRanges": list(VALID_RANGES),
    }
    return meta


def _market_time(quotes: Quotes, now: int) -> int:
    if quotes.live is not None:
        return int(quotes.live.stamps[0])
    grid = quotes.instrument.grid
    traded = np.flatnonzero(~np.isnan(quotes.daily.close))
    if not len(traded):
        return quotes.first_trade
    session = grid.opened(int(quotes.daily.stamps[traded[-1]])) - 1
    return min(int(grid.closes[session]) + quotes.instrument.last_stamp_delay, now)


def _market_state(quotes: Quotes) -> dict[str, Any]:
    """Return the latest price and its surroundings; nothing for an issue that never traded."""
    year = quotes.daily.take(slice(-_YEAR_OF_SESSIONS, None))
    year = year.then(quotes.live) if quotes.live is not None else year
    traded = np.flatnonzero(~np.isnan(year.close))
    if not len(traded):
        return {}
    last = int(traded[-1])
    return {
        "regularMarketPrice": _rounded(year.close[last]),
        "fiftyTwoWeekHigh": _rounded(np.nanmax(year.high)),
        "fiftyTwoWeekLow": _rounded(np.nanmin(year.low)),
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
    before = quotes.daily.close[: int(np.searchsorted(quotes.daily.stamps, limit))]
    before = before[~np.isnan(before)]
    if not len(before):
        return {}
    close = _rounded(before[-1])
    return (
        {"chartPreviousClose": close, "previousClose": close, "scale": 3}
        if intraday
        else {"chartPreviousClose": close}
    )


def _period(grid: SessionGrid, start: int, end: int) -> dict[str, Any]:
    offset, abbreviation = grid.offset(start)
    return {"timezone": abbreviation, "start": start, "end": end, "gmtoffset": offset}


def _periods(quotes: Quotes, session: int) -> dict[str, dict[str, Any]]:
    grid = quotes.instrument.grid
    start, end = int(grid.opens[session]), int(grid.closes[session])
    before, after = (_PRE_MARKET, _POST_MARKET) if quotes.instrument.pre_post else (0, 0)
    return {
        "pre": _period(grid, start - before, start),
        "regular": _period(grid, start, end),
        "post": _period(grid, end, end + after),
    }


def _current_period(quotes: Quotes, now: int) -> dict[str, dict[str, Any]]:
    """Return today's periods, on days without a session those of the next one."""
    grid = quotes.instrument.grid
    return _periods(quotes, min(grid.first_on_or_after(grid.local_day(now)), len(grid.days) - 1))


def _trading_periods(quotes: Quotes, bars: Bars, request: ChartRequest) -> Any:
    grid = quotes.instrument.grid
    if len(bars):
        first, last = grid.opened(int(bars.stamps[0])) - 1, grid.opened(int(bars.stamps[-1])) - 1
        sessions = list(range(max(first, 0), last + 1))
    else:
        sessions = []
    if request.pre_post:
        periods = [_periods(quotes, session) for session in sessions]
        return {part: [[period[part]] for period in periods] for part in ("pre", "regular", "post")}
    return [[_periods(quotes, session)["regular"]] for session in sessions]


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
        settled = live.take(slice(None))
        bars = bars.then(_at(settled, quotes.live_session_open))
    return bars.then(live) if in_window else bars


def _with_last_trade(quotes: Quotes, bars: Bars) -> Bars:
    """Return 5-minute bars with the row of the last trade: off the grid, without volume."""
    live = quotes.live
    if live is None or int(live.stamps[0]) <= int(bars.stamps[-1]):
        return bars
    price = live.close
    return bars.then(Bars(live.stamps, price, price, price, price, np.zeros(1), None))


def _at(bars: Bars, stamp: int) -> Bars:
    stamps = np.array([stamp], dtype=np.int64)
    return Bars(stamps, bars.open, bars.high, bars.low, bars.close, bars.volume, bars.adjclose)
