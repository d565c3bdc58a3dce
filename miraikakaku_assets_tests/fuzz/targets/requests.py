"""What clients send: bodies of the REST API and arguments of MCP tools, to the whole application over a database."""

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydantic
import pydantic_core
from mcp.types import CallToolRequestParams, TextContent

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.faces.api.app import build_app
from miraikakaku_assets.faces.api.guard import Guard
from miraikakaku_assets.faces.api.keys import keys_of
from miraikakaku_assets.faces.mcp.keys import LOCAL
from miraikakaku_assets.faces.mcp.server import McpServer
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.fuzz.target import Form, Parse, Target
from miraikakaku_assets_tests.support.api import NOWHERE
from miraikakaku_assets_tests.support.moments import NOW

ROUTES = (
    "/api/bulk/start",
    "/api/alerts/1/acknowledge",
    "/api/alerts/1/silence",
    "/api/coverage/repair",
)
"""Every route that reads a body."""
_REFUSED = {400, 404, 409, 413, 422}
_ANSWERED = {200, 202, 503} | _REFUSED  # 503: the work is accepted, and no Dagster runs here to do it
_UNTYPED = "the log of the server says more"


class RequestRefusedError(MiraikakakuError):
    """Every route, or the tool, says what is wrong with the request."""


@contextmanager
def _ports(database_url: str) -> Iterator[Ports]:
    with tempfile.TemporaryDirectory() as home:
        chosen = Settings(
            _env_file=None,
            miraikakaku_home=Path(home),
            database_url=database_url,
            dagster_url=NOWHERE,
            rate_limit_per_minute=10_000_000,
        )
        ports = Ports(chosen, lambda: NOW)
        try:
            yield ports
        finally:
            ports.opened.close()


class _Here:
    """Reads in this process what the application has a process of its own for."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def read(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return work(self._ports, *args, **kwargs)


@contextmanager
def _api(database_url: str) -> Iterator[Parse]:
    with _ports(database_url) as ports, asyncio.Runner() as runner:
        app = build_app(ports)
        here = _Here(ports)
        vars(app.state.parts).update(reader=here, responder=here)
        guarded = Guard(app, keys_of(ports.settings), ports.serving.key_limits)

        def parse(content: bytes) -> None:
            messages = []
            for route in ROUTES:
                status, body = runner.run(_posted(guarded, route, content))
                assert status in _ANSWERED, f"{route} answers {status}"
                answer = json.loads(body)
                assert answer["success"] is (status < 400), answer
                if status in _REFUSED:
                    messages.append(answer["message"])
            if len(messages) == len(ROUTES):
                raise RequestRefusedError(max(messages, key=len))

        yield parse
        runner.run(ports.serving.async_database.close())


async def _posted(app: Guard, path: str, body: bytes) -> tuple[int, bytes]:
    """Status and body of the answer."""
    sent: list[MutableMapping[str, Any]] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    headers = [
        (b"host", b"127.0.0.1"),
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    scope: MutableMapping[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers, "root_path": "",
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@contextmanager
def _mcp(database_url: str) -> Iterator[Parse]:
    with _ports(database_url) as ports, asyncio.Runner() as runner:
        server = McpServer(ports, operates=True)

        def parse(content: bytes) -> None:
            try:  # as the SDK reads it
                params = CallToolRequestParams.model_validate(pydantic_core.from_json(content))
            except (ValueError, pydantic.ValidationError):
                raise RequestRefusedError("the protocol refuses it") from None
            text = runner.run(_called(server, params))
            assert _UNTYPED not in text, text

        yield parse
        runner.run(server.close())


async def _called(server: McpServer, params: CallToolRequestParams) -> str:
    result = await server.answer(params.name, params.arguments or {}, LOCAL)
    result.model_dump_json().encode()
    (content,) = result.content
    assert isinstance(content, TextContent)
    if result.is_error and _UNTYPED not in content.text:
        raise RequestRefusedError(content.text)
    return content.text


TARGETS = (
    Target("api_bodies", _api, (RequestRefusedError,), Form.JSON, needs_database=True),
    Target("mcp_arguments", _mcp, (RequestRefusedError,), Form.JSON, needs_database=True),
)
