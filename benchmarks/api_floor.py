"""The floor of the API's speed: a route of Starlette that answers the same bytes each time, under the same server."""

import os
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_BYTES = "FLOOR_BYTES"


def make_app() -> Starlette:
    """The application: one route."""
    content = b"x" * int(os.environ[_BYTES])

    async def answer(_request: Request) -> Response:
        return Response(content, media_type="application/json")

    return Starlette(routes=[Route("/", answer)])


def main() -> None:
    """Serves on a port with as many processes as the API has beside it."""
    port, workers, size = map(int, sys.argv[1:])
    os.environ[_BYTES] = str(size)
    uvicorn.run(
        "benchmarks.api_floor:make_app",
        factory=True,
        port=port,
        workers=workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        http="httptools",
    )


if __name__ == "__main__":
    main()
