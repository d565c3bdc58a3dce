"""What a client receives when a whole answer goes wrong."""

import asyncio
import contextlib

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from miraikakaku_assets.simulator.chart_answer import NOT_FOUND
from miraikakaku_assets.simulator.faults import Plan

JSON = "application/json;charset=utf-8"
_MAINTENANCE = (
    b"<!doctype html public '-//W3C//DTD HTML 4.01//EN' 'http://www.w3.org/TR/html4/strict.dtd'>\n"
    b"<html><head><title>Yahoo! - 999 Unable to process request at this time</title></head>\n"
    b"<body><h1>Will be right back...</h1><p>Thank you for your patience.</p></body></html>\n"
)
_ERRORS = {
    "401": (401, "Unauthorized", "Invalid Crumb"),
    "422": (422, "Unprocessable Entity", "Data not available for the requested range."),
    "500": (500, "Internal Server Error", "Internal Server Error"),
}
# Yahoo sends both 429 bodies: one comes from the service, one from the edge in front of it.
_FIXED: dict[str, tuple[int, bytes, str, dict[str, str]]] = {
    "404": (404, NOT_FOUND, JSON, {}),
    "429": (429, b"Too Many Requests\r\n", "text/plain", {}),
    "429-retry-after": (429, b"Edge: Too Many Requests", "text/plain", {"Retry-After": "1"}),
    "html": (200, _MAINTENANCE, "text/html", {}),
}
_GATEWAY = {"502": "Bad Gateway", "503": "Service Unavailable", "504": "Gateway Timeout"}


class CutResponse(Response):
    """Announces the whole body, sends half of it and closes the connection."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the half."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        # Left unfinished on purpose: the server closes a connection whose answer is incomplete.
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


def refused(plan: Plan) -> Response | None:
    """Return the answer of the first fault that replaces the whole answer, ``None`` without one."""
    for kind in plan.kinds:
        if kind in _ERRORS:
            status, code, description = _ERRORS[kind]
            body = f'{{"chart":{{"result":null,"error":{{"code":"{code}","description":"{description}"}}}}}}'
            return Response(body, status, media_type=JSON)
        if kind in _GATEWAY:
            reason = _GATEWAY[kind]
            page = f"<html><head><title>{kind} {reason}</title></head><body>{reason}</body></html>"
            return Response(page, int(kind), media_type="text/html")
        if kind in _FIXED:
            status, fixed, media_type, headers = _FIXED[kind]
            return Response(fixed, status, headers, media_type)
    return None


def damaged(plan: Plan, body: bytes, media_type: str) -> Response:
    """Return a good body as the faults of its transport let it through."""
    if "truncated" in plan.kinds:
        return CutResponse(body, 200, media_type=media_type)
    if "cut-json" in plan.kinds:
        body = body[: len(body) // 2]
    return Response(body, 200, media_type=media_type)


async def no_answer(request: Request, seconds: float) -> Response:
    """Wait until the client hangs up, at most some seconds."""

    async def hung_up() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(hung_up(), seconds)
    return Response(b"", 504, media_type="text/plain")
