"""The embedded PostgreSQL: started once by whoever comes first, back after a kill, gone when told."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from miraikakaku_assets.adapters.storage import embedded
from miraikakaku_assets.adapters.storage.engine import Database, open_database
from miraikakaku_assets.domain.errors import DependencyUnavailableError
from miraikakaku_assets_tests.support.patience import PATIENCE, until

pytestmark = pytest.mark.slow
START = "import sys, pathlib; from miraikakaku_assets.adapters.storage import embedded; "
START += "print(embedded.ensure_running(pathlib.Path(sys.argv[1])))"


@pytest.fixture
def home() -> Iterator[Path]:
    """A state folder whose server is stopped afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="miraikakaku-embedded-"))
    folder.chmod(0o755)  # as root the server runs as another user
    yield folder
    embedded.stop(folder)
    shutil.rmtree(folder, ignore_errors=True)


def postmaster(home: Path) -> int:
    return int((embedded.data_folder(home) / "postmaster.pid").read_text().split()[0])


def query(url: str, statement: str) -> object:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg2"))
    with engine.connect() as connection:
        value = connection.execute(text(statement)).scalar()
    engine.dispose()
    return value


def test_three_processes_that_start_it_at_once_share_one_server(home: Path):
    starts = [
        subprocess.Popen([sys.executable, "-c", START, str(home)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    urls = {start.communicate(timeout=PATIENCE)[0].strip() for start in starts}
    assert [start.returncode for start in starts] == [0, 0, 0]
    assert len(urls) == 1
    assert query(urls.pop(), "SELECT 1") == 1


def test_a_first_start_that_is_killed_while_the_cluster_is_made_leaves_nothing_in_the_way(home: Path):
    start = subprocess.Popen([sys.executable, "-c", START, str(home)], stdout=subprocess.DEVNULL)
    folder = embedded.data_folder(home)
    until((folder / "PG_VERSION").exists)
    start.kill()
    makers = [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(folder) in " ".join(process.info["cmdline"] or ())
    ]
    for process in makers:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(makers)
    start.wait()
    assert query(embedded.ensure_running(home), "SELECT count(*) FROM pg_roles WHERE rolcanlogin") == 1


def test_it_recovers_after_a_kill_and_keeps_what_was_committed(home: Path):
    database = open_database(home, None)
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept AS SELECT 42 AS answer"))
    database.close()
    os.kill(postmaster(home), signal.SIGKILL)
    again = open_database(home, None)
    assert query(again.url, "SELECT answer FROM kept") == 42
    again.close()


def test_stopping_is_clean_and_stopping_twice_says_so(home: Path):
    embedded.ensure_running(home)
    assert embedded.stop(home) is True
    assert embedded.stop(home) is False
    log = embedded.data_folder(home) / "log"
    assert "database system is shut down" in log.read_text()

    # Whoever starts it next is told soon if it cannot be started: the reason would not pass by waiting.
    (embedded.data_folder(home) / "miraikakaku.conf").write_text("max_connections = many\n")
    log.write_text("")
    with pytest.raises(DependencyUnavailableError, match="does not start; read "):
        embedded.ensure_running(home)
    assert log.read_text().count("invalid value for parameter") == 3


def test_a_lock_file_that_names_another_program_does_not_block_the_start(home: Path):
    embedded.ensure_running(home)
    pid_file = embedded.data_folder(home) / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    embedded.stop(home)
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    shutil.chown(pid_file, *_owner(embedded.data_folder(home)))
    assert query(embedded.ensure_running(home), "SELECT 1") == 1


def _owner(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_uid, status.st_gid


def test_an_unreachable_database_is_named_without_its_password():
    with pytest.raises(DependencyUnavailableError) as caught:
        Database("postgresql://operator:hunter2@127.0.0.1:1/prices").check()
    assert "127.0.0.1:1/prices" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(DependencyUnavailableError), Database("postgresql://o:hunter2@127.0.0.1:1/p").bulk():
        pass


def test_a_bulk_connection_heals_after_a_restart_of_the_server(home: Path):
    database = open_database(home, None)
    for _ in range(2):
        with database.bulk() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
        embedded.stop(home)
        embedded.ensure_running(home)
    database.close()
