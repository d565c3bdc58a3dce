"""What every request to the dashboard passes: a key, or the form that asks for one. Plain ASGI."""

from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote, urlsplit

from starlette.responses import JSONResponse, RedirectResponse, Response

from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.faces.api.guard import App, Message, Receive, Scope, Send, is_local
from miraikakaku_assets.faces.dashboard.access import COOKIE, Access

OPEN = frozenset({"/health", "/login"})
"""Paths that answer without a key."""
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
]


_HERE = (
    b"""<script>window.__streamlit={...window.__streamlit,BACKEND_BASE_URL:location.origin+"/"}</script>"""
)


class RootedPages:
    """ASGI middleware: pages say where the server is, so that Streamlit does not look for it below their paths.

    Args:
        app: Streamlit.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds a script to the frame of every page."""
        if scope["type"] != "http" or "." in scope["path"] or scope["path"].startswith("/_stcore"):
            await self._app(scope, receive, send)
            return
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in _CONDITIONS]
        await self._app(scope, receive, _Rooting(send))


_CONDITIONS = frozenset({b"accept-encoding", b"if-none-match", b"if-modified-since", b"range"})


class _Rooting:
    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if b"text/html" in dict(message["headers"]).get(b"content-type", b""):
                self._start = message
            else:
                await self._send(message)
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                body = self._body.replace(b"<head>", b"<head>" + _HERE, 1)
                length = (b"content-length", str(len(body)).encode())
                dropped = (b"content-length", b"etag", b"last-modified")
                self._start["headers"] = [
                    *(pair for pair in self._start["headers"] if pair[0] not in dropped),
                    length,
                ]
                await self._send(self._start)
                await self._send({**message, "body": body})


class Guard:
    """ASGI middleware.

    Args:
        app: What answers.
        access: Who may look.
        clock: Now.
    """

    def __init__(self, app: App, access: Access, clock: Clock) -> None:
        self._app = app
        self._access = access
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers itself, or lets the request pass."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        sending = _with_headers(send)
        if scope["path"] in OPEN or self._is_admitted(dict(scope["headers"])):
            await self._app(scope, receive, sending)
        elif scope["type"] == "http":
            await self._refusal(scope)(scope, receive, sending)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _is_admitted(self, headers: dict[bytes, bytes]) -> bool:
        if self._access.is_open and not is_local(headers):
            return False
        if not _same_site(headers):
            return False
        presented = headers.get(b"x-api-key")
        key = self._access.key(
            None if presented is None else presented.decode("latin-1"),
            cookie_of(headers.get(b"cookie", b"").decode("latin-1")),
            self._clock(),
        )
        return key is not None

    def _refusal(self, scope: Scope) -> Response:
        headers = dict(scope["headers"])
        if self._access.is_open:
            message = "No key is set, so only this machine may look; set API_KEY (or API_KEYS_FILE)"
            return JSONResponse({"error": "FORBIDDEN", "message": message}, 403)
        if b"text/html" in headers.get(b"accept", b"") and scope["method"] == "GET":
            place = scope["path"] + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
            return RedirectResponse(f"/login?next={quote(place)}", 303)
        return JSONResponse({"error": "UNAUTHORIZED", "message": "Show a key: /login, or X-API-KEY"}, 401)


def cookie_of(header: str) -> str | None:
    """The dashboard's cookie in a header ``Cookie``."""
    try:
        cookie = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return None if cookie is None else cookie.value


def _same_site(headers: dict[bytes, bytes]) -> bool:
    """Whether no page of another site has sent a request: a browser names its own in ``Origin``."""
    origin = headers.get(b"origin")
    if origin is None:
        return True
    host = urlsplit(f"//{headers.get(b'host', b'').decode('latin-1')}").netloc
    return urlsplit(origin.decode("latin-1")).netloc == host


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_HEADERS]
        await send(message)

    return sending
