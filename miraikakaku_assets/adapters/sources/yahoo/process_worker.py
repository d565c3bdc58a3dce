"""A fetching process: yfinance in an interpreter of its own.

yfinance spends 4 to 7 ms of Python on a symbol, so one interpreter ends at 150 to 200 symbols a second and
has no time left for validating and storing them.

The parent starts ``python -m miraikakaku_assets.adapters.sources.yahoo.process_worker FD`` and speaks over a socket
pair; nothing secret stands in the arguments. When either side dies, the other reads the end of the stream.
"""

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection

from miraikakaku_assets.adapters.sources.yahoo.fetcher import Batch, Fetcher, FetchOptions
from miraikakaku_assets.application.ports import BarRequest
from miraikakaku_assets.application.ports.rate_limit import RateLimiter
from miraikakaku_assets.fault_points import arm, armed, fault_point


class ProcessFetcher:
    """A `Fetcher` in a process of its own, with the same methods.

    Args:
        options: Whom to ask, and how.
        limit: Rate limit of all requests; travels to the process, so it must be picklable.
    """

    def __init__(self, options: FetchOptions, limit: RateLimiter) -> None:
        self.capacity = 2 * options.threads
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", __name__, str(theirs.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])  # noqa: S603 - our own module
        theirs.close()
        self._stream = Connection(ours.detach())
        fault_point("fetcher.after_fork")
        self._stream.send((options, limit, armed()))

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def ask(self, requests: Sequence[BarRequest]) -> None:
        """Hands requests to the process.

        Raises:
            OSError: The process is gone.
        """
        self._stream.send(list(requests))

    def take(self) -> Batch:
        """Waits for the next answers.

        Raises:
            EOFError: The process is gone.
            OSError: It is gone, too.
        """
        batch: Batch = self._stream.recv()
        return batch

    def close(self) -> None:
        """Ends the process at once: nothing it holds is worth waiting for."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        with suppress(OSError):
            self._stream.close()


def main(descriptor: int) -> None:
    """Fetches what the parent asks for until it closes the stream.

    Args:
        descriptor: Our end of the socket pair.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; it ends this process then
    stream = Connection(descriptor)
    import pandas as pd  # only here: the parent does without it

    # Text as plain objects: `history` takes 3.7 ms instead of 4.2, and its frames are the same.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the option goes away with pandas 4, which the lock keeps out
        pd.set_option("future.infer_string", False)  # noqa: FBT003 - its own signature
    options, limit, faults = stream.recv()
    arm(faults)
    fetcher = Fetcher(options, limit)
    threading.Thread(target=_answer, args=(stream, fetcher), daemon=True).start()
    with suppress(EOFError, OSError):
        while True:
            fetcher.ask(stream.recv())
    os._exit(0)  # the parent is gone, perhaps killed: threads in a request or a wait must not outlive it


def _answer(stream: Connection, fetcher: Fetcher) -> None:
    try:
        while True:
            batch = fetcher.take()
            fault_point("fetcher.before_answer")
            try:
                stream.send(batch)
            except (
                pickle.PicklingError,
                TypeError,
                AttributeError,
            ):  # an error that holds a socket, a lock, ...
                trouble = batch.trouble
                stream.send(replace(batch, trouble=RuntimeError(f"{type(trouble).__name__}: {trouble}")))
    except OSError:
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
