"""Routes of alerts: what stands, taking one on, and telling nobody of one for a while."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from miraikakaku_assets.application.ports.alert_states import AlertQuery
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.domain.alerting.levels import Level
from miraikakaku_assets.domain.alerting.periods import read_time_span
from miraikakaku_assets.domain.errors import ConfigurationError, WorkFellShortError
from miraikakaku_assets.faces.api.answers import ApiError, invalid, not_found, success
from miraikakaku_assets.faces.api.readings import read_alerts
from miraikakaku_assets.faces.api.requests import (
    Limit,
    Offset,
    Pattern,
    answer,
    in_postgres,
    parts,
    universe_of,
)
from miraikakaku_assets.faces.api.schemas.models import Rows, refusals
from miraikakaku_assets.faces.api.schemas.operation_models import (
    AcknowledgeRequest,
    AlertChanged,
    AlertSilenced,
    AlertState,
    SilenceRequest,
)
from miraikakaku_assets.faces.api.schemas.responses import acknowledge_alert, silence_alert

router = APIRouter(prefix="/api/alerts", tags=["alerts"])
AlertId = Annotated[int, Path(ge=1, le=2**63 - 1, description="アラートの番号", examples=[1])]

_UNKNOWN = not_found("指定されたアラートが見つかりません")


@router.get(
    "",
    operation_id="alerts",
    summary="アラートの一覧を取得します",
    responses={200: {"model": Rows}, **refusals(400)},
)
async def alerts(  # noqa: PLR0913, PLR0917
    request: Request,
    standing: Annotated[bool, Query(description="継続中のものだけ")] = True,  # noqa: FBT002
    days: Annotated[int, Query(ge=1, le=3650, description="終了したものをさかのぼる日数")] = 7,
    severity: Severity | None = None,
    level: Annotated[Level | None, Query(description="重要度")] = None,
    state: Annotated[AlertState | None, Query(description="この状態のものだけ")] = None,
    key: Annotated[Pattern | None, Query(description="キーのパターン (`cycle/*`)")] = None,
    universe: Annotated[str | None, Query(max_length=16, description="対象のユニバース")] = None,
    symbol: Annotated[Pattern | None, Query(description="対象の銘柄")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Alerts that stand, the gravest first, or with `standing=false` also those of the last days; who was told."""
    if universe is not None:
        universe_of(universe)
    chosen = level or (None if severity is None else severity.level)
    query = AlertQuery(
        only_standing=standing and state != "over",
        key=key or None,
        level=chosen,
        universe=universe,
        symbol=symbol or None,
        state=state,
    )
    return await answer(request, read_alerts, query, days, limit, offset)


@router.post(
    "/{id}/acknowledge",
    operation_id="alert_acknowledge",
    summary="アラートの対応を引き受けます",
    responses={200: {"model": AlertChanged}, **refusals(400, 404, 408, 409, 413)},
)
async def acknowledge(
    request: Request,
    id: AlertId,  # noqa: A002
    body: AcknowledgeRequest | None = None,
) -> Response:
    """It escalates no further, and stands until its condition is over; done twice, the newer note holds."""
    note = in_postgres(body.note if body else "") or ""
    try:
        alert = await parts(request).responder.read(acknowledge_alert, id, note)
    except WorkFellShortError:
        raise ApiError(409, "CONFLICT", "アラートは既に終了しています") from None
    if alert is None:
        raise _UNKNOWN
    return success({"message": "対応中として記録しました", "alert": alert})


@router.post(
    "/{id}/silence",
    operation_id="alert_silence",
    summary="アラートの通知をしばらく止めます",
    responses={200: {"model": AlertSilenced}, **refusals(400, 404, 408, 413)},
)
async def silence(request: Request, id: AlertId, body: SilenceRequest) -> Response:  # noqa: A002
    """Nobody is told of alerts with the same key for a while; one that still stands then is told."""
    try:
        lasting = read_time_span(body.lasting, "for")
        made = await parts(request).responder.read(silence_alert, id, lasting, in_postgres(body.note) or "")
    except ConfigurationError:
        raise invalid("'for' は 30m、2h、1d のように、366 日以内で指定してください") from None
    if made is None:
        raise _UNKNOWN
    return success({"message": "通知を停止しました", "silence": made})
