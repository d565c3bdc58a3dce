"""Back to a moment: what was committed until then is there, and what came later is not."""

import os
import shutil
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from miraikakaku_assets.adapters.files.service_lock import services_admitted, services_kept_out
from miraikakaku_assets.adapters.storage import embedded, embedded_archive
from miraikakaku_assets.adapters.storage.backups.base_check import checked_base
from miraikakaku_assets.adapters.storage.backups.programs import Programs
from miraikakaku_assets.adapters.storage.backups.wal import EmbeddedWal
from miraikakaku_assets.application.backups.keep_log import LogPorts, go_back, make_base
from miraikakaku_assets.application.work_progress import WorkProgress
from miraikakaku_assets.domain.errors import BackupError, BackupRefusedError
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.in_process import InProcess
from miraikakaku_assets_tests.support.patience import until

pytestmark = pytest.mark.slow


class Server:
    """An embedded server of its own that archives its log; nothing in it waits for the disk."""

    def __init__(self, home: Path) -> None:
        self.home, self.archive = home, home / "backups" / "wal"
        self.wal = EmbeddedWal(home, home / "backups")
        self.ports = LogPorts(self.wal, timedelta(days=2), WorkProgress(), lambda: services_kept_out(home))
        self("ALTER SYSTEM SET fsync = off")
        self("CREATE TABLE kept (n int)")

    def __call__(self, query: str) -> list[Any]:
        connection = psycopg2.connect(embedded.ensure_running(self.home, self.archive))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(query)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def add(self, number: int) -> datetime:
        """Commits a row; returns a moment at which it is there and the next one is not."""
        self(f"INSERT INTO kept VALUES ({number})")
        moment: datetime = self("SELECT clock_timestamp()")[0][0]
        return moment

    def held(self) -> list[int]:
        return [row[0] for row in self("SELECT n FROM kept ORDER BY n")]

    def kill(self) -> None:
        """Ends the server as a crash of the machine would."""
        process = int((self.home / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(process, signal.SIGKILL)
        until(lambda: embedded.url_if_running(self.home) is None)


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("a home with 50% of blanks")
    for folder in (home, *home.parents[:3]):
        folder.chmod(0o755)  # as root the server runs as another user
    made = Server(home)
    yield made
    embedded.stop(home)
    shutil.rmtree(home)


def test_exactly_what_was_committed_until_then(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    here = InProcess(monkeypatch, capsys)
    command = Command(tmp_path, {}).with_(MIRAIKAKAKU_HOME=server.home, BACKUP_WAL="on")
    first = make_base(server.ports).base
    moment = server.add(1)
    server("DELETE FROM kept")
    server("CREATE TABLE junk AS SELECT generate_series(1, 1000)")
    asked = ("restore", "--to-time", moment.isoformat(), "--json")

    for options, code, words in (
        (("--to-time", "2026-11-30T12:00"), 2, "needs an offset"),
        (("--to-time", "9000-01-01T00:00Z", "--yes"), 2, "is in the future"),
        (("--to-time", "2020-01-01T00:00Z", "--yes"), 1, "the oldest base backup ended at"),
        (("--to-time", moment.isoformat()), 2, "repeat with --yes"),
        (("latest", "--to-time", moment.isoformat()), 2, "takes no backup"),
        ((), 2, "Name a backup"),
    ):
        ended = here(command, "restore", *options)
        assert (ended.code, words in ended.err) == (code, True), ended.err
    with services_admitted(server.home):
        assert here(command, *asked, "--yes").code == 2
    company = psycopg2.connect(embedded.ensure_running(server.home), application_name="somebody")
    refused = here(command, *asked, "--yes")
    company.close()
    assert "in use by somebody (1)" in refused.document["error"]
    assert server.held() == []

    ended = here(command, *asked, "--yes")

    assert ended.code == 0, ended.err
    assert server.held() == [1]
    assert server("SELECT to_regclass('junk')") == [(None,)]
    assert ended.document["base"] == first.name
    assert datetime.fromisoformat(ended.document["last_change_at"]) <= moment
    assert (server.home / "postgres.replaced").is_dir()
    listed = here(command, "backups", "--json").document["bases"]
    assert [base["name"] for base in listed] == [ended.document["following"]["name"], first.name]


def test_a_server_that_is_lost_gives_what_it_had_not_archived(server: Server) -> None:
    make_base(server.ports)
    moment = server.add(1)
    server.add(2)
    server.kill()
    (server.home / "postgres" / "global" / "pg_control").write_bytes(bytes(8192))

    go_back(moment, server.ports, confirmed=True)

    assert server.held() == [1]
    later = server.add(3)
    server.add(4)
    go_back(later, server.ports, confirmed=True)
    assert server.held() == [1, 3], "what is in force now is followed, and what was left is not"


def test_a_gap_or_a_damaged_base_is_refused_and_nothing_is_replaced(server: Server) -> None:
    base = make_base(server.ports).base
    server.add(1)
    server("SELECT pg_switch_wal()")
    moment = server.add(2)
    server("SELECT pg_switch_wal()")
    until(lambda: server.wal.state().waiting == 0)
    gap = max(path for path in server.archive.glob("*.gz") if ".backup" not in path.name)
    gap.unlink()

    with pytest.raises(BackupRefusedError, match="ends before that") as refused:
        go_back(moment, server.ports, confirmed=True)

    assert refused.value.rule == "not_reached"
    assert server.held() == [1, 2]
    altered = base.folder / "data" / "global" / "pg_filenode.map"
    content = altered.read_bytes()
    altered.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BackupError, match=r"global/pg_filenode\.map is not what the server has sent"):
        checked_base(base.folder / "data", Programs("postgresql:///postgres", 18))


def test_what_cannot_be_archived_is_counted_and_comes_later(server: Server) -> None:
    aside = server.archive.with_name("aside")
    server.archive.rename(aside)
    server.add(1)
    server("SELECT pg_switch_wal()")
    until(lambda: server.wal.state().last_failed_at)

    behind = server.wal.state()
    assert behind.is_on
    assert behind.waiting >= 1
    assert behind.waiting_bytes == behind.waiting * 16 * 2**20
    assert behind.waiting_since is not None

    aside.rename(server.archive)
    server("SELECT pg_switch_wal()")
    until(lambda: server.wal.state().waiting == 0)


@pytest.mark.parametrize("renamings", [0, 1, 2])
def test_killed_between_two_renamings_the_next_start_finishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renamings: int
) -> None:
    folder, new = tmp_path / "postgres", tmp_path / "postgres.recovering"
    for path, content in ((folder, "old"), (new, "new")):
        path.mkdir()
        (path / "what").write_text(content)
    rename, done = Path.rename, list[Path]()

    def killed(path: Path, target: Path) -> Path:
        if len(done) == renamings:
            raise KeyboardInterrupt
        done.append(target)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        embedded_archive.exchange(folder, new)
    monkeypatch.undo()

    embedded_archive.finish_exchange(folder)

    assert (folder / "what").read_text() == ("new" if renamings == 2 else "old")
