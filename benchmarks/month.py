"""A month of operation in some minutes: real schedules, runs and watchers by a clock that is moved on.

``python -m benchmarks.month --days 30`` makes a small demo and lives through its days in steps of a quarter of an
hour: every schedule is evaluated at its moments and its run executed in process, the daemon's heartbeat is written, all
that is watched is judged, and notifications go to a receiver on this machine. The clock of the whole process,
PostgreSQL included, is libfaketime's: every stamp is of the month that is lived through. There is ordinary life in it
(weekends, holidays, half days, a change of daylight saving time, single symbols that fail, a slow hour, a hiccup of the
source, a restart, a training that keeps the processors busy), and there are planted faults. At the end the high alerts
that were told are compared with those that should have been. Exits 0 when none is false and none is missing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from glob import glob
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import results

BEGIN = "<!-- month: begin, written by `python -m benchmarks.month --measure` -->"
END = "<!-- month: end -->"
LIBRARY = "/usr/lib/*/faketime/libfaketime.so.1"
CLOCK_FILE = "FAKETIME_TIMESTAMP_FILE"
# libfaketime 0.9.10 spoils what Python sleeps by: the deadline of clock_nanosleep becomes one of 1970.
_SLEEP = """
import select
import time

time.sleep = lambda seconds: select.select((), (), (), seconds)
"""
BEGINS = datetime(2026, 10, 29, tzinfo=UTC)
"""Thursday. New York's clocks are set back on 1 November; Tokyo rests on the 3rd and 23rd, New York on the 26th, and
trades half of the 27th."""


@dataclass(frozen=True)
class Fault:
    """Something that happens in the month.

    Attributes:
        name: What.
        day: From the beginning.
        hour: Of that day (UTC).
        hours: How long.
        alert: Pattern of the high alert that it has to raise; empty where it must raise none.
        within: Hours after its beginning within which that has to be told.
    """

    name: str
    day: int
    hour: float
    hours: float
    alert: str = ""
    within: float = 0.0

    @property
    def since(self) -> datetime:
        """When it begins."""
        return BEGINS + timedelta(days=self.day, hours=self.hour)

    @property
    def until(self) -> datetime:
        """When it is over."""
        return self.since + timedelta(hours=self.hours)


ORDINARY = (
    Fault("one symbol fails", 0, 6.0, 4.0),
    Fault("hiccup", 1, 4.0, 0.1),
    Fault("slow hour", 4, 7.0, 1.0),
    Fault("restart", 7, 3.0, 0.5),
    Fault("busy processors", 2, 1.0, 5.0),  # Saturdays' training
    Fault("busy processors", 9, 1.0, 5.0),
    Fault("busy processors", 16, 1.0, 5.0),
    Fault("busy processors", 23, 1.0, 5.0),
    Fault("one symbol fails", 13, 6.0, 4.0),
)
PLANTED = (
    Fault("source down", 1, 9.0, 2.0, "source/yahoo/unreachable", 1.0),
    Fault("no backup", 5, 16.0, 20.0, "backup/missed", 16.0),
    Fault("daemon dead", 8, 2.0, 1.0, "service/daemon/stopped", 0.5),
    Fault("collection not started", 11, 7.5, 3.0, "collection/jp/not_started", 1.5),
    Fault("source down", 14, 12.0, 2.0, "source/yahoo/unreachable", 1.0),
    Fault("disk full", 18, 5.0, 1.0, "disk/full", 0.5),
    Fault("backup cut", 20, 1.0, 18.0, "backup/damaged", 0.5),
    Fault("daemon dead", 25, 2.0, 1.0, "service/daemon/stopped", 0.5),
)


@dataclass(frozen=True)
class High:
    """A high alert that was told.

    Attributes:
        key: Of the alert.
        told_at: When.
    """

    key: str
    told_at: datetime


@dataclass(frozen=True)
class Verdict:
    """What a month came to.

    Attributes:
        expected: Planted faults that had to raise one, with when it was told; None: it was not.
        false: High alerts that nothing explains.
    """

    expected: tuple[tuple[Fault, datetime | None], ...]
    false: tuple[High, ...]

    @property
    def missed(self) -> tuple[Fault, ...]:
        """Faults that were not told in time."""
        return tuple(fault for fault, told in self.expected if told is None)


def judged(told: list[High], until: datetime, since: datetime = BEGINS) -> Verdict:
    """Compares what was told with what was planted from a moment to another."""
    left, expected = list(told), list[tuple[Fault, datetime | None]]()
    for fault in PLANTED:
        if fault.since < since or fault.since + timedelta(hours=fault.within) > until:
            continue
        end = fault.since + timedelta(hours=fault.within)
        mine = [
            each for each in left if fnmatchcase(each.key, fault.alert) and fault.since <= each.told_at <= end
        ]
        expected.append((fault, mine[0].told_at if mine else None))
        left = [each for each in left if each not in mine[:1]]  # told twice is a false one, too
    return Verdict(tuple(expected), tuple(left))


def live(first: datetime, days: float, symbols: int, console: Console) -> tuple[list[High], dict[str, int]]:
    """Lives through the days in a process with a clock of its own; what was told, and counts of what was done."""
    libraries = glob(LIBRARY)  # noqa: PTH207 - an absolute pattern
    if not libraries:
        sys.exit("libfaketime is not installed; on Debian: apt-get install libfaketime")
    with tempfile.TemporaryDirectory(prefix="month-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root the server runs as another user
        clock = folder / "clock"
        clock.write_text(f"{first.timestamp() - time.time():+.0f}")
        (folder / "sitecustomize.py").write_text(_SLEEP)
        environment = {
            **os.environ,
            "PYTHONPATH": str(folder),
            "LD_PRELOAD": libraries[0],
            CLOCK_FILE: str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "TZ": "UTC",
        }
        order = json.dumps(
            {
                "home": str(folder / "home"),
                "until": (first + timedelta(days=days)).isoformat(),
                "symbols": symbols,
            }
        )
        told, counts = list[High](), dict[str, int]()
        with (
            Progress(console=console, transient=True) as progress,
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.month_worker", order],
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            ) as process,
        ):
            task = progress.add_task("living through it", total=days)
            assert process.stdout is not None  # noqa: S101 - for the type checker
            for line in process.stdout:
                report = json.loads(line)
                progress.update(task, completed=report["day"] - (first - BEGINS).days)
                counts = report["counts"]
                told = [High(key, datetime.fromisoformat(moment)) for key, moment in report["told"]]
        if process.returncode:
            raise RuntimeError("the month broke off; see its errors above")
    return told, counts


def main() -> None:
    """Lives through a month, prints what was told, exits 1 when something of it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.month", description=__doc__)
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--from-day", type=int, default=0, help="begins later in the month, with a new demo")
    parser.add_argument("--symbols", type=int, default=12)
    parser.add_argument(
        "--measure", type=Path, help="page whose figures are written anew: docs/operations.md"
    )
    options = parser.parse_args()
    console = Console()
    begun = time.monotonic()
    first = BEGINS + timedelta(days=options.from_day)
    if options.measure is not None and options.from_day:
        parser.error("--measure writes of a month from its first day")
    told, counts = live(first, options.days, options.symbols, console)
    verdict = judged(told, first + timedelta(days=options.days), first)
    show(verdict, counts, time.monotonic() - begun, console)
    if options.measure is not None:
        page = options.measure.read_text(encoding="utf-8")
        options.measure.write_text(with_figures(page, verdict, counts, options.days), encoding="utf-8")
    sys.exit(1 if verdict.missed or verdict.false else 0)


def with_figures(page: str, verdict: Verdict, counts: dict[str, int], days: float) -> str:
    """A page with these figures between its marks.

    Raises:
        ValueError: The page has no place for them.
    """
    lines = [
        f"{days:g} days from {BEGINS:%Y-%m-%d}: {len(verdict.expected)} faults that must be told, "
        f"{len(verdict.missed)} missed, {len(verdict.false)} high alerts without a fault; "
        + ", ".join(f"{count:,} {what}" for what, count in counts.items())
        + ".",
        "",
        "| planted | begins (UTC) | high alert | told after | allowed |",
        "|---|---|---|---|---|",
    ]
    for fault, told in verdict.expected:
        after = "missed" if told is None else _minutes(told - fault.since)
        allowed = _minutes(timedelta(hours=fault.within))
        lines.append(f"| {fault.name} | {fault.since:%m-%d %H:%M} | `{fault.alert}` | {after} | {allowed} |")
    lines += [
        f"| nothing | {each.told_at:%m-%d %H:%M} | `{each.key}` | false | – |" for each in verdict.false
    ]
    return results.on_page(page, BEGIN, END, lines)


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} min"


def show(verdict: Verdict, counts: dict[str, int], seconds: float, console: Console) -> None:
    """Prints the comparison."""
    table = Table("planted", "begins", "high alert", "told after", title="high alerts of the month", box=None)
    for fault, told in verdict.expected:
        after = "missed" if told is None else _minutes(told - fault.since)
        table.add_row(fault.name, f"{fault.since:%m-%d %H:%M}", fault.alert, after)
    for each in verdict.false:
        table.add_row("nothing", f"{each.told_at:%m-%d %H:%M}", each.key, "false")
    console.print(table)
    raised = len(verdict.expected) - len(verdict.missed) + len(verdict.false)
    console.print(
        f"expected {len(verdict.expected)}, raised {raised}, false {len(verdict.false)}, missed {len(verdict.missed)}"
    )
    console.print(", ".join(f"{count:,} {what}" for what, count in counts.items()) + f"; {seconds:.0f} s")


if __name__ == "__main__":
    main()
