"""The archive of the embedded server's write-ahead log: the server's settings for it, and exchanged data folders."""

import os
import shlex
import shutil
import stat
from pathlib import Path

CONF = "miraikakaku.archive.conf"
TIMEOUT_SECONDS = 300
"""A segment is archived after this time at the latest, when something was written: the most that is lost."""
_INCLUDE = f"include_if_exists = '{CONF}'"
_NEXT, _REPLACED = ".next", ".replaced"
_SEARCH = stat.S_IXGRP | stat.S_IXOTH


def configure_archive(folder: Path, archive: Path | None, system_user: str | None) -> None:
    """Writes the settings that the server reads at its next start, and makes the folder of the archive.

    Args:
        folder: Data folder, initialised.
        archive: Folder of the archive; None: nothing is archived.
        system_user: Whom the server runs as, None for this process's own user.
    """
    conf, main = folder / CONF, folder / "postgresql.conf"
    if archive is None:
        conf.unlink(missing_ok=True)
        return
    archive = archive.resolve()
    archive.mkdir(parents=True, exist_ok=True, mode=0o700)
    if system_user is not None:
        shutil.chown(archive, system_user)
        archive.parent.chmod(stat.S_IMODE(archive.parent.stat().st_mode) | _SEARCH)  # it only passes through
    conf.write_text(
        "# Written by Miraikakaku at each start of the server; BACKUP_WAL turns it off.\n"
        f"archive_mode = on\narchive_timeout = {TIMEOUT_SECONDS}\n"
        f"archive_command = {_quoted(archive_command(archive))}\n"
    )
    conf.chmod(0o644)
    if _INCLUDE not in main.read_text():
        with main.open("a") as lines:
            lines.write(f"\n{_INCLUDE}\n")


def archive_command(archive: Path) -> str:
    """Command of a shell: a segment gets its name when all of it is on the disk; what is there is never replaced.

    A segment that is there with the same contents counts as archived, as PostgreSQL asks for: it repeats a command
    whose success it could not note.
    """
    place = shlex.quote(str(archive).replace("%", "%%"))
    return (
        f"cd {place} || exit 1; "  # the segment's path, %p, begins at the data folder
        'if [ -e %f.gz ]; then [ "$(gzip -cd %f.gz | cksum)" = "$(cksum < "$OLDPWD/%p")" ]; exit $?; fi; '
        'gzip -1 < "$OLDPWD/%p" > .%f.unfinished && sync .%f.unfinished && mv .%f.unfinished %f.gz && sync .'
    )


def restore_command(archive: Path) -> str:
    """Command of a shell that puts an archived segment into the place that PostgreSQL names."""
    packed = shlex.quote(f"{archive}/".replace("%", "%%")) + "%f.gz"
    return f'[ -e {packed} ] && gzip -cd {packed} > "%p"'


def recovery_settings(archive: Path, moment: str) -> str:
    """Lines for ``postgresql.auto.conf``: replay the log up to a moment, then take writes.

    Args:
        archive: Folder of the archive.
        moment: ISO 8601 with its offset.
    """
    # The timeline of the base backup, not the newest: a recovery that was killed has left one that nobody follows.
    return (
        f"restore_command = {_quoted(restore_command(archive))}\n"
        f"recovery_target_time = {_quoted(moment)}\nrecovery_target_inclusive = on\n"
        "recovery_target_action = 'promote'\nrecovery_target_timeline = 'current'\nhot_standby = off\n"
    )


def hand_over(folder: Path, system_user: str | None) -> None:
    """Gives a data folder to the server's user; nobody else may look into it."""
    folder.chmod(0o700)
    if system_user is not None:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, system_user)


def exchange(folder: Path, new: Path) -> Path | None:
    """Puts a data folder in the place of another; returns where the old one lies now, None if there was none.

    Two renamings: killed between them, the next start of the server does the second (`finish_exchange`).
    """
    waiting, replaced = folder.with_name(folder.name + _NEXT), folder.with_name(folder.name + _REPLACED)
    shutil.rmtree(waiting, ignore_errors=True)
    new.rename(waiting)
    _sync(folder.parent)
    if not folder.exists():
        finish_exchange(folder)
        return None
    shutil.rmtree(replaced, ignore_errors=True)
    folder.rename(replaced)
    finish_exchange(folder)
    return replaced


def finish_exchange(folder: Path) -> None:
    """Does what a killed exchange has left undone: the folder in force has its old name, and the new one waits."""
    waiting = folder.with_name(folder.name + _NEXT)
    if waiting.exists() and not folder.exists():
        waiting.rename(folder)
        _sync(folder.parent)


def _quoted(value: str) -> str:
    """A string in PostgreSQL's configuration files."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
