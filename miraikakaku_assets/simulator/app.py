"""The simulator as a web application."""

import asyncio
from collections import Counter
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.simulator.alterations import altered
from miraikakaku_assets.simulator.archive import Archive
from miraikakaku_assets.simulator.chart_answer import NOT_FOUND, chart_answer, refusal, to_json, window
from miraikakaku_assets.simulator.chart_request import ChartRefusedError, read_request
from miraikakaku_assets.simulator.clock import SimulatedClock
from miraikakaku_assets.simulator.config import SimulatorConfig
from miraikakaku_assets.simulator.fault_answers import JSON, damaged, no_answer, refused
from miraikakaku_assets.simulator.faults import CRUMB, WORKBOOK, FaultBoard, Plan, parse_faults
from miraikakaku_assets.simulator.late_split import LateSplits, rescaled, with_late_splits
from miraikakaku_assets.simulator.quotes import Market, Quotes
from miraikakaku_assets.simulator.world import World

_EXCEL = "application/vnd.ms-excel"
_UNAUTHORIZED = (
    b'{"finance":{"result":null,"error":{"code":"Unauthorized","description":'
    b'"User is unable to access this feature - https://bit.ly/yahoo-finance-api-feedback"}}}'
)
_NO_SUCH_PATH = b'{"finance":{"result":null,"error":{"code":"Not Found","description":"HTTP 404 Not Found"}}}'


class Simulator:
    """One simulated Yahoo and JPX: the state behind the routes.

    Args:
        config: What to simulate.
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
        self.requests: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()

    async def chart(self, request: Request) -> Response:
        """Answer ``/v8/finance/chart/{symbol}``."""
        symbol = request.path_params["symbol"].upper()
        interval = request.query_params.get("interval", "1d")
        self.requests[f"chart_{interval}" if interval in {"1d", "5m"} else "chart_other"] += 1
        plan = self.faults.plan(symbol)
        early = await self._before(request, plan, self.config.latency)
        if early is None:
            early = self._chart(symbol, request, plan)
        self.statuses[early.status_code] += 1
        return early

    async def workbook(self, request: Request) -> Response:
        """Answer ``/jpx/data_j.xls``."""
        self.requests["jpx_list"] += 1
        plan = self.faults.plan(WORKBOOK)
        answer = await self._before(request, plan, 0.0)
        if answer is None:
            body = await run_in_threadpool(self._workbook)
            answer = damaged(plan, body, _EXCEL)
        self.statuses[answer.status_code] += 1
        return answer

    async def crumb(self, request: Request) -> Response:
        """Answer ``/v1/test/getcrumb``, which yfinance calls before its first request."""
        self.requests["crumb"] += 1
        plan = self.faults.plan(CRUMB)
        answer = await self._before(request, plan, 0.0)
        return answer or PlainTextResponse("simulatedCrumb")

    async def cookie(self, _: Request) -> Response:
        """Answer the root of ``fc.yahoo.com``: 404 with the cookie that the crumb belongs to."""
        self.requests["cookie"] += 1
        answer = Response(b"", 404, media_type="text/html")
        answer.set_cookie("A3", "d=simulated&S=simulated", max_age=31_557_600, path="/", httponly=True)
        return answer

    async def quote(self, _: Request) -> Response:
        """Answer ``/v7/finance/quote`` as Yahoo does without a valid crumb."""
        self.requests["other"] += 1
        return Response(_UNAUTHORIZED, 401, media_type=JSON)

    async def elsewhere(self, _: Request) -> Response:
        """Answer every path that is not simulated."""
        self.requests["other"] += 1
        return Response(_NO_SUCH_PATH, 404, media_type=JSON)

    async def health(self, _: Request) -> Response:
        """Answer ``/simulator/health``."""
        return _control({"status": "ok"})

    async def state(self, _: Request) -> Response:
        """Answer ``/simulator/state``."""
        symbols = self.market.symbols()
        return _control(
            {
                "seed": self.config.seed,
                "mode": "archive" if self.config.archive_dir else "synthetic",
                "symbols": {universe: len(names) for universe, names in symbols.items()},
                "clock": self.clock.isoformat(),
                "clock_fixed": self.clock.is_fixed,
                "faults": [fault.spec for fault in self.faults.faults],
                "fault_hits": dict(self.faults.hits),
                "requests": dict(self.requests),
                "statuses": {str(status): count for status, count in self.statuses.items()},
            }
        )

    async def list_symbols(self, _: Request) -> Response:
        """Answer ``/simulator/symbols``: every Yahoo symbol by universe."""
        return _control(self.market.symbols())

    async def set_faults(self, request: Request) -> Response:
        """Answer ``POST /simulator/faults`` with ``{"faults": [SPEC, ...]}``: replaces all faults."""
        try:
            faults = parse_faults(_specs(await _json_object(request)))
        except ConfigurationError as error:
            return _control({"error": str(error)}, 400)
        self.faults.replace(faults)
        self.late_splits.update(faults, self.clock.now())
        return _control({"faults": [fault.spec for fault in faults]})

    async def set_clock(self, request: Request) -> Response:
        """Answer ``POST /simulator/clock``.

        The body is ``{"now": "2026-11-20T05:00:00Z"}``, ``{"now": null}`` for the real clock, or
        ``{"advance_seconds": 3600}``, which makes the clock stand still where it arrives.
        """
        try:
            second = self._wanted_second(await _json_object(request))
            if second is not None:
                self.market.check_clock(second)
        except ConfigurationError as error:
            return _control({"error": str(error)}, 400)
        self.clock.stand_at(second)
        return _control({"clock": self.clock.isoformat(), "clock_fixed": self.clock.is_fixed})

    async def _before(self, request: Request, plan: Plan, latency: float) -> Response | None:
        """Hold an answer back and return the one of a fault that replaces it."""
        if plan.delay + latency > 0:
            await asyncio.sleep(plan.delay + latency)
        if "timeout" in plan.kinds:
            return await no_answer(request, self.config.timeout_seconds)
        return refused(plan)

    def _chart(self, symbol: str, request: Request, plan: Plan) -> Response:
        now = self.clock.now()
        if "wrong-symbol" in plan.kinds:
            symbol = self._another(symbol, now)
        quotes = self.market.quotes(symbol, now)
        if quotes is None:
            return Response(NOT_FOUND, 404, media_type=JSON)
        try:
            body = self._answer(symbol, quotes, request, plan, now)
        except ChartRefusedError as error:
            return Response(refusal(error), error.status, media_type=JSON)
        return damaged(plan, body, JSON)

    def _answer(self, symbol: str, quotes: Quotes, request: Request, plan: Plan, now: int) -> bytes:
        grid = quotes.instrument.grid
        asked = read_request(request.query_params, grid, now)
        splits = self.late_splits.of(symbol, grid, now)
        five_minutes = None
        if asked.interval == "5m":
            five_minutes = self.market.five_minutes(symbol, asked.start, asked.end, now)
            for split in splits:
                five_minutes = rescaled(five_minutes, split)
        quotes = with_late_splits(quotes, splits)
        bars = window(quotes, five_minutes, asked, twice="double-session" in plan.kinds)
        bars = altered(bars, plan.kinds, grid)
        if "empty" in plan.kinds:
            bars = bars.take(slice(0, 0))
        return chart_answer(quotes, bars, asked, now)

    def _another(self, symbol: str, now: int) -> str:
        for names in self.market.symbols().values():
            for name in names:
                if name != symbol and self.market.quotes(name, now) is not None:
                    return name
        return symbol

    def _workbook(self) -> bytes:
        if self.config.master_file is not None:
            return self.config.master_file.read_bytes()
        return self.market.workbook(self.clock.now())

    def _wanted_second(self, body: dict[str, Any]) -> int | None:
        if "advance_seconds" in body:
            seconds = body["advance_seconds"]
            if not isinstance(seconds, int | float) or isinstance(seconds, bool):
                raise ConfigurationError("advance_seconds has to be a number of seconds.")
            return self.clock.now() + int(seconds)
        if "now" not in body:
            raise ConfigurationError('the body has to be {"now": INSTANT or null} or {"advance_seconds": N}.')
        if body["now"] is None:
            return None
        try:
            instant = datetime.fromisoformat(body["now"])
        except (TypeError, ValueError):
            raise ConfigurationError(f"now={body['now']!r} is not an ISO 8601 instant.") from None
        if instant.utcoffset() is None:
            raise ConfigurationError(f"now={body['now']!r} has no time zone; write it with Z or an offset.")
        return int(instant.timestamp())


async def _json_object(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        raise ConfigurationError("the body is not JSON.") from None
    if not isinstance(body, dict):
        raise ConfigurationError("the body has to be a JSON object.")
    return body


def _specs(body: dict[str, Any]) -> list[str]:
    specs = body.get("faults")
    if not isinstance(specs, list) or not all(isinstance(spec, str) for spec in specs):
        raise ConfigurationError('the body has to be {"faults": ["SPEC", ...]}.')
    return specs


def _control(value: object, status: int = 200) -> Response:
    return Response(to_json(value), status, media_type="application/json")


def create_app(config: SimulatorConfig) -> Starlette:
    """Return the simulator as an ASGI application.

    Args:
        config: What to simulate.

    Raises:
        ConfigurationError: A fault spec, the archive or the clock cannot be used.
    """
    simulator = Simulator(config)
    app = Starlette(
        routes=[
            Route("/v8/finance/chart/{symbol}", simulator.chart),
            Route("/jpx/data_j.xls", simulator.workbook),
            Route("/v1/test/getcrumb", simulator.crumb),
            Route("/v7/finance/quote", simulator.quote),
            Route("/", simulator.cookie),
            Route("/simulator/health", simulator.health),
            Route("/simulator/state", simulator.state),
            Route("/simulator/symbols", simulator.list_symbols),
            Route("/simulator/faults", simulator.set_faults, methods=["POST"]),
            Route("/simulator/clock", simulator.set_clock, methods=["POST"]),
            Route("/{path:path}", simulator.elsewhere),
        ]
    )
    app.state.simulator = simulator
    return app
