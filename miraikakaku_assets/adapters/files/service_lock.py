"""A lock on the state folder between its services and a restore, which must not meet.

Locks of files end with their processes, also when these are killed.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from miraikakaku_assets.domain.errors import ConfigurationError

_NAME = "services.lock"


@contextmanager
def services_admitted(home: Path) -> Iterator[None]:
    """Held by services for as long as they run; any number of them.

    Raises:
        ConfigurationError: A restore is at work.
    """
    with _locked(
        home, fcntl.LOCK_SH, "A restore is at work on this state folder; start the services when it has ended"
    ):
        yield


@contextmanager
def services_kept_out(home: Path) -> Iterator[None]:
    """Held by a restore.

    Raises:
        ConfigurationError: Services run.
    """
    refusal = (
        f"Services of {home} are running; stop `miraikakaku up` or `miraikakaku schedule` (Ctrl-C, or SIGTERM to it), "
        "then repeat"
    )
    with _locked(home, fcntl.LOCK_EX, refusal):
        yield


@contextmanager
def _locked(home: Path, kind: int, refusal: str) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / _NAME).open("w") as handle:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(refusal) from error
        yield
