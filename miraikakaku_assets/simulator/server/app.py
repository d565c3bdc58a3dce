"""The simulator as a web application."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from miraikakaku_assets.domain.market.origin import SIMULATED_HEADER
from miraikakaku_assets.simulator.core.answers import JSON, Answer
from miraikakaku_assets.simulator.core.clock import SimulatedClock
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.core.request_counts import RequestCounts
from miraikakaku_assets.simulator.faults.alterations import altered
from miraikakaku_assets.simulator.faults.answers import damaged, no_answer, refused
from miraikakaku_assets.simulator.faults.late_split import LateSplits, rescaled, with_late_splits
from miraikakaku_assets.simulator.faults.specs import (
    CRUMB,
    LISTING_STATUS,
    NASDAQ_LISTED,
    OTHER_LISTED,
    WESTMETALL,
    WORKBOOK,
    FaultBoard,
    Plan,
    parse_faults,
)
from miraikakaku_assets.simulator.prices.quotes import Market, Quotes
from miraikakaku_assets.simulator.replay.archive import Archive
from miraikakaku_assets.simulator.server.control import Control
from miraikakaku_assets.simulator.server.lists import Lists
from miraikakaku_assets.simulator.server.westmetall_page import LANGUAGES
from miraikakaku_assets.simulator.world.world import World
from miraikakaku_assets.simulator.yahoo_api.chart_answer import NOT_FOUND, chart_answer, refusal, window
from miraikakaku_assets.simulator.yahoo_api.chart_request import ChartRefusedError, read_request

_CHART = "/v8/finance/chart/"
_UNAUTHORIZED = (
    b'{"finance":{"result":null,"error":{"code":"Unauthorized","description":'
    b'"User is unable to access this feature - https://bit.ly/yahoo-finance-api-feedback"}}}'
)
_COOKIE = "A3=d=simulated&S=simulated; HttpOnly; Max-Age=31557600; Path=/; SameSite=lax"
_NO_SUCH_PATH = b'{"finance":{"result":null,"error":{"code":"Not Found","description":"HTTP 404 Not Found"}}}'


class Simulator:
    """Simulated Yahoo, JPX, Nasdaq Trader, Alpha Vantage and Westmetall: an ASGI application.

    Args:
        config: What to simulate.

    Raises:
        ConfigurationError: A fault spec, the archive or the clock cannot be used.
    """

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.clock = SimulatedClock(config.now)
        faults = parse_faults(config.faults)
        now = self.clock.now()
        self.market: Market = Archive(config.archive_dir, now) if config.archive_dir else World(config, now)
        self.market.check_clock(now)
        self.faults = FaultBoard(config.seed, faults)
        self.late_splits = LateSplits(config.seed)
        self.late_splits.update(faults, now, from_start=True)
        self.requests = RequestCounts()
        self._lists = Lists(config, self.market)
        control = Control(config, self.clock, self.market, self.faults, self.late_splits, self.requests)
        self._others = Starlette(
            routes=[
                Route("/jpx/data_j.xls", self.workbook),
                Route("/symdir/{name}", self.directory),
                Route("/query", self.listing_status),
                Route("/{language}/markdaten.php", self.official_prices),
                Route("/v1/test/getcrumb", self.crumb),
                Route("/v7/finance/quote", self.quote),
                Route("/", self.cookie),
                Route("/simulator/health", control.health),
                Route("/simulator/state", control.state),
                Route("/simulator/symbols", control.symbols),
                Route("/simulator/requests", control.requests, methods=["GET", "POST", "DELETE"]),
                Route("/simulator/faults", control.set_faults, methods=["POST"]),
                Route("/simulator/clock", control.set_clock, methods=["POST"]),
                Route("/{path:path}", self.elsewhere),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request. Charts, which are nearly all, do not pass through routes and request objects."""
        if not (scope["type"] == "http" and scope["path"].startswith(_CHART)):
            await self._others(scope, receive, send)
            return
        symbol = scope["path"][len(_CHART) :].upper()
        query = _query(scope["query_string"])
        interval = query.get("interval", "1d")
        self.requests.chart(symbol, f"chart_{interval}" if interval in {"1d", "5m"} else "chart_other")
        plan = self.faults.plan(symbol)
        answer = await self._before(receive, plan, self.config.latency)
        if answer is None:
            answer = self._chart(symbol, query, plan)
        self.requests.statuses[answer.status] += 1
        await answer(scope, receive, send)

    async def workbook(self, request: Request) -> Answer:
        """Answer ``/jpx/data_j.xls``."""
        return await self._list(request, "jpx_list", WORKBOOK, self._lists.workbook)

    async def directory(self, request: Request) -> Answer:
        """Answer ``/symdir/nasdaqlisted.txt`` and ``/symdir/otherlisted.txt``."""
        name = request.path_params["name"]
        if name not in {NASDAQ_LISTED, OTHER_LISTED}:
            return await self.elsewhere(request)
        return await self._list(request, "us_list", name, partial(self._lists.directory, name))

    async def listing_status(self, request: Request) -> Answer:
        """Answer ``/query?function=LISTING_STATUS``."""
        make = partial(self._lists.status, request)
        return await self._list(request, "listing_status", LISTING_STATUS, make)

    async def official_prices(self, request: Request) -> Answer:
        """Answer Westmetall's page of the LME's copper prices."""
        language = request.path_params["language"]
        if language not in LANGUAGES or request.query_params.get("field") != "LME_Cu_cash":
            return await self.elsewhere(request)
        make = partial(self._lists.official_prices, language)
        return await self._list(request, "westmetall", WESTMETALL, make)

    async def _list(
        self,
        request: Request,
        kind: str,
        resource: str,
        make: Callable[[Plan, int, frozenset[str]], Awaitable[Answer]],
    ) -> Answer:
        """Answer with a list, unless a fault of its own replaces it."""
        self.requests.path(request.url.path, kind)
        plan = self.faults.plan(resource)
        answer = await self._before(request.receive, plan, 0.0)
        if answer is None:
            answer = await make(plan, self.clock.now(), self.faults.unlisted())
        self.requests.statuses[answer.status] += 1
        return answer

    async def crumb(self, request: Request) -> Answer:
        """Answer ``/v1/test/getcrumb``, which yfinance calls before its first request."""
        self.requests.path(request.url.path, "crumb")
        plan = self.faults.plan(CRUMB)
        answer = await self._before(request.receive, plan, 0.0)
        return answer or Answer(200, b"simulatedCrumb", "text/plain; charset=utf-8")

    async def cookie(self, request: Request) -> Answer:
        """Answer the root of ``fc.yahoo.com``: 404 with the cookie that the crumb belongs to.

        And with a header by which nobody can take this for a real exchange. A HEAD, which Yahoo's clients do not
        send, asks for that only and is not counted.
        """
        if request.method != "HEAD":
            self.requests.path(request.url.path, "cookie")
        return Answer(
            404, b"", "text/html", {"Set-Cookie": _COOKIE, SIMULATED_HEADER: self.config.as_options()}
        )

    async def quote(self, request: Request) -> Answer:
        """Answer ``/v7/finance/quote`` as Yahoo does without a valid crumb."""
        self.requests.path(request.url.path, "other")
        return Answer(401, _UNAUTHORIZED)

    async def elsewhere(self, request: Request) -> Answer:
        """Answer every path that is not simulated."""
        self.requests.path(request.url.path, "other")
        return Answer(404, _NO_SUCH_PATH)

    async def _before(self, receive: Receive, plan: Plan, latency: float) -> Answer | None:
        """Hold an answer back and return the one of a fault that replaces it."""
        if plan.delay + latency > 0:
            await asyncio.sleep(plan.delay + latency)
        if not plan.kinds:
            return None
        if "timeout" in plan.kinds:
            return await no_answer(receive, self.config.timeout_seconds)
        return refused(plan)

    def _chart(self, symbol: str, query: dict[str, str], plan: Plan) -> Answer:
        now = self.clock.now()
        if "wrong-symbol" in plan.kinds:
            symbol = self._another(symbol, now)
        quotes = self.market.quotes(symbol, now, _since(query))
        if quotes is None:
            return Answer(404, NOT_FOUND)
        try:
            body = self._answer(symbol, quotes, query, plan, now)
        except ChartRefusedError as error:
            return Answer(error.status, refusal(error))
        return damaged(plan, body, JSON)

    def _answer(self, symbol: str, quotes: Quotes, query: dict[str, str], plan: Plan, now: int) -> bytes:
        grid = quotes.instrument.grid
        request = read_request(query, grid, now)
        splits = self.late_splits.of(symbol, grid, now)
        five_minutes = None
        if request.interval == "5m":
            five_minutes = self.market.five_minutes(symbol, request.start, request.end, now)
            for split in splits:
                five_minutes = rescaled(five_minutes, split)
        quotes = with_late_splits(quotes, splits)
        bars = window(quotes, five_minutes, request, twice="double-session" in plan.kinds)
        if plan.kinds:
            bars = altered(bars, plan.kinds, grid)
            if "empty" in plan.kinds:
                bars = bars.take(slice(0, 0))
        return chart_answer(quotes, bars, request, now, time_zone="no-timezone" not in plan.kinds)

    def _another(self, symbol: str, now: int) -> str:
        for names in self.market.symbols().values():
            for name in names:
                if name != symbol and self.market.quotes(name, now, now) is not None:
                    return name
        return symbol


@lru_cache(maxsize=1_024)
def _query(text: bytes) -> dict[str, str]:
    return dict(parse_qsl(text.decode("latin-1")))


def _since(query: dict[str, str]) -> int:
    """Return from when on an answer needs bars: 0, all there are, unless a period begins later."""
    try:
        return int(float(query["period1"]))
    except (KeyError, ValueError, OverflowError):
        return 0
