"""The same work on each of many series, in processes of their own.

The processes are spawned, not forked: the caller holds threads and database connections. They end with the caller,
however it ends.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from ctypes import Array, c_byte
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from typing import Generic, TypeVar

from miraikakaku_assets.domain.errors import ConfigurationError

WORKERS = 2
"""Processes unless said otherwise; never more than there are cores."""

FEW = 100
"""Fewer series are done in the calling process. Two processes cost 1 s of computing for Prophet and 5 s for ARIMA
(statsforecast's imports), which 50 and 300 series repay; the calling process needs the imports, too, but once."""

_CHUNK = 16  # series per message: about a second of work, which is how long an interrupted pool takes to end
_MOST_DEATHS = 8  # a machine without memory ends process after process: do not go on for hours
_DIED = "ProcessDied"

Item = TypeVar("Item")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """What became of a series on which the work broke off.

    Attributes:
        kind: Name of the exception's class.
        text: Its message.
    """

    kind: str
    text: str


def each_series(
    work: Callable[[Item], Result], series: Sequence[Item], names: Sequence[str], workers: int = WORKERS
) -> list[Result | Failure]:
    """Does the work on every series; one that fails does not stop the others.

    A series whose process dies is tried once more in a process of its own. Failures are logged, each kind once.

    Args:
        work: Function at the top level of a module, without state: it runs in other processes.
        series: What it is given, one at a time; can be pickled.
        names: Of the series, for the log.
        workers: Processes, if there are `FEW` series or more.

    Returns:
        In the order of the series, whatever the number of processes.

    Raises:
        ConfigurationError: Less than one worker.
    """
    if workers < 1:
        raise ConfigurationError(f"{workers} workers cannot do anything; give at least 1")
    if len(series) < FEW:
        results = [_attempt(work, item) for item in series]
    else:
        results = _WorkerPool(work, series, min(workers, os.cpu_count() or 1)).run()
    _log(results, names)
    return results


def _attempt(work: Callable[[Item], Result], item: Item) -> Result | Failure:
    try:
        return work(item)
    except Exception as error:  # noqa: BLE001 - whatever a library stumbles over, the other series go on
        return Failure(type(error).__name__, str(error))


def _log(results: Sequence[object], names: Sequence[str]) -> None:
    kinds: dict[str, list[tuple[str, str]]] = {}
    for name, result in zip(names, results, strict=True):
        if isinstance(result, Failure):
            kinds.setdefault(result.kind, []).append((name, result.text))
    for kind, failures in kinds.items():
        count = f"{len(failures)} of {len(results)} series"
        logger.warning("%s failed with %s, the first of them %s: %s", count, kind, *failures[0])


class _WorkerPool(Generic[Item, Result]):
    """Pools, one after the other, until every series has its result or its failure."""

    def __init__(self, work: Callable[[Item], Result], series: Sequence[Item], workers: int) -> None:
        self._work = work
        self._series = series
        self._workers = workers
        self._context = get_context("spawn")
        # In shared memory, so that it outlives a process: 1 while a process is on that series.
        self._at_work: Array[c_byte] = self._context.RawArray(c_byte, len(series))
        self._results: dict[int, Result | Failure] = {}

    def run(self) -> list[Result | Failure]:
        deaths = 0
        while not self._pool(self._left(), self._workers):
            # Whoever else was at work was ended with the pool: only alone does a series show that it is to blame.
            suspects = [place for place in self._left() if self._at_work[place]]
            deaths += 1
            if not suspects or deaths > _MOST_DEATHS:
                self._give_up(self._left(), "processes of the pool died again and again; look at the memory")
                break
            for place in suspects:
                if not self._pool([place], 1):
                    self._give_up([place], "its process died twice (killed, out of memory, or crashed)")
            for place in self._left():
                self._at_work[place] = 0
        return [self._results[place] for place in range(len(self._series))]

    def _left(self) -> list[int]:
        return [place for place in range(len(self._series)) if place not in self._results]

    def _give_up(self, places: Sequence[int], text: str) -> None:
        self._results |= dict.fromkeys(places, Failure(_DIED, text))

    def _pool(self, places: list[int], workers: int) -> bool:
        """Whether no process died; results of finished chunks are kept either way."""
        whole, given = True, dict[Future[list[Result | Failure]], list[int]]()
        with ProcessPoolExecutor(workers, self._context, _begin, (self._at_work,)) as pool:
            try:
                chunks = [places[start : start + _CHUNK] for start in range(0, len(places), _CHUNK)]
                for chunk in chunks:
                    given[pool.submit(_do, self._work, chunk, self._of(chunk))] = chunk
                for done in as_completed(given):
                    try:
                        self._results |= dict(zip(given[done], done.result(), strict=True))
                    except BrokenProcessPool:
                        whole = False
            except BrokenProcessPool:  # while it was still being given work
                whole = False
            except BaseException:
                # Leaving `with` then waits for the chunks at work only. One by one: its own shutdown takes back a
                # `cancel_futures` that the pool's thread has not seen yet, and all the work went on.
                for future in given:
                    future.cancel()
                raise
        return whole

    def _of(self, places: Sequence[int]) -> list[Item]:
        return [self._series[place] for place in places]


_marks: "Array[c_byte] | None" = None


def _begin(marks: "Array[c_byte]") -> None:
    """In a new process: Ctrl-C is the caller's to handle, and without a caller there is nothing to do."""
    global _marks  # noqa: PLW0603 - a process of the pool has one caller for all its life
    _marks = marks
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_caller, daemon=True).start()


def _end_with_caller() -> None:
    caller = parent_process()
    if caller is not None:
        caller.join()
        # A caller that was killed has closed no pool: its processes would wait for work forever.
        os._exit(1)


def _do(
    work: Callable[[Item], Result], places: Sequence[int], series: Sequence[Item]
) -> list[Result | Failure]:
    results = []
    for place, item in zip(places, series, strict=True):
        if _marks is not None:
            _marks[place] = 1
        results.append(_attempt(work, item))
        if _marks is not None:
            _marks[place] = 0
    return results
