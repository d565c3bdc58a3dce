"""A full disk: seen before the embedded server is started and behind any error, and said in one sentence.

PostgreSQL goes down when it cannot write its log, and does not come up again before there is room for another
segment; tried again and again, every later command took two minutes to say only that it does not start.
"""

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from miraikakaku_assets.domain.errors import DependencyUnavailableError

MIB = 1 << 20
LEAST_FREE = 32 * MIB
"""Bytes without which no server is started: recovery wants a segment of 16 MiB, and work the next one."""
NEW_SERVER = 96 * MIB
"""Bytes that a new data folder (42 MiB) and its first tables want."""

_DISK_FULL = "53100"  # SQLSTATE
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
_SIGNS = ("No space left on device", "Disk quota exceeded", "DiskFull")


def free_bytes(folder: Path) -> int:
    """Bytes that are free where a folder is, or will be made."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free


def disk_full(folder: Path | None) -> DependencyUnavailableError:
    """The sentence about it.

    Args:
        folder: What lies on the full disk, None for that of an external database.
    """
    if folder is None:
        return DependencyUnavailableError(
            "disk full where the database of DATABASE_URL is; make room there and run the same command again, "
            "what was committed stays"
        )
    return DependencyUnavailableError(
        f"disk full, {free_bytes(folder) // MIB:,} MiB free under {folder}; make room there and run the same command "
        "again, what was committed stays"
    )


def require_room(folder: Path, least: int) -> None:
    """Refuses to go on without room.

    Args:
        folder: Where it is needed.
        least: Bytes.

    Raises:
        DependencyUnavailableError: There is less.
    """
    if free_bytes(folder) < least:
        raise disk_full(folder)


def full_disk_behind(
    error: BaseException, home: Path, *, external: bool
) -> DependencyUnavailableError | None:
    """The sentence, if a full disk is what lies behind an error of the file system or of a database driver.

    Args:
        error: Any error.
        home: State folder.
        external: Whether the database is elsewhere.
    """
    for cause in _chain(error):
        if isinstance(cause, OSError) and cause.errno in _NO_SPACE:
            return disk_full(home)
        original = getattr(cause, "orig", None) or cause
        state = getattr(original, "pgcode", None) or getattr(original, "sqlstate", None)
        if state == _DISK_FULL or tells_of_full_disk(str(original)):
            return disk_full(None if external else home)
    return None


def tells_of_full_disk(text: str) -> bool:
    """Whether what is left of an error, its class and message, is about a full disk."""
    return any(sign in text for sign in _SIGNS)


def _chain(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        # whoever raises `from None` has said it all
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
