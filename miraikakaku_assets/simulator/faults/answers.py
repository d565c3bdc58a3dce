"""What a client receives when a whole answer goes wrong."""

import asyncio
import contextlib

from starlette.types import Receive

from miraikakaku_assets.simulator.core.answers import Answer
from miraikakaku_assets.simulator.faults.specs import Plan
from miraikakaku_assets.simulator.yahoo_api.chart_answer import NOT_FOUND

_MAINTENANCE = (
    b"<!doctype html public '-//W3C//DTD HTML 4.01//EN' 'http://www.w3.org/TR/html4/strict.dtd'>\n"
    b"<html><head><title>Yahoo! - 999 Unable to process request at this time</title></head>\n"
    b"<body><h1>Will be right back...</h1><p>Thank you for your patience.</p></body></html>\n"
)
_QUOTA = (
    b'{"Information": "Thank you for using Alpha Vantage! Our standard API rate limit is 25 requests per day. '
    b"Please subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to instantly remove "
    b'all daily rate limits."}'
)
_ERRORS = {
    "401": (401, "Unauthorized", "Invalid Crumb"),
    "422": (422, "Unprocessable Entity", "Data not available for the requested range."),
    "500": (500, "Internal Server Error", "Internal Server Error"),
}
_CLOCK_SKEW = 3600
# Yahoo sends both 429 bodies: one comes from the service, one from the edge in front of it.
_FIXED = {
    "404": Answer(404, NOT_FOUND),
    "429": Answer(429, b"Too Many Requests\r\n", "text/plain; charset=utf-8"),
    "429-retry-after": Answer(
        429, b"Edge: Too Many Requests", "text/plain; charset=utf-8", {"Retry-After": "1"}
    ),
    "html": Answer(200, _MAINTENANCE, "text/html; charset=utf-8"),
    "quota": Answer(200, _QUOTA, "application/json"),
}
_GATEWAY = {"502": "Bad Gateway", "503": "Service Unavailable", "504": "Gateway Timeout"}


def refused(plan: Plan) -> Answer | None:
    """Return the answer of the first fault that replaces the whole answer, ``None`` without one."""
    for kind in plan.kinds:
        if kind in _ERRORS:
            status, code, description = _ERRORS[kind]
            body = f'{{"chart":{{"result":null,"error":{{"code":"{code}","description":"{description}"}}}}}}'
            return Answer(status, body.encode())
        if kind in _GATEWAY:
            reason = _GATEWAY[kind]
            page = f"<html><head><title>{kind} {reason}</title></head><body>{reason}</body></html>"
            return Answer(int(kind), page.encode(), "text/html; charset=utf-8")
        if kind in _FIXED:
            return _FIXED[kind]
    return None


def damaged(plan: Plan, body: bytes, media_type: str) -> Answer:
    """Return a good body as the faults of its transport let it through."""
    if not plan.kinds:
        return Answer(200, body, media_type)
    skew = _CLOCK_SKEW if "clock-skew" in plan.kinds else 0
    if "cut-json" in plan.kinds:
        body = body[: len(body) // 2]
    return Answer(200, body, media_type, cut="truncated" in plan.kinds, skew=skew)


async def no_answer(receive: Receive, seconds: float) -> Answer:
    """Wait until the client hangs up, at most some seconds."""

    async def hung_up() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(hung_up(), seconds)
    return Answer(504, b"", "text/plain")
