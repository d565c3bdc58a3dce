"""Who asks over HTTP: a key of the REST API, its scope and its limit."""

from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import Any

from starlette.responses import JSONResponse

from miraikakaku_assets.application.ports.serving import RequestLimits
from miraikakaku_assets.domain.errors import DependencyUnavailableError
from miraikakaku_assets.faces.api.keys import ANONYMOUS, OPERATE, Keys

_BEARER = "bearer "


@dataclass(frozen=True)
class Caller:
    """Whoever asks.

    Attributes:
        name: Of the key.
        may_operate: Whether tools that change something answer.
    """

    name: str
    may_operate: bool


LOCAL = Caller("mcp", may_operate=True)
"""Whoever has started the process; what it offers was said then."""


class KeyGuard:
    """ASGI middleware: a request without a key that is known goes no further.

    Args:
        app: What answers.
        keys: Who may ask; without any, the server listens on this machine only.
        limits: How often.
    """

    def __init__(self, app: Any, keys: Keys, limits: RequestLimits) -> None:
        self._app = app
        self._keys = keys
        self._limits = limits

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers itself, or lets the request pass."""
        if scope["type"] == "http":
            refusal = await self._refusal(scope)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _refusal(self, scope: Any) -> JSONResponse | None:
        key = self._keys.find(_presented(dict(scope["headers"])))
        if key is None:
            return _refused(
                HTTPStatus.UNAUTHORIZED,
                "no key, or a wrong one; send it as `Authorization: Bearer …` or `X-API-KEY`",
                {"WWW-Authenticate": "Bearer"},
            )
        try:
            allowance = await self._limits.take(key.name)
        except DependencyUnavailableError as error:
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": "5"})
        if not allowance.is_granted:
            wait = str(max(1, ceil(allowance.wait_seconds)))
            return _refused(
                HTTPStatus.TOO_MANY_REQUESTS, f"too many requests; wait {wait} s", {"Retry-After": wait}
            )
        caller = Caller(key.name, may_operate=key is ANONYMOUS or key.may(OPERATE))
        scope.setdefault("state", {})["caller"] = caller
        return None


def _presented(headers: dict[bytes, bytes]) -> str | None:
    own = headers.get(b"x-api-key")
    if own is not None:
        return own.decode("latin-1")
    bearer = headers.get(b"authorization", b"").decode("latin-1")
    return bearer[len(_BEARER) :].strip() if bearer.lower().startswith(_BEARER) else None


def _refused(status: HTTPStatus, sentence: str, headers: dict[str, str]) -> JSONResponse:
    return JSONResponse({"error": sentence}, status, headers)
