"""PostgreSQL for many short questions at once: a pool of connections whose statements are prepared once, and LISTEN.

The API asks thousands of small questions a second. A thread and a pooled SQLAlchemy connection take 0.6 ms for one of
them, asyncpg 0.15 ms; and one connection that listens needs no thread of its own.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from miraikakaku_assets.domain.errors import DependencyUnavailableError

_log = logging.getLogger(__name__)
_CONNECTIONS = 8
_SECONDS = 30.0  # for one statement, and for a connection
_AGAIN_SECONDS = 1.0  # between two tries to listen
_GONE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)


class AsyncDatabase:
    """A PostgreSQL database for one event loop; nothing is opened before it is asked.

    Args:
        url: libpq URL. It may carry a password and is therefore never printed.
        shown: The URL without its password.
    """

    def __init__(self, url: str, shown: str) -> None:
        self._url = url
        self._shown = shown
        self._opening = asyncio.Lock()
        self._pool: Any = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection of the pool.

        Raises:
            DependencyUnavailableError: The database cannot be reached, or has gone away meanwhile.
        """
        try:
            pool = self._pool or await self._open()
            async with pool.acquire(timeout=_SECONDS) as connection:
                yield connection
        except _GONE as error:
            raise DependencyUnavailableError(
                f"The database {self._shown} cannot be reached; start it (`miraikakaku db start`) "
                "or correct DATABASE_URL"
            ) from error

    async def rows(self, query: str, *values: object) -> list[Any]:
        """What a query finds."""
        async with self.connection() as connection:
            rows: list[Any] = await connection.fetch(query, *values)
            return rows

    async def row(self, query: str, *values: object) -> Any | None:
        """The first row that a query finds, None without any."""
        async with self.connection() as connection:
            return await connection.fetchrow(query, *values)

    async def value(self, query: str, *values: object) -> Any:
        """The first value of the first row."""
        async with self.connection() as connection:
            return await connection.fetchval(query, *values)

    async def listen(
        self, channel: str, on_notification: Callable[[str], None], connected: Callable[[], None]
    ) -> None:
        """Hears of notifications until it is cancelled; a lost connection is made again.

        Args:
            channel: Name of the channel.
            on_notification: Called with the payload of each.
            connected: Called whenever it begins to listen: what was said before is not known.
        """
        while True:
            lost = asyncio.Event()
            try:
                connection = await asyncpg.connect(self._url, timeout=_SECONDS)
            except _GONE as error:
                _log.warning(
                    "The database does not answer, so nobody hears of progress: %s", type(error).__name__
                )
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            try:
                connection.add_termination_listener(lambda _connection, lost=lost: lost.set())
                await connection.add_listener(
                    channel, lambda _c, _pid, _channel, payload: on_notification(payload)
                )
                connected()
                await lost.wait()
            except _GONE:
                pass
            finally:
                with suppress(*_GONE):
                    await connection.close(timeout=1)

    async def close(self) -> None:
        """Closes every connection of the pool."""
        if self._pool is not None:
            with suppress(*_GONE):
                await asyncio.wait_for(self._pool.close(), 5)
            self._pool = None

    async def _open(self) -> Any:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=1,
                    max_size=_CONNECTIONS,
                    timeout=_SECONDS,
                    command_timeout=_SECONDS,
                    reset=_as_it_is,
                    server_settings={"application_name": "miraikakaku api", "timezone": "UTC"},
                )
            return self._pool


async def _as_it_is(_connection: Any) -> None:
    """Nothing is set for a session here, so nothing has to be reset: that would be a second round trip each time.

    The pool itself rolls back what is still open.
    """
