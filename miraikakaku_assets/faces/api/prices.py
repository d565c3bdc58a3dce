"""Routes of bars and indicators."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from miraikakaku_assets.domain.market.timeframes import Timeframe
from miraikakaku_assets.faces.api.answers import chosen_format
from miraikakaku_assets.faces.api.readings import read_indicators, read_market, read_prices
from miraikakaku_assets.faces.api.requests import UniverseName, answer, instrument_of, universe_of
from miraikakaku_assets.faces.api.schemas.models import Rows, refusals

router = APIRouter(prefix="/api", tags=["prices"])
SymbolName = Annotated[
    str,
    Path(description="Yahoo のシンボル (`7203.T`)、東証は `7203` も可", examples=["7203.T"], max_length=32),
]
Since = Annotated[date | None, Query(alias="from", description="最初の取引日")]
Until = Annotated[date | None, Query(alias="to", description="最後の取引日")]
Format = Annotated[
    Literal["json", "csv", "parquet", "arrow"] | None,
    Query(description="応答の形式。省略時は `Accept` に従う"),
]
Basis = Annotated[
    Literal["raw", "split_adjusted", "adjusted"] | None,
    Query(description="価格の基準。省略時は日足が `split_adjusted`、ほかは `raw`"),
]
TABLES: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}},
    "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
    "application/vnd.apache.arrow.stream": {"schema": {"type": "string", "format": "binary"}},
}


@router.get(
    "/prices/by-date/{date}",
    operation_id="prices_by_date",
    summary="ある取引日の全銘柄の日足を取得します",
    responses={200: {"model": Rows, "content": TABLES}, **refusals(400)},
)
async def by_date(
    request: Request,
    session: Annotated[date, Path(alias="date", description="取引日")],
    universe: UniverseName = "jp",
    basis: Basis = None,
    format: Format = None,  # noqa: A002
) -> Response:
    """Every symbol with a bar of that session."""
    universe_of(universe)
    form = chosen_format(format, request.headers.get("accept", ""))
    return await answer(request, read_market, universe, session, basis, form)


@router.get(
    "/prices/{symbol}",
    operation_id="prices",
    summary="銘柄の価格を取得します",
    responses={200: {"model": Rows, "content": TABLES}, **refusals(400, 404)},
)
async def prices(
    request: Request,
    symbol: SymbolName,
    timeframe: Timeframe = Timeframe.D1,
    basis: Basis = None,
    since: Since = None,
    until: Until = None,
    format: Format = None,  # noqa: A002
) -> Response:
    """Bars as they are stored, or adjusted; times are the starts of bars in UTC."""
    instrument = await instrument_of(request, symbol)
    form = chosen_format(format, request.headers.get("accept", ""))
    return await answer(request, read_prices, instrument, timeframe, basis, since, until, form)


@router.get(
    "/indicators/{symbol}",
    operation_id="indicators",
    summary="銘柄のテクニカル指標を取得します",
    responses={200: {"model": Rows, "content": TABLES}, **refusals(400, 404)},
)
async def indicators(
    request: Request,
    symbol: SymbolName,
    timeframe: Timeframe = Timeframe.D1,
    since: Since = None,
    until: Until = None,
    format: Format = None,  # noqa: A002
) -> Response:
    """Indicators by the start of their bar in UTC, on the installation's price basis."""
    instrument = await instrument_of(request, symbol)
    form = chosen_format(format, request.headers.get("accept", ""))
    return await answer(request, read_indicators, instrument, timeframe, since, until, form)
