"""Routes beside the pages: health, the form that asks for a key, and the search while somebody types."""

import asyncio
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import DependencyUnavailableError
from miraikakaku_assets.faces.dashboard.access import COOKIE, LASTS, Access
from miraikakaku_assets.faces.dashboard.candles.library import library
from miraikakaku_assets.faces.dashboard.directory import symbol_index
from miraikakaku_assets.faces.dashboard.reads import awaited
from miraikakaku_assets.faces.dashboard.registry import all_pages

_LOOK_SECONDS = 2.0
_MOST_BYTES = 4096
_FORM = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>Miraikakaku 未来価格</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root {{ color-scheme: light dark; }}
body {{ font-family: system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 1rem; }}
form {{ display: grid; gap: .8rem; width: min(22rem, 100%); }}
input, button {{ font: inherit; padding: .6rem .8rem; border-radius: .5rem; border: 1px solid #888; }}
button {{ background: #0072B2; color: #fff; border-color: #0072B2; }}
p {{ margin: 0; }} .wrong {{ font-weight: 600; }}
</style></head><body><main><form method="post"><h1>Miraikakaku 未来価格</h1>
<label for="key">{label}</label><input id="key" name="key" type="password" autocomplete="current-password"
 required autofocus maxlength="512"><input type="hidden" name="next" value="{next}">
<p class="wrong" role="alert">{wrong}</p><button>{button}</button></form></main></body></html>"""
_WORDS = {
    "ja": {
        "label": "API キー",
        "button": "表示する",
        "wrong": "キーが正しくありません",
        "often": "試行回数が多すぎます。1分後に再試行してください",
        "away": "データベースに接続できません。しばらく待って再試行してください",
    },
    "en": {
        "label": "API key",
        "button": "Show the dashboard",
        "wrong": "This is no key",
        "often": "Too many tries; try again in a minute",
        "away": "The database cannot be reached; try again in a minute",
    },
}


def routes(use: Ports, access: Access) -> list[Route]:
    """The routes of an installation.

    Args:
        use: The installation.
        access: Who may look.
    """
    return [
        Route("/lightweight-charts.mjs", library),
        Route("/health", _Health(use)),
        Route("/find", _Find(use)),
        Route("/login", _Login(use, access), methods=["GET", "POST"]),
        Route(f"/{all_pages()[0].slug}", _First()),
    ]


class _Endpoint:
    """An ASGI endpoint that answers a request: Starlette takes an instance as it is."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        response = await self.answer(Request(scope, receive))
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        """The answer."""
        raise NotImplementedError


class _First(_Endpoint):
    async def answer(self, request: Request) -> Response:
        """The first page by its name: Streamlit knows it without a path only."""
        query = request.url.query
        return RedirectResponse(f"/?{query}" if query else "/", HTTPStatus.TEMPORARY_REDIRECT)


class _Health(_Endpoint):
    def __init__(self, use: Ports) -> None:
        self._use = use

    async def answer(self, request: Request) -> Response:
        """Whether the database answers; the dashboard does, so the status is always 200."""
        del request
        try:
            await asyncio.wait_for(asyncio.to_thread(self._ask), _LOOK_SECONDS)
            database = "up"
        except (DependencyUnavailableError, TimeoutError):
            database = "down"
        status = "healthy" if database == "up" else "degraded"
        return JSONResponse(
            {"success": database == "up", "status": status, "services": {"database": database}}
        )

    def _ask(self) -> None:
        awaited(self._use.serving.async_database.value("SELECT 1"))


class _Find(_Endpoint):
    def __init__(self, use: Ports) -> None:
        self._use = use

    async def answer(self, request: Request) -> Response:
        """Issues that the parameter ``q`` may mean."""
        text = request.query_params.get("q", "").replace("\0", "")[:64]
        try:
            matches = await asyncio.to_thread(lambda: symbol_index(self._use.for_reading).find(text))
        except DependencyUnavailableError as error:
            return JSONResponse({"error": "SERVICE_UNAVAILABLE", "message": str(error)}, 503)
        issues = [
            {"symbol": issue.symbol, "name": issue.name, "market": issue.market, "universe": issue.universe}
            for issue in matches
        ]
        return JSONResponse({"issues": issues}, headers={"Cache-Control": "private, max-age=30"})


class _Login(_Endpoint):
    def __init__(self, use: Ports, access: Access) -> None:
        self._use = use
        self._access = access

    async def answer(self, request: Request) -> Response:
        """The form, or the cookie for a right key."""
        language = "ja" if request.headers.get("accept-language", "").lower().startswith("ja") else "en"
        words = _WORDS[language]
        if request.method == "GET":
            return _form(language, _own_path(request.query_params.get("next", "/")), "", HTTPStatus.OK)
        fields = parse_qs((await _body(request)).decode("utf-8", "replace"))
        place = _own_path(fields.get("next", ["/"])[0])
        try:
            allowance = await asyncio.to_thread(
                lambda: awaited(self._use.serving.key_limits.take("dashboard login"))
            )
        except DependencyUnavailableError:
            return _form(language, place, words["away"], HTTPStatus.SERVICE_UNAVAILABLE)
        if not allowance.is_granted:
            return _form(language, place, words["often"], HTTPStatus.TOO_MANY_REQUESTS)
        cookie = self._access.cookie(fields.get("key", [""])[0], self._use.clock())
        if cookie is None:
            return _form(language, place, words["wrong"], HTTPStatus.UNAUTHORIZED)
        response = RedirectResponse(place, HTTPStatus.SEE_OTHER)
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=int(LASTS.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            return b""
    return body


def _own_path(place: str) -> str:
    """A place of this dashboard, whatever somebody has written into the address."""
    parts = urlsplit(place)
    is_own = place.startswith("/") and not parts.scheme and not parts.netloc and "\\" not in place
    return place if is_own and not place.startswith("//") else "/"


def _form(language: str, place: str, wrong: str, status: HTTPStatus) -> Response:
    words = _WORDS[language]
    page = _FORM.format(
        lang=language, label=words["label"], button=words["button"], wrong=wrong, next=escape(place)
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return HTMLResponse(page, status, headers)
