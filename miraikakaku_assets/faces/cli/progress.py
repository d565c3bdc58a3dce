"""The live progress bar: reads the ledger while the run works, so it shows what is committed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from miraikakaku_assets.faces.cli.output import errors

_EVERY_SECONDS = 0.25


class Reading(Protocol):
    """Where a collection is, as the ledger has it."""

    @property
    def total(self) -> int:
        """Symbols it is asked for."""

    @property
    def processed(self) -> int:
        """Symbols that are done, failed ones included."""

    @property
    def failed(self) -> int:
        """Symbols that failed."""

    @property
    def records(self) -> int:
        """Bars read."""

    @property
    def symbols_per_minute(self) -> float | None:
        """Rate over the whole collection."""


@contextmanager
def progress_bar(title: str, read: Callable[[], Reading | None] | None, *, shown: bool) -> Iterator[None]:
    """Shows a bar on stderr while the body works.

    Args:
        title: What is being done.
        read: Reads the committed progress, None before there is any; without it a spinner is shown.
        shown: False for ``--json`` and the like.
    """
    if not shown:
        yield
        return
    if read is None:
        with errors.status(title):
            yield
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[failed]}"),
        TextColumn("eta"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=False) as progress:
        task = progress.add_task(title, total=None, rate="", failed="")
        done = threading.Event()

        def update() -> None:
            try:
                reading = read()
            except Exception:  # noqa: BLE001 - the run meets the same trouble and ends with its sentence
                return
            if reading is None:
                return
            pace = f"{reading.symbols_per_minute:,.0f}/min" if reading.symbols_per_minute else ""
            progress.update(
                task,
                total=reading.total,
                completed=reading.processed,
                rate=pace,
                failed=f"[red]{reading.failed:,} failed[/]" if reading.failed else "",
            )

        def watch() -> None:
            while not done.wait(_EVERY_SECONDS):
                update()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()
            update()
