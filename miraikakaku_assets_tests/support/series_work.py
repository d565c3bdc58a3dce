"""Work on a series, for processes that find it by its name."""

import os
import time
from pathlib import Path


def endless(number):
    """A series that never ends."""
    Path(f"{os.getpid()}.at-work").touch()
    time.sleep(3600)
    return number


def held(number):
    """A series that goes on until the caller ends its pool, and counts itself then."""
    Path(f"{os.getpid()}.at-work").touch()
    try:
        while not Path("released").exists():
            time.sleep(0.02)
    except KeyboardInterrupt:
        Path(f"{os.getpid()}.interrupted").touch()
        raise
    Path(f"{number}.done").touch()
    return number
