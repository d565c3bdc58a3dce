"""Price source over yfinance: one chart request per symbol, served by a pool of threads.

``Ticker.history`` per symbol, never ``yf.download`` (its threads have written one ticker's bars under
another's name). Prices are as Yahoo quotes them: split-adjusted as of today, not dividend-adjusted.
"""

import atexit
import shutil
import tempfile
import threading
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl

from miraikakaku_assets.adapters.sources.yahoo_session import Politeness, RateLimit, YahooSession
from miraikakaku_assets.application.locations import shown
from miraikakaku_assets.application.ports import BarRequest, Delivery
from miraikakaku_assets.domain.bars.frame import ACTIONS, RAW_DAILY, empty
from miraikakaku_assets.domain.errors import (
    ConfigurationError,
    DependencyUnavailableError,
    SymbolError,
    TemporarySymbolError,
)
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

if TYPE_CHECKING:
    import pandas as pd

_GIVE_UP_AFTER = 20
"""Symbols that get no answer, with none answered, before Yahoo as a whole counts as unreachable."""

_UNANSWERED = ("unreachable", "timeout")  # a firewall that drops packets looks like a slow server


@dataclass(frozen=True)
class YahooOptions:
    """What the settings say about Yahoo.

    Attributes:
        base_url: Scheme and host.
        politeness: Timeouts and retries.
        workers: Threads that fetch.
        symbols_per_delivery: Served symbols that are handed on together.
    """

    base_url: str
    politeness: Politeness
    workers: int
    symbols_per_delivery: int


@dataclass(frozen=True)
class _Served:
    symbol: str
    bars: pl.DataFrame
    actions: pl.DataFrame


class YahooSource:
    """Implements the port `PriceSource` over Yahoo's chart API.

    Args:
        options: What the settings say.
        limit: Rate limit of all requests.
    """

    name = "yahoo"
    is_fixed = False

    def __init__(self, options: YahooOptions, limit: RateLimit) -> None:
        self._options = options
        self._limit = limit

    def deliver(
        self, universe: Universe, timeframe: Timeframe, requests: Sequence[BarRequest]
    ) -> Iterator[Delivery]:
        """Serves the requests as they complete, in deliveries of ``symbols_per_delivery``.

        Raises:
            DependencyUnavailableError: Nothing could be reached.
        """
        if timeframe is not Timeframe.D1:
            raise ConfigurationError(f"Yahoo's {timeframe} bars are not collected yet; choose 1d")
        stopping = threading.Event()
        session = YahooSession(self._options.base_url, self._limit, self._options.politeness, stopping)
        pool = ThreadPoolExecutor(self._options.workers, thread_name_prefix="yahoo")
        try:
            yield from self._collect(pool, session, universe, requests)
        finally:
            stopping.set()
            pool.shutdown(cancel_futures=True)
            session.close()

    def unrequested(self, universe: Universe, requested: frozenset[str]) -> Delivery | None:  # noqa: ARG002
        """Yahoo serves what it is asked for; there is nothing else."""
        return None

    def common_window(self, universe: Universe) -> tuple[date, date] | None:  # noqa: ARG002
        """Yahoo's history is open-ended."""
        return None

    def _collect(
        self,
        pool: ThreadPoolExecutor,
        session: YahooSession,
        universe: Universe,
        requests: Sequence[BarRequest],
    ) -> Iterator[Delivery]:
        queue = iter(requests)
        running: set[Future[_Served]] = set()
        served: list[_Served] = []
        failures: dict[str, SymbolError] = {}
        unanswered: Counter[str] = Counter()
        reached, sent = False, 0
        # Only a few futures more than threads: memory stays flat however many symbols are asked for.
        _fill(pool, running, queue, session, universe, self._options.workers * 2)
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                error = _sort_in(future, served, failures)
                reached = reached or error is None or error.kind not in _UNANSWERED
                unanswered.update([error.kind] if error is not None and not reached else [])
            if not reached and _is_gone(unanswered, len(requests)):
                raise DependencyUnavailableError(
                    f"Yahoo at {shown(self._options.base_url)} cannot be reached: the first "
                    f"{unanswered.total()} symbols got no answer; check the network and YAHOO_BASE_URL"
                )
            _fill(pool, running, queue, session, universe, self._options.workers * 2)
            if not running or len(served) + len(failures) >= self._options.symbols_per_delivery:
                before, sent = sent, session.requests_sent
                yield _delivery(served, failures, sent - before)
                served, failures = [], {}


def _fill(
    pool: ThreadPoolExecutor,
    running: set[Future[_Served]],
    queue: Iterator[BarRequest],
    session: YahooSession,
    universe: Universe,
    size: int,
) -> None:
    while len(running) < size:
        request = next(queue, None)
        if request is None:
            return
        running.add(pool.submit(_fetch, session, universe, request))


def _is_gone(unanswered: Counter[str], requested: int) -> bool:
    """Whether so many symbols without an answer mean that there is nobody: a timeout alone may be bad luck."""
    return unanswered.total() >= _GIVE_UP_AFTER or unanswered["unreachable"] >= requested


def _sort_in(
    future: Future[_Served], served: list[_Served], failures: dict[str, SymbolError]
) -> SymbolError | None:
    try:
        served.append(future.result())
    except SymbolError as error:
        failures[error.symbol] = error
        return error
    return None


def _delivery(served: Sequence[_Served], failures: dict[str, SymbolError], requests: int) -> Delivery:
    bars = pl.concat([empty(RAW_DAILY), *(one.bars for one in served)])
    actions = pl.concat([empty(ACTIONS), *(one.actions for one in served)])
    return Delivery(tuple(one.symbol for one in served), bars, actions, failures, requests)


def _fetch(session: YahooSession, universe: Universe, request: BarRequest) -> _Served:
    """One symbol's bars; every trouble of its own becomes a `SymbolError`."""
    yfinance = _yfinance()
    from yfinance.exceptions import YFException, YFPricesMissingError

    ticker = yfinance.Ticker(request.symbol, session=session)
    # The zone is a fact of the universe; without it yfinance sends a second request for every new symbol.
    ticker._tz = universe.time_zone  # noqa: SLF001
    end = None if request.until == date.max else request.until + timedelta(days=1)
    try:
        frame = ticker.history(
            start=request.since, end=end, interval="1d", auto_adjust=False, actions=True, keepna=True
        )
        return _Served(request.symbol, _bars(request.symbol, frame), _actions(request.symbol, frame))
    except SymbolError:
        raise
    except YFPricesMissingError:  # an empty window is HTTP 200 without bars; errors were typed in the session
        return _Served(request.symbol, empty(RAW_DAILY), empty(ACTIONS))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, YFException) as error:
        explanation = f"the answer does not have Yahoo's form ({type(error).__name__})"
        raise TemporarySymbolError(request.symbol, "unreadable_answer", explanation) from error


def _bars(symbol: str, frame: "pd.DataFrame") -> pl.DataFrame:
    days = _days(frame)
    numbers = {
        name.lower(): pl.Series(frame[name].to_numpy(dtype=float, na_value=float("nan")))
        for name in ("Open", "High", "Low", "Close", "Volume")
    }
    columns: dict[str, Any] = {
        "symbol": [symbol] * len(days),
        "session": days,
        # yfinance dates daily bars to midnight and has merged the running bar into its day by now.
        "stamp": [None] * len(days),
        **numbers,
        "row": range(1, len(days) + 1),
        "refusal": [None] * len(days),
    }
    return pl.DataFrame(columns, schema=RAW_DAILY)


def _days(frame: "pd.DataFrame") -> list[date]:
    """Exchange dates of the rows; the index is midnight in the exchange's zone."""
    return [stamp.date() for stamp in frame.index.to_list()]


def _actions(symbol: str, frame: "pd.DataFrame") -> pl.DataFrame:
    rows = [
        (symbol, day, kind, float(value))
        for column, kind in (("Dividends", "dividend"), ("Stock Splits", "split"))
        for day, value in zip(_days(frame), frame[column], strict=True)
        if value > 0
    ]
    return pl.DataFrame(rows, schema=ACTIONS, orient="row")


@cache
def _yfinance() -> Any:
    """yfinance, set up once: errors are raised, and its SQLite caches belong to this process alone."""
    import yfinance

    # pandas 3 deprecations inside yfinance would print one warning per symbol.
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"yfinance")
    yfinance.config.debug.hide_exceptions = False
    folder = tempfile.mkdtemp(prefix="yfinance-")  # «database is locked» when processes share one
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    yfinance.set_tz_cache_location(folder)
    return yfinance
