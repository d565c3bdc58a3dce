"""What is said of backups that are missing or not known to be good."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.files.backups.shelf import FolderBackups
from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
from miraikakaku_assets.adapters.storage.backups.history import PostgresBackupHistory
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.alerting.alert_rule import AlertPorts
from miraikakaku_assets.application.alerting.backup_alerts import judge_backups
from miraikakaku_assets.application.ports.backups import (
    FORMAT,
    BackupAttempt,
    BackupKind,
    BackupStatus,
    Dump,
    Manifest,
)

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)


@dataclass
class Watch:
    """An installation whose first data came ten days ago."""

    database: Database
    folder: Path
    now: datetime = NOW
    shelf: FolderBackups = field(init=False)

    def __post_init__(self) -> None:
        self.shelf = FolderBackups(self.folder, self.folder)
        self.history = PostgresBackupHistory(self.database)

    def attempt(self, hours_ago: float, status: BackupStatus, error: str = "") -> None:
        moment = self.now - timedelta(hours=hours_ago)
        name = f"{moment:%Y%m%dT%H%M%SZ}"
        self.history.end(BackupAttempt(name, BackupKind.SCHEDULED, status, moment, moment, error=error))
        if status is BackupStatus.GOOD:
            dump = Dump(moment, "18", "0013", {}, (), 1.0)
            manifest = Manifest(FORMAT, name, BackupKind.SCHEDULED, "0", dump, moment, moment, moment)
            with self.shelf.exclusive(), self.shelf.begin(name, 0) as unfinished:
                self.shelf.place(unfinished, manifest)

    def judged(self) -> tuple[set[str], set[str]]:
        ports = AlertPorts(PostgresAlerts(self.database), lambda _: (), lambda: self.now)
        changes = judge_backups(self.shelf, self.history, ports)
        return set(changes.raised), set(changes.resolved)


@pytest.fixture
def watch(database: Database, tmp_path: Path) -> Watch:
    return Watch(database, tmp_path)


def test_from_the_first_data_to_a_good_backup(watch: Watch) -> None:
    assert watch.judged() == (set(), set()), "there is nothing to lose yet"
    with watch.database.engine.begin() as connection:
        connection.execute(
            text("""INSERT INTO miraikakaku.batch_executions (batch_type, status, universe, timeframe, source,
                total_stocks, start_time) VALUES ('partial', 'completed', 'jp', '1d', 'yahoo', 1, :moment)"""),
            {"moment": NOW - timedelta(hours=25)},
        )
    assert watch.judged() == (set(), set())
    watch.now += timedelta(hours=2)
    watch.attempt(1, BackupStatus.FAILED, "disk full")
    assert watch.judged() == ({"backup/missed", "backup/unverified"}, set())
    assert watch.judged() == (set(), set()), "said once"

    watch.attempt(0.5, BackupStatus.GOOD)
    assert watch.judged() == (set(), {"backup/missed", "backup/unverified"})

    watch.now += timedelta(hours=27)
    watch.attempt(7, BackupStatus.RUNNING)  # killed: nobody has ended it
    assert watch.judged() == ({"backup/missed", "backup/unverified"}, set())
