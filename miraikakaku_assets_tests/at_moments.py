"""Runs the suite as if it were another day and hour, or on a machine that is busy: `make test-clock`.

The clock of every process, PostgreSQL's included, is libfaketime's, by a constant distance from the real one. Moments
lie behind `moments.NOW`, so that no test looks into its own future. 2024-02-29 does not: the exchanges' calendars end a
year from today, and on that day nobody knew the sessions of 2025 and 2026 that the real data and the suite are of.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from miraikakaku_assets_tests.support.machine_clock import clock_variables

MOMENTS: dict[str, datetime | None] = {
    "tokyo-open": datetime(2027, 3, 8, 1, tzinfo=UTC),  # Monday 10:00 in Tokyo
    "saturday": datetime(2027, 3, 13, 12, tzinfo=UTC),  # and New York changes its clocks tomorrow
    "us-holiday": datetime(2026, 12, 25, 15, 30, tzinfo=UTC),  # Christmas, a Friday; currencies rest, too
    "leap-day": datetime(2028, 2, 29, 2, tzinfo=UTC),  # Tuesday 11:00 in Tokyo
    "last-day": datetime(2026, 12, 31, 15, 30, tzinfo=UTC),  # New York trades; in Tokyo the year is over
    "busy": None,  # today, with two processes that never rest
}


@contextmanager
def _busy() -> Iterator[None]:
    """Two processes that compute without rest."""
    beside = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        yield
    finally:
        for process in beside:
            process.kill()
            process.wait()


def _tested(name: str, arguments: Sequence[str]) -> int:
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    moment = MOMENTS[name]
    if moment is None:
        with _busy():
            return subprocess.run([*command, *arguments], check=False).returncode
    with tempfile.TemporaryDirectory(prefix="miraikakaku-clock-") as folder:
        environment = os.environ | clock_variables(moment, Path(folder))
        return subprocess.run([*command, *arguments], env=environment, check=False).returncode


def main(arguments: Sequence[str]) -> int:
    """Runs the suite at each moment that is named first, or at all; what follows goes to pytest."""
    names = [name for name in arguments if name in MOMENTS]
    codes = {}
    for name in names or MOMENTS:
        sys.stderr.write(f"{name}: {MOMENTS[name] or 'today'}\n")
        codes[name] = _tested(name, [argument for argument in arguments if argument not in MOMENTS])
    for name, code in codes.items():
        sys.stderr.write(f"{name}: {'green' if code == 0 else f'pytest ended with {code}'}\n")
    return max(codes.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
