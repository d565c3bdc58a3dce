"""Routes of charts: TradingView's Universal Data Feed (UDF)."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json

from miraikakaku_assets.application.ports.serving import MasterFilter, NamedInstrument
from miraikakaku_assets.domain.market.universes import UNIVERSES
from miraikakaku_assets.faces.api.answers import JSON, send
from miraikakaku_assets.faces.api.feeds.udf_readings import RESOLUTIONS, read_charted, read_history
from miraikakaku_assets.faces.api.requests import parts
from miraikakaku_assets.faces.api.schemas.models import refusals, shape

router = APIRouter(prefix="/udf", tags=["charts"])
_MOST_BARS = 50_000
_EVERY_ISSUE = 20_000
_LAST_SECOND = 253_402_300_799  # of the year 9999
_EXCHANGES = {"jp": "TSE", "us": "US", "fx": "FX", "copper": "COMEX"}
_TYPES = {"currency_pair": "forex", "future": "futures", "etf": "etf", "etn": "etf"}
"""Security type → what charts call it; everything else is a stock."""
_OTHER_WRITING = {"D": "1D", "W": "1W", "M": "1M"}
ChartSymbol = Annotated[str, Query(max_length=64, description="`7203.T`、`TSE:7203.T`", examples=["7203.T"])]


class Config(BaseModel):
    """What the feed can do."""

    model_config = ConfigDict(extra="allow")

    supported_resolutions: list[str]
    supports_search: bool
    supports_time: bool


class Found(BaseModel):
    """An instrument that was searched for."""

    symbol: str
    full_name: str
    ticker: str
    description: str
    exchange: str
    type: str


class Charted(BaseModel):
    """An instrument; or ``s`` and ``errmsg`` where there is none."""

    model_config = ConfigDict(extra="allow")


class History(BaseModel):
    """Bars by columns, times in seconds (UTC); ``s`` is ``ok``, ``no_data`` or ``error``."""

    model_config = shape(
        {
            "s": "ok",
            "t": [1736121600],
            "o": [3000.0],
            "h": [3050.5],
            "l": [2990.0],
            "c": [3040.0],
            "v": [1000],
        }
    )

    s: str
    t: list[int] | None = None
    o: list[float] | None = None
    h: list[float] | None = None
    l: list[float] | None = None  # noqa: E741 - the feed's name
    c: list[float] | None = None
    v: list[float] | None = None
    nextTime: int | None = None  # noqa: N815 - the feed's name
    errmsg: str | None = None


@router.get(
    "/config",
    operation_id="udf_config",
    summary="チャートの設定",
    responses={200: {"model": Config}, **refusals()},
)
async def config() -> Response:
    """Resolutions, exchanges and types of symbols."""
    every = {"value": "", "name": "All", "desc": ""}
    exchanges = [
        {"value": name, "name": name, "desc": UNIVERSES[universe].title}
        for universe, name in _EXCHANGES.items()
    ]
    types = [{"value": name, "name": name} for name in ("stock", "etf", "forex", "futures")]
    content = {
        "supported_resolutions": list(RESOLUTIONS),
        "supports_search": True,
        "supports_group_request": False,
        "supports_marks": False,
        "supports_timescale_marks": False,
        "supports_time": True,
        "exchanges": [every, *exchanges],
        "symbols_types": [{"value": "", "name": "All"}, *types],
    }
    return _json(content)


@router.get("/time", operation_id="udf_time", summary="サーバの時刻", response_class=Response,
            responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **refusals()})  # fmt: skip
async def time(request: Request) -> Response:
    """Seconds since 1970 (UTC)."""
    return Response(str(int(parts(request).ports.clock().timestamp())), media_type="text/plain")


@router.get(
    "/search",
    operation_id="udf_search",
    summary="銘柄を検索します",
    responses={200: {"model": list[Found]}, **refusals(400)},
)
async def search(
    request: Request,
    query: Annotated[str, Query(max_length=100, description="銘柄名の一部、または銘柄コードの先頭")] = "",
    type: Annotated[str, Query(max_length=32)] = "",  # noqa: A002 - the feed's name
    exchange: Annotated[str, Query(max_length=32)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 30,
) -> Response:
    """Instruments of every universe, those whose code is the query first."""
    text = query.strip().rpartition(":")[2]
    matches: list[dict[str, str]] = []
    for universe, name in _EXCHANGES.items():
        if exchange in {"", name, universe}:
            most = limit if not type else _EVERY_ISSUE
            _, issues = await parts(request).ports.serving.master_lists.page(
                MasterFilter(universe, search=text or None), most, 0
            )
            matches += [_found(issue, name) for issue in issues if type in {"", _type(issue)}]
    code = text.upper()
    matches.sort(key=lambda row: row["symbol"].partition(".")[0] != code)  # stable: else by universe and code
    return _json(matches[:limit])


@router.get(
    "/symbols",
    operation_id="udf_symbols",
    summary="銘柄の情報を取得します",
    responses={200: {"model": Charted}, **refusals(400)},
)
async def symbols(request: Request, symbol: ChartSymbol) -> Response:
    """Trading hours, quote increment and resolutions of an instrument."""
    instrument = await _instrument(request, symbol)
    if instrument is None:
        return _json({"s": "error", "errmsg": "unknown_symbol"})
    issue = await _issue(request, instrument)
    return send(await parts(request).reader.read(read_charted, instrument, issue), request)


@router.get(
    "/history",
    operation_id="udf_history",
    summary="チャートの足を取得します",
    responses={200: {"model": History}, **refusals(400)},
)
async def history(
    request: Request,
    symbol: ChartSymbol,
    resolution: Annotated[str, Query(max_length=8, description="5, 60, 240, 1D, 1W, 1M")] = "1D",
    begin: Annotated[int, Query(alias="from", description="秒 (UTC)、この時刻から")] = 0,
    end: Annotated[int, Query(alias="to", description="秒 (UTC)、この時刻より前")] = _LAST_SECOND,
    countback: Annotated[
        int | None, Query(ge=0, le=_MOST_BARS, description="`from` より優先する本数")
    ] = None,
) -> Response:
    """Bars of a window; daily ones adjusted for splits, others as they are stored."""
    timeframe = RESOLUTIONS.get(_OTHER_WRITING.get(resolution, resolution))
    if timeframe is None:
        return _json({"s": "error", "errmsg": f"resolution must be one of {', '.join(RESOLUTIONS)}"})
    instrument = await _instrument(request, symbol)
    if instrument is None:
        return _json({"s": "error", "errmsg": "unknown_symbol"})
    window = (_moment(begin), _moment(end), countback or None)
    return send(await parts(request).reader.read(read_history, instrument, timeframe, *window), request)


async def _instrument(request: Request, symbol: str) -> NamedInstrument | None:
    name = symbol.rpartition(":")[2]
    instrument = await parts(request).ports.serving.master_lists.instrument(name)
    return instrument if instrument is not None and instrument.universe in UNIVERSES else None


async def _issue(request: Request, instrument: NamedInstrument) -> dict[str, Any]:
    """Name, exchange and type of an instrument, as a chart calls them."""
    code = re.match(r"\W?[A-Z0-9]+", instrument.symbol)
    chosen = MasterFilter(instrument.universe, None, search=code[0] if code else None)
    _, issues = await parts(request).ports.serving.master_lists.page(chosen, _EVERY_ISSUE, 0)
    issue = next((row for row in issues if row["yahoo_symbol"] == instrument.symbol), {})
    exchange = _EXCHANGES[instrument.universe]
    return {
        "description": issue.get("stock_name") or instrument.symbol,
        "type": _type(issue),
        "exchange": exchange,
        "listed_exchange": issue.get("exchange") or exchange,
        "sector": issue.get("sector") or "",
    }


def _found(issue: Any, exchange: str) -> dict[str, str]:
    symbol = issue["yahoo_symbol"]
    return {
        "symbol": symbol,
        "full_name": f"{exchange}:{symbol}",
        "ticker": symbol,
        "description": issue["stock_name"],
        "exchange": exchange,
        "type": _type(issue),
    }


def _type(issue: Any) -> str:
    return _TYPES.get(issue.get("security_type", ""), "stock")


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(min(max(seconds, 0), _LAST_SECOND), UTC)


def _json(content: Any) -> Response:
    return Response(to_json(content), media_type=JSON)
