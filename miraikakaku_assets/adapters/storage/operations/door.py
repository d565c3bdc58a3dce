"""How long PostgreSQL takes to let somebody in, past every pool."""

import time
from collections.abc import Callable
from contextlib import closing
from statistics import median

import psycopg2

from miraikakaku_assets.application.ports.operations.system import Measurement
from miraikakaku_assets.domain.errors import DependencyUnavailableError

_CONNECTIONS = 3
_PATIENCE_SECONDS = 10


class PostgresDoor:
    """Implements the port `DatabaseDoor`.

    Args:
        address: Gives the libpq URL, or None while the embedded server does not run: a health check starts nothing.
        shown: The URL without its password, or what else the database is called.
    """

    def __init__(self, address: Callable[[], str | None], shown: str) -> None:
        self._address = address
        self._shown = shown

    def connection_seconds(self) -> Measurement:
        """Median of three new connections, each until its first answer.

        Raises:
            DependencyUnavailableError: It cannot be reached.
        """
        url = self._address()
        if url is None:
            raise DependencyUnavailableError(
                f"The {self._shown} does not run; start it (`miraikakaku db start`)"
            )
        try:
            seconds = [self._connect(url) for _ in range(_CONNECTIONS)]
        except psycopg2.Error as error:
            raise DependencyUnavailableError(
                f"The {self._shown} cannot be reached; start it (`miraikakaku db start`) or correct DATABASE_URL"
            ) from error
        return Measurement(median(seconds), f"median of {_CONNECTIONS} new connections")

    def _connect(self, url: str) -> float:
        began = time.monotonic()
        with closing(psycopg2.connect(url, connect_timeout=_PATIENCE_SECONDS)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            return time.monotonic() - began
