"""Routes of coverage."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from miraikakaku_assets.application.coverage.repair_run import REPAIR_JOB, RepairRun
from miraikakaku_assets.domain.market.timeframes import Timeframe
from miraikakaku_assets.faces.api.answers import listing, not_found, success
from miraikakaku_assets.faces.api.readings import read_coverage, read_repair_plan
from miraikakaku_assets.faces.api.requests import Limit, Offset, UniverseName, answer, parts, universe_of
from miraikakaku_assets.faces.api.schemas.models import Rows, refusals
from miraikakaku_assets.faces.api.schemas.operation_models import RepairPlanned, RepairRequest, RepairStarted

_LINKS = {
    "repair": {"operationId": "coverage_repaired", "parameters": {"run_id": "$response.body#/run_id"}},
}
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
    store = parts(request).ports.serving.gap_lists
    total, rows = await store.page(universe, timeframe.value, symbol, cause, since, limit, offset)
    content = {"universe": universe, "timeframe": timeframe.value, "total": total, "gaps": rows}
    return listing(content, request)


@router.post(
    "/repair",
    operation_id="coverage_repair",
    status_code=202,
    summary="欠損している足を再取得します",
    responses={
        200: {"model": RepairPlanned, "description": "With `dry_run`: what would be asked for"},
        202: {"model": RepairStarted, "links": _LINKS},
        **refusals(400, 408, 413),
    },
)
async def repair(request: Request, body: RepairRequest) -> Response:
    """Launches the run that checks the coverage, asks for exactly what is missing, and says what came of each gap."""
    universe_of(body.universe)
    wanted = RepairRun(
        body.symbols,
        body.causes,
        body.since,
        body.until,
        body.limit,
        body.force,
        universe=body.universe,
        timeframe=body.timeframe,
    )
    use = parts(request)
    planned = await use.reader.read(read_repair_plan, wanted)
    if body.dry_run:
        return success({"planned": planned})
    run = await use.ports.serving.launcher.launch(
        REPAIR_JOB, wanted.run_config, {"miraikakaku/source": "api"}
    )
    headers = {"Location": f"/api/coverage/repair/{run}", "Retry-After": "5"}
    return success({"run_id": run, "status": "accepted", "planned": planned}, 202, headers)


@router.get(
    "/repair/{run_id}",
    operation_id="coverage_repaired",
    summary="再取得の状態と結果を取得します",
    responses={200: {"model": Rows}, **refusals(400, 404)},
)
async def repaired(
    request: Request,
    run_id: Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", description="応答の `run_id`")],
    limit: Limit = 1000,
    offset: Offset = 0,
) -> Response:
    """How far the run is, and what became of each gap as soon as it is known."""
    use = parts(request).ports
    total, rows = await use.serving.gap_lists.repaired(run_id, limit, offset)
    status = await use.serving.launcher.status(run_id)
    if status == "NOT_FOUND" and not total:
        raise not_found("指定された再取得が見つかりません")
    content = {"run_id": run_id, "status": status.lower(), "total": total, "gaps": rows}
    return listing(content, request)
