"""Real fetching processes against the scripted server: requests, deliveries and the processes themselves."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl
import psutil

from miraikakaku_assets.adapters.sources.yahoo.session import RetryPolicy
from miraikakaku_assets.adapters.sources.yahoo.source import YahooOptions, YahooSource
from miraikakaku_assets.application.ports import BarRequest, Delivery
from miraikakaku_assets.application.ports.rate_limit import RateLimiter
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets_tests.fakes.scripted_yahoo import ScriptedYahoo, chart

MODULE = "miraikakaku_assets.adapters.sources.yahoo.process_worker"
DAYS = sessions_between(JP.calendar, date(2024, 9, 2), date(2025, 1, 31))
SYMBOLS = [f"{1300 + number}.T" for number in range(250)]  # processes pay from 200 on


def close_of(symbol: str, number: int) -> float:
    """Closes that differ for every symbol and day."""
    return 100.0 * int(symbol[:4]) + number


def script(yahoo: ScriptedYahoo, symbols: Sequence[str] = SYMBOLS) -> None:
    """Writes down a chart for each symbol."""
    for symbol in symbols:
        yahoo.script(symbol, chart(symbol, DAYS, lambda number, symbol=symbol: close_of(symbol, number)))  # type: ignore[misc]


def source(
    base_url: str,
    limit: RateLimiter,
    processes: int = 2,
    *,
    workers: int = 8,
    each: int = 20,
    retries: int = 1,
    timeout: float = 600.0,
) -> YahooSource:
    retry_policy = RetryPolicy(timeout, retries, 0.01, 2.0)
    return YahooSource(YahooOptions(base_url, retry_policy, workers, each, processes), limit)


def requests(symbols: Sequence[str] = SYMBOLS) -> list[BarRequest]:
    return [BarRequest(symbol, DAYS[0], date.max) for symbol in symbols]


def deliveries(
    served: YahooSource, symbols: Sequence[str] = SYMBOLS, stopping: threading.Event | None = None
) -> Iterator[Delivery]:
    return served.deliver(JP, Timeframe.D1, requests(symbols), stopping)


def all_together(parts: Sequence[Delivery]) -> Delivery:
    """The deliveries as one, sorted; fails when a symbol is in two of them."""
    named = Counter(symbol for part in parts for symbol in (*part.symbols, *part.failures))
    assert max(named.values()) == 1
    return Delivery(
        tuple(sorted(symbol for part in parts for symbol in part.symbols)),
        pl.concat([part.bars for part in parts]).sort("symbol", "row"),
        pl.concat([part.actions for part in parts]).sort("symbol", "ex_date", "kind"),
        {symbol: error for part in parts for symbol, error in sorted(part.failures.items())},
        {symbol: calls for part in parts for symbol, calls in sorted(part.calls.items())},
    )


def expected(symbols: Sequence[str] = SYMBOLS) -> list[tuple[str, date, float]]:
    """What the scripted charts say: symbol, session, close."""
    return [
        (symbol, day, close_of(symbol, number))
        for symbol in sorted(symbols)
        for number, day in enumerate(DAYS, start=1)
    ]


def fetching_processes(parent: int | None = None) -> list[psutil.Process]:
    """The fetching processes of a process, of this one by default."""
    processes = []
    for child in psutil.Process(parent).children():
        try:
            if MODULE in child.cmdline():
                processes.append(child)
        except psutil.Error:  # it has just ended
            continue
    return processes


def process_at(port: int) -> psutil.Process | None:
    """The fetching process that a request came from."""
    for process in fetching_processes():
        try:
            if any(net_connection.laddr.port == port for net_connection in process.net_connections("tcp")):
                return process
        except psutil.Error:
            continue
    return None
