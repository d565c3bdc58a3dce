"""Base backups of the embedded server by ``pg_basebackup``, and the archive that its ``archive_command`` fills.

Below the folder of backups: ``wal/<segment>.gz``, and ``bases/<name>/{base.json, data/}``. What is being written has a
leading dot and never counts.
"""

import fcntl
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2

from miraikakaku_assets.adapters.storage import embedded
from miraikakaku_assets.adapters.storage.backups.base_check import CHECKSUMS, checked_base
from miraikakaku_assets.adapters.storage.backups.programs import Programs
from miraikakaku_assets.adapters.storage.backups.replay import replayed
from miraikakaku_assets.adapters.storage.disk import require_room
from miraikakaku_assets.application.ports.operations.wal import ArchiveState, BaseBackup, RecoveredServer
from miraikakaku_assets.domain.errors import BackupError, ConfigurationError, DependencyUnavailableError
from miraikakaku_assets.domain.utc import in_utc

WAL, BASES = "wal", "bases"
_BASE, _DATA = "base.json", "data"
_LEFT = ".unfinished"
_ARCHIVED_SECONDS = 60
_TIMELINE_DIGITS = 8  # before the place in the log

_STATE = """
    SELECT current_setting('archive_mode') = 'on', a.last_archived_time, a.last_failed_time, w.count, w.since,
        (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size')
    FROM pg_stat_archiver a, LATERAL (
        SELECT count(*) AS count, min(modification) AS since FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'
    ) w"""
_SESSIONS = """
    SELECT coalesce(nullif(application_name, ''), 'unnamed'), count(*) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY 1 ORDER BY 1"""


class EmbeddedWal:
    """Implements the port `WalArchive`.

    Args:
        home: State folder of the embedded server.
        backups: Folder of backups.
    """

    def __init__(self, home: Path, backups: Path) -> None:
        self._home = home
        self._wal, self._bases = backups / WAL, backups / BASES

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """A lock on the folder of base backups."""
        self._bases.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._bases / ".lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BackupError(
                    f"Another base backup or recovery works in {self._bases}; repeat when it has ended"
                ) from error
            for left in self._bases.glob(f".*{_LEFT}"):
                shutil.rmtree(left, ignore_errors=True)
            yield

    def now(self) -> datetime:
        """Time of the machine."""
        return datetime.now(UTC)

    def state(self) -> ArchiveState:
        """What the running server says of its archiver."""
        url = embedded.url_if_running(self._home)
        if url is None:
            raise DependencyUnavailableError("The embedded PostgreSQL does not run")
        with _connected(url) as cursor:
            cursor.execute(_STATE)
            is_on, archived, failed, waiting, since, segment = cursor.fetchone()
        bases = self.bases()
        newest = bases[0].ended_at if bases else None
        return ArchiveState(
            is_on,
            in_utc(archived),
            in_utc(failed),
            int(waiting),
            int(waiting) * int(segment),
            in_utc(since),
            newest,
        )

    def bases(self) -> list[BaseBackup]:
        """Folders with a description."""
        read = (
            json.loads(file.read_text()) | {"folder": file.parent} for file in self._bases.glob(f"*/{_BASE}")
        )
        bases = [
            BaseBackup(**{**base, **_moments(base)})
            for base in read
            if not base["folder"].name.startswith(".")
        ]
        return sorted(bases, key=lambda base: base.ended_at, reverse=True)

    def make_base(self) -> BaseBackup:
        """Copies with the log that the copy itself needs, and reads all of it back."""
        begun, started = time.monotonic(), self.now()
        url = embedded.ensure_running(self._home, self._wal)
        with _connected(url) as cursor:
            cursor.execute(
                "SELECT current_setting('archive_mode'), sum(pg_database_size(oid))::bigint FROM pg_database"
            )
            mode, size = cursor.fetchone()
            if mode != "on":
                raise ConfigurationError(
                    "BACKUP_WAL is on, and the embedded PostgreSQL was started before it was: run "
                    "`miraikakaku db stop` once, then the same command"
                )
            require_room(self._bases, int(size))
            name = f"{started:%Y%m%dT%H%M%S}{started.microsecond // 1000:03d}Z"
            unfinished = self._bases / f".{name}-{uuid.uuid4().hex[:8]}{_LEFT}"
            unfinished.mkdir(mode=0o700)
            try:
                first = _copy(url, unfinished / _DATA, name, cursor.connection.server_version // 10_000)
                cursor.execute("SELECT pg_walfile_name(%s::pg_lsn), clock_timestamp()", (first,))
                segment, ended = cursor.fetchone()
                size = sum(file.stat().st_size for file in unfinished.rglob("*") if file.is_file())
                seconds = round(time.monotonic() - begun, 3)
                base = BaseBackup(
                    name, self._bases / name, started, ended.astimezone(UTC), segment, size, seconds
                )
                _describe(base, unfinished)
                unfinished.rename(base.folder)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
        return base

    def remove(self, base: BaseBackup) -> None:
        """Takes its name first."""
        leaving = self._bases / f".{base.name}-{uuid.uuid4().hex[:8]}{_LEFT}"
        base.folder.rename(leaving)
        shutil.rmtree(leaving, ignore_errors=True)

    def forget_before(self, segments: Sequence[str]) -> None:
        """By ``pg_archivecleanup``, which leaves the histories of timelines."""
        programs = Programs("postgresql:///postgres", 0)
        segment = min(segments, key=lambda name: name[_TIMELINE_DIGITS:])
        programs.run_on_files("pg_archivecleanup", "-x", ".gz", str(self._wal), segment)

    def sessions(self) -> list[str]:
        """Of all databases of the server."""
        try:
            with _connected(embedded.ensure_running(self._home, self._wal)) as cursor:
                cursor.execute(_SESSIONS)
                return [f"{program} ({count})" for program, count in cursor.fetchall()]
        except (DependencyUnavailableError, psycopg2.Error):
            return []  # what is damaged so much that it does not start is in nobody's use

    def recover(self, base: BaseBackup, moment: datetime) -> RecoveredServer:
        """Ends the log of the old server, replays it beside it, and exchanges the two folders."""
        self._end_log()
        embedded.stop(self._home)
        return replayed(base.folder / _DATA, base.name, self._wal, self._home, moment)

    def _end_log(self) -> None:
        """A last commit, so that any moment before it can be told to be reached, and its segment into the archive.

        Where the server does not start, what it has not archived is taken from its folder instead.
        """
        try:
            with _connected(embedded.ensure_running(self._home, self._wal)) as cursor:
                cursor.execute("SELECT pg_current_xact_id()")
                cursor.execute("SELECT pg_walfile_name(pg_switch_wal())")
                ended = self._wal / f"{cursor.fetchone()[0]}.gz"
        except (DependencyUnavailableError, psycopg2.Error):
            return
        deadline = time.monotonic() + _ARCHIVED_SECONDS
        while not ended.exists() and time.monotonic() < deadline:
            time.sleep(0.05)


@contextmanager
def _connected(url: str) -> Iterator[Any]:
    connection = psycopg2.connect(url, application_name="miraikakaku base backup")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def _copy(url: str, data: Path, name: str, server_major: int) -> str:
    """Copies the data folder and reads all of it back; returns where the log begins that it needs."""
    programs = Programs(url, server_major)
    options = ("-X", "stream", "-c", "fast", "--manifest-checksums", CHECKSUMS, "-l", f"miraikakaku {name}")
    programs.run("pg_basebackup", "-D", str(data), *options)
    return str(checked_base(data, programs)["WAL-Ranges"][0]["Start-LSN"])


def _describe(base: BaseBackup, folder: Path) -> None:
    with (folder / _BASE).open("w") as file:
        json.dump(asdict(base) | {"folder": None}, file, default=lambda moment: moment.isoformat())
        file.flush()
        os.fsync(file.fileno())


def _moments(base: dict[str, Any]) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(base[name]) for name in ("started_at", "ended_at")}
