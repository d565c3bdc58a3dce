"""Ports of backups: what is copied of a database, where copies lie, and the account of attempts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from miraikakaku_assets.application.ports.operations.cold import FileFigures

MODELS = "models"
"""Part of a backup beside those of the database."""
FORMAT = 1
"""Version of the layout of a backup's folder; a program reads those up to its own."""


class BackupKind(StrEnum):
    """Why a backup was made."""

    SCHEDULED = "scheduled"
    MANUAL = "manual"
    BEFORE_RESTORE = "before_restore"


class BackupStatus(StrEnum):
    """What became of an attempt."""

    RUNNING = "running"
    GOOD = "good"
    UNVERIFIED = "unverified"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class TableFigures:
    """What a table holds.

    Attributes:
        rows: Their number.
        digest: Sum of the hashes of all rows, whatever their order.
    """

    rows: int
    digest: str


@dataclass(frozen=True)
class StoredFile:
    """A file of a backup.

    Attributes:
        bytes: Its size.
        sha256: Of its content.
    """

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Dump:
    """What a copy of the database says of itself.

    Attributes:
        taken_at: Moment of the snapshot (UTC).
        server_version: Of PostgreSQL.
        revision: Of the data schema.
        tables: ``schema.table`` → its figures, of the same snapshot.
        roles: Roles that have privileges on what is copied.
        dump_seconds: Time of copying alone.
    """

    taken_at: datetime
    server_version: str
    revision: str
    tables: Mapping[str, TableFigures]
    roles: tuple[str, ...]
    dump_seconds: float


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself.

    Attributes:
        format: Version of the layout.
        name: Of the backup.
        kind: Why it was made.
        program: Version of this program.
        dump: The copy of the database.
        started_at: UTC.
        ended_at: UTC.
        verified_at: When it was restored and compared (UTC); None if that was not possible.
        unverified_because: Why not.
        seconds: Phase → wall time: ``dump``, ``figures``, ``verify``, ``compress``.
        files: Path below the backup's folder → the file.
    """

    format: int
    name: str
    kind: BackupKind
    program: str
    dump: Dump
    started_at: datetime
    ended_at: datetime
    verified_at: datetime | None = None
    unverified_because: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, StoredFile] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Size of its files."""
        return sum(file.bytes for file in self.files.values())


@dataclass(frozen=True)
class StoredBackup:
    """A backup that lies in its place.

    Attributes:
        folder: Where.
        manifest: What it says of itself.
    """

    folder: Path
    manifest: Manifest


@dataclass(frozen=True)
class UnreadableBackup:
    """A folder that should be a backup.

    Attributes:
        folder: Where.
        trouble: Why it cannot be read.
    """

    folder: Path
    trouble: str


class DatabaseCopies(Protocol):
    """Copies of a database, its own schema and that of whoever orchestrates."""

    @property
    def schemas(self) -> Mapping[str, str]:
        """Part of a backup → schema of its tables."""

    def exclusive(self) -> AbstractContextManager[None]:
        """One backup or restore of a database at a time; removes what a killed one has left on the server.

        Raises:
            BackupError: Another one is at work.
        """

    def size(self) -> int:
        """Bytes that it takes on the server."""

    def is_empty(self) -> bool:
        """Whether nothing was ever collected here: no instrument and no run."""

    def sessions(self) -> list[str]:
        """Who else is connected to it, one line each."""

    def dump(self, folder: Path) -> Dump:
        """Copies both schemas into a new folder, uncompressed, with figures of the same snapshot.

        Raises:
            ConfigurationError: The client programs are too old for the server.
            BackupError: It did not succeed.
        """

    def trial(self, folder: Path) -> Mapping[str, TableFigures]:
        """Restores a copy into a database of its own and returns what that holds; it is dropped afterwards.

        Raises:
            PermissionError: The role may not create databases.
            BackupError: It cannot be restored.
        """

    def replace(
        self, sources: Mapping[str, Path], expected: Mapping[str, TableFigures], roles: Collection[str]
    ) -> None:
        """Puts copies in the place of the database, all at once: whoever looks sees the old one or the new one.

        Args:
            sources: Part → the copy it is taken from; all parts of `schemas`.
            expected: What the new one has to hold before it takes the place.
            roles: Who has privileges in them; they are left out where one of these is missing.

        Raises:
            BackupError: It holds something else, or somebody does not let go of the old one.
        """


class BackupShelf(Protocol):
    """Folders of backups."""

    def exclusive(self) -> AbstractContextManager[None]:
        """One writer at a time; removes what a killed one has left.

        Raises:
            BackupError: Another one is at work.
        """

    def begin(self, name: str, needed: int) -> AbstractContextManager[Path]:
        """A folder for a backup that does not count yet; it is removed at the end unless it was placed.

        Args:
            name: Of the backup.
            needed: Bytes that have to be free.

        Raises:
            DependencyUnavailableError: There is less room.
        """

    def compress(self, unfinished: Path) -> None:
        """Compresses the copy of the database in it, and reads it back."""

    def add_models(self, unfinished: Path) -> None:
        """Copies the trained models."""

    def add_cold(self, unfinished: Path) -> None:
        """Adds the files of bars that left the database, in force or not."""

    def cold_trouble(self, unfinished: Path, needed: Sequence[FileFigures]) -> str:
        """What is wrong with the files that are needed, as they were added; empty where nothing is."""

    def add_settings(self, unfinished: Path, settings: Mapping[str, str]) -> None:
        """Writes the settings, which carry no secret."""

    def place(self, unfinished: Path, manifest: Manifest) -> StoredBackup:
        """Writes the manifest with sizes and digests, and puts the folder in its place, durably."""

    def listed(self) -> list[StoredBackup]:
        """All backups that can be read, newest first."""

    def unreadable(self) -> list[UnreadableBackup]:
        """Those that cannot."""

    def require_sizes(self, backup: StoredBackup) -> None:
        """Every file of a backup is there in its size; none is read, so that it can be asked every minute.

        Raises:
            BackupRefusedError: One is not.
        """

    def opened(self, named: str) -> StoredBackup:
        """A backup by name, path, or ``latest``: every file of it is read and compared with its digest.

        Raises:
            BackupRefusedError: There is none, or it is not whole.
        """

    def unpacked(self, backup: StoredBackup) -> AbstractContextManager[Path]:
        """The copy of the database as it was before it was compressed, in a temporary folder."""

    def return_models(self, backup: StoredBackup) -> int:
        """Puts the models of a backup back; says how many files. Others stay: their names carry their digests."""

    def return_cold(self, backup: StoredBackup) -> int:
        """Puts the cold files of a backup back; says how many were not there. Others stay: they have other names."""

    def remove(self, backup: StoredBackup) -> None:
        """Removes one; a kill in between leaves nothing that counts."""


@dataclass(frozen=True)
class BackupAttempt:
    """An attempt to make a backup, by the account.

    Attributes:
        name: Of the backup.
        kind: Why it was made.
        status: What became of it.
        started_at: UTC.
        ended_at: UTC; None while it runs.
        bytes: Size of what lies in its place.
        seconds: Phase → wall time.
        error: Why it is not good.
    """

    name: str
    kind: BackupKind
    status: BackupStatus
    started_at: datetime
    ended_at: datetime | None = None
    bytes: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    error: str = ""


class BackupHistory(Protocol):
    """Account of the attempts. The folders say what can be restored; this says what was tried."""

    def begin(self, attempt: BackupAttempt) -> None:
        """Notes that one begins; others that never ended count as interrupted."""

    def end(self, attempt: BackupAttempt) -> None:
        """Notes how it ended."""

    def newest(self, limit: int = 1) -> list[BackupAttempt]:
        """The newest attempts, newest first."""

    def data_since(self) -> datetime | None:
        """When the first collection began (UTC); None where nothing was ever collected."""


def figures_differ(
    measured: Mapping[str, TableFigures], expected: Mapping[str, TableFigures], schemas: Collection[str]
) -> Iterator[str]:
    """What differs between two sets of figures of these schemas, one sentence each."""
    names = {name for name in (*measured, *expected) if name.partition(".")[0] in schemas}
    for name in sorted(names):
        new, old = measured.get(name), expected.get(name)
        if new is None or old is None:
            yield f"{name} is {'missing' if new is None else 'not in the backup'}"
        elif new.rows != old.rows:
            yield f"{name} has {new.rows:,} rows instead of {old.rows:,}"
        elif new.digest != old.digest:
            yield f"{name} has as many rows and other contents"
