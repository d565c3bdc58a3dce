"""How the API answers: JSON as the specification has it, or RFC 9457 where a client accepts that."""

import asyncio
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from pydantic_core import to_json

JSON, PROBLEM = "application/json", "application/problem+json"
COMPRESSED_BYTES, COMPRESSION = 2048, 5
"""From how many bytes on an answer is compressed, and gzip's level."""
_LONG_BYTES = 128 * 1024  # compressing them would hold everybody else up
FORMATS = {
    "json": JSON,
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
"""Name of a format of tables → its media type."""
NO_DATABASE = "データベースに接続できません。しばらく待って再試行してください"
NO_PATH = "指定されたパスが見つかりません"
NO_DAGSTER = (
    "Dagster に接続できません。`miraikakaku up` が動作しているか確認し、しばらく待って再試行してください"
)


class ApiError(Exception):
    """An answer that is no success.

    Attributes:
        status: HTTP status.
        code: For programs, e.g. ``NOT_FOUND``.
        message: For people, in Japanese.
        headers: Further headers.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        super().__init__(f"{code}: {message}")


def not_found(message: str) -> ApiError:
    """What was asked for does not exist."""
    return ApiError(HTTPStatus.NOT_FOUND, "NOT_FOUND", message)


def invalid(message: str) -> ApiError:
    """The request is not as it has to be."""
    return ApiError(HTTPStatus.BAD_REQUEST, "VALIDATION_ERROR", message)


def refusal(error: ApiError, accept: str, path: str) -> Response:
    """The answer to a refused request.

    Args:
        error: Why.
        accept: The client's ``Accept``.
        path: What it asked for.
    """
    if PROBLEM in accept:
        content: dict[str, Any] = {
            "type": f"urn:miraikakaku:error:{error.code.lower().replace('_', '-')}",
            "title": HTTPStatus(error.status).phrase,
            "status": error.status,
            "detail": error.message,
            "instance": path,
            "code": error.code,
        }
        return Response(to_json(content), error.status, error.headers, PROBLEM)
    content = {"success": False, "error": error.code, "message": error.message}
    return Response(to_json(content), error.status, error.headers, JSON)


def success(
    content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A successful answer as it is, without a second validation."""
    return Response(to_json({"success": True, **content}), status, dict(headers or {}), JSON)


def listing(content: Mapping[str, Any], request: Request) -> Response:
    """A successful answer with its ETag, or that the client has it already."""
    return send(body_of(to_json({"success": True, **content})), request)


def chosen_format(name: str | None, accept: str) -> str:
    """The format of a table: what is named, or what the client accepts, JSON by default."""
    if name is not None:
        return name
    for written, media_type in FORMATS.items():
        if media_type.partition(";")[0] in accept:
            return written
    return "json"


@dataclass(frozen=True)
class Body:
    """What was asked for, ready to be sent.

    Attributes:
        content: Bytes.
        media_type: What they are.
        etag: Changes with them; empty for what is never asked for again as it was.
        last_modified: HTTP date; empty where it is not known.
    """

    content: bytes
    media_type: str
    etag: str
    last_modified: str = ""

    @cached_property
    def compressed(self) -> bytes:
        """The bytes, compressed once however often they are sent."""
        return gzip.compress(self.content, COMPRESSION, mtime=0)


def document_of(content: Mapping[str, Any]) -> Body:
    """A successful answer as a body that is not kept by anybody."""
    return Body(to_json({"success": True, **content}), JSON, "")


def body_of(content: bytes, media_type: str = JSON, last_modified: str = "") -> Body:
    """A body with its ETag."""
    return Body(content, media_type, f'"{sha256(content).hexdigest()[:32]}"', last_modified)


def send(body: Body, request: Request, headers: Mapping[str, str] | None = None) -> Response:
    """The body, or that the client has it already."""
    own = {**_caching(body), **(headers or {})}
    if _is_known(body, request):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=own)
    return Response(body.content, 200, own, body.media_type)


async def send_compressed(body: Body, request: Request) -> Response:
    """As `send`, compressed where the client accepts that; for bodies that are sent again and again."""
    if len(body.content) < COMPRESSED_BYTES or _is_known(body, request):
        return send(body, request)
    vary = {"Vary": "Accept, Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return send(body, request, vary)
    if len(body.content) >= _LONG_BYTES and "compressed" not in vars(body):
        await asyncio.to_thread(lambda: body.compressed)
    own = {**_caching(body), **vary, "Content-Encoding": "gzip"}
    return Response(body.compressed, 200, own, body.media_type)


def _caching(body: Body) -> dict[str, str]:
    if not body.etag:
        return {}
    headers = {"ETag": body.etag, "Cache-Control": "private, no-cache", "Vary": "Accept"}
    return headers | ({"Last-Modified": body.last_modified} if body.last_modified else {})


def _is_known(body: Body, request: Request) -> bool:
    known = request.headers.get("if-none-match")
    if known is None or not body.etag:
        return False
    return body.etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}
