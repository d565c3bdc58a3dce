"""Use case: remove what has had its time, and keep the tables in shape."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from miraikakaku_assets.application.backups.make_backup import BackupPorts, dated, let_go
from miraikakaku_assets.application.cold.move_bars import (
    ColdPorts,
    due_parts,
    forget_leftovers,
    leftovers,
    move_bars,
)
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.operations.maintenance import FILES, ROWS, OldFiles, OldRows
from miraikakaku_assets.application.work_progress import WorkProgress
from miraikakaku_assets.domain.backups.retention import kept
from miraikakaku_assets.domain.errors import ConfigurationError

BACKUPS, MODELS, COLD, TABLES = "backups", "models", "cold", "tables"
PARTS = (*FILES, BACKUPS, MODELS, *ROWS, COLD, TABLES)
"""What maintenance does, in this order."""


@dataclass(frozen=True)
class MaintenancePorts:
    """What maintenance needs.

    Attributes:
        rows: Rows of the database.
        files: Files below the state folder.
        backups: Backups.
        cold: Cold storage.
        retention: Part → how long is kept what belongs to it.
        clock: Where the time comes from.
        work: Is told how far it is.
    """

    rows: OldRows
    files: OldFiles
    backups: BackupPorts
    cold: ColdPorts
    retention: Mapping[str, timedelta]
    clock: Clock
    work: WorkProgress


@dataclass(frozen=True)
class MaintainedPart:
    """What was done of a part.

    Attributes:
        part: Of `PARTS`.
        count: What left, or would leave; tables that were vacuumed.
        noun: What is counted, in the singular.
        seconds: Wall time.
    """

    part: str
    count: int
    noun: str
    seconds: float


def run_maintenance(
    parts: Collection[str], ports: MaintenancePorts, *, dry_run: bool = False
) -> list[MaintainedPart]:
    """Does some parts of the maintenance; killed anywhere, the same again does the rest.

    Args:
        parts: Of `PARTS`; none means all.
        ports: What it needs.
        dry_run: Only count what would leave.

    Raises:
        ConfigurationError: There is no such part.
    """
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise ConfigurationError(
            f"There is no maintenance of {unknown[0]!r}; the parts are {', '.join(PARTS)}"
        )
    chosen = [part for part in PARTS if part in parts] if parts else list(PARTS)
    ports.work.begin()
    ports.work.plan(dict.fromkeys(chosen, 1.0))
    done = []
    for part in chosen:
        begun = time.monotonic()
        ports.work.start(part)
        count, noun = _do(part, ports, dry_run=dry_run)
        ports.work.finish(part)
        done.append(MaintainedPart(part, count, noun, time.monotonic() - begun))
    return done


def _do(part: str, ports: MaintenancePorts, *, dry_run: bool) -> tuple[int, str]:
    if part == TABLES:
        return (ports.rows.tables() if dry_run else sum(1 for _ in ports.rows.vacuum())), "table"
    if part == BACKUPS:
        return _backups(ports.backups, dry_run=dry_run), "backup"
    if part == COLD:
        return _cold(ports, dry_run=dry_run), "file"
    before = ports.clock() - ports.retention[part]
    if part in ROWS:
        return (ports.rows.count(part, before) if dry_run else sum(ports.rows.prune(part, before))), "row"
    if part == MODELS:
        files = ports.files.unnamed_models(ports.rows.newest_models(), before)
    else:
        files = ports.files.older(part, before)
    return len(files) if dry_run else ports.files.remove(files), "file"


def _backups(ports: BackupPorts, *, dry_run: bool) -> int:
    if not dry_run:
        with ports.shelf.exclusive():
            return len(let_go(ports))
    listed = ports.shelf.listed()
    return len(listed) - len(kept(map(dated, listed), ports.keeping))


def _cold(ports: MaintenancePorts, *, dry_run: bool) -> int:
    """Bars leave where COLD_AFTER_DAYS is set; files that nobody reads any more leave in any case."""
    cold = ports.cold
    unread = leftovers(cold)
    if dry_run:
        return len(unread) + (len(due_parts(cold)) if cold.after_days else 0)
    removed = ports.files.remove(unread)
    forget_leftovers(cold)
    return removed + (len(move_bars(cold)) if cold.after_days else 0)
