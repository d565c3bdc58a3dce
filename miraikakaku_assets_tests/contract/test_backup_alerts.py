"""What is said of backups that are missing or not known to be good."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.files.backups.shelf import FolderBackups
from miraikakaku_assets.adapters.storage.alerts.store import PostgresAlerts
from miraikakaku_assets.adapters.storage.backups.history import PostgresBackupHistory
from miraikakaku_assets.adapters.storage.backups.wal import EmbeddedWal
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.alerting.alert_rule import AlertPorts, reconcile
from miraikakaku_assets.application.alerting.conditions.backup_alerts import backup_evaluations
from miraikakaku_assets.application.ports.operations.backups import (
    FORMAT,
    BackupAttempt,
    BackupKind,
    BackupStatus,
    Dump,
    Manifest,
)
from miraikakaku_assets.application.ports.operations.wal import ArchiveState

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)


class Archive(EmbeddedWal):
    """An archive whose server says this of it."""

    def __init__(self, state: ArchiveState) -> None:
        self._state = state

    def state(self) -> ArchiveState:
        return self._state


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

    def judged_log(self, state: ArchiveState) -> set[str]:
        evaluations = backup_evaluations(self.shelf, self.history, self.now, Archive(state))
        return {evaluation.key for evaluation in evaluations if evaluation.alert is not None}

    def judged(self) -> tuple[set[str], set[str]]:
        ports = AlertPorts(PostgresAlerts(self.database), lambda: self.now)
        changes = reconcile(backup_evaluations(self.shelf, self.history, self.now), ports)
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


def test_a_log_that_is_not_archived(watch: Watch) -> None:
    fine = ArchiveState(
        is_on=True,
        last_archived_at=NOW,
        last_failed_at=None,
        waiting=1,
        waiting_bytes=2**24,
        waiting_since=NOW - timedelta(minutes=14),
        newest_base_at=NOW - timedelta(hours=25),
    )
    behind = {"backup/wal_behind"}

    assert watch.judged_log(fine) == set()
    assert watch.judged_log(replace(fine, waiting_since=NOW - timedelta(minutes=16))) == behind
    assert watch.judged_log(replace(fine, is_on=False)) == behind
    assert watch.judged_log(replace(fine, newest_base_at=NOW - timedelta(hours=27))) == behind
