"""Several fetchers at work on one list of requests, each fed as fast as it answers.

Whoever consumes the answers is not waited for while it writes, and does not have to keep up: a few hundred
answers may wait, then the fetchers do. Memory stays flat however many symbols are asked for.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from miraikakaku_assets.adapters.sources.yahoo.fetcher import Batch
from miraikakaku_assets.application.ports import BarRequest
from miraikakaku_assets.domain.errors import TemporarySymbolError

_WAITING_BATCHES = 20  # of up to 25 symbols each
_CRASHES_ENDURED = 2  # of a process while it had a symbol: then the symbol is what kills it
_LOOK_AROUND_SECONDS = 0.2


class Worker(Protocol):
    """A `Fetcher`, in this process or another."""

    capacity: int

    def ask(self, requests: Sequence[BarRequest]) -> None:
        """Hands requests over."""

    def take(self) -> Batch:
        """Waits for the next answers."""

    def close(self) -> None:
        """Ends everything at once."""


class WorkerPool:
    """Fetchers at work.

    Args:
        make_worker: Starts one fetcher; called again when one dies.
        size: How many.
        requests: What they fetch.
    """

    def __init__(self, make_worker: Callable[[], Worker], size: int, requests: Sequence[BarRequest]) -> None:
        self._make_worker = make_worker
        self._work = list(reversed(requests))
        self._crashes: dict[str, int] = {}
        self._answers: queue.Queue[Batch | None] = queue.Queue(_WAITING_BATCHES)
        self._stopping = threading.Event()
        self._held = threading.Lock()
        self._workers: set[Worker] = set()
        self._underway: dict[int, tuple[str, ...]] = {}
        self._threads = [
            threading.Thread(target=self._pump, name=f"yahoo-workers-{number}", daemon=True)
            for number in range(size)
        ]
        for thread in self._threads:
            thread.start()

    def batches(self, patience: float) -> Iterator[Batch | None]:
        """Yields answers as they come, None each time `patience` seconds pass without one.

        Raises:
            BaseException: What ended a fetcher, after the answers that came before it.
        """
        working = len(self._threads)
        while working:
            try:
                batch = self._answers.get(timeout=patience)
            except queue.Empty:
                yield None
                continue
            if batch is None:
                working -= 1
                continue
            if batch.symbols or batch.failures:
                yield batch
            if batch.trouble is not None:
                raise batch.trouble

    @property
    def waiting(self) -> bool:
        """Whether an answer can be had without waiting."""
        return not self._answers.empty()

    @property
    def underway(self) -> tuple[str, ...]:
        """Symbols that are being fetched now."""
        return tuple(symbol for symbols in list(self._underway.values()) for symbol in symbols)

    def close(self) -> None:
        """Ends the fetchers at once; returns when their threads are gone."""
        self._stopping.set()
        with self._held:
            workers = list(self._workers)
        for worker in workers:
            worker.close()
        for thread in self._threads:
            thread.join()

    def _pump(self) -> None:
        """Feeds one fetcher and passes its answers on, until there is nothing left to ask."""
        try:
            while not self._stopping.is_set() and self._more():
                self._serve(self._join())
        except BaseException as error:  # noqa: BLE001 - raised again where the answers are taken
            self._put(Batch(trouble=error))
        finally:
            self._put(None)

    def _serve(self, worker: Worker) -> None:
        assigned: dict[str, BarRequest] = {}
        try:
            while not self._stopping.is_set():
                fresh = self._next(assigned, worker.capacity)
                assigned |= {request.symbol: request for request in fresh}
                if fresh:
                    worker.ask(fresh)
                self._underway[id(worker)] = tuple(assigned)
                if not assigned:
                    return
                batch = worker.take()
                for symbol in (*batch.symbols, *batch.failures):
                    assigned.pop(symbol, None)
                self._put(batch)
        except (EOFError, OSError):  # its process is gone: killed, or out of memory
            self._requeue(assigned)
        finally:
            self._underway.pop(id(worker), None)
            with self._held:
                self._workers.discard(worker)
            worker.close()

    def _join(self) -> Worker:
        worker = self._make_worker()
        with self._held:
            self._workers.add(worker)
        if self._stopping.is_set():  # `close` may have looked before it was there
            worker.close()
        return worker

    def _more(self) -> bool:
        with self._held:
            return bool(self._work)

    def _next(self, assigned: Mapping[str, BarRequest], capacity: int) -> list[BarRequest]:
        """What a fetcher that has been asked for some is asked for next.

        What a dead process had is asked for one by one: beside the symbol that kills, the others would be
        given up with it.
        """
        with self._held:
            if any(symbol in self._crashes for symbol in assigned):
                return []
            if self._work and self._work[-1].symbol in self._crashes:
                return [] if assigned else [self._work.pop()]
            fresh: list[BarRequest] = []
            while self._work and len(assigned) + len(fresh) < capacity:
                if self._work[-1].symbol in self._crashes:
                    break
                fresh.append(self._work.pop())
            return fresh

    def _requeue(self, assigned: dict[str, BarRequest]) -> None:
        """Puts back what a dead process had; a symbol that was there each time is given up."""
        if self._stopping.is_set():
            return
        given_up = {}
        with self._held:
            for symbol, request in assigned.items():
                self._crashes[symbol] = self._crashes.get(symbol, 0) + 1
                if self._crashes[symbol] > _CRASHES_ENDURED:
                    given_up[symbol] = TemporarySymbolError(
                        symbol, "fetcher_died", "the process that fetched it ended before it answered"
                    )
                else:
                    self._work.append(request)
        self._put(Batch(failures=given_up))

    def _put(self, batch: Batch | None) -> None:
        while not self._stopping.is_set():
            try:
                self._answers.put(batch, timeout=_LOOK_AROUND_SECONDS)
            except queue.Full:
                continue
            return
