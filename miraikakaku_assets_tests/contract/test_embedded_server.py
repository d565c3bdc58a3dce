"""The embedded PostgreSQL: one server whoever starts it, back after a crash, gone when told."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage import embedded
from miraikakaku_assets.adapters.storage.engine import EMBEDDED_DATABASE, Database, open_database


@pytest.fixture
def home() -> Iterator[Path]:
    """A state folder of its own with a short path; its server is stopped afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="mk"))
    folder.chmod(0o755)
    yield folder
    for each in [folder, *(path.parent for path in folder.rglob("postgres") if path.is_dir())]:
        embedded.stop(each)
    shutil.rmtree(folder)


def postmaster(home: Path) -> psutil.Process:
    return psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split()[0]))


def answer(url: str, query: str = "SELECT 1") -> object:
    database = Database(url)
    try:
        with database.engine.begin() as connection:
            return connection.scalar(text(query))
    finally:
        database.close()


PROCESS = textwrap.dedent("""
    import sys
    from pathlib import Path
    from miraikakaku_assets.adapters.storage.engine import open_database

    print("ready", flush=True)
    sys.stdin.readline()
    database = open_database(Path(sys.argv[1]), None)
    database.check()
    print(database.url)
""")


def test_three_processes_that_start_it_at_the_same_moment_share_one_server(home: Path) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    urls = set()
    for worker in workers:
        out, errors = worker.communicate(timeout=120)
        assert worker.returncode == 0, errors
        urls.add(out.strip())
    assert len(urls) == 1
    assert f"/{EMBEDDED_DATABASE}?" in urls.pop()
    log = (home / "postgres" / "log").read_text()
    assert log.count("database system is ready to accept connections") == 1
    assert "FATAL" not in log


def test_server_outlives_whoever_started_it_and_stops_cleanly(home: Path) -> None:
    url = embedded.ensure_running(home)
    assert embedded.is_running(home)
    assert embedded.ensure_running(home) == url
    process = postmaster(home)
    assert embedded.stop(home) is True
    assert not process.is_running()
    assert not (home / "postgres" / "postmaster.pid").exists()
    assert "database system is shut down" in (home / "postgres" / "log").read_text()
    assert not embedded.is_running(home)
    assert embedded.stop(home) is False
    assert answer(embedded.ensure_running(home)) == 1


def test_committed_data_survive_a_killed_server(home: Path) -> None:
    url = embedded.ensure_running(home)
    answer(url, "CREATE TABLE kept AS SELECT 7 AS x; SELECT 1")
    process = postmaster(home)
    os.kill(process.pid, signal.SIGKILL)
    again = embedded.ensure_running(home)
    assert answer(again, "SELECT x FROM kept") == 7
    assert postmaster(home).pid != process.pid


def test_lock_left_behind_by_a_machine_that_went_down_is_no_server(home: Path) -> None:
    # After a restart of the machine the number in postmaster.pid may belong to any program: here to this one.
    embedded.ensure_running(home)
    lock = home / "postgres" / "postmaster.pid"
    left = lock.read_text().split("\n")
    process = postmaster(home)
    os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.05)
    lock.write_text("\n".join([str(os.getpid()), *left[1:]]))
    assert not embedded.is_running(home)
    assert answer(embedded.ensure_running(home)) == 1


def test_state_folder_with_a_path_too_long_for_a_socket_works(home: Path) -> None:
    deep = home.joinpath(*["a_rather_long_folder_name"] * 5)
    assert len(str(deep / "postgres" / ".s.PGSQL.5432")) > 107
    url = embedded.ensure_running(deep)
    assert answer(url) == 1
    assert embedded.stop(deep) is True


def test_folder_with_spaces_and_japanese_letters_works(home: Path) -> None:
    folder = home / "株 価"
    assert answer(open_database(folder, None).url) == 1
    assert embedded.stop(folder) is True


def test_two_state_folders_have_two_servers(home: Path) -> None:
    first, second = embedded.ensure_running(home / "a"), embedded.ensure_running(home / "b")
    assert first != second
    answer(first, "CREATE TABLE only_here (x int); SELECT 1")
    assert answer(second, "SELECT to_regclass('only_here')") is None
    assert embedded.stop(home / "a") is True
    assert answer(second) == 1


def test_client_programs_are_at_hand(home: Path) -> None:
    url = embedded.ensure_running(home)
    for name in ("psql", "pg_dump", "pg_restore"):
        assert embedded.tool(name).is_file()
    done = subprocess.run(
        [embedded.tool("psql"), url, "-Atc", "SELECT 6 * 7"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "42"
