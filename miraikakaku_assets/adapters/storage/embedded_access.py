"""Who may reach the embedded server: its owner and root, by the folder of its socket and by their system user.

The wheel's ``initdb`` lets every local user in as superuser (``trust``), and its socket goes to a folder that
everybody may enter when the path of the data folder is too long for one.
"""

import os
import pwd
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from miraikakaku_assets.domain.errors import DependencyUnavailableError

_SOCKET = ".s.PGSQL.5432"
_LONGEST = 103
"""Bytes of a socket's path: the kernel's 108 on Linux, 104 on macOS, less the NUL."""
_FOLDER_PREFIX = "miraikakaku-socket-"
_SEARCH = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
_MAP = "miraikakaku"
_TRUSTING = re.compile(r"^(local|host)(\s+(?:all|replication)\s+all\s+(?:\S+\s+)?)trust\s*$", re.MULTILINE)


def admit_owner_only(folder: Path, system_user: str | None) -> None:
    """Replaces ``trust`` in ``pg_hba.conf`` by the check who the connecting process belongs to.

    Lines that an operator has written for a role or database of his own stay.

    Args:
        folder: Data folder, initialised.
        system_user: Whom the server runs as, None for this process's own user.
    """
    hba, ident = folder / "pg_hba.conf", folder / "pg_ident.conf"
    _rewrite(hba, _TRUSTING.sub(_checked, hba.read_text()))
    lines = ident.read_text().splitlines()
    owner = system_user or pwd.getpwuid(os.geteuid()).pw_name
    entries = [f'{_MAP} "{name}" all' for name in dict.fromkeys((owner, "root"))]
    missing = [line for line in entries if line not in lines]
    if missing:
        _rewrite(ident, "\n".join([*lines, *missing]) + "\n")


def _checked(line: re.Match[str]) -> str:
    method = f"peer map={_MAP}" if line[1] == "local" else "scram-sha-256"
    return f"{line[1]}{line[2]}{method}"


def _rewrite(file: Path, content: str) -> None:
    """Puts the whole new file in the place of the old one, with its owner and mode."""
    if file.read_text() == content:
        return
    before = file.stat()
    new = file.with_name(f"{file.name}.new")
    new.write_text(content)
    new.chmod(stat.S_IMODE(before.st_mode))
    os.chown(new, before.st_uid, before.st_gid)
    new.replace(file)


def make_socket_folder(folder: Path, system_user: str | None) -> Path:
    """The data folder, or where its path will not do for a socket a new private folder with a short one.

    The new one has an unguessable name and mode 0700 from its first moment, so nobody can have made it before.

    Raises:
        DependencyUnavailableError: There is no folder for temporary files with a short path.
    """
    if _fits(folder):
        return folder
    temporary = (Path(tempfile.gettempdir()), Path("/tmp"))  # noqa: S108  # nosec B108 - where TMPDIR is deep or private
    for parent in temporary:
        if _fits(parent / f"{_FOLDER_PREFIX}12345678") and (system_user is None or _open_to_others(parent)):
            made = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=parent))
            if system_user is not None:
                shutil.chown(made, system_user)
            return made
    raise DependencyUnavailableError(
        f"The path of {folder} is too long for a socket, and so is that of {temporary[0]}; "
        "name a shorter MIRAIKAKAKU_HOME or TMPDIR"
    )


def _fits(folder: Path) -> bool:
    """Whether libpq can be told of a socket in a folder; it takes a comma for the end of a host's name."""
    return len(os.fsencode(folder / _SOCKET)) <= _LONGEST and "," not in str(folder)


def _open_to_others(folder: Path) -> bool:
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder.resolve(), *folder.resolve().parents))


def recorded_socket_folder(folder: Path) -> Path | None:
    """Where the server of a data folder has, or had before it was killed, its socket."""
    try:
        lines = (folder / "postmaster.pid").read_text().splitlines()
    except OSError:
        return None
    place = 4  # after process, data folder, start and port
    return Path(lines[place]) if len(lines) > place and lines[place] else None


def remove_socket_folder(made: Path | None) -> None:
    """Removes what `make_socket_folder` has made; any other folder, and any other file, stays."""
    if made is None or not made.name.startswith(_FOLDER_PREFIX):
        return
    for name in (_SOCKET, f"{_SOCKET}.lock"):
        with suppress(OSError):
            (made / name).unlink()
    with suppress(OSError):
        made.rmdir()


@contextmanager
def narrow_prefixes(*folders: Path) -> Iterator[None]:
    """Keeps the folders above these from being listed by everybody.

    As root the wheel makes all of them, ``/root`` included, readable for everybody; its server only has to
    pass through them.
    """
    before = {path: path.stat().st_mode for folder in folders for path in folder.resolve().parents}
    try:
        yield
    finally:
        for path, mode in before.items():
            if path.stat().st_mode != mode:
                path.chmod(stat.S_IMODE(mode | _SEARCH))
