"""A full disk is said in one sentence, whoever noticed it, and nothing waits for it to pass."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from miraikakaku_assets import bootstrap
from miraikakaku_assets.adapters.storage import embedded
from miraikakaku_assets.adapters.storage.disk import LEAST_FREE, MIB, NEW_SERVER, require_room
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError
from miraikakaku_assets.main import _as_full_disk, _as_unreachable
from miraikakaku_assets.orchestration.failures import failure, reason_of
from miraikakaku_assets.settings import Settings, settings

FULL = "DO $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"
SAID = r"^disk full, [\d,]+ MiB free under {}; make room there and run the same command again"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("MIRAIKAKAKU_HOME", str(tmp_path))
    settings.cache_clear()
    return tmp_path


def through_sqlalchemy(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text(FULL))


def through_adbc(database: Database) -> None:
    with database.bulk() as connection, connection.cursor() as cursor:
        cursor.execute(FULL)


WAYS = [through_sqlalchemy, through_adbc]


@pytest.mark.parametrize("way", WAYS)
def test_whatever_driver_meets_it(database: Database, home: Path, way: type) -> None:
    with pytest.raises(Exception, match="No space left") as caught:
        way(database)
    error = _as_unreachable(caught.value)
    assert isinstance(error, DependencyUnavailableError)
    with pytest.raises(DependencyUnavailableError, match=SAID.format(home)):
        raise error


@pytest.mark.parametrize("way", WAYS)
def test_in_a_run(database: Database, home: Path, way: type) -> None:
    @dg.op
    def fills_the_disk() -> None:
        way(database)

    @dg.job
    def job() -> None:
        fills_the_disk()

    reason, code = reason_of(job.execute_in_process(raise_on_error=False))
    assert code == 3
    assert reason.startswith("disk full, ")


def test_a_file_that_cannot_be_written(home: Path) -> None:
    error = ConfigurationError("report.json cannot be written")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert str(_as_full_disk(error)).startswith("disk full, ")
    assert failure(error).metadata["exit_code"].value == 3
    assert _as_full_disk(ConfigurationError("something else")) is None
    assert failure(ConfigurationError("something else")).metadata["exit_code"].value == 2


def test_the_disk_of_an_external_database_is_not_measured_here(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:s3cret@db.example.org/prices")
    settings.cache_clear()
    with pytest.raises(Exception, match="No space left") as caught:
        through_sqlalchemy(database)
    assert str(_as_unreachable(caught.value)).startswith("disk full where the database of DATABASE_URL is;")
    external = Settings().model_copy(update={"database_url": SecretStr("postgresql://db/prices")})
    assert str(bootstrap.use(external).full_disk).startswith("disk full where the database")


def test_room_is_asked_for_where_a_folder_will_be(home: Path) -> None:
    require_room(home / "not" / "yet", 1)
    with pytest.raises(DependencyUnavailableError, match=SAID.format(home / "not")):
        require_room(home / "not", 1 << 62)


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """A disk of its own without room for a server."""
    size = (NEW_SERVER - MIB) // MIB
    folder = home / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("a disk can only be mounted by root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_no_server_is_started_on_a_disk_that_cannot_hold_it(small_disk: Path) -> None:
    with pytest.raises(DependencyUnavailableError, match=SAID.format(small_disk)):
        embedded.ensure_running(small_disk)
    assert not (small_disk / "postgres").exists()
    (small_disk / "postgres").mkdir()
    (small_disk / "postgres" / "PG_VERSION").write_text("18\n")
    (small_disk / "filler").write_bytes(bytes(NEW_SERVER - MIB - LEAST_FREE // 2))
    with pytest.raises(DependencyUnavailableError, match=SAID.format(small_disk)):
        embedded.ensure_running(small_disk)
