"""A script in a process of its own, run to its end or killed at its work.

The script prints ``ready`` when its imports are done and waits for a line; ``stored`` whenever something
is committed, if moments are to be counted in commits; ``done`` at its end.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from miraikakaku_assets_tests.support.patience import PATIENCE


def run_to_end(script: str, *arguments: str) -> float:
    """Runs a script; returns the seconds of its work."""
    with _begun(script, *arguments) as process:
        started = time.monotonic()
        assert process.communicate(timeout=PATIENCE)[0].endswith("done\n")
        assert process.returncode == 0
        return time.monotonic() - started


def kill_at_work(script: str, *arguments: str, stored: int = 0, seconds: float = 0.0) -> None:
    """Runs a script and kills it so many commits, and then seconds, after it began its work."""
    with _begun(script, *arguments) as process:
        assert process.stdout is not None
        for _ in range(stored):
            assert process.stdout.readline() == "stored\n"
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)


@contextmanager
def _begun(script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", script, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        yield process
