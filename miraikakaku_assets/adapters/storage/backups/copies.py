"""Copies of the database by ``pg_dump`` and ``pg_restore``, and the exchange of a database for a copy."""

import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import errors, sql
from sqlalchemy.engine import make_url

from miraikakaku_assets.adapters.storage.backups.figures import roles_with_privileges, table_figures
from miraikakaku_assets.adapters.storage.backups.programs import Programs
from miraikakaku_assets.adapters.storage.engine import DAGSTER_SCHEMA, Database
from miraikakaku_assets.adapters.storage.tables import SCHEMA
from miraikakaku_assets.application.ports.operations.backups import Dump, TableFigures, figures_differ
from miraikakaku_assets.domain.errors import BackupError, DependencyUnavailableError

SCHEMAS = {"data": SCHEMA, "dagster": DAGSTER_SCHEMA}
"""Part of a backup → schema."""
_LOCK = 4120250934
_JOBS = "2"
_TRIAL, _NEW, _OLD = "trial", "restored", "replaced"
_RENAMINGS = 20
_SHOWN = 3
_ENDING_SECONDS = 3.0

_SESSIONS = """
    SELECT coalesce(nullif(application_name, ''), 'unnamed'), count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    GROUP BY 1 ORDER BY 1"""


class PostgresCopies:
    """Implements the port `DatabaseCopies`.

    Args:
        database: The database; its pools are closed where it is replaced.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._name = str(make_url(database.url).database)

    @property
    def schemas(self) -> Mapping[str, str]:
        """Part of a backup → schema of its tables."""
        return SCHEMAS

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """An advisory lock in the server's maintenance database, which ends with its connection."""
        with self._elsewhere() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", (_LOCK % 2**31, self._name))
            if not cursor.fetchone()[0]:
                raise BackupError(
                    f"Another backup or restore of {self._database.shown} is at work; repeat when it has ended"
                )
            self._drop_leftovers(cursor)
            yield

    def ensure_exists(self) -> None:
        """Creates the database if the server has none of that name.

        Raises:
            DependencyUnavailableError: The server cannot be reached, or the role may not create one.
        """
        try:
            with self._elsewhere() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (self._name,))
                if cursor.fetchone() is None:
                    cursor.execute(_create(self._name))
        except psycopg2.Error as error:
            raise DependencyUnavailableError(
                f"The database {self._database.shown} is not there and cannot be made: {str(error).splitlines()[0]}"
            ) from error

    def size(self) -> int:
        """Bytes that it takes on the server."""
        with self._here() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])

    def is_empty(self) -> bool:
        """Whether there is neither an instrument nor a run of Dagster."""
        with self._here() as cursor:
            for table in (f"{SCHEMA}.instruments", f"{DAGSTER_SCHEMA}.runs"):
                cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (table,))
                if cursor.fetchone()[0]:
                    cursor.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.SQL(table)))
                    if cursor.fetchone()[0]:
                        return False
        return True

    def sessions(self) -> list[str]:
        """Sessions of others, grouped by program; one that is just ending, as our own, is waited for."""
        self._database.close()
        deadline = time.monotonic() + _ENDING_SECONDS
        with self._here() as cursor:
            while True:
                cursor.execute(_SESSIONS)
                others = [f"{program} ({count})" for program, count in cursor.fetchall()]
                if not others or time.monotonic() > deadline:
                    return others
                time.sleep(0.1)

    def dump(self, folder: Path) -> Dump:
        """Copies in directory format, two tables at a time, from an exported snapshot."""
        schemas = list(SCHEMAS.values())
        with self._here(autocommit=False) as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute("SELECT pg_export_snapshot(), now(), current_setting('server_version')")
            snapshot, taken_at, version = cursor.fetchone()
            cursor.execute(f"SELECT version_num FROM {SCHEMA}.alembic_version")
            revision = cursor.fetchone()[0]
            begun = time.monotonic()
            named = [argument for schema in schemas for argument in ("-n", schema)]
            copying = ("-Fd", "-j", _JOBS, "-Z", "none", "--no-sync", "--snapshot", snapshot)
            self._programs(cursor).run("pg_dump", *copying, *named, "-f", str(folder))
            seconds = time.monotonic() - begun
            figures = table_figures(cursor, schemas)
            roles = roles_with_privileges(cursor, schemas)
        return Dump(taken_at.astimezone(UTC), version.split()[0], revision, figures, roles, seconds)

    def trial(self, folder: Path) -> Mapping[str, TableFigures]:
        """Restores into a database of its own, indexes and constraints included."""
        name = self._fresh_name(_TRIAL)
        with self._elsewhere() as cursor:
            try:
                cursor.execute(_create(name))
            except errors.InsufficientPrivilege as error:
                raise PermissionError(str(error).splitlines()[0]) from error
            try:
                self._fill(name, dict.fromkeys(SCHEMAS, folder), keep_privileges=False)
                with self._connected(name) as inside:
                    return table_figures(inside, list(SCHEMAS.values()))
            finally:
                cursor.execute(_drop(name))

    def replace(
        self, sources: Mapping[str, Path], expected: Mapping[str, TableFigures], roles: Collection[str]
    ) -> None:
        """Restores into a new database, compares it, and exchanges the names of the two in one transaction."""
        new, old = self._fresh_name(_NEW), self._fresh_name(_OLD)
        with self._elsewhere() as cursor:
            try:
                cursor.execute(_create(new))
            except errors.InsufficientPrivilege as error:
                raise BackupError(
                    f"The role of {self._database.shown} may not create a database, which a restore needs; "
                    f"have its administrator run ALTER ROLE … CREATEDB ({str(error).splitlines()[0]})"
                ) from error
            self._fill(new, sources, keep_privileges=_are_there(cursor, roles))
            with self._connected(new) as inside:
                restored = table_figures(inside, list(SCHEMAS.values()))
                inside.execute("ANALYZE")
            differences = list(figures_differ(restored, expected, SCHEMAS.values()))
            if differences:
                cursor.execute(_drop(new))
                raise BackupError(
                    f"What was restored is not what was saved: {'; '.join(differences[:_SHOWN])}"
                )
            self._exchange(cursor, new, old)
            cursor.execute(_drop(old))

    def _exchange(self, cursor: Any, new: str, old: str) -> None:
        """Both renamings are one transaction: before its commit everybody finds the old one, after it the new one."""
        self._database.close()
        for attempt in range(_RENAMINGS):
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = ANY(%s)",
                ([self._name, new],),
            )
            cursor.fetchall()
            try:
                cursor.execute(
                    sql.SQL(
                        "BEGIN; ALTER DATABASE {} RENAME TO {}; ALTER DATABASE {} RENAME TO {}; COMMIT"
                    ).format(*map(sql.Identifier, (self._name, old, new, self._name)))
                )
            except errors.ObjectInUse as error:  # somebody has connected anew
                cursor.execute("ROLLBACK")
                if attempt == _RENAMINGS - 1:
                    cursor.execute(_drop(new))
                    raise BackupError(
                        f"The database {self._database.shown} is used again and again; stop what uses it and repeat"
                    ) from error
            else:
                return

    def _fill(self, name: str, sources: Mapping[str, Path], *, keep_privileges: bool) -> None:
        privileges = () if keep_privileges else ("--no-privileges",)
        options = ("-j", _JOBS, "--no-owner", "--exit-on-error", *privileges)
        with self._here() as cursor:
            programs = self._programs(cursor)
        if len(set(sources.values())) == 1 and sources.keys() == SCHEMAS.keys():
            programs.run("pg_restore", *options, str(next(iter(sources.values()))), database=name)
            return
        for part, folder in sources.items():
            with self._connected(name) as inside:
                inside.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMAS[part])))
            programs.run("pg_restore", *options, "-n", SCHEMAS[part], str(folder), database=name)

    def _drop_leftovers(self, cursor: Any) -> None:
        """Databases of a backup or restore that was killed; nobody else makes any while the lock is held."""
        cursor.execute("SELECT datname FROM pg_database")
        for (name,) in cursor.fetchall():
            if name != self._name and any(
                name.startswith(f"{self._prefix(kind)}_") for kind in (_TRIAL, _NEW, _OLD)
            ):
                cursor.execute(_drop(name))

    def _prefix(self, kind: str) -> str:
        return f"{self._name[:40]}_{kind}"  # names have at most 63 bytes

    def _fresh_name(self, kind: str) -> str:
        return f"{self._prefix(kind)}_{uuid.uuid4().hex[:8]}"

    def _programs(self, cursor: Any) -> Programs:
        return Programs(self._database.url, cursor.connection.server_version // 10_000)

    @contextmanager
    def _here(self, *, autocommit: bool = True) -> Iterator[Any]:
        with self._connected(self._name, autocommit=autocommit) as cursor:
            yield cursor

    @contextmanager
    def _elsewhere(self) -> Iterator[Any]:
        """A cursor in another database of the server: one cannot be renamed from inside."""
        name = "postgres" if self._name != "postgres" else "template1"
        with self._connected(name) as cursor:
            yield cursor

    @contextmanager
    def _connected(self, name: str, *, autocommit: bool = True) -> Iterator[Any]:
        url = make_url(self._database.url).set(drivername="postgresql", database=name)
        address, mark, query = url.render_as_string(hide_password=False).partition("?")
        connection = psycopg2.connect(
            address + mark + query.replace("+", "%20"), application_name="miraikakaku backup"
        )
        try:
            connection.autocommit = autocommit
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()


def _are_there(cursor: Any, roles: Collection[str]) -> bool:
    """Whether every role that a copy grants something to is there; without one the grants are left out."""
    cursor.execute("SELECT rolname FROM pg_roles")
    return set(roles) <= {row[0] for row in cursor.fetchall()}


def _create(name: str) -> sql.Composed:
    return sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))


def _drop(name: str) -> sql.Composed:
    return sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
