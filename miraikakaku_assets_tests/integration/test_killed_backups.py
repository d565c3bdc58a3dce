"""A backup that is killed does not count; a restore that is killed leaves the old database or the new one."""

from collections.abc import Callable
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

import pytest

from miraikakaku_assets.adapters.files.backups.shelf import FolderBackups
from miraikakaku_assets.adapters.storage.backups.copies import PostgresCopies
from miraikakaku_assets.application.backups.make_backup import make_backup
from miraikakaku_assets.application.backups.restore_backup import RestoreRequest, restore_backup
from miraikakaku_assets.application.ports.operations.backups import BackupKind
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.support.command import Command
from miraikakaku_assets_tests.support.in_process import ports_of
from miraikakaku_assets_tests.support.installations.backed_up import NOW, backed_up_installation
from miraikakaku_assets_tests.support.killing import forked, kill_forked

pytestmark = pytest.mark.slow

STEPS = (
    (PostgresCopies, "dump"),
    (PostgresCopies, "_fill"),
    (PostgresCopies, "_exchange"),
    (FolderBackups, "compress"),
    (FolderBackups, "place"),
    (FolderBackups, "return_models"),
)
HELD = "SELECT (SELECT sum(volume)::int FROM miraikakaku.price_bars), (SELECT value FROM dagster.kvs WHERE key = 'a')"
OLD, NEW = (1, "now"), (252500, "one")


def work(steps: Connection, what: str, home: str, url: str, now: str) -> None:
    """Makes a backup, or restores one, and tells of each step before it begins."""
    for kind, name in STEPS:
        setattr(kind, name, _telling(getattr(kind, name), name, steps))
    settings = Settings(_env_file=None, miraikakaku_home=home, database_url=url)
    ports = Ports(settings, lambda: datetime.fromisoformat(now)).backups.backup_ports()
    if what == "backup":
        make_backup(BackupKind.MANUAL, ports)
    else:
        restore_backup(RestoreRequest(what, confirmed=True), ports)


def _telling(step: Callable[..., Any], name: str, steps: Connection) -> Callable[..., Any]:
    def tell(*arguments: Any, **options: Any) -> Any:
        steps.send(name)
        return step(*arguments, **options)

    return tell


@pytest.fixture
def command(installed_url: str, tmp_path: Any) -> Command:
    return backed_up_installation(tmp_path, installed_url)


def arguments(command: Command, what: str) -> tuple[str, ...]:
    return what, command.variables["MIRAIKAKAKU_HOME"], command.variables["DATABASE_URL"], NOW.isoformat()


def listed(command: Command) -> list[Any]:
    return ports_of(command, NOW).backups.shelf().listed()


def test_a_killed_backup_never_counts(command: Command) -> None:
    assert forked(work, *arguments(command, "backup")) == ["dump", "_fill", "compress", "place"]
    folder = command.folder / "home" / "backups"
    # in the trial, and while it is put into its place
    kill_forked(work, *arguments(command, "backup"), steps=2, seconds=0.05)
    assert len(listed(command)) == 1
    kill_forked(work, *arguments(command, "backup"), steps=4)
    before = len(listed(command))
    assert before in {1, 2}

    forked(work, *arguments(command, "backup"))

    assert len(listed(command)) == before + 1
    assert not [path for path in folder.iterdir() if path.name.startswith(".") and path.is_dir()]
    statuses = [row[0] for row in command.rows("SELECT status FROM miraikakaku.backups ORDER BY name")]
    assert "running" not in statuses
    assert statuses.count("good") + statuses.count("interrupted") == len(statuses)


def test_a_killed_restore_leaves_the_old_or_the_new(command: Command) -> None:
    forked(work, *arguments(command, "backup"))
    (saved,) = listed(command)
    command.execute("UPDATE miraikakaku.price_bars SET volume = CASE WHEN ctid = '(0,1)' THEN 1 ELSE 0 END")
    command.execute("UPDATE dagster.kvs SET value = 'now'")
    # the backup of what is there: dump, trial, compress, place; then models, the new database, the exchange
    for steps, seconds in ((6, 0.0), (6, 0.1), (7, 0.0), (7, 0.01)):
        begun = kill_forked(work, *arguments(command, saved.folder.name), steps=steps, seconds=seconds)
        (held,) = command.rows(HELD)
        assert held in (OLD, NEW)
        if "_exchange" not in begun:
            assert held == OLD

    forked(work, *arguments(command, saved.folder.name))

    assert command.rows(HELD) == [NEW]
    name = command.rows("SELECT current_database()")[0][0]
    assert command.rows(f"SELECT count(*) FROM pg_database WHERE datname LIKE '{name[:40]}%%'") == [(1,)]
