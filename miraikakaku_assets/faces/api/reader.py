"""A process that reads tables for this one: Polars and ADBC take 110 MB, and a market as Parquet takes a core.

The process of the API stays small and answers short questions while a long one is read. It works in a narrow role of
the database: one that only reads, or for the few that respond to alerts, the one of the API.
"""

import asyncio
import atexit
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import cache
from multiprocessing.connection import wait
from typing import Any, Concatenate, ParamSpec, TypeVar

from miraikakaku_assets import bootstrap
from miraikakaku_assets.bootstrap import Ports, Role
from miraikakaku_assets.domain.errors import DependencyUnavailableError
from miraikakaku_assets.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")
_LEAVE_SECONDS = 3.0
_LOST = frozenset({"OperationalError", "InterfaceError"})


class Reader:
    """Does what blocks in a process of its own, started with the first question.

    Args:
        settings: Of the installation.
        role: In which it gets into the database.
    """

    def __init__(self, settings: Settings, role: Role = Role.READER) -> None:
        self._settings = settings
        self._role = role
        self._pool: ProcessPoolExecutor | None = None

    async def read(self, work: Callable[Concatenate[Ports, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a function of a module makes of the installation.

        Raises:
            DependencyUnavailableError: The database cannot be reached, or the process has died twice.
        """
        for _ in range(2):
            pool = self._started()
            try:
                return await asyncio.get_running_loop().run_in_executor(
                    pool, _read, self._role, work, args, kwargs
                )
            except BrokenProcessPool:  # killed, or out of memory
                if self._pool is pool:
                    self._pool = None
        raise DependencyUnavailableError(
            "The process that reads tables has died twice; ask for less, or again"
        )

    async def close(self) -> None:
        """Ends the process; what it reads now has some seconds left."""
        pool, self._pool = self._pool, None
        if pool is not None:
            ending = asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)
            with suppress(TimeoutError):
                await asyncio.wait_for(ending, _LEAVE_SECONDS)

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, context, _begin, (self._settings,))
        return self._pool


def _begin(settings: Settings) -> None:
    """Prepares the process: it ends with the one that started it, whatever ends that one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        sentinel = parent.sentinel
        threading.Thread(target=lambda: wait([sentinel]) and os._exit(0), daemon=True).start()
    bootstrap.use(settings)
    atexit.register(_leave)


@cache
def _ports(role: Role) -> Ports:
    """The installation of this process in its role; what could not be reached is tried again with the next question."""
    return bootstrap.use(bootstrap.ports().roles.narrow_settings(role))


def _leave() -> None:
    bootstrap.ports().close()


def _read(role: Role, work: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    try:
        return work(_ports(role), *args, **kwargs)
    except Exception as error:
        if type(error).__name__ in _LOST:
            raise DependencyUnavailableError("The database went away; start it and ask again") from None
        raise
