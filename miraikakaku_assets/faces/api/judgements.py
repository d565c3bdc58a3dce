"""Routes of patterns and forecasts."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic_core import to_json

from miraikakaku_assets.faces.api.answers import body_of, not_found, send
from miraikakaku_assets.faces.api.models import Rows, refusals
from miraikakaku_assets.faces.api.prices import SymbolName
from miraikakaku_assets.faces.api.requests import (
    Limit,
    Offset,
    UniverseName,
    in_thread,
    instrument_of,
    parts,
    universe_of,
)

router = APIRouter(prefix="/api", tags=["judgements"])


def _json(content: dict[str, Any], request: Request) -> Response:
    return send(body_of(to_json({"success": True, **content}, inf_nan_mode="null")), request)


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
    from miraikakaku_assets.application.reading.judgements import newest_signals

    use, symbols = parts(request).ports, None
    if symbol is not None:
        instrument = await instrument_of(request, symbol)
        universe, symbols = instrument.universe, [instrument.symbol]
    begin = None if since is None else datetime(since.year, since.month, since.day, tzinfo=UTC)
    definition = use.settings.pattern_definition
    signals = await in_thread(newest_signals, universe_of(universe), symbols, begin, definition, use.analysis)
    page = signals[offset : offset + limit]
    return _json(
        {"universe": universe, "definition": definition, "total": len(signals), "signals": page}, request
    )


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
    from miraikakaku_assets.application.forecasting.view import show_forecasts

    instrument, use = await instrument_of(request, symbol), parts(request).ports
    market = universe_of(instrument.universe)
    origin = as_of or await in_thread(use.forecasts.newest_origin, market)
    if origin is None:
        raise not_found("予測がまだありません")
    shown = await in_thread(show_forecasts, market, use.forecasts, origin, [instrument.symbol])
    if not shown:
        raise not_found(f"{origin} を起点とする予測がありません")
    head = {
        "symbol": instrument.symbol,
        "as_of": origin,
        "currency": instrument.currency,
        "unit": instrument.price_unit,
    }
    return _json({**head, "predictions": [asdict(forecast) for forecast in shown]}, request)


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
    from miraikakaku_assets.application.reading.judgements import newest_scores

    scores = await in_thread(
        newest_scores, universe_of(universe), window, segment_kind, segment, parts(request).ports.forecasts
    )
    return _json({"universe": universe, "window": window, "scores": scores}, request)
