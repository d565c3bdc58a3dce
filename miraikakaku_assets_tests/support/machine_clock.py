"""The clock of a process, PostgreSQL included, by libfaketime."""

import os
import sys
import time
from datetime import datetime
from glob import glob
from pathlib import Path

LIBRARY = "/usr/lib/*/faketime/libfaketime.so.1"


# libfaketime 0.9.10 spoils what Python sleeps by: the deadline of clock_nanosleep becomes one of 1970.
SLEEP = """
import select
import time


def sleep(seconds):
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select((), (), (), seconds)


time.sleep = sleep
"""


def clock_variables(moment: datetime, folder: Path) -> dict[str, str]:
    """Variables of a process whose clock shows this moment now and goes on from there.

    Args:
        moment: Where the clock begins.
        folder: What Python needs for it is written there.
    """
    libraries = glob(LIBRARY)  # noqa: PTH207 - an absolute pattern
    if not libraries:
        sys.exit("libfaketime is not installed; on Debian: apt-get install libfaketime")
    (folder / "sitecustomize.py").write_text(SLEEP)
    return {
        "LD_PRELOAD": libraries[0],
        "FAKETIME": f"{moment.timestamp() - time.time():+.0f}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": str(folder),
    }


def handed_on() -> dict[str, str]:
    """The variables of this process's clock, for one that gets an environment of its own."""
    if "FAKETIME" not in os.environ:
        return {}
    variables = ("LD_PRELOAD", "PYTHONPATH")
    return {
        name: value for name, value in os.environ.items() if name in variables or name.startswith("FAKETIME")
    }
