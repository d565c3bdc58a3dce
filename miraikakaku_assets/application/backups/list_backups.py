"""Use case: which backups there are, how old, and until when they stay; how long a recovery takes."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from miraikakaku_assets.application.backups.make_backup import BackupPorts, MadeBackup, dated, make_backup
from miraikakaku_assets.application.ports.operations.backups import (
    BackupKind,
    BackupShelf,
    Manifest,
    StoredBackup,
)
from miraikakaku_assets.application.reporting.marked_page import put_between
from miraikakaku_assets.domain.backups.retention import Keeping, kept
from miraikakaku_assets.domain.errors import BackupRefusedError

BEGIN, END = "<!-- recovery: begin, written by `miraikakaku backup --measure` -->", "<!-- recovery: end -->"
_MIB = 2**20


@dataclass(frozen=True)
class ListedBackup:
    """A backup as it is shown.

    Attributes:
        backup: Where it lies and what it says.
        age: Since the moment whose contents it holds.
        kept_until: Day (Tokyo) until which it stays; None if the next backup removes it.
    """

    backup: StoredBackup
    age: timedelta
    kept_until: date | None


@dataclass(frozen=True)
class Recovery:
    """How much would be lost and how long it would take to have the rest back.

    Attributes:
        measured_at: UTC.
        bytes: Of the database.
        rows: Of all tables.
        age_before: Age of the newest good backup before this one; None without one. The most that is lost.
        backup_seconds: The whole backup, its verification included.
        dump_seconds: Copying the database alone.
        restore_seconds: Restoring into an empty database, indexes and comparison included.
    """

    measured_at: datetime
    bytes: int
    rows: int
    age_before: timedelta | None
    backup_seconds: float
    dump_seconds: float
    restore_seconds: float


def list_backups(shelf: BackupShelf, keeping: Keeping, now: datetime) -> list[ListedBackup]:
    """All backups that can be read, newest first."""
    listed = shelf.listed()
    until = kept(map(dated, listed), keeping)
    return [
        ListedBackup(backup, now - backup.manifest.dump.taken_at, until.get(backup.folder.name))
        for backup in listed
    ]


def newest_good(shelf: BackupShelf) -> Manifest | None:
    """The newest verified backup that lies in its place."""
    good = (backup.manifest for backup in shelf.listed() if backup.manifest.verified_at)
    return max(good, key=lambda manifest: manifest.dump.taken_at, default=None)


def newest_trouble(shelf: BackupShelf) -> str:
    """Why the newest backup that was good once is not whole any more; empty where it is, or where there is none."""
    good = [backup for backup in shelf.listed() if backup.manifest.verified_at]
    newest = max(good, key=lambda backup: backup.manifest.dump.taken_at, default=None)
    broken = [
        unreadable for unreadable in shelf.unreadable() if newest is None or unreadable.folder > newest.folder
    ]
    if broken:
        return broken[0].trouble
    try:
        if newest is not None:
            shelf.require_sizes(newest)
    except BackupRefusedError as error:
        return str(error)
    return ""


def measure_recovery(ports: BackupPorts) -> tuple[MadeBackup, Recovery]:
    """Makes a backup and says what it would take to recover from it; its trial is a whole restore."""
    before = newest_good(ports.shelf)
    size = ports.copies.size()
    made = make_backup(BackupKind.MANUAL, ports)
    manifest = made.manifest
    return made, Recovery(
        manifest.dump.taken_at,
        size,
        sum(table.rows for table in manifest.dump.tables.values()),
        None if before is None else manifest.dump.taken_at - before.dump.taken_at,
        made.seconds,
        manifest.dump.dump_seconds,
        manifest.seconds["verify"],
    )


def recovery_lines(recovery: Recovery) -> str:
    """The table of docs/operations.md."""
    age = (
        "no backup before"
        if recovery.age_before is None
        else f"{recovery.age_before.total_seconds() / 3600:.1f} h"
    )
    cells = {
        "measured": f"{recovery.measured_at:%Y-%m-%d %H:%M} UTC",
        "database": f"{recovery.bytes / _MIB:,.0f} MiB, {recovery.rows:,} rows",
        "age of the newest good backup just before (RPO)": age,
        "backup, verified": f"{recovery.backup_seconds:,.1f} s",
        "of it the copy": f"{recovery.dump_seconds:,.1f} s",
        "restore with comparison (RTO)": f"{recovery.restore_seconds:,.1f} s",
    }
    return "\n".join(
        ["| what | figure |", "|---|---|", *(f"| {name} | {text} |" for name, text in cells.items())]
    )


def with_recovery(page: str, recovery: Recovery) -> str:
    """A page with these figures between its marks.

    Raises:
        ConfigurationError: The page does not have one pair of marks.
    """
    return put_between(page, BEGIN, END, recovery_lines(recovery))
