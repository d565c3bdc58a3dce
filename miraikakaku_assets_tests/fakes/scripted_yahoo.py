"""A small HTTP server with scripted answers to chart requests, which records the requests."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from miraikakaku_assets_tests.fakes.holding import hold_back

CHART = "/v8/finance/chart/"
JST = timezone(timedelta(hours=9))


@dataclass(frozen=True)
class Answer:
    """One HTTP answer.

    Attributes:
        delay: Seconds before it is given; all that is held back ends with the server.
        after: Event before which it is not given.
        cut: Bytes of the body after which the connection is closed.
        hangs_up: Whether the connection is closed without a word.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    after: threading.Event | None = None
    cut: int | None = None
    hangs_up: bool = False


NEVER = 3600.0
"""Delay of an answer that nobody gets."""


@dataclass
class ScriptedYahoo:
    """Answers per symbol (the last one is repeated) and the requests received."""

    base_url: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    held: threading.Lock = field(default_factory=threading.Lock)
    dated: bool = False
    """Whether the answers say themselves what time it is."""
    heard: Callable[[str, int], None] | None = None
    """Told of each request before it is answered: symbol, and the port it came from."""

    def script(self, symbol: str, *answers: Answer) -> None:
        self.answers[symbol] = list(answers)

    def symbols(self) -> list[str]:
        return [path.removeprefix(CHART) for path, _ in self.asked]

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        with self.held:
            self.asked.append((path, query))
            self.at.append(time.monotonic())
            waiting = self.answers.get(path.removeprefix(CHART))
            if not waiting:
                return Answer(404, b'{"chart":{"result":null,"error":{"code":"Not Found"}}}')
            return waiting.pop(0) if len(waiting) > 1 else waiting[0]


@contextmanager
def scripted_yahoo() -> Iterator[ScriptedYahoo]:
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            path = unquote(parts.path)
            if yahoo.heard is not None:
                yahoo.heard(path.removeprefix(CHART), self.client_address[1])
            given = yahoo.answer(path, query)
            hold_back(closing, given.delay, given.after)
            if given.hangs_up:
                self.close_connection = True
                return
            if yahoo.dated:
                self.send_response_only(given.status)
            else:
                self.send_response(given.status)
            for name, value in given.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(given.body)))
            try:
                self.end_headers()
                self.wfile.write(given.body if given.cut is None else given.body[: given.cut])
            except OSError:  # the client has given up waiting
                self.close_connection = True
            if given.cut is not None:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Test output is for tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    yahoo = ScriptedYahoo(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield yahoo
    finally:
        closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def chart(
    symbol: str, days: list[date], close: Callable[[int], float | None] = float, **result: Any
) -> Answer:
    """A chart of daily bars stamped at 09:00 JST, in the form Yahoo sends it."""
    stamps = [int(datetime(day.year, day.month, day.day, 9, tzinfo=JST).timestamp()) for day in days]
    values = [close(number) for number in range(1, len(days) + 1)]
    quote = dict.fromkeys(("open", "high", "low", "close"), values) | {"volume": [100] * len(days)}
    meta = {
        "currency": "JPY", "symbol": symbol, "exchangeName": "JPX", "instrumentType": "EQUITY", "gmtoffset": 32400,
        "timezone": "JST", "exchangeTimezoneName": "Asia/Tokyo", "priceHint": 2, "dataGranularity": "1d",
        "regularMarketTime": stamps[-1] if stamps else 0, "validRanges": ["1d", "max"],
    }  # fmt: skip
    content = {
        "meta": meta,
        "timestamp": stamps,
        "indicators": {"quote": [quote], "adjclose": [{"adjclose": values}]},
    }
    return answered({"chart": {"result": [content | result], "error": None}})


def answered(body: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json;charset=utf-8"})


ODD: list[object] = [
    {}, {"chart": None}, {"chart": []}, {"chart": {}}, {"chart": {"result": "x", "error": None}},
    {"chart": {"result": [{}], "error": None}}, {"chart": {"result": [None], "error": None}},
    {"chart": {"result": [{"meta": {}, "timestamp": [1], "indicators": {"quote": [{"open": [1]}]}}], "error": None}},
    {"chart": {"result": [{"timestamp": ["x"], "indicators": {"quote": [{}]}}], "error": None}},
    {"finance": {"result": None, "error": {"code": "Unauthorized"}}}, {"note": "Will be right back"},
]  # fmt: skip
