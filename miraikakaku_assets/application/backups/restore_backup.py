"""Use case: put a backup in the place of what is there, all at once."""

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from miraikakaku_assets.application.backups.make_backup import (
    BackupPorts,
    MadeBackup,
    attempt_of,
    make_in_turn,
)
from miraikakaku_assets.application.ports.operations.backups import (
    MODELS,
    BackupKind,
    Manifest,
    StoredBackup,
    TableFigures,
)
from miraikakaku_assets.domain.errors import (
    BackupRefusedError,
    ConfigurationError,
    DependencyUnavailableError,
)

_DATA = "data"
"""Part of the database whose tables name the cold files."""


@dataclass(frozen=True)
class RestoreRequest:
    """What is to be restored.

    Attributes:
        named: Name or path of a backup, or ``latest``.
        parts: Of the database, and `MODELS`; none means all.
        confirmed: Whether what is there may be replaced.
    """

    named: str
    parts: tuple[str, ...] = ()
    confirmed: bool = False


@dataclass(frozen=True)
class Restored:
    """What was restored.

    Attributes:
        manifest: Of the backup.
        parts: What was restored.
        before: The backup that was made of what was there; None if there was nothing.
        rows: Rows of the tables that were replaced.
        models: Files of models that were put back.
        cold: Files of bars that were put back, because they were not there.
        seconds: From the first look at the backup until its contents were in force, the backup before left out.
    """

    manifest: Manifest
    parts: tuple[str, ...]
    before: MadeBackup | None
    rows: int
    models: int
    cold: int
    seconds: float


def restore_backup(request: RestoreRequest, ports: BackupPorts) -> Restored:
    """Reads the backup, saves what is there, and exchanges the database for the restored one.

    Models and cold files come first, under names that carry their digests, so that whichever database is in force finds
    its own.
    Killed at any moment, the old database is in force or the new one.

    Args:
        request: What is to be restored.
        ports: What it needs; of the place that is restored into.

    Raises:
        BackupRefusedError: The backup is missing, altered, cut short, foreign or of a newer program.
        ConfigurationError: Something is there and nobody has confirmed, or services run.
        BackupError: What was restored is not what was saved.
    """
    begun = time.monotonic()
    parts = _parts(request, ports)
    backup = ports.shelf.opened(request.named)
    manifest = _accepted(backup, ports)
    is_empty = ports.copies.is_empty()
    if not is_empty and not request.confirmed:
        raise ConfigurationError(
            "There are data in this database, which a restore replaces; repeat with --yes: they are backed up first"
        )
    with ports.alone(), ports.copies.exclusive(), ports.shelf.exclusive():
        _refuse_company(ports)
        checked = time.monotonic() - begun
        before = None if is_empty else make_in_turn(BackupKind.BEFORE_RESTORE, ports)
        begun = time.monotonic()
        models = ports.shelf.return_models(backup) if MODELS in parts else 0
        cold = ports.shelf.return_cold(backup) if _DATA in parts else 0
        replaced = [part for part in parts if part != MODELS]
        rows = _replace(replaced, backup, before, ports) if replaced else 0
        for known in reversed(ports.shelf.listed()):  # the restored account knows none since
            ports.history.end(attempt_of(known.manifest))
    return Restored(manifest, parts, before, rows, models, cold, checked + time.monotonic() - begun)


def _parts(request: RestoreRequest, ports: BackupPorts) -> tuple[str, ...]:
    known = (*ports.copies.schemas, MODELS)
    unknown = [part for part in request.parts if part not in known]
    if unknown:
        raise ConfigurationError(f"A backup has no part {unknown[0]!r}; its parts are {', '.join(known)}")
    return request.parts or known


def _accepted(backup: StoredBackup, ports: BackupPorts) -> Manifest:
    manifest = backup.manifest
    revision = manifest.dump.revision
    if revision not in ports.known_revisions():
        raise BackupRefusedError(
            backup.folder.name,
            "too_new",
            f"it holds schema {revision}, made by version {manifest.program}, which this program ({ports.program}) "
            "does not know; restore it with that version",
        )
    return manifest


def _refuse_company(ports: BackupPorts) -> None:
    sessions = ports.copies.sessions()
    if sessions:
        raise ConfigurationError(
            f"The database is in use by {', '.join(sessions)}; stop `miraikakaku up`, `schedule` and every running "
            "command, then repeat"
        )


def _replace(
    parts: Collection[str], backup: StoredBackup, before: MadeBackup | None, ports: BackupPorts
) -> int:
    """Parts that are not restored are taken over from the backup that was made before; says how many rows changed."""
    with ExitStack() as opened:
        schemas = ports.copies.schemas
        restored = _Source(opened.enter_context(_unpacked(backup, ports)), backup.manifest, schemas)
        sources = dict.fromkeys(parts, restored)
        others = set(ports.copies.schemas) - set(parts)
        if before is not None and others:
            present = _Source(opened.enter_context(_unpacked(before.backup, ports)), before.manifest, schemas)
            sources |= dict.fromkeys(sorted(others), present)
        expected = {
            name: table for part, source in sources.items() for name, table in source.tables(part).items()
        }
        roles = {role for source in sources.values() for role in source.manifest.dump.roles}
        folders = {part: source.folder for part, source in sources.items()}
        ports.copies.replace(folders, expected, roles)
        return sum(table.rows for part in parts for table in restored.tables(part).values())


@dataclass(frozen=True)
class _Source:
    folder: Path
    manifest: Manifest
    schemas: Mapping[str, str]

    def tables(self, part: str) -> dict[str, TableFigures]:
        """Figures of the tables of a part."""
        prefix = f"{self.schemas[part]}."
        return {name: table for name, table in self.manifest.dump.tables.items() if name.startswith(prefix)}


@contextmanager
def _unpacked(backup: StoredBackup, ports: BackupPorts) -> Iterator[Path]:
    try:
        with ports.shelf.unpacked(backup) as folder:
            yield folder
    except OSError as error:
        raise DependencyUnavailableError(
            f"The backup {backup.folder.name} cannot be unpacked ({error.strerror}); make room where backups lie and "
            "run the same command again, nothing was replaced"
        ) from error
