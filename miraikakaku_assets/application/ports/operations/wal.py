"""Ports of point-in-time recovery: base backups, the archive of the write-ahead log, and going back to a moment."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class BaseBackup:
    """A copy of the server's data folder that the archived log continues.

    Attributes:
        name: Of its folder.
        folder: Where it lies.
        started_at: UTC.
        ended_at: Earliest moment that can be gone back to with it (UTC).
        first_segment: Oldest segment of the log that it needs.
        bytes: Size of its files.
        seconds: Wall time of copying and verifying.
    """

    name: str
    folder: Path
    started_at: datetime
    ended_at: datetime
    first_segment: str
    bytes: int
    seconds: float


@dataclass(frozen=True)
class ArchiveState:
    """How far the archive of the log is.

    Attributes:
        is_on: Whether the running server archives at all.
        last_archived_at: When it last did (UTC); None if it never has.
        last_failed_at: When it last failed (UTC); None if it never has.
        waiting: Segments that wait to be archived.
        waiting_bytes: Their size; it grows until they are.
        waiting_since: Since when the oldest does (UTC); None if none does.
        newest_base_at: Moment of the newest base backup (UTC); None without one.
    """

    is_on: bool
    last_archived_at: datetime | None
    last_failed_at: datetime | None
    waiting: int
    waiting_bytes: int
    waiting_since: datetime | None
    newest_base_at: datetime | None


@dataclass(frozen=True)
class RecoveredServer:
    """What came of going back to a moment.

    Attributes:
        last_change_at: Moment of the last change that is there (UTC); None if there was none since the base backup.
        replaced: Folder with what was there before; None if there was nothing.
    """

    last_change_at: datetime | None
    replaced: Path | None


class WalArchive(Protocol):
    """The archive of the write-ahead log of this installation's server, and its base backups."""

    def exclusive(self) -> AbstractContextManager[None]:
        """One writer at a time; removes what a killed one has left.

        Raises:
            BackupError: Another one is at work.
        """

    def now(self) -> datetime:
        """Time of the machine (UTC), by which the log is dated."""

    def state(self) -> ArchiveState:
        """How far it is."""

    def bases(self) -> list[BaseBackup]:
        """Base backups that lie in their place, newest first."""

    def make_base(self) -> BaseBackup:
        """Copies the data folder of the running server, verifies the copy, and puts it into its place.

        Raises:
            ConfigurationError: The server does not archive its log.
            DependencyUnavailableError: There is no room.
            BackupError: It did not succeed, or the copy is damaged.
        """

    def remove(self, base: BaseBackup) -> None:
        """Removes one; a kill in between leaves nothing that counts."""

    def forget_before(self, segments: Sequence[str]) -> None:
        """Removes what is older than all of these segments from the archive."""

    def sessions(self) -> list[str]:
        """Who is connected to the server, one line each; empty where it cannot be started."""

    def recover(self, base: BaseBackup, moment: datetime) -> RecoveredServer:
        """Replays the log on a copy of a base backup up to a moment, and puts the result in the place of what is there.

        Killed at any moment, the old data folder is in force or the new one.

        Args:
            base: It ended at that moment or before.
            moment: What was committed until then is there, what came later is not.

        Raises:
            BackupRefusedError: The archived log does not reach that moment, or has a gap.
            BackupError: It did not succeed.
        """
