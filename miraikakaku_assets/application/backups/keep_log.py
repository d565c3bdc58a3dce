"""Use cases of point-in-time recovery: base backups with the log that continues them, and going back to a moment."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from miraikakaku_assets.application.ports.operations.wal import BaseBackup, RecoveredServer, WalArchive
from miraikakaku_assets.application.work_progress import WorkProgress
from miraikakaku_assets.domain.backups.base_retention import needed_bases
from miraikakaku_assets.domain.errors import BackupRefusedError, ConfigurationError

_NEW_BASE, _REPLAY = "copy the data folder", "replay the log"


@dataclass(frozen=True)
class LogPorts:
    """What point-in-time recovery needs.

    Attributes:
        archive: Base backups and archived log.
        kept: How far back every moment stays reachable.
        work: Is told how far it is.
        alone: Keeps services out; raises `ConfigurationError` where they run.
    """

    archive: WalArchive
    kept: timedelta
    work: WorkProgress
    alone: Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class MadeBase:
    """A base backup that was made.

    Attributes:
        base: What lies in its place.
        removed: Names of older ones that were let go, with the log before the oldest that stays.
    """

    base: BaseBackup
    removed: tuple[str, ...]


@dataclass(frozen=True)
class WentBack:
    """An installation that was taken back to a moment.

    Attributes:
        moment: Which (UTC).
        base: Base backup it began with.
        server: What came of it.
        following: Base backup of what is in force now.
        seconds: Wall time until it was in force.
    """

    moment: datetime
    base: BaseBackup
    server: RecoveredServer
    following: BaseBackup
    seconds: float


def make_base(ports: LogPorts) -> MadeBase:
    """Makes a base backup, and lets go of older ones and of the log before the oldest that stays.

    Raises:
        ConfigurationError: The server does not archive its log.
        DependencyUnavailableError: There is no room.
        BackupError: Another one is at work, or the copy is damaged.
    """
    with ports.archive.exclusive():
        return _make_base(ports)


def go_back(moment: datetime, ports: LogPorts, *, confirmed: bool) -> WentBack:
    """Takes the whole server back to a moment: what was committed until then is there, what came later is not.

    A new base backup follows at once: the log after it continues what is in force now, not what was left.

    Args:
        moment: With a time zone.
        ports: What it needs.
        confirmed: Whether what is there may be replaced.

    Raises:
        ConfigurationError: The moment is in the future, nobody has confirmed, services run, or somebody is connected.
        BackupRefusedError: No base backup is old enough, or the archived log does not reach that moment.
    """
    begun = time.monotonic()
    moment = moment.astimezone(UTC)
    if moment > ports.archive.now():
        raise ConfigurationError(f"--to-time {moment:%Y-%m-%dT%H:%M:%SZ} is in the future")
    base = _base_before(moment, ports.archive.bases())
    if not confirmed:
        raise ConfigurationError(
            f"Everything since {moment:%Y-%m-%dT%H:%M:%SZ} would be replaced, prices and books of runs; repeat "
            "with --yes: the data folder that is there is kept beside it"
        )
    with ports.alone(), ports.archive.exclusive():
        sessions = ports.archive.sessions()
        if sessions:
            raise ConfigurationError(
                f"The database is in use by {', '.join(sessions)}; stop `miraikakaku up`, `schedule` and every running "
                "command, then repeat"
            )
        ports.work.begin()
        ports.work.plan({_REPLAY: 3.0, _NEW_BASE: 1.0})
        ports.work.start(_REPLAY)
        server = ports.archive.recover(base, moment)
        ports.work.finish(_REPLAY)
        seconds = time.monotonic() - begun
        ports.work.start(_NEW_BASE)
        following = _make_base(ports).base
        ports.work.finish(_NEW_BASE)
    return WentBack(moment, base, server, following, seconds)


def _make_base(ports: LogPorts) -> MadeBase:
    made = ports.archive.make_base()
    bases = ports.archive.bases()
    needed = needed_bases((base.ended_at for base in bases), made.ended_at, ports.kept)
    leaving = [base for base in bases if base.ended_at not in needed]
    for base in leaving:
        ports.archive.remove(base)
    ports.archive.forget_before([base.first_segment for base in bases if base.ended_at in needed])
    return MadeBase(made, tuple(base.name for base in leaving))


def _base_before(moment: datetime, bases: list[BaseBackup]) -> BaseBackup:
    for base in bases:
        if base.ended_at <= moment:
            return base
    shown = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    if not bases:
        raise BackupRefusedError(
            shown,
            "missing",
            "there is no base backup to begin with; BACKUP_WAL=on and `miraikakaku backup` make one",
        )
    raise BackupRefusedError(
        shown, "missing", f"the oldest base backup ended at {bases[-1].ended_at:%Y-%m-%dT%H:%M:%SZ}"
    )
