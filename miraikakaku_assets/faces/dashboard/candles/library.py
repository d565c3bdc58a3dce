"""The route that serves the vendored library, so that a browser keeps it: a component's own code is sent every time."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

_FILE = Path(__file__).with_name("lightweight-charts.mjs")


async def library(request: Request) -> Response:  # noqa: ARG001
    """The library as a JavaScript module."""
    return FileResponse(
        _FILE, media_type="text/javascript", headers={"Cache-Control": "private, max-age=86400"}
    )
