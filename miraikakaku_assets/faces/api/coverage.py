"""Routes of coverage."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from miraikakaku_assets.domain.market.timeframes import Timeframe
from miraikakaku_assets.faces.api.answers import success
from miraikakaku_assets.faces.api.models import Rows, refusals
from miraikakaku_assets.faces.api.readings import read_coverage
from miraikakaku_assets.faces.api.requests import Limit, Offset, UniverseName, answer, parts, universe_of

router = APIRouter(prefix="/api/coverage", tags=["coverage"])


@router.get(
    "",
    operation_id="coverage",
    summary="最新のカバレッジを取得します",
    responses={200: {"model": Rows}, **refusals(400)},
)
async def coverage(request: Request, universe: UniverseName = "jp") -> Response:
    """The newest check, the whole universe first, then its segments; every share names its denominator."""
    universe_of(universe)
    return await answer(request, read_coverage, universe)


@router.get(
    "/gaps",
    operation_id="coverage_gaps",
    summary="欠損している足とその原因を取得します",
    responses={200: {"model": Rows}, **refusals(400)},
)
async def gaps(
    request: Request,
    universe: UniverseName = "jp",
    timeframe: Timeframe = Timeframe.D1,
    symbol: Annotated[str | None, Query(max_length=32)] = None,
    cause: Annotated[str | None, Query(max_length=64, description="原因コード")] = None,
    since: Annotated[date | None, Query(alias="from")] = None,
    limit: Limit = 1000,
    offset: Offset = 0,
) -> Response:
    """Expected bars that are missing, newest session first, each with its cause."""
    universe_of(universe)
    store = parts(request).ports.gap_lists
    total, rows = await store.page(universe, timeframe.value, symbol, cause, since, limit, offset)
    return success({"universe": universe, "timeframe": timeframe.value, "total": total, "gaps": rows})
