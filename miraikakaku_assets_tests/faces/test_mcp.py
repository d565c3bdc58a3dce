"""Language models, through the SDK's own client: what they are answered, how long, and what they may not do."""

import json
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import UTC, date, datetime
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
from mcp.types import TextContent
from pydantic import SecretStr

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.coverage.report import CAUSES
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.domain.market.tokyo import tokyo_issue
from miraikakaku_assets.faces.api.server import KEEP_ALIVE_SECONDS
from miraikakaku_assets.faces.mcp.answers import MOST_TOKENS, Answer, as_text, most_tokens
from miraikakaku_assets.faces.mcp.http import http_app
from miraikakaku_assets.faces.mcp.keys import LOCAL
from miraikakaku_assets.faces.mcp.server import EVERY_TOOL, McpServer
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.support.api import NOWHERE
from miraikakaku_assets_tests.support.bars.raw_bars import SESSIONS, bar, closes, january
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.free_port import free_port
from miraikakaku_assets_tests.support.markets.stored_market import PRIME, put_in_force, write
from miraikakaku_assets_tests.support.moments import last_evening
from miraikakaku_assets_tests.support.patience import PATIENCE, until

pytestmark = pytest.mark.slow
MOST_TOOLS, MOST_LIST_TOKENS = 12, 4000
SCRIPT = Path(sys.executable).with_name("miraikakaku")
EVENING = datetime(2025, 1, 10, 8, tzinfo=UTC)
"""The fifth session of the year is over, its bar is final."""
LACKING = """
SELECT master.yahoo_symbol, count(bar.ts) FROM miraikakaku.stock_master AS master
LEFT JOIN miraikakaku.price_bars AS bar ON bar.instrument_id = master.instrument_id AND bar.timeframe = '1d'
     AND (bar.ts AT TIME ZONE 'Asia/Tokyo')::date = ANY ('{{{sessions}}}'::date[])
WHERE master.universe = 'jp' AND master.is_active GROUP BY 1 HAVING count(bar.ts) < 5
"""
"""Listed issues that lack bars of five sessions, with the number that they have; the question's other way."""
KEY, READING_KEY = "operator-0123456789", "reader-0123456789"


def ports_of(command: Command, **options: Any) -> Ports:
    variables = {name.lower(): value for name, value in command.variables.items()}
    chosen = {"dagster_url": NOWHERE, "rate_limit_per_minute": 1_000_000, **options}
    return Ports(Settings(_env_file=None, **(variables | chosen)), last_evening)


@pytest.fixture(scope="module")
def use(filled_once: Command) -> Iterator[Ports]:
    """The installation after `pipeline`."""
    ports = ports_of(filled_once)
    yield ports
    ports.opened.close()


def talk(
    conversation: Callable[[Client], Awaitable[None]],
    connect: Callable[[], AbstractAsyncContextManager[Client]],
) -> None:
    async def run() -> None:
        async with connect() as client:
            await conversation(client)

    anyio.run(run)


async def asked(client: Client, tool: str, **arguments: Any) -> Any:
    """The answer of a tool: one text, no copy of it, and short enough."""
    result = await client.call_tool(tool, arguments)
    assert result.structured_content is None
    (content,) = result.content
    assert content.type == "text"
    assert not result.is_error, content.text
    assert most_tokens(content.text) <= MOST_TOKENS
    return json.loads(content.text)


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    """What is said about a call that cannot be answered."""
    result = await client.call_tool(tool, arguments)
    (content,) = result.content
    assert content.type == "text"
    assert result.is_error
    return content.text


def rows(table: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(table["columns"], values, strict=True)) for values in table["values"]]


@contextmanager
def serving_http(use: Ports, *, operates: bool) -> Iterator[str]:
    """The address of a server in this process."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = McpServer(use, operates=operates)
    config = uvicorn.Config(
        http_app(server, use, "127.0.0.1"),
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    running = uvicorn.Server(config)

    async def serve() -> None:
        await running.serve(sockets=[listener])
        await server.close()

    thread = threading.Thread(target=anyio.run, args=(serve,), daemon=True)
    thread.start()
    until(lambda: running.started or not thread.is_alive())
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    finally:
        running.should_exit = True
        thread.join(PATIENCE)


@asynccontextmanager
async def by_http(address: str, key: str | None = None) -> AsyncIterator[Client]:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as connection,
        Client(streamable_http_client(address, http_client=connection)) as client,
    ):
        yield client


def test_which_tokyo_issues_lack_bars_of_the_last_five_sessions_and_why(
    database: Database, tmp_path: Path
) -> None:
    """Over standard input and output, of a server that the client has started."""
    whole, ended, refused_bar, empty = (
        tokyo_issue(code, name, PRIME)
        for code, name in (("1301", "極洋"), ("7203", "トヨタ"), ("6758", "ソニー"), ("9984", "孫"))
    )
    ids = put_in_force(database, date(2024, 12, 31), whole, ended, refused_bar, empty)
    five = (10.0, 11.0, 12.0, 11.0, 10.0)
    write(database, ids, closes(*five, symbol="1301.T"))
    write(database, ids, closes(*five[:3], symbol="7203.T"))
    write(database, ids, [*closes(*five[:4], symbol="6758.T"), bar(january(10), -1.0, symbol="6758.T")])
    environment = {
        "MIRAIKAKAKU_HOME": str(tmp_path / "home"),
        "DATABASE_URL": database.url,
        "MIRAIKAKAKU_NOW": EVENING.isoformat(),
        "YAHOO_BASE_URL": "http://127.0.0.1:9",
    }

    async def conversation(client: Client) -> None:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools == {tool.name for tool in EVERY_TOOL.values() if not tool.operates}
        answer = await asked(client, "gaps", universe="jp", sessions=5)
        assert answer["sessions"] == [str(day) for day in SESSIONS[:5]]
        assert answer["as_of"].startswith("2025-01-10T08:0")
        assert answer["answer"] == "3 of 4 issues lack 8 of 20 bars that are due"
        assert "4 active issues" in answer["denominator"]
        found = {
            row["symbol"]: (row["name"], row["cause"], row["first"], row["last"])
            for row in rows(answer["gaps"])
        }
        assert found == {
            "9984.T": ("孫", "never_requested", "2025-01-06", "2025-01-10"),
            "7203.T": ("トヨタ", "never_requested", "2025-01-09", "2025-01-10"),
            "6758.T": ("ソニー", "quarantined", "2025-01-10", "2025-01-10"),
        }
        assert answer["causes"]["quarantined"] == {"issues": 1, "bars": 1, "means": CAUSES["quarantined"]}
        # Nobody has asked the source here, so nothing else can be said; of the newest session alone, the same.
        newest = await asked(client, "gaps", sessions=1, symbol="7203")
        assert [(row["symbol"], row["cause"]) for row in rows(newest["gaps"])] == [
            ("7203.T", "never_requested")
        ]
        assert "collect" in await refused(client, "collect", symbols=["7203.T"])

    parameters = StdioServerParameters(command=str(SCRIPT), args=["mcp"], env=environment, cwd=tmp_path)
    talk(conversation, lambda: Client(stdio_client(parameters)))


def test_after_a_pipeline_the_same_question_is_answered_as_the_tables_have_it(filled: Command) -> None:
    """Over standard input and output, too: every issue that lacks a bar, each with a cause that is explained."""

    async def conversation(client: Client) -> None:
        answer = await asked(client, "gaps", universe="jp", sessions=5)
        sessions = answer["sessions"]
        assert len(sessions) == 5
        lacking = dict(filled.rows(LACKING.format(sessions=",".join(sessions))))
        found = rows(answer["gaps"])
        assert found
        assert {row["symbol"] for row in found} == set(lacking)
        for row in found:
            assert row["cause"] in CAUSES
            assert answer["causes"][row["cause"]]["means"] == CAUSES[row["cause"]]
            assert sessions[0] <= row["first"] <= row["last"] <= sessions[-1]
        missing = 5 * len(lacking) - sum(lacking.values())
        assert answer["answer"].startswith(f"{len(lacking)} of ")
        assert f"lack {missing} of" in answer["answer"]
        assert "active issues" in answer["denominator"]

    environment = {name: str(value) for name, value in filled.variables.items()}
    parameters = StdioServerParameters(command=str(SCRIPT), args=["mcp"], env=environment, cwd=filled.folder)
    talk(conversation, lambda: Client(stdio_client(parameters)))


def test_the_list_of_tools_is_short() -> None:
    tools = [
        {"name": t.name, "description": t.description, "inputSchema": t.schema} for t in EVERY_TOOL.values()
    ]

    assert len(tools) <= MOST_TOOLS
    assert most_tokens(json.dumps(tools, ensure_ascii=False)) <= MOST_LIST_TOKENS


def test_every_figure_says_what_it_is_of(use: Ports) -> None:
    """All tools over HTTP, against what the tables hold."""

    async def conversation(client: Client) -> None:
        bars = use.stores.bars.read(JP, Timeframe.D1, ["7203.T"])
        prices = await asked(client, "prices", symbols=["7203"], newest=3)
        assert (prices["symbol"], prices["basis"], prices["unit"]) == (
            "7203.T",
            "split_adjusted",
            "JPY per share",
        )
        assert prices["prices_are"] == "simulated exchange, no market data"
        assert prices["bars"]["columns"][0] == "session"
        assert [row["close"] for row in rows(prices["bars"])] == bars["close"].tail(3).reverse().to_list()
        assert pl.read_parquet(prices["file"]).equals(bars)
        several = await asked(
            client, "prices", symbols=["7203.T", "7203"], since=str(bars["session"][-5]), newest=250
        )
        assert several["bars"]["values"]
        assert "file" not in several
        indicators = await asked(client, "indicators", symbol="7203.T")
        newest = use.stores.analysis.indicators(JP, Timeframe.D1, ["7203.T"])
        assert indicators["as_of"] == f"{newest['ts'][-1]:%Y-%m-%dT%H:%M:%SZ}"
        sma = next(row for row in rows(indicators["indicators"]) if row["indicator"] == "sma_5")
        assert sma["newest"] == pytest.approx(newest["sma_5"][-1], rel=1e-6)
        forecast = await asked(client, "forecast", symbol="7203.T")
        assert forecast["as_of"]
        assert forecast["unit"] == "JPY per share"
        for row in rows(forecast["forecasts"]):
            assert (
                row["band_95"][0]
                <= row["band_80"][0]
                <= row["median"]
                <= row["band_80"][1]
                <= row["band_95"][1]
            )
            assert {"edge", "record_n", "record_error_to_no_change", "record_until"} <= set(row)
        coverage = await asked(client, "coverage")
        assert coverage["denominator"]
        assert coverage["as_of"]
        (whole, *_) = rows(coverage["segments"])
        assert whole["coverage"] == pytest.approx(whole["stored"] / whole["expected"], rel=1e-6)
        status = await asked(client, "status")
        assert status["coverage"]["of"] == coverage["denominator"]
        assert rows(status["last_collections"])
        for tool in ("performance", "signals", "alerts", "jobs"):
            await asked(client, tool)
        (toyota, *_) = rows((await asked(client, "search_symbols", query="72"))["symbols"])
        assert toyota["symbol"].startswith("72")

    with serving_http(use, operates=False) as address:
        talk(conversation, lambda: by_http(address))


def test_errors_teach(use: Ports) -> None:
    async def conversation(client: Client) -> None:
        assert "7203.T" in await refused(client, "prices", symbols=["720"])
        assert "search_symbols" in await refused(client, "forecast", symbol="NOBODY")
        unknown = await refused(client, "prices", symbols=["7203.T"], days=5)
        assert "days" in unknown
        assert "since" in unknown
        assert "'jp', 'us', 'fx' or 'copper'" in await refused(client, "coverage", universe="mars")
        assert "--operate" in await refused(client, "collect", symbols=["7203.T"])
        assert "gaps" in await refused(client, "missing")
        assert "timeframe 1d" in await refused(
            client, "prices", symbols=["7203.T"], timeframe="1w", basis="adjusted"
        )
        assert "leave out" in await refused(
            client, "prices", symbols=["7203.T"], since="2001-01-01", until="2001-01-02"
        )

    with serving_http(use, operates=False) as address:
        talk(conversation, lambda: by_http(address))


def test_only_a_key_with_the_scope_starts_a_collection(installed_url: str, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"reader {sha256(READING_KEY.encode()).hexdigest()} read\n")
    keys.chmod(0o600)
    settings = {
        "miraikakaku_home": tmp_path / "home", "database_url": installed_url, "dagster_url": NOWHERE,
        "api_key": KEY, "api_keys_file": keys,
    }  # fmt: skip
    use = Ports(Settings(_env_file=None, **settings), last_evening)  # type: ignore[arg-type]
    put_in_force(use.opened, date(2024, 12, 31), tokyo_issue("7203", "トヨタ", PRIME))

    async def reader(client: Client) -> None:
        assert "scope `operate`" in await refused(client, "collect", symbols=["7203.T"])
        assert (await asked(client, "jobs"))["jobs"] == 0

    async def operator(client: Client) -> None:
        wanted = {"symbols": ["7203", "NOBODY"], "idempotency_key": "once"}
        first, again = await asked(client, "collect", **wanted), await asked(client, "collect", **wanted)
        assert (first["accepted"], again["accepted"]) == ("new", "repeated")
        assert first["job_id"] == again["job_id"]
        assert first["unknown_symbols"] == ["NOBODY"]
        job = await asked(client, "jobs", job_id=first["job_id"])
        assert (job["status"], job["total"]) == ("running", 2)

    with serving_http(use, operates=True) as address:
        assert httpx2.post(address, json={}).status_code == 401
        assert httpx2.post(address, json={}, headers={"X-API-KEY": "guessed"}).status_code == 401
        talk(reader, lambda: by_http(address, READING_KEY))
        talk(operator, lambda: by_http(address, KEY))
    use.opened.close()


def test_a_page_of_another_site_is_refused(use: Ports) -> None:
    with serving_http(use, operates=True) as address:
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        headers = {"Accept": "application/json, text/event-stream", "Origin": "https://elsewhere.example"}
        assert httpx2.post(address, json=call, headers=headers).status_code == 403


def test_the_command_serves_http_until_it_is_interrupted(nowhere: Command, installed_url: str) -> None:
    command = nowhere.with_(DATABASE_URL=installed_url)
    port = free_port()
    process = command.start("mcp", "--http", "--port", port)
    try:
        until(lambda: answers(port) or process.poll() is not None)

        async def conversation(client: Client) -> None:
            assert "gaps" in {tool.name for tool in (await client.list_tools()).tools}

        talk(conversation, lambda: by_http(f"http://127.0.0.1:{port}/mcp"))
        taken = command("mcp", "--http", "--port", port)
        assert taken.code == 2
        assert f"--port {port}" in taken.err
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    foreign = nowhere("mcp", "--http", "--host", "0.0.0.0", "--port", port)  # noqa: S104 - it is refused
    assert foreign.code == 2
    assert "API_KEY" in foreign.err


def answers(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def test_a_database_that_is_down_is_named(tmp_path: Path) -> None:
    settings = Settings(
        _env_file=None,
        miraikakaku_home=tmp_path,
        database_url=SecretStr("postgresql://a:secret@127.0.0.1:9/x"),
    )
    server = McpServer(Ports(settings, last_evening), operates=False)

    for tool, arguments in (("gaps", {}), ("search_symbols", {"query": "7203"}), ("status", {})):
        result = anyio.run(server.answer, tool, arguments, LOCAL)
        (content,) = result.content
        assert isinstance(content, TextContent)
        assert result.is_error
        assert "database" in content.text
        assert "secret" not in content.text


def test_what_is_too_long_is_cut_and_lies_in_a_file(tmp_path: Path) -> None:
    use = Ports(Settings(_env_file=None, miraikakaku_home=tmp_path))
    many = [{"symbol": f"{code}.T", "name": "株式会社", "close": code / 7} for code in range(1000, 5000)]

    answer = Answer({"universe": "jp"}, many, "closes", file_name="closes")
    text = as_text(answer, use)

    document = json.loads(text)
    assert MOST_TOKENS * 0.98 < most_tokens(text) <= MOST_TOKENS
    assert rows(document["closes"])[0] == {"symbol": "1000.T", "name": "株式会社", "close": 142.8571}
    assert document["shown"].startswith(f"{len(document['closes']['values']):,} of 4,000 closes")
    file = Path(document["file"])
    assert file.is_relative_to(tmp_path)
    assert len(json.loads(file.read_text(encoding="utf-8"))["closes"]) == 4000
    assert as_text(answer, use) == text
    assert len(list(file.parent.iterdir())) == 1
