"""Facts about this machine: modes of files, and what processes of this installation listen on."""

import os
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from miraikakaku_assets.adapters.security.secret_scan import SecretPlaces
from miraikakaku_assets.adapters.security.source_scan import source_weaknesses
from miraikakaku_assets.domain.security.database_roles import DatabaseAccess
from miraikakaku_assets.domain.security.exposure import FileMode, Holding, Listener
from miraikakaku_assets.domain.security.finding import Finding

if TYPE_CHECKING:
    import psutil

_MODULES = (
    ("dagster_webserver", "web UI"),
    ("dagster-webserver", "web UI"),
    ("dagster._daemon", "daemon"),
    ("dagster-daemon", "daemon"),
    ("streamlit", "dashboard"),
    ("dagster", "code server"),
)
"""Part of a command line → what the process is; the first that fits."""
_WEB_UI = "web UI"
_SCRIPT = "miraikakaku"
_ENVIRONMENT = Path(".env")


@dataclass(frozen=True)
class LocalFacts:
    """Implements the port `SecurityFacts` for this machine.

    Attributes:
        package: Folder of the installed program.
        places: Where secrets are looked for.
        working_folder: Where settings are read from.
        home: The state folder.
        is_embedded: Whether the database is the embedded server.
        ask_database: Reads how the database lets people in.
        prefix: Folder of the environment whose processes are ours.
    """

    package: Path
    places: SecretPlaces
    working_folder: Path
    home: Path
    is_embedded: bool
    ask_database: Callable[[], DatabaseAccess]
    prefix: Path = Path(sys.prefix)

    def weaknesses(self) -> tuple[Sequence[Finding], int]:
        """Of the source, and how many files were read.

        Raises:
            DependencyUnavailableError: Bandit is not installed or does not work.
        """
        return source_weaknesses(self.package)

    def secrets(self) -> tuple[Sequence[Finding], int]:
        """Secrets where none belong, and how many files were read.

        Raises:
            DependencyUnavailableError: detect-secrets is not installed, or git does not list the checkout.
        """
        return self.places.secrets()

    def modes(self) -> Sequence[FileMode]:
        """Modes of the settings, the state folder and the backups that are there."""
        backups = self.home / "backups"
        # As root the embedded server runs as a user of its own, which has to pass through the state folder.
        passed = self.is_embedded and os.geteuid() == 0
        wanted = [
            (self.working_folder / _ENVIRONMENT, Holding.SETTINGS, False),
            (self.home, Holding.STATE, passed),
            (backups, Holding.BACKUPS, False),
            *((path, Holding.BACKUP, False) for path in sorted(backups.glob("*"))),
        ]
        return [
            mode
            for path, holding, by_server in wanted
            if (mode := _mode(path, holding, by_server)) is not None
        ]

    def listeners(self) -> Sequence[Listener]:
        """TCP ports that processes of this environment, and the embedded server, wait on."""
        import psutil

        listeners = []
        for process in psutil.process_iter():
            try:
                name, arguments = self._named(process)
                if name is None:
                    continue
                waiting = [
                    connection
                    for connection in process.net_connections(kind="tcp")
                    if connection.status == psutil.CONN_LISTEN
                ]
            except (psutil.Error, OSError):  # it has ended meanwhile, or is somebody else's
                continue
            listeners += [
                Listener(
                    name,
                    process.pid,
                    connection.laddr.ip,
                    connection.laddr.port,
                    is_web_ui=name == _WEB_UI,
                    is_read_only="--read-only" in arguments,
                )
                for connection in waiting
            ]
        return sorted(
            set(listeners), key=lambda listener: (listener.process, listener.port, listener.address)
        )

    def access(self) -> DatabaseAccess:
        """How the database lets people in."""
        return self.ask_database()

    def _named(self, process: "psutil.Process") -> tuple[str | None, Sequence[str]]:
        """What a process is, None if it is none of this installation's, and its command line."""
        arguments = process.cmdline()
        if not arguments:
            return None, arguments
        if Path(arguments[0]).name == "postgres":
            ours = self.is_embedded and Path(process.cwd()) == self.home / "postgres"
            return ("embedded PostgreSQL" if ours else None), arguments
        if not Path(arguments[0]).is_relative_to(self.prefix):
            return None, arguments
        return _program(arguments), arguments


def _program(arguments: Sequence[str]) -> str:
    for part, name in _MODULES:
        if any(part in argument for argument in arguments[1:4]):
            return name
    words = [argument for argument in arguments if not argument.startswith("-")]
    for place, word in enumerate(words):
        if Path(word).name == _SCRIPT:
            return " ".join([_SCRIPT, *words[place + 1 : place + 2]])
    return Path(words[-1]).name if len(words) > 1 else "python"


def _mode(path: Path, holding: Holding, by_server: bool) -> FileMode | None:  # noqa: FBT001
    try:
        state = path.stat()
    except OSError:
        return None
    return FileMode(
        str(path),
        holding,
        stat.S_IMODE(state.st_mode),
        stat.S_ISDIR(state.st_mode),
        passed_by_server=by_server,
        is_ours=state.st_uid == os.geteuid(),
    )
