"""A script in a process of its own, run to its end or killed at its work.

The script prints ``ready`` when its imports are done and waits for a line; ``stored`` whenever something
is committed, if moments are to be counted in commits; ``done`` at its end.

A function of a test's module can be killed in a process that has its imports already (`forked`): a twentieth of a
second
to begin, where a script takes two.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

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
        time.sleep(seconds)  # a kill may come at any moment, and no event marks them all
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


def forked(work: Callable[..., None], *arguments: str) -> list[str]:
    """Runs a function to its end; returns the steps that it has sent to its first argument, a `Connection`."""
    with _fork(work, *arguments) as (process, steps):
        sent = _all_of(steps)
        process.join(PATIENCE)
        assert process.exitcode == 0
        return sent


def kill_forked(work: Callable[..., None], *arguments: str, steps: int, seconds: float = 0.0) -> list[str]:
    """Runs such a function and kills it so many steps, and then seconds, after it began; returns the steps it sent."""
    with _fork(work, *arguments) as (process, sent):
        begun = [sent.recv() for _ in range(steps)]
        time.sleep(seconds)  # a kill may come at any moment, and no event marks them all
        process.kill()
        return begun + _all_of(sent)


def _all_of(steps: Connection) -> list[str]:
    """What is sent until the other end is closed."""
    sent = list[str]()
    while True:
        try:
            sent.append(steps.recv())
        except EOFError:
            return sent


@contextmanager
def _fork(
    work: Callable[..., None], *arguments: str
) -> Iterator[tuple[multiprocessing.process.BaseProcess, Connection]]:
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([work.__module__])  # what is imported once is there in every process
    ours, theirs = server.Pipe(duplex=False)
    process = server.Process(target=work, args=(theirs, *arguments))
    process.start()
    theirs.close()
    try:
        yield process, ours
    finally:
        process.kill()
        process.join(PATIENCE)
        ours.close()
