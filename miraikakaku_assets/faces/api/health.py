"""Routes of the API's own health, which answer whatever is down, and of its figures."""

import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from miraikakaku_assets.application.ports.jobs import FINISHED, JobState
from miraikakaku_assets.domain.errors import DependencyUnavailableError
from miraikakaku_assets.faces.api.answers import JSON, not_found, send
from miraikakaku_assets.faces.api.readings import read_asset_health, read_metrics
from miraikakaku_assets.faces.api.requests import Parts, parts
from miraikakaku_assets.faces.api.schemas.models import Rows, refusals

router = APIRouter(tags=["health"])
_LOOK_SECONDS = 2.0
_UP, _DOWN = "up", "down"


@router.get(
    "/health", operation_id="health", summary="API の状態を取得します", responses={200: {"model": Rows}}
)
async def health(request: Request) -> Response:
    """Whether the database and Dagster answer; this server does, so the status is always 200."""
    from pydantic_core import to_json

    use = parts(request)
    database, dagster = await asyncio.gather(_database(use), use.ports.serving.launcher.is_reachable())
    is_well = database and dagster
    services = {"database": _UP if database else _DOWN, "dagster": _UP if dagster else _DOWN}
    content = {"success": is_well, "status": "healthy" if is_well else "degraded", "services": services}
    return Response(to_json(content), HTTPStatus.OK, media_type=JSON)


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Prometheus のメトリクスを取得します",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **refusals()},
)
async def metrics(request: Request) -> Response:
    """What is stored about the installation, jobs by state, and watchers of this process, as Prometheus reads it."""
    use = parts(request)
    stored = await use.reader.read(read_metrics)
    lines = [
        "# HELP miraikakaku_bulk_jobs Bulk jobs by state; those that have ended are not counted.",
        "# TYPE miraikakaku_bulk_jobs gauge",
    ]
    for state in JobState:
        if state not in FINISHED:
            total, _ = await use.ports.serving.job_store.recent((state,), 1, 0)
            lines.append(f'miraikakaku_bulk_jobs{{state="{state}"}} {total}')
    lines += [
        "# HELP miraikakaku_api_watchers Clients that watch the progress of a job through this process.",
        "# TYPE miraikakaku_api_watchers gauge",
        f"miraikakaku_api_watchers {use.hub.watchers}",
    ]
    return Response(stored + "\n".join(lines) + "\n", media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get(
    "/api/asset-health",
    operation_id="asset_health",
    summary="Dagster アセットの状態を取得します",
    responses={200: {"model": Rows}, **refusals(400, 404)},
)
async def asset_health(
    request: Request,
    group: Annotated[str | None, Query(max_length=64, description="このグループだけ")] = None,
) -> Response:
    """How every asset is in one word, the worst first, as of the newest look that Dagster had at them."""
    body = await parts(request).reader.read(read_asset_health, group)
    if body is None:
        raise not_found(
            "アセットの状態がまだ記録されていません。`miraikakaku up` が動作しているか確認してください"
        )
    return send(body, request)


async def _database(use: Parts) -> bool:
    try:
        await asyncio.wait_for(use.ports.serving.async_database.value("SELECT 1"), _LOOK_SECONDS)
    except (DependencyUnavailableError, TimeoutError):
        return False
    return True
