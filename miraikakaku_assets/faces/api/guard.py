"""What every request passes: size and patience, the key, its scope, its limit. Plain ASGI: it costs 0.05 ms."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from math import ceil
from typing import Any
from urllib.parse import urlsplit

from miraikakaku_assets.application.ports.serving import Allowance, RequestLimits
from miraikakaku_assets.domain.errors import DependencyUnavailableError
from miraikakaku_assets.faces.api.answers import NO_DATABASE, NO_PATH, ApiError, not_found, refusal
from miraikakaku_assets.faces.api.keys import LOOPBACK, OPERATE, READ, Key, Keys

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger(__name__)
_OPEN = frozenset({"/health", "/docs", "/openapi.json", "/docs/oauth2-redirect"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_BYTES = 2 * 1024 * 1024  # 20,000 symbols are 300 KB
_BODY_SECONDS = 20.0
_UNAUTHORIZED = ApiError(
    401,
    "UNAUTHORIZED",
    "APIキーが不正です。ヘッダ 'X-API-KEY' を設定してください",
    {"WWW-Authenticate": "ApiKey"},
)
_FORBIDDEN = ApiError(403, "FORBIDDEN", "このAPIキーにはこの操作の権限がありません")
_FOREIGN = ApiError(403, "FORBIDDEN", "APIキーが設定されていないため、この接続元からは利用できません")
_TOO_LARGE = ApiError(
    413, "PAYLOAD_TOO_LARGE", f"リクエストボディは {_MOST_BYTES:,} バイト以内にしてください"
)
_TOO_SLOW = ApiError(408, "REQUEST_TIMEOUT", "リクエストボディを受信できませんでした。再試行してください")
_NOWHERE = not_found(NO_PATH)
_NUL = b"%00"
_LIMITED = "レート制限を超過しました。しばらく待って再試行してください"


class Guard:
    """ASGI middleware.

    Args:
        app: What answers.
        keys: Who may ask.
        limits: How often.
    """

    def __init__(self, app: App, keys: Keys, limits: RequestLimits) -> None:
        self._app = app
        self._keys = keys
        self._limits = limits
        self._policy = f'"default";q={limits.per_minute};w=60'.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers itself, or lets the request pass."""
        if scope["type"] == "lifespan" or scope["path"] in _OPEN:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        try:
            key = self._authorized(scope, headers)
            scope.setdefault("state", {})["key"] = key
            _leave_nul_out(scope)
            allowance = await self._allowed(key)
            if scope["type"] == "http":
                await self._app(scope, _Body(headers, receive), self._with_limits(send, allowance))
            else:
                await self._app(scope, receive, send)
        except ApiError as error:
            await _deny(error, scope, headers, receive, send)

    def _authorized(self, scope: Scope, headers: dict[bytes, bytes]) -> Key:
        if not self._keys.are_set and not is_local(headers):
            raise _FOREIGN
        presented = headers.get(b"x-api-key")
        key = self._keys.find(None if presented is None else presented.decode("latin-1"))
        if key is None:
            raise _UNAUTHORIZED
        if not key.may(READ if scope.get("method", "GET") in _READING else OPERATE):
            raise _FORBIDDEN
        return key

    async def _allowed(self, key: Key) -> Allowance:
        try:
            allowance = await self._limits.take(key.name)
        except DependencyUnavailableError as error:
            raise ApiError(503, "SERVICE_UNAVAILABLE", NO_DATABASE, {"Retry-After": "5"}) from error
        if not allowance.is_granted:
            headers = {"Retry-After": str(max(1, ceil(allowance.wait_seconds))), **self._headers(allowance)}
            raise ApiError(429, "RATE_LIMIT_EXCEEDED", _LIMITED, headers)
        return allowance

    def _headers(self, allowance: Allowance) -> dict[str, str]:
        left = f'"default";r={allowance.left};t={ceil(allowance.reset_seconds)}'
        return {"RateLimit-Policy": self._policy.decode(), "RateLimit": left}

    def _with_limits(self, send: Send, allowance: Allowance) -> Send:
        left = f'"default";r={allowance.left};t={ceil(allowance.reset_seconds)}'.encode()
        own = [
            (b"ratelimit-policy", self._policy),
            (b"ratelimit", left),
            (b"x-content-type-options", b"nosniff"),
        ]

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *own]
            await send(message)

        return sending


def _leave_nul_out(scope: Scope) -> None:
    """PostgreSQL knows no character NUL: no path has one, and queries do without."""
    if "\0" in scope["path"]:
        raise _NOWHERE
    while _NUL in scope["query_string"]:  # what is left may be one anew
        scope["query_string"] = scope["query_string"].replace(_NUL, b"")


class _Body:
    """Receives a body that is not too large and does not take for ever.

    Args:
        headers: Of the request.
        receive: Of the server.
    """

    def __init__(self, headers: dict[bytes, bytes], receive: Receive) -> None:
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > _MOST_BYTES:
            raise _TOO_LARGE
        self._receive = receive
        self._received = 0
        self._deadline: float | None = None
        self._is_whole = False

    async def __call__(self) -> Message:
        if self._is_whole:  # what comes now is the client's leave
            return await self._receive()
        now = asyncio.get_running_loop().time()
        self._deadline = self._deadline or now + _BODY_SECONDS
        try:
            message = await asyncio.wait_for(self._receive(), max(self._deadline - now, 0.01))
        except TimeoutError:
            raise _TOO_SLOW from None
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > _MOST_BYTES:
                raise _TOO_LARGE
            self._is_whole = not message.get("more_body", False)
        return message


async def _deny(
    error: ApiError, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send
) -> None:
    answer = refusal(error, headers.get(b"accept", b"").decode("latin-1"), scope["path"])
    if scope["type"] == "http":
        if error in (_TOO_LARGE, _TOO_SLOW):
            answer.headers["Connection"] = "close"  # what is left of the body is not read
        await answer(scope, receive, send)
    elif "websocket.http.response" in scope.get("extensions", {}):
        start = {
            "type": "websocket.http.response.start",
            "status": answer.status_code,
            "headers": answer.raw_headers,
        }
        await send(start)
        await send({"type": "websocket.http.response.body", "body": answer.body})
    else:
        await send({"type": "websocket.close", "code": 1008})


def is_local(headers: dict[bytes, bytes]) -> bool:
    """Whether a request without a key comes from this machine and no page of another site has sent it."""
    host = urlsplit(f"//{headers.get(b'host', b'localhost').decode('latin-1')}").hostname
    origin = headers.get(b"origin")
    origin_host = None if origin is None else urlsplit(origin.decode("latin-1")).hostname
    return host in LOOPBACK and (origin is None or origin_host in LOOPBACK)
