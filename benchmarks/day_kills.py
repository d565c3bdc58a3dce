"""Who is killed in the middle of a simulated day, and when."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

import psutil

from benchmarks.fetch_site import Exchange
from miraikakaku_assets.adapters.storage import embedded

FETCHER, COMMAND, SERVER = "fetching process", "command", "PostgreSQL"
_IN_TURN = (FETCHER, COMMAND, SERVER)
_NOTICE_SECONDS = 10.0
_MODULE = "miraikakaku_assets.adapters.sources.yahoo.process_worker"


def in_turn(count: int) -> list[str]:
    """Whom so many kills hit, one kind after the other."""
    return list(islice(cycle(_IN_TURN), count))


@dataclass
class Killer:
    """Kills when the exchange has been asked for so many symbols.

    Attributes:
        exchange: Counts the symbols.
        home: State folder of the installation, for its PostgreSQL.
        due: Whom to kill at how many symbols, the next one first.
        done: What was killed, in words.
    """

    exchange: Exchange
    home: Path
    due: list[tuple[int, str]]
    done: list[str] = field(default_factory=list)
    _orphans: list[psutil.Process] = field(default_factory=list)

    def look(self, command: psutil.Process) -> None:
        """Kills whoever is due; nobody when no such process is there."""
        if not self.due or self.requested < self.due[0][0]:
            return
        _, whom = self.due[0]
        victim = self._victim(command, whom)
        if victim is None:
            return
        if whom == COMMAND:
            self._orphans += command.children(recursive=True)
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
            self.done.append(f"{whom} at {self.requested:,} symbols")
            self.due.pop(0)

    @property
    def requested(self) -> int:
        """Symbols that the exchange has been asked for so far."""
        return int(self.exchange.counts()["symbols"])

    def wait_for_orphans(self) -> None:
        """Waits until the processes that a killed command has left behind have noticed."""
        psutil.wait_procs(self._orphans, timeout=_NOTICE_SECONDS)

    def survivors(self) -> list[str]:
        """Processes that outlived the command they worked for."""
        _, alive = psutil.wait_procs(self._orphans, timeout=_NOTICE_SECONDS)
        return [f"process {process.pid} outlived its command" for process in alive]

    def _victim(self, command: psutil.Process, whom: str) -> int | None:
        if whom == COMMAND:
            return command.pid
        if whom == SERVER:
            return postmaster(self.home)
        return next(_fetchers(command), None)


def spread(kills: Sequence[str], symbols: int) -> list[tuple[int, str]]:
    """The kills, evenly over all symbols of the day."""
    return [(symbols * (number + 1) // (len(kills) + 1), whom) for number, whom in enumerate(kills)]


def _fetchers(command: psutil.Process) -> Iterator[int]:
    with suppress(psutil.NoSuchProcess):
        for child in command.children():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if _MODULE in child.cmdline():
                    yield child.pid


def postmaster(home: Path) -> int | None:
    """Number of the embedded server's first process."""
    try:
        first = (embedded.data_folder(home) / "postmaster.pid").read_text().splitlines()[0]
        number = int(first)
        return number if psutil.Process(number).name() == "postgres" else None
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return None
