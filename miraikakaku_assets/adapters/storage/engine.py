"""One database, two ways in: SQLAlchemy (psycopg2) for rows, ADBC for columns.

ADBC's binary COPY writes 667,000 rows a second where ``DataFrame.to_sql`` writes 61,000 (2 cores), so
bars go through ADBC and everything that is counted in thousands goes through SQLAlchemy.
"""

import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from miraikakaku_assets.adapters.storage import embedded
from miraikakaku_assets.adapters.storage.disk import full_disk_behind
from miraikakaku_assets.domain.errors import DependencyUnavailableError

if TYPE_CHECKING:
    from miraikakaku_assets.application.ports.operations.cold import ColdFiles

_ANSWER_SECONDS = 30.0
_CONNECT_SECONDS = 10
EMBEDDED_DATABASE = "miraikakaku"
DAGSTER_SCHEMA = "dagster"


class Database:
    """A PostgreSQL database and its connections.

    Args:
        url: libpq URL. It may carry a password and is therefore never printed; ``shown`` is.
        cold_files: Where bars lie that have left its tables; None where nobody reads bars through it.
    """

    def __init__(self, url: str, cold_files: "ColdFiles | None" = None) -> None:
        self.url = _libpq(url)
        self.cold_files = cold_files
        self._idle: deque[tuple[int, Any]] = deque()

    def __reduce__(self) -> tuple[type["Database"], tuple[str, "ColdFiles | None"]]:
        """Another process gets the address; connections stay where they were made."""
        return Database, (self.url, self.cold_files)

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return _libpq(self.url, hide_password=True)

    @property
    def dagster_url(self) -> str:
        """SQLAlchemy URL of the schema in which Dagster keeps its own tables."""
        url = make_url(self.url).set(drivername="postgresql+psycopg2")
        return url.update_query_dict({"options": f"-csearch_path={DAGSTER_SCHEMA}"}).render_as_string(
            hide_password=False
        )

    @cached_property
    def engine(self) -> Engine:
        """SQLAlchemy engine, pooled; a connection broken by a server restart is replaced on use."""
        url = make_url(self.url).set(drivername="postgresql+psycopg2")
        return create_engine(
            url,
            pool_pre_ping=True,
            pool_size=5,
            max_overflow=20,
            executemany_mode="values_plus_batch",  # 500 ledger rows in 8 ms instead of 90
            hide_parameters=True,  # an error names the statement, not 500 rows of values
        )

    @contextmanager
    def bulk(self) -> Iterator[Any]:
        """An ADBC connection in one transaction: committed at the end, rolled back on an error.

        Raises:
            DependencyUnavailableError: The database cannot be reached.
        """
        connection = self._idle_bulk_connection() or self._new_bulk_connection()
        try:
            yield connection
            connection.commit()
        except BaseException:
            connection.close()  # rolls back, and forgets temporary tables
            raise
        self._idle.append((os.getpid(), connection))

    def _idle_bulk_connection(self) -> Any | None:
        """One that is open and answers. Opening costs 30 ms: the driver reads the whole type catalogue."""
        while self._idle:
            owner, connection = self._idle.pop()
            if owner != os.getpid():  # made before a fork: the socket belongs to the parent
                continue
            try:
                with connection.cursor() as cursor:
                    cursor.execute("DISCARD TEMP")
                connection.commit()  # what comes is a transaction of its own, whose isolation may still be chosen
            except Exception:  # noqa: BLE001 - whatever is wrong with it, a new one is opened
                with suppress(Exception):
                    connection.close()
            else:
                return connection
        return None

    def _new_bulk_connection(self) -> Any:
        from adbc_driver_manager import OperationalError as AdbcOperationalError
        from adbc_driver_postgresql import dbapi

        try:
            return dbapi.connect(self.url)
        except AdbcOperationalError as error:
            raise self._unreachable() from error

    def close(self) -> None:
        """Closes every connection that is not in use."""
        while self._idle:
            with suppress(Exception):  # of a server that is gone
                self._idle.pop()[1].close()
        self.engine.dispose()

    def check(self) -> None:
        """Connects once.

        Raises:
            DependencyUnavailableError: The database cannot be reached.
        """
        try:
            with self.engine.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except OperationalError as error:
            raise self._unreachable() from error

    def _unreachable(self) -> DependencyUnavailableError:
        return DependencyUnavailableError(
            f"The database {self.shown} cannot be reached; start it (`miraikakaku db start`) or correct DATABASE_URL"
        )


def answers(url: str) -> None:
    """Connects once, and waits ten seconds at most.

    Args:
        url: libpq URL.

    Raises:
        DependencyUnavailableError: It does not answer.
    """
    named = make_url(url).update_query_dict({"connect_timeout": str(_CONNECT_SECONDS)})
    database = Database(named.render_as_string(hide_password=False))
    try:
        database.check()
    finally:
        database.close()


def open_database(home: Path, external_url: str | None, archive: Path | None = None) -> Database:
    """The database of this installation; starts the embedded server when no external one is named.

    Args:
        home: State folder of the embedded server.
        external_url: ``DATABASE_URL`` or None.
        archive: Where the embedded server archives its write-ahead log; None: it does not.

    Raises:
        DependencyUnavailableError: The server cannot be started or reached.
    """
    if external_url is not None:
        return Database(external_url)
    deadline = time.monotonic() + _ANSWER_SECONDS
    while True:
        maintenance = Database(embedded.ensure_running(home, archive))
        try:
            _create_database_once(maintenance)
            break
        except OperationalError as error:
            # A server that is being killed, or comes back from it, is there and does not answer yet.
            full = full_disk_behind(error, home, external=False)
            if full is not None:
                raise full from error
            if time.monotonic() > deadline:
                raise DependencyUnavailableError(
                    f"The embedded PostgreSQL at {maintenance.shown} does not answer"
                ) from error
            time.sleep(0.2)
    named = make_url(maintenance.url).set(database=EMBEDDED_DATABASE)
    return Database(named.render_as_string(hide_password=False))


def _create_database_once(maintenance: Database) -> None:
    """CREATE DATABASE has no IF NOT EXISTS; an advisory lock keeps two first starts apart."""
    engine = create_engine(
        make_url(maintenance.url).set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT"
    )
    try:
        with engine.connect() as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.exec_driver_sql(query, (EMBEDDED_DATABASE,)).first():
                return
            connection.exec_driver_sql("SELECT pg_advisory_lock(4120250930)")
            if not connection.exec_driver_sql(query, (EMBEDDED_DATABASE,)).first():
                connection.exec_driver_sql(f'CREATE DATABASE "{EMBEDDED_DATABASE}"')
    finally:
        engine.dispose()


def _libpq(url: str, *, hide_password: bool = False) -> str:
    """The URL as libpq reads it: plain scheme, the socket folder of its query part escaped.

    SQLAlchemy writes a blank of the query part as ``+``, which libpq takes for a plus sign.
    """
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=hide_password)
    address, mark, query = plain.partition("?")
    return address + mark + query.replace("+", "%20")
