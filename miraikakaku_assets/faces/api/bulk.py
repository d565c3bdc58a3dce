"""Routes of bulk jobs."""

from http import HTTPStatus
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import FileResponse

from miraikakaku_assets.application.bulk.documents import job_document
from miraikakaku_assets.application.bulk.jobs import accept_job, pause_job, read_job, resume_job, stop_job
from miraikakaku_assets.application.bulk.refusals import NO_SUCH_JOB
from miraikakaku_assets.application.bulk.request import read_request
from miraikakaku_assets.application.bulk.result_state import result_state
from miraikakaku_assets.application.ports.jobs import Acceptance, Job, JobFiles, JobState
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.universes import JP
from miraikakaku_assets.faces.api.answers import (
    FORMATS,
    ApiError,
    Body,
    document_of,
    listing,
    not_found,
    success,
)
from miraikakaku_assets.faces.api.repeated.prepared import prepared
from miraikakaku_assets.faces.api.requests import Limit, Offset, key_of, parts
from miraikakaku_assets.faces.api.schemas.models import (
    JobChanged,
    JobList,
    JobStatus,
    Rows,
    Started,
    StartRequest,
    refusals,
)
from miraikakaku_assets.faces.api.schemas.operation_models import JobFilesList

router = APIRouter(prefix="/api/bulk", tags=["bulk"])
JobId = Annotated[str, Path(description="ジョブID", examples=["job-1720000000000"], max_length=64)]
_LOOK_AFTER = "1"  # seconds; what changes is told once a second
_FOUND = {404: {"description": "There is no such job"}}
_LINKS = {
    name: {"operationId": operation, "parameters": {"job_id": "$response.body#/job_id"}}
    for name, operation in (
        ("status", "bulk_status"),
        ("stop", "bulk_stop"),
        ("pause", "bulk_pause"),
        ("resume", "bulk_resume"),
        ("manifest", "bulk_manifest"),
        ("files", "bulk_files"),
    )
}


@router.post(
    "/start",
    operation_id="bulk_start",
    status_code=202,
    summary="一括取得ジョブを開始します",
    responses={202: {"model": Started, "links": _LINKS}, **refusals(400, 408, 409, 413, 422)},
)
async def start(
    request: Request,
    body: StartRequest,
    idempotency_key: Annotated[
        str | None,
        Header(max_length=255, description="同じキーと同じ内容のリクエストには同じ応答を返します"),
    ] = None,
) -> Response:
    """The job is written down before the answer; from then on it is done, whatever happens to this server."""
    use = parts(request)
    today = use.ports.clock().astimezone(ZoneInfo(JP.time_zone)).date()
    wanted = read_request(body.symbols, body.interval, body.period, today)
    accepted = await accept_job(wanted, key_of(request).name, idempotency_key, use.ports.serving.job_store)
    if accepted.acceptance is Acceptance.NEW:
        use.launches.begin(accepted.job_id)
    content: dict[str, Any] = {"job_id": accepted.job_id, "status": "accepted"}
    if accepted.unknown:
        content["unknown_symbols"] = list(accepted.unknown)
    headers = {"Location": f"/api/bulk/status/{accepted.job_id}", "Retry-After": _LOOK_AFTER}
    return success(content, 202, headers)


@router.get(
    "/status/{job_id}",
    operation_id="bulk_status",
    summary="ジョブの進捗と状態を取得します",
    responses={200: {"model": JobStatus}, **refusals(400, 404)},
)
async def status(request: Request, job_id: JobId) -> Response:
    """The figures are those of the ledger of collections."""
    store = parts(request).ports.serving.job_store

    async def shown() -> Body:
        return document_of({"job": job_document(await read_job(job_id, store))})

    return await prepared(request, shown)


@router.post(
    "/stop/{job_id}",
    operation_id="bulk_stop",
    summary="ジョブのキャンセルを要求します",
    responses={200: {"model": JobChanged}, **refusals(400, 404, 409)},
)
async def stop(request: Request, job_id: JobId) -> Response:
    """Its run ends before the next symbols; what was collected stays."""
    return _changed(
        "キャンセルを受け付けました", await stop_job(job_id, parts(request).ports.serving.job_store)
    )


@router.post(
    "/pause/{job_id}",
    operation_id="bulk_pause",
    summary="ジョブを一時停止します",
    responses={200: {"model": JobChanged}, **refusals(400, 404, 409)},
)
async def pause(request: Request, job_id: JobId) -> Response:
    """It holds between symbols until it is resumed, also over restarts of every server."""
    return _changed(
        "一時停止を受け付けました", await pause_job(job_id, parts(request).ports.serving.job_store)
    )


@router.post(
    "/resume/{job_id}",
    operation_id="bulk_resume",
    summary="一時停止したジョブを再開します",
    responses={200: {"model": JobChanged}, **refusals(400, 404, 409)},
)
async def resume(request: Request, job_id: JobId) -> Response:
    """It goes on with the symbols that are left."""
    use = parts(request)
    job = await resume_job(job_id, use.ports.serving.job_store)
    if job.state is JobState.ACCEPTED:
        use.launches.begin(job_id)
    return _changed("再開を受け付けました", job)


@router.get(
    "/jobs",
    operation_id="bulk_jobs",
    summary="ジョブの一覧を取得します",
    responses={200: {"model": JobList}, **refusals(400)},
)
async def jobs(
    request: Request,
    status: Annotated[JobState | None, Query(description="この状態のジョブだけ")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Newest first."""
    states = None if status is None else _shown_as(status)
    total, jobs = await parts(request).ports.serving.job_store.recent(states, limit, offset)
    return listing({"total": total, "jobs": [job_document(job) for job in jobs]}, request)


@router.get(
    "/manifest/{job_id}",
    operation_id="bulk_manifest",
    summary="ジョブの銘柄ごとの結果を取得します",
    responses={200: {"model": Rows}, **refusals(400, 404)},
)
async def manifest(request: Request, job_id: JobId, limit: Limit = 1000, offset: Offset = 0) -> Response:
    """Every symbol with an outcome: its verdict, its rows, and where its bars are."""
    store = parts(request).ports.serving.job_store
    job = await read_job(job_id, store)
    total, rows = await store.manifest(job_id, limit, offset)
    results = [{**row, "prices": f"/api/prices/{row['symbol']}?timeframe={row['timeframe']}"} for row in rows]
    content = {"job_id": job.id, "status": job_document(job)["status"], "total": total, "results": results}
    return listing(content, request)


@router.get(
    "/files/{job_id}",
    operation_id="bulk_files",
    summary="ジョブの結果ファイルの一覧を取得します",
    responses={200: {"model": JobFilesList}, **refusals(400, 404)},
)
async def files(request: Request, job_id: JobId) -> Response:
    """A Parquet file of each universe, with its size and SHA-256; they expire."""
    use = parts(request).ports
    job_files = await _files(use, job_id)
    state = result_state(job_files, use.serving.results_kept, use.clock())
    listed = [
        {
            **{name: row[name] for name in row if name != "bytes"},
            "size": row["bytes"],
            "url": f"/api/bulk/files/{job_id}/{row['name']}",
        }
        for row in (job_files.files if state == "ready" else ())
    ]
    expires_at = None if job_files.written_at is None else job_files.written_at + use.serving.results_kept
    content = {"job_id": job_id, "state": state, "expires_at": expires_at, "files": listed}
    return listing(content, request)


@router.get(
    "/files/{job_id}/{name}",
    operation_id="bulk_file",
    summary="ジョブの結果ファイルを取得します",
    response_class=FileResponse,
    responses={
        200: {"content": {FORMATS["parquet"]: {"schema": {"type": "string", "format": "binary"}}}},
        206: {"description": "The range that was asked for"},
        416: {"description": "The file has no such range"},
        **refusals(400, 404, 410),
    },
)
async def file(
    request: Request,
    job_id: JobId,
    name: Annotated[str, Path(max_length=200, description="`files` の `name`", examples=["a.parquet"])],
) -> Response:
    """A file that the list of the job names; ranges may be asked for."""
    use = parts(request).ports
    job_files = await _files(use, job_id)
    row = next((row for row in job_files.files if row["name"] == name), None)
    if row is None:
        raise not_found("指定されたファイルが見つかりません")
    path = use.serving.result_path(str(row["name"]))  # the book's name: the client's leads nowhere
    if path is None or result_state(job_files, use.serving.results_kept, use.clock()) != "ready":
        raise ApiError(
            HTTPStatus.GONE, "EXPIRED", "ファイルの保存期間が終了しました。ジョブを再実行してください"
        )
    etag = f'"{row["sha256"]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Content-Encoding": "identity"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return FileResponse(path, headers=headers, media_type=FORMATS["parquet"], filename=path.name)


async def _files(use: Ports, job_id: str) -> JobFiles:
    job_files = await use.serving.job_store.files(job_id)
    if job_files is None:
        raise not_found(NO_SUCH_JOB)
    return job_files


def _shown_as(status: JobState) -> tuple[JobState, ...]:
    """The states that are shown as this one."""
    return (JobState.ACCEPTED, JobState.RUNNING) if status is JobState.RUNNING else (status,)


def _changed(message: str, job: Job) -> Response:
    return success({"message": message, "job": job_document(job)})
