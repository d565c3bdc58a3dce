"""Routes of patterns, forecasts and the copper curve."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from miraikakaku_assets.faces.api.answers import not_found, send
from miraikakaku_assets.faces.api.prices import SymbolName
from miraikakaku_assets.faces.api.readings import read_curve, read_forecasts, read_scores, read_signals
from miraikakaku_assets.faces.api.requests import (
    Limit,
    Offset,
    UniverseName,
    answer,
    instrument_of,
    parts,
    universe_of,
)
from miraikakaku_assets.faces.api.schemas.models import Rows, refusals

router = APIRouter(prefix="/api", tags=["judgements"])


@router.get(
    "/patterns",
    operation_id="patterns",
    summary="パターンのシグナルを取得します",
    responses={200: {"model": Rows}, **refusals(400, 404)},
)
async def patterns(
    request: Request,
    universe: UniverseName = "jp",
    symbol: Annotated[str | None, Query(max_length=32, description="この銘柄だけ")] = None,
    since: Annotated[date | None, Query(alias="from", description="この日 (UTC) 以降")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Newest first, with the values each pattern read and what came after earlier signals of it."""
    universe_of(universe)
    symbols = None
    if symbol is not None:
        instrument = await instrument_of(request, symbol)
        universe, symbols = instrument.universe, [instrument.symbol]
    begin = None if since is None else datetime(since.year, since.month, since.day, tzinfo=UTC)
    return await answer(request, read_signals, universe, symbols, begin, limit, offset)


@router.get(
    "/predictions/{symbol}",
    operation_id="predictions",
    summary="銘柄の予測を取得します",
    responses={200: {"model": Rows}, **refusals(400, 404)},
)
async def predictions(
    request: Request,
    symbol: SymbolName,
    as_of: Annotated[date | None, Query(description="予測の起点。省略時は最新")] = None,
) -> Response:
    """Forecasts of the next sessions with bands that hold 80 % and 95 % of outcomes, and whether there is an edge."""
    instrument = await instrument_of(request, symbol)
    body = await parts(request).reader.read(read_forecasts, instrument, as_of)
    if body is None:
        raise not_found("この銘柄の予測がありません")
    return send(body, request)


@router.get(
    "/performance",
    operation_id="performance",
    summary="予測の成績を取得します",
    responses={200: {"model": Rows}, **refusals(400)},
)
async def performance(
    request: Request,
    universe: UniverseName = "jp",
    window: Annotated[int, Query(ge=1, le=1000, description="成績を数える起点の数")] = 20,
    segment_kind: Literal["universe", "sector", "symbol"] = "universe",
    segment: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """The newest scores of every model and horizon, each beside those of no change."""
    universe_of(universe)
    return await answer(request, read_scores, universe, window, segment_kind, segment)


@router.get(
    "/copper/curve",
    operation_id="copper_curve",
    summary="銅のフォワードカーブを取得します",
    responses={200: {"model": Rows}, **refusals(400, 404)},
)
async def copper_curve(
    request: Request,
    until: Annotated[date | None, Query(description="この日までの価格。省略時は最新")] = None,
    history: Annotated[int, Query(ge=0, le=10_000, description="履歴の日数")] = 250,
) -> Response:
    """LME cash, three months and stock, COMEX contract months, spread with percentile, slope and roll yields."""
    body = await parts(request).reader.read(read_curve, until, history)
    if body is None:
        raise not_found("銅のカーブがまだ収集されていません")
    return send(body, request)
