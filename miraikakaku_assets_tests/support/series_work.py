"""Work on a series, for processes that find it by its name."""

import os
import signal
from pathlib import Path

from miraikakaku_assets_tests.support.patience import until


def endless(number):
    """A series that never ends."""
    Path(f"{os.getpid()}.at-work").touch()
    signal.pause()
    return number


def held(number):
    """A series that goes on until the caller ends its pool, and counts itself then."""
    Path(f"{os.getpid()}.at-work").touch()
    try:
        until(Path("released").exists)
    except KeyboardInterrupt:
        Path(f"{os.getpid()}.interrupted").touch()
        raise
    Path(f"{number}.done").touch()
    return number
