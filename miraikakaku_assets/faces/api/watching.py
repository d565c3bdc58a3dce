"""Routes of live progress: WebSocket and server-sent events, the same messages."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

from miraikakaku_assets.application.bulk.jobs import read_job
from miraikakaku_assets.application.bulk.refusals import RequestRefusedError
from miraikakaku_assets.application.ports.jobs import Job
from miraikakaku_assets.domain.errors import DependencyUnavailableError
from miraikakaku_assets.faces.api.answers import NO_DATABASE, ApiError, not_found, refusal
from miraikakaku_assets.faces.api.bulk import JobId
from miraikakaku_assets.faces.api.progress import Progress, ProgressHub, progress_of
from miraikakaku_assets.faces.api.requests import Parts, parts
from miraikakaku_assets.faces.api.schemas.models import refusals

router = APIRouter(tags=["progress"])
_SEND_SECONDS = 10.0
_ALIVE_SECONDS = 15.0
_AGAIN_MS = 2000
_EVENT = {
    "type": "object",
    "description": "One event of the stream; `data` is a message as JSON",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
    "required": ["id", "event", "data"],
}
_FULL = ApiError(
    503,
    "TOO_MANY_WATCHERS",
    "進捗を受信するクライアントが多すぎます。しばらく待って再試行してください",
    {"Retry-After": "30"},
)


@router.websocket("/ws/bulk/{job_id}")
async def watch(socket: WebSocket, job_id: str) -> None:
    """The state at once, then every change, at most once a second; closed when the job has ended."""
    use: Parts = socket.app.state.parts
    try:
        if use.hub.is_full:
            raise _FULL
        job = await read_job(job_id, use.ports.serving.job_store)
    except RequestRefusedError as error:
        await _deny(socket, not_found(str(error)))
        return
    except DependencyUnavailableError:
        await _deny(socket, ApiError(503, "SERVICE_UNAVAILABLE", NO_DATABASE, {"Retry-After": "5"}))
        return
    except ApiError as error:
        await _deny(socket, error)
        return
    await socket.accept()
    sending = asyncio.create_task(_send_all(socket, job, use.hub))
    hearing = asyncio.create_task(_hear_until_left(socket))
    done, pending = await asyncio.wait({sending, hearing}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*done, *pending, return_exceptions=True)


@router.get(
    "/api/bulk/events/{job_id}",
    operation_id="bulk_events",
    summary="進捗を Server-Sent Events で受信します",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": _EVENT}}}, **refusals(400, 404)},
)
async def events(
    request: Request,
    job_id: JobId,
    last_event_id: Annotated[
        str | None, Header(max_length=32, description="最後に受信したイベントの id")
    ] = None,
) -> StreamingResponse:
    """The same messages as the WebSocket's; a client that comes again names the last one it has."""
    use = parts(request)
    if use.hub.is_full:
        raise _FULL
    job = await read_job(job_id, use.ports.serving.job_store)
    stream = _events(job, use.hub, last_event_id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, headers=headers, media_type="text/event-stream")


async def _send_all(socket: WebSocket, job: Job, hub: ProgressHub) -> None:
    watcher = hub.watch(job)
    try:
        first = progress_of(job)
        await asyncio.wait_for(socket.send_text(first.text), _SEND_SECONDS)
        if not first.is_last:
            hub.heard(f"{job.id} state")  # what has changed between reading and watching
            async for message in watcher:
                if message.id > first.id:
                    await asyncio.wait_for(socket.send_text(message.text), _SEND_SECONDS)
                if message.is_last:
                    break
            else:  # too slow
                await socket.close(1013)
                return
        await socket.close(1000)
    except TimeoutError:
        await socket.close(1013)
    finally:
        hub.leave(job.id, watcher)


async def _hear_until_left(socket: WebSocket) -> None:
    """Waits until the client leaves; what it says means nothing here."""
    try:
        while True:
            await socket.receive_text()
    except (WebSocketDisconnect, RuntimeError, KeyError):
        return


async def _events(job: Job, hub: ProgressHub, last_event_id: str | None) -> AsyncIterator[str]:
    watcher = hub.watch(job)
    try:
        first = progress_of(job)
        yield f"retry: {_AGAIN_MS}\n\n"
        if last_event_id != str(first.id):
            yield _event(first)
        if first.is_last:
            return
        hub.heard(f"{job.id} state")
        while True:
            try:
                message = await asyncio.wait_for(watcher.messages.get(), _ALIVE_SECONDS)
            except TimeoutError:
                yield ": alive\n\n"
                continue
            if message is None:
                return
            if message.id > first.id:
                yield _event(message)
            if message.is_last:
                return
    finally:
        hub.leave(job.id, watcher)


def _event(message: Progress) -> str:
    return f"id: {message.id}\nevent: progress\ndata: {message.text}\n\n"


async def _deny(socket: WebSocket, error: ApiError) -> None:
    answer = refusal(error, socket.headers.get("accept", ""), socket.url.path)
    await socket.send_denial_response(answer)
