"""A command in a process of its own, with the time, the processor and the memory of its whole process tree."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from miraikakaku_assets_tests.support.machine_clock import handed_on

_LOOK_SECONDS = 0.1
_SAMPLE_SECONDS = 0.25  # looking through the maps of seven processes takes 10 ms
_MIB = 2**20


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it took.

    Attributes:
        code: Exit code; negative for the signal that ended it.
        out: Standard output.
        err: Standard error.
        seconds: Wall time from its start to its end.
        cpu_seconds: User and system time of the process and of all children it has waited for.
        peak_mib: Highest memory of the tree at one moment, MiB: proportional set size where the system tells it
            (a page that three processes share counts once), the sum of the resident sets elsewhere.
        peak_parts: That moment's MiB, process by process, the command first.
    """

    code: int
    out: str
    err: str
    seconds: float
    cpu_seconds: float
    peak_mib: float
    peak_parts: tuple[float, ...] = ()


@dataclass
class _Peak:
    mib: float = 0.0
    parts: tuple[float, ...] = ()
    looked: float = 0.0

    def sample(self, process: psutil.Process) -> None:
        if time.monotonic() - self.looked < _SAMPLE_SECONDS:
            return
        self.looked = time.monotonic()
        parts = []
        with suppress(psutil.NoSuchProcess):
            for member in (process, *process.children(recursive=True)):
                with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                    parts.append(_memory(member))
        if sum(parts) > self.mib:
            self.mib, self.parts = sum(parts), tuple(parts)


@dataclass(frozen=True)
class Watched:
    """Runs commands with these variables, a clock that this process was given, and nothing else of the environment.

    Attributes:
        folder: Working directory, without a ``.env``.
        variables: Environment beside PATH and HOME.
    """

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, command: Sequence[str], meanwhile: Callable[[psutil.Process], object] | None = None) -> Ran:
        """Runs a command to its end.

        Args:
            command: Program and arguments.
            meanwhile: Called with the process ten times a second (kills it, for example).
        """
        peak = _Peak()
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "COLUMNS": "200"} | handed_on()
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            began = time.perf_counter()
            process = subprocess.Popen(
                command, cwd=self.folder, env=environment | dict(self.variables), stdout=out, stderr=err
            )
            watched = psutil.Process(process.pid)
            ended = 0
            try:
                while not ended:
                    if meanwhile is not None:
                        meanwhile(watched)
                    peak.sample(watched)
                    time.sleep(_LOOK_SECONDS)
                    # Not `Popen.wait`: only the kernel's own account has the processor time of dead grandchildren.
                    ended, status, used = os.wait4(process.pid, os.WNOHANG)
            finally:
                if not ended:
                    process.kill()
                    process.wait()
            seconds = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            return Ran(
                code=process.returncode,
                out=out.read(),
                err=err.read(),
                seconds=seconds,
                cpu_seconds=used.ru_utime + used.ru_stime,
                peak_mib=peak.mib,
                peak_parts=peak.parts,
            )


def _memory(process: psutil.Process) -> float:
    full = process.memory_full_info()
    return float(getattr(full, "pss", None) or full.rss) / _MIB
