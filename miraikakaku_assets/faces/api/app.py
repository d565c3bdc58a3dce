"""The REST API, put together: routers, errors, what every request passes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from miraikakaku_assets.application.bulk.refusals import Refusal, RequestRefusedError
from miraikakaku_assets.application.bulk.request import SYMBOLS_REFUSED
from miraikakaku_assets.bootstrap import Ports, Role
from miraikakaku_assets.domain.errors import (
    ConfigurationError,
    DependencyUnavailableError,
    OrchestratorUnavailableError,
)
from miraikakaku_assets.faces.api import (
    alerts,
    bulk,
    coverage,
    health,
    judgements,
    prices,
    stock_master,
    watching,
)
from miraikakaku_assets.faces.api.answers import (
    COMPRESSED_BYTES,
    COMPRESSION,
    NO_DAGSTER,
    NO_DATABASE,
    NO_PATH,
    ApiError,
    refusal,
)
from miraikakaku_assets.faces.api.feeds import udf, workspace
from miraikakaku_assets.faces.api.guard import Guard
from miraikakaku_assets.faces.api.keys import Keys
from miraikakaku_assets.faces.api.launches import Launches
from miraikakaku_assets.faces.api.progress import ProgressHub
from miraikakaku_assets.faces.api.reader import Reader
from miraikakaku_assets.faces.api.repeated.page_keeper import PageKeeper
from miraikakaku_assets.faces.api.repeated.prepared import Prepared
from miraikakaku_assets.faces.api.requests import Parts

_log = logging.getLogger(__name__)
_LOCAL_PAGES = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
_STATUS = {
    Refusal.INVALID: HTTPStatus.BAD_REQUEST,
    Refusal.UNKNOWN: HTTPStatus.NOT_FOUND,
    Refusal.CONFLICT: HTTPStatus.CONFLICT,
    Refusal.OTHER_BODY: HTTPStatus.UNPROCESSABLE_ENTITY,
    Refusal.IN_FLIGHT: HTTPStatus.CONFLICT,
}
_CODES = {400: "VALIDATION_ERROR", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
_DESCRIPTION = """
Prices, analysis and forecasts of every listed security of Japan and the United States, and the jobs that collect them.

* A key goes into the header `X-API-KEY`. Without a key set, only this machine may ask.
* `Accept: application/problem+json` gets errors as RFC 9457 has them.
* `WS /ws/bulk/{job_id}` sends the progress of a job: the same messages as `/api/bulk/events/{job_id}`.
"""
ROUTERS = (bulk, watching, stock_master, prices, judgements, coverage, alerts, health, udf, workspace)


def build_api(ports: Ports, keys: Keys) -> Any:
    """The application behind what every request passes.

    Args:
        ports: The installation.
        keys: Who may ask.
    """
    app: Any = GZipMiddleware(build_app(ports), COMPRESSED_BYTES, COMPRESSION)
    return CORSMiddleware(
        Guard(Prepared(app), keys, ports.serving.key_limits),
        allow_origins=ports.settings.allowed_origins,
        allow_origin_regex=_LOCAL_PAGES,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "X-API-KEY"],
        expose_headers=["ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After"],
        allow_private_network=True,
    )


def build_app(ports: Ports) -> FastAPI:
    """The application with all its routes.

    Args:
        ports: The installation.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        listening = asyncio.create_task(ports.serving.listen_to_jobs(hub.heard, hub.look_again))
        try:
            yield
        finally:
            listening.cancel()
            launches.close()
            hub.close()
            await asyncio.gather(reader.close(), responder.close())
            with suppress(asyncio.CancelledError):
                await listening
            await ports.serving.async_database.close()

    hub, launches = ProgressHub(ports.serving.job_store), Launches(ports.serving.bulk)
    reader, responder = Reader(ports.settings), Reader(ports.settings, Role.API)
    app = FastAPI(
        title="Miraikakaku 未来価格",
        version="1",
        description=_DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    app.state.parts = Parts(ports, hub, launches, reader, responder, PageKeeper())
    for module in ROUTERS:
        app.include_router(module.router)
    for error, handler in _HANDLERS.items():
        app.add_exception_handler(error, handler)
    app.openapi = _documented(app)  # type: ignore[method-assign]
    return app


def _documented(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """The OpenAPI document with the key, and without the 422 that this API does not answer to wrong parameters."""
    make = app.openapi

    def document() -> dict[str, Any]:
        made = make()
        schemes = made.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["ApiKey"] = {"type": "apiKey", "in": "header", "name": "X-API-KEY"}
        for path, operations in made["paths"].items():
            for operation in operations.values():
                if path != "/health":
                    operation["security"] = [{"ApiKey": []}]
                usual = operation["responses"].get("422", {}).get("description") == "Validation Error"
                if usual:
                    del operation["responses"]["422"]
        return made

    return document


def _refused(request: Request, error: ApiError) -> Response:
    return refusal(error, request.headers.get("accept", ""), request.url.path)


async def _on_api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for it
    return _refused(request, error)


async def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefusedError)  # noqa: S101
    return _refused(request, ApiError(_STATUS[error.refusal], error.refusal.value, str(error)))


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    place = [str(part) for part in error.errors()[0]["loc"]]
    if place[0] == "body":
        name = place[1] if len(place) > 1 and not place[1].isdigit() else ""
        message = {
            "": "リクエストボディは JSON オブジェクトで指定してください",
            "symbols": SYMBOLS_REFUSED,
        }.get(name, f"'{name}' は文字列で指定してください")
    else:
        message = f"'{place[-1]}' の値が正しくありません"
    return _refused(request, ApiError(HTTPStatus.BAD_REQUEST, "VALIDATION_ERROR", message))


async def _on_configuration(request: Request, error: Exception) -> Response:
    return _refused(request, ApiError(HTTPStatus.BAD_REQUEST, "VALIDATION_ERROR", str(error)))


async def _on_unavailable(request: Request, error: Exception) -> Response:
    _log.warning("%s", error)
    message = NO_DAGSTER if isinstance(error, OrchestratorUnavailableError) else NO_DATABASE
    unavailable = ApiError(
        HTTPStatus.SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", message, {"Retry-After": "5"}
    )
    return _refused(request, unavailable)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    if isinstance(error.__cause__, ApiError):  # raised while the body was read
        return _refused(request, error.__cause__)
    code = _CODES.get(error.status_code, "BAD_REQUEST")
    message = {
        404: NO_PATH,
        405: "このパスではこのメソッドを利用できません",
    }.get(error.status_code, "リクエストを解釈できません")
    return _refused(request, ApiError(error.status_code, code, message, error.headers))


async def _on_bug(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__, exc_info=error)
    message = "内部エラーが発生しました。サーバのログを確認してください"
    return _refused(request, ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", message))


_HANDLERS: dict[Any, Any] = {
    ApiError: _on_api_error,
    RequestRefusedError: _on_refusal,
    RequestValidationError: _on_invalid,
    ConfigurationError: _on_configuration,
    DependencyUnavailableError: _on_unavailable,
    HTTPException: _on_http,
    Exception: _on_bug,
}
