"""The live progress bar: reads the ledger while the run works, so it shows what is committed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from miraikakaku_assets.faces.cli.output import errors

_EVERY_SECONDS = 0.25
Reading = tuple[int, int, int, int]
"""Total symbols, done, failed, rows read."""


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
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[failed]}"),
        TimeElapsedColumn(),
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
            total, processed, failed, rows = reading
            elapsed = progress.tasks[0].elapsed or 0.0
            rate = f"{processed / elapsed:,.0f} symbols/s, {rows:,} rows" if elapsed else ""
            progress.update(
                task,
                total=total,
                completed=processed,
                rate=rate,
                failed=f"[red]{failed:,} failed[/]" if failed else "",
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
