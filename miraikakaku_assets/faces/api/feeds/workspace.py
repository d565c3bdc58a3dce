"""Routes of OpenBB Workspace: what it can show, and flat rows for each of its widgets."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic_core import to_json

from miraikakaku_assets.faces.api.answers import JSON, not_found, send
from miraikakaku_assets.faces.api.feeds.workspace_readings import (
    read_widget_alerts,
    read_widget_coverage,
    read_widget_forecasts,
    read_widget_prices,
    read_widget_signals,
)
from miraikakaku_assets.faces.api.requests import UniverseName, instrument_of, parts, universe_of
from miraikakaku_assets.faces.api.schemas.models import refusals

router = APIRouter(tags=["workspace"])
WidgetSymbol = Annotated[str, Query(max_length=32, description="`7203.T` または `7203`", examples=["7203.T"])]
_ROWS: dict[int | str, dict[str, Any]] = {200: {"model": list[dict[str, Any]]}}
_UNIVERSE = {
    "paramName": "universe",
    "label": "Universe",
    "type": "text",
    "value": "jp",
    "options": [
        {"label": label, "value": value}
        for value, label in (("jp", "Tokyo"), ("us", "US"), ("fx", "Currencies"), ("copper", "Copper"))
    ],
}
_SYMBOL = {"paramName": "symbol", "label": "Symbol", "type": "text", "value": "7203.T"}
_BASIS = {
    "paramName": "basis",
    "label": "Basis",
    "type": "text",
    "value": "split_adjusted",
    "options": [
        {"label": name.replace("_", " "), "value": name} for name in ("raw", "split_adjusted", "adjusted")
    ],
}


def _widget(name: str, description: str, endpoint: str, params: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "description": description,
        "category": "Miraikakaku",
        "type": "table",
        "endpoint": endpoint,
        "gridData": {"w": 20, "h": 12},
        "data": {"table": {"showAll": True}},
        "params": params,
        "source": ["Miraikakaku"],
    }


WIDGETS = {
    "miraikakaku_chart": {
        "name": "Chart",
        "description": "Bars of an instrument; daily ones adjusted for splits",
        "category": "Miraikakaku",
        "type": "advanced_charting",
        "endpoint": "/udf",
        "gridData": {"w": 40, "h": 20},
        "data": {"defaultSymbol": "7203.T", "updateFrequency": 60_000},
    },
    "miraikakaku_coverage": _widget(
        "Coverage", "Stored daily bars over expected ones, by market segment", "widgets/coverage", [_UNIVERSE]
    ),
    "miraikakaku_prices": _widget(
        "Prices", "Daily bars of a symbol on the chosen basis", "widgets/prices", [_SYMBOL, _BASIS]
    ),
    "miraikakaku_forecasts": _widget(
        "Forecasts",
        "Next five sessions with bands, beside what such forecasts were worth",
        "widgets/forecasts",
        [_SYMBOL],
    ),
    "miraikakaku_signals": _widget(
        "Signals",
        "Signals of chart patterns with the record of earlier ones",
        "widgets/signals",
        [{**_UNIVERSE, "value": "fx"}],
    ),
    "miraikakaku_alerts": _widget("Alerts", "Alerts that stand", "widgets/alerts", []),
}
_LAYOUT = {"chart": (0, 0, 40, 20), "forecasts": (0, 20, 20, 12), "coverage": (20, 20, 20, 12),
           "signals": (0, 32, 20, 12), "alerts": (20, 32, 20, 12)}  # fmt: skip
APPS = [
    {
        "name": "Miraikakaku 未来価格",
        "description": "Prices, coverage, signals and forecasts of Japan, the US, currencies and copper",
        "allowCustomization": True,
        "tabs": {
            "overview": {
                "id": "overview",
                "name": "Overview",
                "layout": [
                    {"i": f"miraikakaku_{name}", "x": x, "y": y, "w": width, "h": height}
                    for name, (x, y, width, height) in _LAYOUT.items()
                ],
            }
        },
        "groups": [],
    }
]


@router.get(
    "/widgets.json",
    operation_id="widgets",
    summary="OpenBB Workspace のウィジェット一覧",
    responses={200: {"model": dict[str, Any]}, **refusals()},
)
async def widgets() -> Response:
    """What OpenBB Workspace can show of this installation."""
    return Response(to_json(WIDGETS), media_type=JSON)


@router.get(
    "/apps.json",
    operation_id="apps",
    summary="OpenBB Workspace の画面構成",
    responses={200: {"model": list[dict[str, Any]]}, **refusals()},
)
async def apps() -> Response:
    """A ready layout of the widgets."""
    return Response(to_json(APPS), media_type=JSON)


@router.get(
    "/widgets/coverage",
    operation_id="widget_coverage",
    summary="カバレッジの表",
    responses=_ROWS | refusals(400),
)
async def widget_coverage(request: Request, universe: UniverseName = "jp") -> Response:
    """The newest check by segment."""
    universe_of(universe)
    return send(await parts(request).reader.read(read_widget_coverage, universe), request)


@router.get(
    "/widgets/prices", operation_id="widget_prices", summary="日足の表", responses=_ROWS | refusals(400, 404)
)
async def widget_prices(
    request: Request,
    symbol: WidgetSymbol = "7203.T",
    basis: Annotated[str, Query(pattern="^(raw|split_adjusted|adjusted)$")] = "split_adjusted",
) -> Response:
    """Daily bars, newest first."""
    instrument = await instrument_of(request, symbol)
    return send(await parts(request).reader.read(read_widget_prices, instrument, basis), request)


@router.get(
    "/widgets/forecasts",
    operation_id="widget_forecasts",
    summary="予測の表",
    responses=_ROWS | refusals(400, 404),
)
async def widget_forecasts(request: Request, symbol: WidgetSymbol = "7203.T") -> Response:
    """The newest forecasts with what they were worth."""
    instrument = await instrument_of(request, symbol)
    body = await parts(request).reader.read(read_widget_forecasts, instrument)
    if body is None:
        raise not_found("この銘柄の予測がありません")
    return send(body, request)


@router.get(
    "/widgets/signals",
    operation_id="widget_signals",
    summary="シグナルの表",
    responses=_ROWS | refusals(400),
)
async def widget_signals(request: Request, universe: UniverseName = "fx") -> Response:
    """Newest signals of a universe."""
    universe_of(universe)
    return send(await parts(request).reader.read(read_widget_signals, universe), request)


@router.get(
    "/widgets/alerts", operation_id="widget_alerts", summary="アラートの表", responses=_ROWS | refusals()
)
async def widget_alerts(request: Request) -> Response:
    """Alerts that stand, newest first."""
    return send(await parts(request).reader.read(read_widget_alerts), request)
