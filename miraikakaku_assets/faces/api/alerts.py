"""Routes of alerts."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.faces.api.models import Rows, refusals
from miraikakaku_assets.faces.api.readings import read_alerts
from miraikakaku_assets.faces.api.requests import Limit, Offset, answer

router = APIRouter(prefix="/api/alerts", tags=["alerts"])


@router.get(
    "",
    operation_id="alerts",
    summary="アラートの一覧を取得します",
    responses={200: {"model": Rows}, **refusals(400)},
)
async def alerts(
    request: Request,
    standing: Annotated[bool, Query(description="継続中のものだけ")] = True,  # noqa: FBT002
    days: Annotated[int, Query(ge=1, le=3650, description="終了したものをさかのぼる日数")] = 7,
    severity: Severity | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Alerts that stand, or that stood in the last days, newest first."""
    return await answer(request, read_alerts, days, severity, limit, offset, only_standing=standing)
