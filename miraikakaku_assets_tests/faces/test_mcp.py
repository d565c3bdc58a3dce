"""Language models, through the SDK's own client: what they are answered, how long, and what they may not do."""

import json
import re
import socket
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import anyio
import httpx2
import polars as pl
import pytest
import uvicorn
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.domain.market.sessions import last_completed_session, sessions_back, sessions_between
from miraikakaku_assets.faces.mcp.answers import MOST_TOKENS, Answer, as_text, most_tokens
from miraikakaku_assets.faces.mcp.http import http_app
from miraikakaku_assets.faces.mcp.server import EVERY_TOOL, McpServer
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.support.api import NOWHERE
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.databases import fresh_database
from miraikakaku_assets_tests.support.moments import last_evening
from miraikakaku_assets_tests.support.patience import PATIENCE, until

pytestmark = pytest.mark.slow
MOST_TOOLS, MOST_LIST_TOKENS = 12, 4000
SCRIPT = Path(sys.executable).with_name("miraikakaku")
Ask = Callable[..., Awaitable[dict[str, Any]]]


def ports_of(command: Command, **options: Any) -> Ports:
    variables = {name.lower(): value for name, value in command.variables.items()}
    chosen = {"dagster_url": NOWHERE, "rate_limit_per_minute": 1_000_000, **options}
    return Ports(Settings(_env_file=None, **(variables | chosen)), last_evening)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def use(filled: Command) -> Iterator[Ports]:
    """The installation after `pipeline`."""
    ports = ports_of(filled)
    yield ports
    ports.opened.close()


def talk(conversation: Callable[[Client], Awaitable[None]], client: Callable[[], Client]) -> None:
    async def run() -> None:
        async with client() as connected:
            await conversation(connected)

    anyio.run(run)


def by_stdio(command: Command, *options: str) -> Client:
    """A client that has started the server itself."""
    parameters = StdioServerParameters(
        command=str(SCRIPT), args=["mcp", *options], env=command.variables, cwd=command.folder
    )
    return Client(stdio_client(parameters))


async def asked(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a tool: one text, no copy of it, and short enough."""
    result = await client.call_tool(tool, arguments)
    assert result.structured_content is None
    (content,) = result.content
    assert content.type == "text"
    assert not result.is_error, content.text
    assert most_tokens(content.text) <= MOST_TOKENS
    return json.loads(content.text)  # type: ignore[no-any-return]


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    """What is said about a call that cannot be answered."""
    result = await client.call_tool(tool, arguments)
    (content,) = result.content
    assert content.type == "text"
    assert result.is_error
    return content.text


def table(rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(rows["columns"], values, strict=True)) for values in rows["values"]]


def newest_sessions(count: int) -> list[str]:
    last = last_completed_session(JP.calendar, last_evening())
    return [str(day) for day in sessions_between(JP.calendar, sessions_back(JP.calendar, last, count - 1), last)]


def test_which_tokyo_issues_lack_bars_of_the_last_five_sessions_and_why(filled: Command) -> None:
    """Over standard input and output, of a server that the client has started."""
    lost = newest_sessions(5)[-2:]
    days = ", ".join(f"'{day}'" for day in lost)
    taken = f"""FROM miraikakaku.price_bars b USING miraikakaku.instruments i WHERE i.id = b.instrument_id
        AND i.symbol = '7203.T' AND b.timeframe = '1d' AND (b.ts AT TIME ZONE 'Asia/Tokyo')::date IN ({days})"""
    kept = filled.rows(
        "SELECT b.* FROM miraikakaku.price_bars b JOIN miraikakaku.instruments i ON i.id = b.instrument_id"
        f" WHERE i.symbol = '7203.T' AND b.timeframe = '1d' AND (b.ts AT TIME ZONE 'Asia/Tokyo')::date IN ({days})"
    )
    assert len(kept) == 2
    filled.execute(f"CREATE TABLE miraikakaku_kept AS SELECT b.* {taken.replace('FROM', 'FROM', 1).replace('USING', ',', 1)}")
    filled.execute(f"DELETE {taken}")

    async def conversation(client: Client) -> None:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert "gaps" in tools
        assert "collect" not in tools
        answer = await asked(client, "gaps", universe="jp", sessions=5)
        assert answer["sessions"] == newest_sessions(5)
        assert answer["as_of"] >= lost[-1]
        assert str(answer["denominator"])
        assert answer["prices_are"] == "simulated exchange, no market data"
        toyota = next(row for row in table(answer["gaps"]) if row["symbol"] == "7203.T")
        assert toyota | {"name": ""} == {
            "symbol": "7203.T", "name": "", "market": toyota["market"], "cause": "after_last_bar",
            "missing": 2, "first": lost[0], "last": lost[1],
        }  # fmt: skip
        assert answer["causes"]["after_last_bar"]["means"]
        lacking = int(re.match(r"(\d+) of (\d+) issues lack", answer["answer"])[1])  # type: ignore[index]
        assert lacking == len({row["symbol"] for row in table(answer["gaps"])})

    try:
        talk(conversation, lambda: by_stdio(filled))
    finally:
        filled.execute("INSERT INTO miraikakaku.price_bars SELECT * FROM miraikakaku_kept")
        filled.execute("DROP TABLE miraikakaku_kept")


def test_the_list_of_tools_is_short() -> None:
    tools = [{"name": t.name, "description": t.description, "inputSchema": t.schema} for t in EVERY_TOOL.values()]

    assert len(tools) <= MOST_TOOLS
    assert most_tokens(json.dumps(tools, ensure_ascii=False)) <= MOST_LIST_TOKENS
