"""Replays the archived log on a copy of a base backup, and puts the result in the place of the data folder."""

import re
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import psycopg2

from miraikakaku_assets.adapters.storage import embedded
from miraikakaku_assets.adapters.storage.disk import require_room
from miraikakaku_assets.adapters.storage.embedded_archive import exchange, recovery_settings
from miraikakaku_assets.application.ports.operations.wal import RecoveredServer
from miraikakaku_assets.domain.errors import BackupError, BackupRefusedError
from miraikakaku_assets.domain.utc import in_utc

_RECOVERING = ".recovering"
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_SECONDS = 6 * 3600.0
_NOT_REACHED = "recovery ended before configured recovery target was reached"
_LAST_CHANGE = re.compile(r"last completed transaction was at log time (.+)")
_SHOWN_LINES = 2


def replayed(copy: Path, name: str, archive: Path, home: Path, moment: datetime) -> RecoveredServer:
    """Puts the data folder as it was at a moment into force; the server must not run.

    Args:
        copy: Data folder of a base backup.
        name: Of that base backup.
        archive: Archived log.
        home: State folder.
        moment: UTC.

    Raises:
        BackupRefusedError: The log does not reach that moment.
        BackupError: It did not succeed; the old folder is as it was.
    """
    folder = embedded.data_folder(home)
    new = folder.with_name(folder.name + _RECOVERING)
    shutil.rmtree(new, ignore_errors=True)
    require_room(home, sum(file.stat().st_size for file in copy.rglob("*") if file.is_file()))
    try:
        shutil.copytree(copy, new)
        # The lock of the socket comes with a base backup, and names a process that may still be there.
        for lock in new.glob(".s.PGSQL.*"):
            lock.unlink()
        _take_what_was_not_archived(folder, new, archive)
        settings = new / "postgresql.auto.conf"
        before = settings.read_text()
        settings.write_text(f"{before}\n{recovery_settings(archive, moment.isoformat())}")
        (new / "recovery.signal").touch()
        (new / "log").unlink(missing_ok=True)
        last_change = _run_once(new, name, moment)
        settings.write_text(before)
        return RecoveredServer(last_change, exchange(folder, new))
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _run_once(new: Path, name: str, moment: datetime) -> datetime | None:
    try:
        with embedded.recovering(new, _SECONDS) as url:
            connection = psycopg2.connect(url, application_name="miraikakaku recovery")
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_last_xact_replay_timestamp()")
                    last_change: datetime | None = cursor.fetchall()[0][0]
            finally:
                connection.close()
        return in_utc(last_change)
    except subprocess.SubprocessError as error:
        log = new / "log"
        text = log.read_text(errors="replace") if log.exists() else ""
        if _NOT_REACHED in text:
            changes = _LAST_CHANGE.findall(text)
            reached = f", its last change was at {changes[-1]}" if changes else ""
            raise BackupRefusedError(
                f"{moment:%Y-%m-%dT%H:%M:%SZ}",
                "not_reached",
                f"the log after the base backup {name} ends before that{reached}; name a moment before it",
            ) from error
        lines = [line for line in text.splitlines() if "FATAL" in line or "PANIC" in line][-_SHOWN_LINES:]
        raise BackupError(
            f"The log cannot be replayed on the base backup {name}: {' / '.join(lines) or 'its server said nothing'}"
        ) from error


def _take_what_was_not_archived(old: Path, new: Path, archive: Path) -> None:
    """Segments of the log that only the old folder has: those that wait, and the one that was written last."""
    log, statuses = old / "pg_wal", old / "pg_wal" / "archive_status"
    if not log.is_dir():
        return
    segments = [file for file in log.iterdir() if _SEGMENT.fullmatch(file.name)]
    waiting = [file for file in segments if (statuses / f"{file.name}.ready").exists()]
    current = [file for file in segments if not list(statuses.glob(f"{file.name}.*"))]
    newest = max(current, key=lambda file: file.stat().st_mtime, default=None)
    for file in (*waiting, *([] if newest is None else [newest])):
        if not (archive / f"{file.name}.gz").exists():
            shutil.copyfile(file, new / "pg_wal" / file.name)
