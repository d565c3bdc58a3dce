"""Routes of the stock masters."""

import asyncio
from collections.abc import Mapping, Sequence
from email.utils import format_datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic_core import to_json

from miraikakaku_assets.application.ports.serving import MasterFilter
from miraikakaku_assets.domain.errors import OrchestratorUnavailableError
from miraikakaku_assets.faces.api.answers import ApiError, Body, body_of, listing, success
from miraikakaku_assets.faces.api.repeated.prepared import prepared
from miraikakaku_assets.faces.api.requests import Limit, Offset, UniverseName, parts, universe_of
from miraikakaku_assets.faces.api.schemas.models import MasterUpdated, Rows, StockList, refusals

router = APIRouter(prefix="/api/stock-master", tags=["stock-master"])
_FIELDS = ("stock_code", "stock_name", "market_category", "sector", "is_active")
_UPDATE_SECONDS, _LOOK_SECONDS = 120.0, 0.5
_ENDED = frozenset({"SUCCESS", "FAILURE", "CANCELED", "NOT_FOUND"})


@router.post(
    "/update",
    operation_id="stock_master_update",
    summary="取引所の最新の銘柄一覧で銘柄マスタを更新します",
    responses={
        200: {"model": MasterUpdated},
        202: {"model": Rows, "description": "The update goes on"},
        **refusals(400, 502),
    },
)
async def update(
    request: Request,
    universe: Annotated[Literal["jp", "us"], Query(description="ユニバース")] = "jp",
) -> Response:
    """Runs the update as the schedule does, and waits for it up to two minutes."""
    use = parts(request).ports
    before, _ = await use.serving.master_lists.version()
    run = await use.serving.launcher.launch(f"{universe}_master_job", {}, {"miraikakaku/source": "api"})
    deadline = asyncio.get_running_loop().time() + _UPDATE_SECONDS
    status = ""
    while status not in _ENDED and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            status = await use.serving.launcher.status(run)
        except OrchestratorUnavailableError:
            continue  # the run goes on without the web server
    done = await use.serving.master_lists.update_of(universe, before)
    if done is not None and done["status"] == "success":
        return success({"update_summary": _summary(done)})
    if status not in _ENDED:
        content = {
            "message": "更新を続けています。/api/stock-master/updates で確認してください",
            "run_id": run,
        }
        return success(content, 202, {"Location": "/api/stock-master/updates", "Retry-After": "10"})
    reason = done["error_message"] if done is not None else f"run {run} of Dagster says why"
    raise ApiError(502, "UPDATE_FAILED", f"銘柄マスタを更新できませんでした: {reason}")


@router.get(
    "/list",
    operation_id="stock_master_list",
    summary="銘柄マスタ一覧を取得します",
    responses={200: {"model": StockList}, **refusals(400)},
)
async def stocks(  # noqa: PLR0913, PLR0917
    request: Request,
    is_active: Annotated[bool, Query(description="上場中か")] = True,  # noqa: FBT002
    market_category: Annotated[str | None, Query(max_length=100, description="市場区分 (前方一致)")] = None,
    sector: Annotated[str | None, Query(max_length=100, description="業種")] = None,
    q: Annotated[
        str | None, Query(max_length=100, description="銘柄名の一部、または銘柄コードの先頭")
    ] = None,
    universe: UniverseName = "jp",
    fields: Literal["basic", "all"] = "basic",
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Issues by code. The ETag stays as long as no update has come."""
    universe_of(universe)
    use = parts(request)
    store, pages = use.ports.serving.master_lists, use.pages
    chosen = MasterFilter(universe, is_active, market_category, sector, (q or "").strip() or None)
    names: Sequence[str] | None = None if fields == "all" else _FIELDS

    async def page() -> Body:
        version, updated_at = await store.version()

        async def made() -> Body:
            total, rows = await store.page(chosen, limit, offset)
            shown = rows if names is None else [{name: row[name] for name in names} for row in rows]
            content = to_json({"success": True, "total": total, "stocks": shown})
            modified = "" if updated_at is None else format_datetime(updated_at, usegmt=True)
            return body_of(content, last_modified=modified)

        return await pages.page(version, (chosen, names, limit, offset), made)

    return await prepared(request, page)


@router.get(
    "/updates",
    operation_id="stock_master_updates",
    summary="銘柄マスタの更新履歴を取得します",
    responses={200: {"model": Rows}, **refusals(400)},
)
async def updates(
    request: Request,
    universe: Annotated[str | None, Query(max_length=16, description="このユニバースだけ")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Newest first, failed and refused ones included."""
    if universe is not None:
        universe_of(universe)
    total, rows = await parts(request).ports.serving.master_lists.updates(universe, limit, offset)
    return listing({"total": total, "updates": rows}, request)


def _summary(done: Mapping[str, Any]) -> dict[str, Any]:
    counts = ("total_stocks", "added_stocks", "updated_stocks", "removed_stocks")
    moment = f"{done['completed_at']:%Y-%m-%dT%H:%M:%SZ}"
    return {name: done[name] for name in counts} | {"updated_at": moment}
