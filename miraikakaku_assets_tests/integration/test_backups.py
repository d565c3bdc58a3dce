"""Backups through the command line: what is restored is what was saved, and what is damaged is refused by name."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.in_process import InProcess
from miraikakaku_assets_tests.support.installations.backed_up import (
    MODEL,
    PASSWORD,
    SLACK,
    backed_up_installation,
)

pytestmark = pytest.mark.slow

HELD = """SELECT (SELECT count(*) FROM miraikakaku.price_bars), (SELECT sum(volume) FROM miraikakaku.price_bars),
    (SELECT value FROM dagster.kvs WHERE key = 'a')"""
WHOLE = [(5000, 252500, "one")]
FIVE_MINUTES = """
    INSERT INTO miraikakaku.price_bars (instrument_id, timeframe, ts, open, high, low, close, volume, source, status,
        fetched_at)
    SELECT 1, '5m', ts, 1, 2, 1, 1, 5, 'yahoo', 'final', ts
    FROM generate_series(timestamptz '2020-01-05 00:00+00', timestamptz '2020-05-05 00:00+00', interval '6 hours')
        AS ts"""


@pytest.fixture
def command(installed_url: str, tmp_path: Path) -> Command:
    return backed_up_installation(tmp_path, installed_url)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> InProcess:
    return InProcess(monkeypatch, capsys)


def made(here: InProcess, command: Command, *options: object) -> tuple[dict[str, Any], Path]:
    ended = here(command, "backup", "--json", *options)
    assert ended.code == 0, ended.err
    return ended.document, Path(ended.document["folder"])


def databases(command: Command) -> list[str]:
    name = str(make_url(command.variables["DATABASE_URL"]).database)
    query = f"SELECT datname FROM pg_database WHERE datname LIKE '{name[:40]}%%'"
    return [row[0] for row in command.rows(query)]


def test_there_and_back(here: InProcess, installed_url: str, tmp_path: Path) -> None:
    command = backed_up_installation(tmp_path, installed_url, whole=True)
    document, folder = made(here, command)
    command.execute(
        "DELETE FROM miraikakaku.price_bars WHERE volume > 5; UPDATE dagster.kvs SET value = 'two'"
    )
    model = command.folder / "home" / "models" / MODEL
    model.unlink()

    asked = here(command, "restore", "latest")
    assert asked.code == 2
    assert "repeat with --yes" in asked.err
    assert command.rows(HELD)[0][2] == "two"
    restored = here(command, "restore", document["name"], "--yes", "--json")
    assert restored.code == 0, restored.err

    assert command.rows(HELD) == WHOLE
    assert model.read_bytes() == b"weights"
    before = restored.document["before"]
    # what was there before can be had back, a part of it alone, too
    back = here(command, "restore", before, "--only", "dagster", "--yes", "--json")
    assert back.code == 0, back.err
    assert command.rows(HELD) == [(5000, 252500, "two")]
    listed = here(command, "backups", "--json").document["backups"]
    assert [entry["kind"] for entry in listed] == ["before_restore", "before_restore", "manual"]
    assert all(entry["verified"] and entry["kept_until"] for entry in listed)
    account = command.rows("SELECT name, status FROM miraikakaku.backups ORDER BY name DESC")
    assert account == [(entry["name"], "good") for entry in listed]
    assert len(databases(command)) == 1, "databases of trials and the replaced ones are gone"
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".") and path.is_dir()]


def test_bars_in_files_are_saved_and_come_back(here: InProcess, command: Command) -> None:
    command.execute(FIVE_MINUTES)
    moved = here(command.with_(COLD_AFTER_DAYS=90), "cold", "move", "--json").document
    (_, earlier), (_, folder) = made(here, command), made(here, command)
    lost, altered, *_ = paths = [command.folder / "home" / "cold" / file["path"] for file in moved["files"]]
    saved = [[backup / "cold" / file["path"] for file in moved["files"]] for backup in (earlier, folder)]
    assert all(old.samefile(new) for old, new in zip(*saved, strict=True)), "one file for all backups"
    assert not any(old.samefile(path) for old, path in zip(saved[0], paths, strict=True))
    contents = [path.read_bytes() for path in paths]
    lost.unlink()
    altered.write_bytes(b"".join(reversed(contents)))

    damaged = here(command, "cold", "verify", "--json")
    unverified = here(command, "backup", "--json")
    restored = here(command, "restore", folder, "--yes", "--only", "data", "--json")

    assert moved["rows"] == (27 + 29 + 31 + 30) * 4, "May stays: it has the newest bar"
    assert damaged.code == 1
    assert sorted(damaged.document["damaged"]) == [file["path"] for file in moved["files"][:2]]
    assert unverified.code == 1
    assert "cold file" in unverified.document["unverified_because"]
    assert (restored.document["cold_files"], len(paths)) == (2, 4)
    assert [path.read_bytes() for path in paths] == contents
    assert here(command, "cold", "verify", "--json").document == {
        "succeeded": True,
        "files": 4,
        "damaged": {},
    }


def test_no_secret_is_in_it(here: InProcess, command: Command) -> None:
    _, folder = made(here, command)
    texts = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert b"BACKUP_KEEP_DAILY=7" in texts["settings.env"]
    for secret in (PASSWORD, SLACK):
        assert not [name for name, content in texts.items() if secret.encode() in content]
    assert folder.stat().st_mode & 0o077 == 0


def alter(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def date_forward(file: Path) -> None:
    """A manifest as a newer program would write it."""
    import hashlib

    document = json.loads(file.read_text())
    document["dump"]["revision"] = "9999"
    file.write_text(json.dumps(document))
    file.with_name("manifest.sha256").write_text(hashlib.sha256(file.read_bytes()).hexdigest())


DAMAGES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "altered table": ("database/*.dat.zst", alter, "altered"),
    "table cut short": ("database/*.dat.zst", cut, "truncated"),
    "table gone": ("database/*.dat.zst", Path.unlink, "truncated"),
    "altered model": (f"models/{MODEL}", alter, "altered"),
    "altered manifest": ("manifest.json", alter, "altered"),
    "no manifest": ("manifest.json", Path.unlink, "not_a_backup"),
    "newer schema": ("manifest.json", date_forward, "too_new"),
}


def test_what_is_damaged_is_refused_by_name_before_anything_is_touched(
    here: InProcess, command: Command
) -> None:
    import shutil

    _, folder = made(here, command)
    command.execute("UPDATE dagster.kvs SET value = 'untouched'")
    for number, (title, (pattern, damage, rule)) in enumerate(DAMAGES.items()):
        broken = folder.with_name(f"broken{number}")
        shutil.copytree(folder, broken)
        damage(max(broken.glob(pattern), key=lambda file: file.stat().st_size))

        ended = here(command, "restore", broken.name, "--yes", "--json")

        assert ended.code == 1, title
        assert ended.document["error"].startswith(f"The backup {broken.name} is refused: "), title
        assert f"[{rule}]" in ended.document["error"], title
    assert here(command, "restore", "nothing", "--yes").code == 1
    assert command.rows(HELD) == [(5000, 252500, "untouched")]
    assert len(here(command, "backups", "--json").document["unreadable"]) == 2


def test_a_copy_that_lost_a_row_never_counts(
    here: InProcess, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from miraikakaku_assets.adapters.storage.backups.copies import PostgresCopies

    fill = PostgresCopies._fill

    def lose(self: PostgresCopies, name: str, *arguments: Any, **options: Any) -> None:
        fill(self, name, *arguments, **options)
        with self._connected(name) as cursor:
            cursor.execute("UPDATE miraikakaku.price_bars SET volume = volume + 1 WHERE ctid = '(0,1)'")

    made(here, command)
    monkeypatch.setattr(PostgresCopies, "_fill", lose)
    ended = here(command, "backup", "--json")

    assert ended.code == 1
    assert "miraikakaku.price_bars has as many rows and other contents" in ended.document["error"]
    assert len(here(command, "backups", "--json").document["backups"]) == 1
    statuses = command.rows("SELECT status, error <> '' FROM miraikakaku.backups ORDER BY started_at")
    assert statuses == [("good", False), ("failed", True)]


def test_into_a_database_that_is_not_there_yet(here: InProcess, command: Command) -> None:
    made(here, command)
    url = make_url(command.variables["DATABASE_URL"])
    other = url.set(database=f"{str(url.database)[:30]}_other")
    try:
        ended = here(
            command, "restore", "latest", "--into", other.render_as_string(hide_password=False), "--json"
        )

        assert ended.code == 0, ended.err
        assert command.with_(DATABASE_URL=other.render_as_string(hide_password=False)).rows(HELD) == WHOLE
        assert PASSWORD not in ended.out + ended.err
    finally:
        engine = create_engine(url.set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{other.database}" WITH (FORCE)')
        engine.dispose()


def test_nobody_is_pushed_out_by_a_restore(here: InProcess, command: Command) -> None:
    import psycopg2

    from miraikakaku_assets.adapters.files.service_lock import services_admitted

    made(here, command)
    with services_admitted(command.folder / "home"):
        refused = here(command, "restore", "latest", "--yes")
    assert refused.code == 2
    assert "stop `miraikakaku up`" in refused.err
    company = psycopg2.connect(command.variables["DATABASE_URL"], application_name="somebody")
    refused = here(command, "restore", "latest", "--yes")
    company.close()
    assert refused.code == 2
    assert "in use by somebody (1)" in refused.err


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("a disk can only be mounted by root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_full_or_becomes_full(
    here: InProcess, command: Command, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from miraikakaku_assets.adapters.storage.backups.copies import PostgresCopies

    refused = here(command, "backup", "--out", small_disk, "--json")
    assert refused.code == 3
    assert refused.document["error"].startswith("disk full: the backup needs about ")
    (small_disk / "filler").write_bytes(bytes(700_000))
    monkeypatch.setattr(PostgresCopies, "size", lambda _: 1)  # an estimate that was too small
    broken_off = here(command, "backup", "--out", small_disk, "--json")
    assert broken_off.code == 3, broken_off.err
    assert broken_off.document["error"].startswith(
        "disk full while the backup was written; nothing of it counts"
    )
    assert sorted(path.name for path in small_disk.iterdir()) == [".lock", "filler"]
    assert {row[0] for row in command.rows("SELECT status FROM miraikakaku.backups")} == {"failed"}
