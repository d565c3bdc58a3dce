"""One symbol through yfinance, and a pool of threads that does it for many.

``Ticker.history`` per symbol, never ``yf.download`` (its threads have written one ticker's bars under
another's name). Prices are as Yahoo quotes them: split-adjusted as of today, not dividend-adjusted.
"""

import os
import queue
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from miraikakaku_assets.adapters.sources.yahoo.session import RetryPolicy, YahooSession
from miraikakaku_assets.application.ports import BarRequest, Calls
from miraikakaku_assets.application.ports.rate_limit import RateLimiter
from miraikakaku_assets.domain.bars.frame import ACTIONS, RAW_DAILY, RAW_INTRADAY
from miraikakaku_assets.domain.errors import MiraikakakuError, SymbolError, TemporarySymbolError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

if TYPE_CHECKING:
    import pandas as pd

_GATHER_SECONDS = 0.05  # answers that come within it travel together: one frame for all of them
_TOGETHER = 25
_EARLIEST, _LATEST = np.datetime64("1800-01-01"), np.datetime64("2200-01-01")
_UNREADABLE = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
)
"""What yfinance and pandas raise at an answer of another form; nested too deeply, it is a RecursionError."""
_VALUES = ("Open", "High", "Low", "Close", "Volume")


@dataclass(frozen=True)
class FetchOptions:
    """Options of a pool of threads; plain values, so that they can be sent to another process.

    Attributes:
        base_url: Scheme and host.
        retry_policy: Timeouts and retries.
        threads: How many fetch at the same time.
        universe: Whose symbols are fetched.
        timeframe: Length of the bars.
    """

    base_url: str
    retry_policy: RetryPolicy
    threads: int
    universe: Universe
    timeframe: Timeframe


@dataclass(frozen=True)
class Batch:
    """Answers that came at about the same time.

    Attributes:
        symbols: Symbols that were served.
        bars: Schema `RAW_DAILY` or `RAW_INTRADAY`; None when no symbol had any.
        actions: Schema `ACTIONS`; None when no symbol had any.
        failures: Symbols that could not be served.
        calls: What each symbol took.
        trouble: An error about the source or the machine as a whole; what had been asked is not answered.
    """

    symbols: tuple[str, ...] = ()
    bars: pl.DataFrame | None = None
    actions: pl.DataFrame | None = None
    failures: Mapping[str, SymbolError] = field(default_factory=dict)
    calls: Mapping[str, Calls] = field(default_factory=dict)
    trouble: BaseException | None = None


@dataclass(frozen=True)
class _Answer:
    """One symbol's answer: times and numbers as yfinance gives them, or what went wrong."""

    symbol: str
    calls: Calls
    times: np.ndarray[Any, Any] | None = None
    numbers: tuple[np.ndarray[Any, Any], ...] = ()
    actions: Sequence[tuple[str, date, str, float]] = ()
    error: SymbolError | None = None


class Fetcher:
    """Threads that fetch what they are asked for.

    Args:
        options: Whom to ask, and how.
        limit: Rate limit of all requests.
    """

    def __init__(self, options: FetchOptions, limit: RateLimiter) -> None:
        self.capacity = 2 * options.threads  # a thread never waits for its next symbol
        self._options = options
        self._stopping = threading.Event()
        self._answers: queue.SimpleQueue[_Answer | BaseException | None] = queue.SimpleQueue()
        self._session = YahooSession(options.base_url, limit, options.retry_policy, self._stopping)
        self._pool = ThreadPoolExecutor(options.threads, thread_name_prefix="yahoo")

    def ask(self, requests: Sequence[BarRequest]) -> None:
        """Hands requests to the threads."""
        for request in requests:
            self._pool.submit(self._fetch, request)

    def take(self) -> Batch:
        """Waits for an answer and returns it with those that come right behind it."""
        answers: list[_Answer] = []
        trouble: BaseException | None = None
        waiting: float | None = None
        while trouble is None and len(answers) < _TOGETHER:
            try:
                answer = self._answers.get(timeout=waiting)
            except queue.Empty:
                break
            if answer is None:  # closed: nothing more comes
                break
            if isinstance(answer, BaseException):
                trouble = answer
            else:
                answers.append(answer)
            waiting = _GATHER_SECONDS
        return _batch(answers, self._options, trouble)

    def close(self) -> None:
        """Ends waits and retries at once, and the threads after the request they are in."""
        self._stopping.set()
        self._pool.shutdown(cancel_futures=True)
        self._answers.put(None)  # for whoever still waits in `take`
        self._session.close()

    def _fetch(self, request: BarRequest) -> None:
        try:
            self._answers.put(_answer(self._session, self._options, request))
        except BaseException as error:  # noqa: BLE001 - it is raised again where the answer is taken
            self._answers.put(error)


def _answer(session: YahooSession, options: FetchOptions, request: BarRequest) -> _Answer:
    """One symbol's bars; every trouble of its own is in the answer.

    Raises:
        MiraikakakuError: The source as a whole, or the database behind the rate limit, is the trouble.
    """
    began = datetime.now(UTC)
    try:
        answer = _read(session, options, request)
    except SymbolError as error:
        answer = _Answer(request.symbol, Calls(), error=error)
    except MiraikakakuError:
        raise
    except (*_UNREADABLE, _yahoo_error()) as error:
        explanation = f"the answer does not have Yahoo's form ({type(error).__name__})"
        trouble = TemporarySymbolError(request.symbol, "unreadable_answer", explanation)
        trouble.__cause__ = error
        answer = _Answer(request.symbol, Calls(), error=trouble)
    return replace(answer, calls=replace(session.account(request.symbol), began=began))


def _yahoo_error() -> type[Exception]:
    """The base of yfinance's own errors."""
    prepared_yfinance()
    from yfinance.exceptions import YFException

    base: type[Exception] = YFException
    return base


def _read(session: YahooSession, options: FetchOptions, request: BarRequest) -> _Answer:
    """One symbol's bars, as numbers; whatever a library raises at an answer of another form leaves it as it is."""
    frame = _history(session, options, request)
    if frame is None:
        return _Answer(request.symbol, Calls())
    daily = options.timeframe is Timeframe.D1
    times = _days(frame) if daily else _instants(frame)
    if not ((times >= _EARLIEST) & (times < _LATEST)).all():  # or there is none: NaT
        raise ValueError("a bar is dated outside of any history")
    values = tuple(frame[name].to_numpy(dtype=float, na_value=float("nan")) for name in _VALUES)
    actions = tuple(_actions(request.symbol, frame, times)) if daily else ()
    return _Answer(request.symbol, Calls(), times, values, actions)


def _history(session: YahooSession, options: FetchOptions, request: BarRequest) -> "pd.DataFrame | None":
    """What yfinance makes of the answer; None for an empty window."""
    yfinance = prepared_yfinance()
    from yfinance.exceptions import YFPricesMissingError

    ticker = yfinance.Ticker(request.symbol, session=session)
    # The zone is a fact of the universe; without it yfinance sends a second request for every new symbol.
    ticker._tz = options.universe.time_zone  # noqa: SLF001
    end = None if request.until == date.max else request.until + timedelta(days=1)
    try:
        frame = ticker.history(
            start=request.since,
            end=end,
            interval=options.timeframe.value,
            auto_adjust=False,
            actions=True,
            keepna=True,
        )
        _ = frame[[*_VALUES, "Dividends", "Stock Splits"]] if len(frame) else None
    except YFPricesMissingError:  # an empty window is HTTP 200 without bars; errors were typed in the session
        return None
    return frame if len(frame) else None


def _days(frame: "pd.DataFrame") -> np.ndarray[Any, Any]:
    """Exchange dates of the rows; the index of daily bars is midnight in the exchange's zone."""
    index: Any = frame.index
    days: np.ndarray[Any, Any] = index.tz_localize(None).to_numpy().astype("datetime64[D]")
    return days


def _instants(frame: "pd.DataFrame") -> np.ndarray[Any, Any]:
    """Starts of the bars, UTC microseconds."""
    index: Any = frame.index
    starts: np.ndarray[Any, Any] = index.tz_convert("UTC").tz_localize(None).to_numpy()
    return starts.astype("datetime64[us]")


def _actions(symbol: str, frame: "pd.DataFrame", days: np.ndarray[Any, Any]) -> list[tuple[Any, ...]]:
    actions = []
    for column, kind in (("Dividends", "dividend"), ("Stock Splits", "split")):
        values = frame[column].to_numpy(dtype=float)
        actions += [(symbol, days[at].item(), kind, float(values[at])) for at in np.flatnonzero(values > 0)]
    return actions


def _batch(answers: Sequence[_Answer], options: FetchOptions, trouble: BaseException | None) -> Batch:
    happened = [action for answer in answers for action in answer.actions]
    return Batch(
        symbols=tuple(answer.symbol for answer in answers if answer.error is None),
        bars=_bars([answer for answer in answers if answer.times is not None], options.timeframe),
        actions=pl.DataFrame(happened, schema=ACTIONS, orient="row") if happened else None,
        failures={answer.symbol: answer.error for answer in answers if answer.error is not None},
        calls={answer.symbol: answer.calls for answer in answers},
        trouble=trouble,
    )


def _bars(answers: Sequence[_Answer], timeframe: Timeframe) -> pl.DataFrame | None:
    """One frame for all answers: a frame per symbol cost 1.0 ms, a quarter of all that yfinance takes."""
    if not answers:
        return None
    daily = timeframe is Timeframe.D1
    schema = RAW_DAILY if daily else RAW_INTRADAY
    sizes = [len(answer.numbers[0]) for answer in answers]
    times = pl.Series(np.concatenate([answer.times for answer in answers if answer.times is not None]))
    columns: dict[str, Any] = {
        "symbol": np.repeat(np.array([answer.symbol for answer in answers], dtype=object), sizes),
        "row": np.concatenate([np.arange(1, size + 1) for size in sizes]),
        # yfinance dates daily bars to midnight and has merged the running bar into its day by now: no stamp.
        **({"session": times} if daily else {"stamp": times.dt.replace_time_zone("UTC")}),
    }
    for position, name in enumerate(_VALUES):
        columns[name.lower()] = np.concatenate([answer.numbers[position] for answer in answers])
    given = pl.DataFrame(columns, schema_overrides={"symbol": pl.String})
    return given.select(
        pl.col(name).cast(kind) if name in columns else pl.lit(None, kind).alias(name)
        for name, kind in schema.items()
    )


def _show_others(show: Callable[..., None], folder: str, *warning: Any, **options: Any) -> None:
    """Shows a warning unless it is one of yfinance's about pandas 3, of which every symbol brings several.

    The filter is not enough: pandas turns all of them on for a moment when it reads a type (``pandas_dtype``), and
    filters belong to the process, not to the thread.
    """
    _, category, place = warning[:3]
    if not (issubclass(category, DeprecationWarning) and str(place).startswith(folder)):
        show(*warning, **options)


@cache
def prepared_yfinance() -> Any:
    """yfinance, set up once: errors are raised, and it keeps no SQLite caches.

    Processes that share its caches meet «database is locked»; a folder that cannot exist turns them off. They
    hold zones and cookies, which are not asked for here, and cost 0.6 ms a request.
    """
    import yfinance

    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"yfinance")
    warnings.showwarning = partial(_show_others, warnings.showwarning, str(Path(yfinance.__file__).parent))
    yfinance.config.debug.hide_exceptions = False
    yfinance.set_tz_cache_location(f"{os.devnull}/none")
    return yfinance
