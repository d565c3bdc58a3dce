"""Groups of metrics about the database: Dagster's books, durable steps, a large table."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import bookkeeping as books
from benchmarks import large_table as large
from benchmarks import results
from benchmarks.api_figures import write_page
from benchmarks.durable import steps
from benchmarks.metrics import Metric, named
from miraikakaku_assets.adapters.storage import embedded, migrate
from miraikakaku_assets.adapters.storage.engine import Database, open_database

_PAGE = results.ROOT / "docs" / "scaling.md"


@contextmanager
def fresh_database() -> Iterator[Database]:
    """A fresh embedded server with the newest schema, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)  # as root the server runs as another user
        database = open_database(home, None)
        migrate.upgrade(database)
        try:
            yield database
        finally:
            database.close()
            embedded.stop(home)


def bookkeeping(*, quick: bool) -> dict[str, Metric]:
    """What recording a run costs, beside the stock storage and beside one COPY of its events."""
    partitions, stock = 4000, 200 if quick else 4000
    measured = books.measure(partitions, 3, stock, repeats=1 if quick else 3)
    peer, ours = measured["stock_ms_per_partition_asset"], measured["ms_per_partition_asset"]
    what = f"ms: stock dagster-postgres, {stock:,} partitions x 3 assets (ours: {partitions:,} x 3)"
    bare = measured["bare"]
    copied = (
        f"s: one COPY of the same {bare['event_rows']:,} rows of the event log into a table with its indexes; ours "
        f"{bare['seconds']:.2f} s, the whole run from its plan to its end"
    )
    return named(
        (
            "bookkeeping_vs_bare_write",
            bare["seconds"] / bare["copy_seconds"],
            bare["copy_seconds"],
            copied,
        ),
        ("bookkeeping_vs_stock", measured["vs_stock"], peer, what),
        ("bookkeeping_ms_per_partition_asset", ours, peer, what),
    )


def partition_keys(*, quick: bool) -> dict[str, Metric]:  # noqa: ARG001 - 16,000 keys are quick
    """Adding partition keys."""
    measured = books.measure_partition_keys(16_000)
    return named(
        ("partition_keys_16k_s", measured["seconds"], measured["stock_seconds"], "s: stock dagster-postgres")
    )


def durable(*, quick: bool) -> dict[str, Metric]:
    """Steps and their resumption after a kill, beside DBOS."""
    figures = steps.measure(400 if quick else 4_000)
    ours = figures["ours"]
    faster = max((figures[name] for name in steps.PEERS), key=lambda peer: peer.per_s)
    sooner = min((figures[name] for name in steps.PEERS), key=lambda peer: peer.resumed.first_s)
    every = "; ".join(map(str, figures.values()))
    metrics = named(
        (
            "durable_steps_vs_dbos",
            ours.per_s / faster.per_s,
            faster.per_s,
            f"steps/s: {faster.engine}; {every}",
        ),
        (
            "durable_resume_vs_dbos",
            ours.resumed.first_s / sooner.resumed.first_s,
            sooner.resumed.first_s,
            f"s from the start of the next process to the first new step: {sooner.engine}; {every}",
        ),
    )
    if not quick:
        write_page(metrics, _PAGE, "durable steps")
    return metrics


def large_table(*, quick: bool) -> dict[str, Metric]:
    """Questions to a large table of bars."""
    with fresh_database() as database:
        measured = large.measure(database, 625 if quick else 6_250)
    metrics = named(
        ("large_symbol_year_ms", measured.year_ms, None, f"no peer: {measured.described}"),
        ("large_market_day_ms", measured.day_ms, None, f"no peer: {measured.described}"),
    )
    if not quick:
        write_page(metrics, _PAGE, "large table")
    return metrics
