"""Use case: make a backup that is known to be good, and let go of those that are old enough."""

import errno
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.operations.backups import (
    FORMAT,
    BackupAttempt,
    BackupHistory,
    BackupKind,
    BackupShelf,
    BackupStatus,
    DatabaseCopies,
    Dump,
    Manifest,
    StoredBackup,
    figures_differ,
)
from miraikakaku_assets.application.ports.operations.cold import ColdStore
from miraikakaku_assets.application.work_progress import WorkProgress
from miraikakaku_assets.domain.backups.retention import Dated, Keeping, kept
from miraikakaku_assets.domain.errors import BackupError, DependencyUnavailableError

_SHARES = {"copy the database": 3.0, "restore and compare": 5.0, "compress": 2.0, "put into place": 1.0}
"""Steps, and how long they take beside each other."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_SHOWN = 3


@dataclass(frozen=True)
class BackupPorts:
    """What backups need.

    Attributes:
        copies: Copies of the database.
        shelf: Where backups lie.
        history: Account of the attempts.
        cold: Which bars lie in files beside the database.
        clock: Where the time comes from.
        settings: Settings without secrets, as they are written into a backup.
        program: Version of this program.
        known_revisions: Schemas that this program can bring to its own.
        shares_disk: Whether the database lies on this machine, so that a trial takes room here, too.
        keeping: How many backups are kept.
        work: Is told how far it is.
        alone: Keeps services out while something is replaced; raises `ConfigurationError` where they run.
    """

    copies: DatabaseCopies
    shelf: BackupShelf
    history: BackupHistory
    cold: ColdStore
    clock: Clock
    settings: Mapping[str, str]
    program: str
    known_revisions: Callable[[], frozenset[str]]
    shares_disk: bool
    keeping: Keeping
    work: WorkProgress
    alone: Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class MadeBackup:
    """A backup that was made.

    Attributes:
        backup: Where it lies and what it says of itself.
        removed: Names of older ones that were let go.
        seconds: Wall time of the whole.
    """

    backup: StoredBackup
    removed: tuple[str, ...]
    seconds: float

    @property
    def manifest(self) -> Manifest:
        """What it says of itself."""
        return self.backup.manifest


def make_backup(kind: BackupKind, ports: BackupPorts) -> MadeBackup:
    """Copies database, models, cold files and settings, restores the copy and compares it, and puts it in its place.

    Killed at any moment it leaves nothing that counts; the next one removes what it has left.

    Args:
        kind: Why it is made.
        ports: What it needs.

    Raises:
        BackupError: Another one is at work, or the copy does not hold what it should.
        ConfigurationError: The client programs are too old for the server.
        DependencyUnavailableError: There is no room, or the database cannot be reached.
    """
    with ports.copies.exclusive(), ports.shelf.exclusive():
        made = make_in_turn(kind, ports)
        return replace(made, removed=let_go(ports))


def make_in_turn(kind: BackupKind, ports: BackupPorts) -> MadeBackup:
    """The same for whoever holds both locks already; nothing is let go."""
    begun, started = time.monotonic(), ports.clock()
    attempt = BackupAttempt(_free_name(started, ports), kind, BackupStatus.RUNNING, started)
    ports.history.begin(attempt)
    try:
        with _full_disk_named():
            backup = _write(attempt, ports)
    except BaseException as error:
        is_failure = isinstance(error, Exception)
        ended = replace(
            attempt,
            status=BackupStatus.FAILED if is_failure else BackupStatus.INTERRUPTED,
            ended_at=ports.clock(),
            error=str(error),
        )
        with suppress(
            Exception
        ):  # where the database is gone, its own error says more; the row stays `running`
            ports.history.end(ended)
        raise
    ports.history.end(attempt_of(backup.manifest))
    return MadeBackup(backup, (), time.monotonic() - begun)


def attempt_of(manifest: Manifest) -> BackupAttempt:
    """The account's line of a backup that lies in its place."""
    return BackupAttempt(
        manifest.name,
        manifest.kind,
        BackupStatus.GOOD if manifest.verified_at else BackupStatus.UNVERIFIED,
        manifest.started_at,
        manifest.ended_at,
        manifest.bytes,
        manifest.seconds,
        manifest.unverified_because,
    )


def let_go(ports: BackupPorts) -> tuple[str, ...]:
    """Removes the backups that no rule keeps; such as cannot be read stay, for a person to look at."""
    listed = ports.shelf.listed()
    stay = kept(map(dated, listed), ports.keeping)
    leaving = [backup for backup in listed if backup.folder.name not in stay]
    for backup in leaving:
        ports.shelf.remove(backup)
    return tuple(backup.folder.name for backup in leaving)


def dated(backup: StoredBackup) -> Dated:
    """What retention knows of a backup."""
    manifest = backup.manifest
    is_asked_for = manifest.kind is not BackupKind.SCHEDULED
    return Dated(backup.folder.name, manifest.dump.taken_at, manifest.verified_at is not None, is_asked_for)


def _write(attempt: BackupAttempt, ports: BackupPorts) -> StoredBackup:
    size, work = ports.copies.size(), ports.work
    work.begin()
    work.plan(_SHARES)
    seconds: dict[str, float] = {}
    with ports.shelf.begin(attempt.name, size * (2 if ports.shares_disk else 1)) as unfinished:
        copy = unfinished / "database"
        with _step("copy the database", "copy", seconds, work):
            # Files stay for days after nobody reads them any more: what the copy names is there afterwards.
            needed = [file.figures for file in ports.cold.in_force()]
            dump = ports.copies.dump(copy)
            ports.shelf.add_models(unfinished)
            ports.shelf.add_cold(unfinished)
            ports.shelf.add_settings(unfinished, ports.settings)
        seconds["dump"] = dump.dump_seconds
        with _step("restore and compare", "verify", seconds, work):
            refusal = _verify(copy, dump, ports) or ports.shelf.cold_trouble(unfinished, needed)
        with _step("compress", "compress", seconds, work):
            ports.shelf.compress(unfinished)
        ended = ports.clock()
        manifest = Manifest(
            format=FORMAT,
            name=attempt.name,
            kind=attempt.kind,
            program=ports.program,
            dump=dump,
            started_at=attempt.started_at,
            ended_at=ended,
            verified_at=None if refusal else ended,
            unverified_because=refusal,
            seconds={phase: round(taken, 3) for phase, taken in seconds.items()},
        )
        with _step("put into place", "place", seconds, work):
            return ports.shelf.place(unfinished, manifest)


def _verify(copy: Path, dump: Dump, ports: BackupPorts) -> str:
    """Why it could not be tried; empty if it was and holds what it should.

    Raises:
        BackupError: It holds something else.
    """
    try:
        restored = ports.copies.trial(copy)
    except PermissionError as error:
        return f"the role may not create a database to restore it into ({error})"
    differences = list(figures_differ(restored, dump.tables, ports.copies.schemas.values()))
    if differences:
        raise BackupError(
            f"The copy does not hold what the database holds, and was thrown away: {'; '.join(differences[:_SHOWN])}"
        )
    return ""


@contextmanager
def _step(title: str, phase: str, seconds: dict[str, float], work: WorkProgress) -> Iterator[None]:
    begun = time.monotonic()
    work.start(title)
    yield
    work.finish(title)
    seconds[phase] = time.monotonic() - begun


@contextmanager
def _full_disk_named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise DependencyUnavailableError(
            "disk full while the backup was written; nothing of it counts and earlier ones stay: make room, or name "
            "another folder with --out, and run the same command again"
        ) from None  # the sentence about the database's own disk would take its place


def _free_name(moment: datetime, ports: BackupPorts) -> str:
    taken = {backup.folder.name for backup in ports.shelf.listed()}
    name = f"{moment:%Y%m%dT%H%M%SZ}"
    number = 1
    while (free := name if number == 1 else f"{name}-{number}") in taken:
        number += 1
    return free
