"""Pooled connections of Dagster's own tables: one small pool per process, whatever the number of instances.

Dagster's PostgreSQL storages open a new connection for every statement (two for every asset event), because
a process may hold many instances: a code server makes one per request. Opening connections was 80 % of the
time of a run (docs/decisions/0002-instance-storage.md). Here all instances of a process, and their run,
event-log and schedule storages, share one engine per database.
"""

import logging
import os
import threading
from typing import Any

from sqlalchemy import Engine, create_engine, event

_POOL_SIZE = 3  # kept open; run workers use one or two, the daemon's threads wake up a few at a time
_MAX_OVERFLOW = 13  # ten processes of an installation at their peak stay below max_connections=200
_RECYCLE_SECONDS = 1800  # below the idle limits of common firewalls and poolers

_engines: dict[tuple[str, int, int, int], Engine] = {}
_engines_lock = threading.Lock()
_warned: set[str] = set()
_log = logging.getLogger(__name__)


def shared_engine(
    url: str,
    *,
    statement_timeout: int = 0,
    pool_recycle: int = _RECYCLE_SECONDS,
    max_overflow: int = _MAX_OVERFLOW,
) -> Engine:
    """The engine of this process for a database; every statement commits by itself, as Dagster expects.

    A connection is tried before it is lent, so a restart of PostgreSQL costs a reconnect and no error.

    Args:
        url: SQLAlchemy URL of the schema with Dagster's tables.
        statement_timeout: Milliseconds after which PostgreSQL cancels a statement; 0 means never.
        pool_recycle: Seconds after which an idle connection is replaced.
        max_overflow: Connections above the three kept open that a busy process may open for a moment.
    """
    key = (url, statement_timeout, pool_recycle, max_overflow)
    with _engines_lock:
        if key not in _engines:
            _engines[key] = _create(url, statement_timeout, pool_recycle, max_overflow)
        return _engines[key]


def renew_connections() -> None:
    """Lets go of the connections that lie in the pools of this process; the next ones are opened anew.

    Ctrl-C may meet one before it commits by itself, or in the middle of a statement: what is written on it afterwards
    is lost when the process ends.
    """
    for engine in tuple(_engines.values()):
        engine.dispose()


def _create(url: str, statement_timeout: int, pool_recycle: int, max_overflow: int) -> Engine:
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=_POOL_SIZE,
        max_overflow=max_overflow,
        pool_recycle=pool_recycle,
        pool_pre_ping=True,
        pool_use_lifo=True,  # a quiet process lets the rest of its connections grow old and be replaced
    )
    if statement_timeout:

        @event.listens_for(engine, "connect")
        def _limit_statements(connection: Any, _record: object) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = %s", (statement_timeout,))

    return engine


def _leave_connections_to_parent() -> None:
    """After a fork (Celery's workers) the sockets belong to the parent: the child opens its own."""
    global _engines_lock  # noqa: PLW0603 - a thread of the parent may have held it, nobody here will free it
    _engines_lock = threading.Lock()
    for engine in _engines.values():
        engine.dispose(close=False)


os.register_at_fork(after_in_child=_leave_connections_to_parent)


class PooledConnections:
    """Mixin for Dagster's PostgreSQL storages: replaces their pool-less engine by the shared one."""

    postgres_url: str
    _engine: Engine

    def pool_connections(self) -> None:
        """Switches to the shared engine; to be called once, after the storage's own initialisation."""
        if self._has_engine():
            self._engine = shared_engine(self.postgres_url)
        else:
            stock = type(self).__bases__[-1].__name__
            warn_once(f"{stock}._engine", "its connections are not pooled, every event opens new ones")

    def optimize_for_webserver(self, statement_timeout: int, pool_recycle: int, max_overflow: int) -> None:
        """Called by the web server: the same pool with a limit on the time of a statement.

        Args:
            statement_timeout: Milliseconds.
            pool_recycle: Seconds.
            max_overflow: Connections above those kept open; for all three storages together.
        """
        if self._has_engine():
            self._engine = shared_engine(
                self.postgres_url,
                statement_timeout=statement_timeout,
                pool_recycle=pool_recycle,
                max_overflow=max_overflow,
            )
        else:
            super().optimize_for_webserver(statement_timeout, pool_recycle, max_overflow)  # type: ignore[misc]

    def _has_engine(self) -> bool:
        return isinstance(self.__dict__.get("_engine"), Engine)


def warn_once(missing: str, consequence: str) -> None:
    """Says once per process that an internal of Dagster is gone and what that costs.

    Args:
        missing: Dotted name of what was looked up.
        consequence: What goes on without it.
    """
    if missing in _warned:
        return
    _warned.add(missing)
    _log.warning(
        "This version of Dagster has no %s: %s. Everything else works as usual; see "
        "docs/decisions/0002-instance-storage.md for what to change.",
        missing,
        consequence,
    )
