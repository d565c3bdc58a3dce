"""Progress of a running stage on stderr: a live bar on a terminal, a plain line every half minute elsewhere."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from miraikakaku_assets.application.work_progress import WorkProgress
from miraikakaku_assets.domain.words import counted, lasting
from miraikakaku_assets.faces.cli.output import errors

_EVERY_SECONDS = 0.25
_PLAINLY_EVERY_SECONDS = 30.0


class Reading(Protocol):
    """Where the work is: the ledger's account of a collection, or what the process says of itself."""

    @property
    def total(self) -> int:
        """Symbols or steps."""

    @property
    def processed(self) -> int:
        """Those that are done, failed ones included."""

    @property
    def failed(self) -> int:
        """Those that failed."""

    @property
    def per_minute(self) -> float | None:
        """Rate over the whole work."""

    @property
    def seconds_left(self) -> float | None:
        """Until its end; None while nobody can tell."""

    @property
    def doing(self) -> str:
        """What is at work, if it has a name."""


Read = Callable[[], Reading | None]
Wait = Callable[[float], bool]
"""Waits for so many seconds, or until the work is done; says whether it is."""


@dataclass(frozen=True)
class Watched:
    """A piece of work that is shown.

    Attributes:
        title: What is being done.
        read: Reads how far it is, None before that is known.
        noun: What is counted, in the singular.
    """

    title: str
    read: Read
    noun: str

    def look(self) -> Reading | None:
        """How far it is; None when nobody can tell."""
        try:
            return self.read()
        except Exception:  # noqa: BLE001 - the work meets the same trouble and ends with its sentence
            return None


@contextmanager
def progress_bar(title: str, read: Read | None, *, shown: bool, noun: str = "symbol") -> Iterator[None]:
    """Shows on stderr how far the work in the body is.

    Args:
        title: What is being done.
        read: Reads how far it is, None before that is known; without it only the time that passes is shown.
        shown: False for ``--json`` and the like.
        noun: What is counted, in the singular.
    """
    watched = Watched(title, read or (lambda: None), noun)
    if not shown:
        yield
        return
    is_live = errors.is_terminal and not errors.is_dumb_terminal
    try:
        with _live(watched) if is_live else _beside(partial(tell_plainly, watched, _print_line)):
            yield
    finally:
        _report_end(watched)


@contextmanager
def work_bar(title: str, *, shown: bool, noun: str = "step") -> Iterator[WorkProgress]:
    """The same of work that says itself how far it is.

    Args:
        title: What is being done.
        shown: As of `progress_bar`.
        noun: What is counted, in the singular.
    """
    work = WorkProgress()
    with progress_bar(title, work.read, shown=shown, noun=noun):
        yield work


@contextmanager
def _live(watched: Watched) -> Iterator[None]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=10),
        TextColumn("{task.fields[facts]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task(watched.title, total=None, facts="")

        def update(wait: Wait) -> None:
            while not wait(_EVERY_SECONDS):
                reading = watched.look()
                if reading is not None:
                    facts = ", ".join(_facts(reading, watched.noun))
                    progress.update(task, total=reading.total, completed=reading.processed, facts=facts)

        with _beside(update):
            yield


@contextmanager
def _beside(watch: Callable[[Wait], None]) -> Iterator[None]:
    """Watches from a thread while the body works."""
    done = threading.Event()
    watcher = threading.Thread(target=watch, args=(done.wait,), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def tell_plainly(watched: Watched, say: Callable[[str], None], wait: Wait) -> None:
    """Says a line every half minute.

    Args:
        watched: What is shown.
        say: Takes a line.
        wait: Until the next line.
    """
    spent = 0.0
    while not wait(_PLAINLY_EVERY_SECONDS):
        spent += _PLAINLY_EVERY_SECONDS
        reading = watched.look()
        facts = [] if reading is None else _facts(reading, watched.noun)
        say(f"{watched.title}: {', '.join([*facts, f'{lasting(spent)} so far'])}")


def _report_end(watched: Watched) -> None:
    """How far it came, once; nothing where nothing was counted."""
    reading = watched.look()
    if reading is not None:
        facts = _facts(reading, watched.noun, ended=True)
        _print_line(f"{watched.title}: {', '.join(facts)}")


def _facts(reading: Reading, noun: str, *, ended: bool = False) -> list[str]:
    facts = [f"{reading.processed:,} of {counted(reading.total, noun)}"]
    if reading.failed:
        facts.append(f"{reading.failed:,} failed")
    if reading.doing and not ended:
        facts.append(reading.doing)
    if reading.per_minute and noun == "symbol":  # steps and turns are too unequal for a rate
        facts.append(f"{reading.per_minute:,.0f}/min")
    if reading.seconds_left is not None and not ended:
        facts.append(f"eta {lasting(reading.seconds_left)}")
    return facts


def _print_line(line: str) -> None:
    errors.print(line, markup=False, soft_wrap=True)
