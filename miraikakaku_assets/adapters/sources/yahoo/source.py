"""Price source over yfinance: one chart request per symbol, served by threads, and by processes when it pays."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import polars as pl

from miraikakaku_assets.adapters.sources.yahoo.fetcher import Batch, Fetcher, FetchOptions
from miraikakaku_assets.adapters.sources.yahoo.process_worker import ProcessFetcher
from miraikakaku_assets.adapters.sources.yahoo.session import RetryPolicy
from miraikakaku_assets.adapters.sources.yahoo.worker_pool import Worker, WorkerPool
from miraikakaku_assets.application.ports import BarRequest, Calls, Delivery, PriceSource
from miraikakaku_assets.application.ports.rate_limit import RateLimiter
from miraikakaku_assets.application.ports.redact_url import shown
from miraikakaku_assets.domain.bars.frame import ACTIONS, RAW_DAILY, RAW_INTRADAY, empty
from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError, SymbolError
from miraikakaku_assets.domain.market.instruments import COLLECTED_TIMEFRAMES, Timeframe, Universe
from miraikakaku_assets.domain.words import counted

_GIVE_UP_AFTER = 20
"""Symbols that get no answer, with none answered, before Yahoo as a whole counts as unreachable."""

_UNANSWERED = ("unreachable", "timeout")  # a firewall that drops packets looks like a slow server
_WORTH_PROCESSES = 200  # symbols; starting a process costs two seconds of a core
_HAND_ON_SECONDS = (
    10.0  # at five requests a second fifty symbols take as long; nobody waits longer for the first
)
_LARGEST_DELIVERY = 10  # times the smallest one


@dataclass(frozen=True)
class YahooOptions:
    """What the settings say about Yahoo.

    Attributes:
        base_url: Scheme and host.
        retry_policy: Timeouts and retries.
        workers: Threads that fetch, in all processes together.
        symbols_per_delivery: Served symbols that are handed on together; more when more are waiting.
        processes: Interpreters among which the threads are divided when there are many symbols; 1 stays in this
            one. An interpreter serves 150 to 200 symbols a second.
    """

    base_url: str
    retry_policy: RetryPolicy
    workers: int
    symbols_per_delivery: int
    processes: int = 1


class YahooSource(PriceSource):
    """Implements the port `PriceSource` over Yahoo's chart API.

    Args:
        options: What the settings say.
        limit: Rate limit of all requests; picklable if there is more than one process.
    """

    name = "yahoo"

    def __init__(self, options: YahooOptions, limit: RateLimiter) -> None:
        self._options = options
        self._limit = limit

    def deliver(
        self,
        universe: Universe,
        timeframe: Timeframe,
        requests: Sequence[BarRequest],
        stopping: threading.Event | None = None,
    ) -> Iterator[Delivery]:
        """Serves the requests as they complete, in deliveries of at least ``symbols_per_delivery``.

        A delivery is smaller when it is the last, or when its first symbol has waited for ten seconds.

        Args:
            universe: Whose symbols are requested.
            timeframe: Length of the bars.
            requests: What is wanted, each symbol once.
            stopping: Set from another thread, it ends the fetching: waits at once, requests in flight when they
                are answered or time out.

        Raises:
            ConfigurationError: Yahoo's bars of that timeframe are not collected.
            DependencyUnavailableError: Nothing could be reached.
            SourcePausedError: Yahoo refuses us; everything served before has been delivered.
        """
        if timeframe not in COLLECTED_TIMEFRAMES:
            served = " or ".join(COLLECTED_TIMEFRAMES)
            raise ConfigurationError(f"Yahoo's {timeframe} bars are not collected; choose {served}")
        if not requests:
            return
        options = self._options
        processes = options.processes if len(requests) >= _WORTH_PROCESSES else 1
        threads = -(-options.workers // processes)
        fetching = FetchOptions(options.base_url, options.retry_policy, threads, universe, timeframe)
        kind = ProcessFetcher if processes > 1 else Fetcher
        make_worker = partial[Worker](kind, fetching, self._limit)
        workers = WorkerPool(make_worker, processes, requests)
        try:
            yield from self._collect(workers, timeframe, len(requests), stopping or threading.Event())
        finally:
            workers.close()

    def _collect(
        self, workers: WorkerPool, timeframe: Timeframe, requested: int, stopping: threading.Event
    ) -> Iterator[Delivery]:
        waiting = _Waiting(timeframe)
        reachable = _Reachable(shown(self._options.base_url), requested)
        smallest = self._options.symbols_per_delivery
        try:
            for batch in workers.batches(_HAND_ON_SECONDS / 10):
                if stopping.is_set():
                    return
                if batch is not None:
                    waiting.add(batch)
                    reachable.check(batch)
                grown = len(waiting) >= smallest and not (
                    workers.waiting and len(waiting) < smallest * _LARGEST_DELIVERY
                )
                if grown or waiting.age > _HAND_ON_SECONDS:
                    yield waiting.delivery(workers.underway)
                    waiting = _Waiting(timeframe)
        except GeneratorExit:
            raise
        except BaseException:
            if waiting.symbols:  # what was served before the trouble is not asked for again
                yield waiting.delivery()
            raise
        if len(waiting):
            yield waiting.delivery()


@dataclass
class _Waiting:
    """Answers on their way into one delivery."""

    timeframe: Timeframe
    symbols: list[str] = field(default_factory=list)
    bars: list[pl.DataFrame] = field(default_factory=list)
    actions: list[pl.DataFrame] = field(default_factory=list)
    failures: dict[str, SymbolError] = field(default_factory=dict)
    calls: dict[str, Calls] = field(default_factory=dict)
    since: float = 0.0

    def __len__(self) -> int:
        return len(self.symbols) + len(self.failures)

    @property
    def age(self) -> float:
        """Seconds the first answer has waited."""
        return time.monotonic() - self.since if len(self) else 0.0

    def add(self, batch: Batch) -> None:
        """Adds answers."""
        if not len(self):
            self.since = time.monotonic()
        self.symbols += batch.symbols
        self.bars += [] if batch.bars is None else [batch.bars]
        self.actions += [] if batch.actions is None else [batch.actions]
        self.failures |= batch.failures
        self.calls |= batch.calls

    def delivery(self, underway: tuple[str, ...] = ()) -> Delivery:
        """All of them together."""
        schema = RAW_DAILY if self.timeframe is Timeframe.D1 else RAW_INTRADAY
        return Delivery(
            tuple(self.symbols),
            pl.concat([empty(schema), *self.bars]),
            pl.concat([empty(ACTIONS), *self.actions]),
            self.failures,
            self.calls,
            underway,
        )


class _Reachable:
    """Tells symbols without an answer from a source that is not there."""

    def __init__(self, source: str, requested: int) -> None:
        self._source = source
        self._requested = requested
        self._reached = False
        self._unanswered: Counter[str] = Counter()

    def check(self, batch: Batch) -> None:
        """Takes note of a batch.

        Raises:
            DependencyUnavailableError: Nobody has answered so far; one timeout alone may be bad luck.
        """
        kinds = [error.kind for error in batch.failures.values()]
        self._reached = self._reached or bool(batch.symbols) or any(kind not in _UNANSWERED for kind in kinds)
        if self._reached:
            return
        self._unanswered.update(kinds)
        count = self._unanswered.total()
        if count >= _GIVE_UP_AFTER or self._unanswered["unreachable"] >= self._requested:
            raise DependencyUnavailableError(
                f"Yahoo at {self._source} cannot be reached: {counted(count, 'symbol')} got no answer; "
                "check the network and YAHOO_BASE_URL"
            )
