"""A move or a restore of cold bars killed at every step: the same again ends it, and all bars are found once."""

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest

from miraikakaku_assets.adapters.files.cold_files import FolderColdFiles
from miraikakaku_assets.adapters.storage.adbc import bulk_cursor
from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.cold import store
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.cold.move_bars import ColdPorts, move_bars
from miraikakaku_assets.application.cold.restore_bars import restore_bars
from miraikakaku_assets.application.cold.verify_files import verify_files
from miraikakaku_assets.application.ports.operations.cold import FileFigures
from miraikakaku_assets.domain.market.instruments import FX, Timeframe, Universe
from miraikakaku_assets_tests.support.killing import kill_forked
from miraikakaku_assets_tests.support.markets.analysed_market import currencies, slots, walk
from miraikakaku_assets_tests.support.markets.cold_market import NOW, PAIRS, cold_ports
from miraikakaku_assets_tests.support.markets.stored_market import rows_of

pytestmark = pytest.mark.slow
M5 = Timeframe.M5
WORK: Mapping[str, Callable[[ColdPorts, Sequence[Universe]], object]] = {
    "move": move_bars,
    "restore": restore_bars,
}


def work(steps: Connection, url: str, home: str, what: str, last: str) -> None:
    """Moves or restores, tells each step, and stays at the last one for good."""

    def step(name: str) -> None:
        steps.send(name)
        if name == last:
            signal.pause()

    class Told(FolderColdFiles):
        def write(self, *arguments: Any, **named: Any) -> FileFigures:
            figures = super().write(*arguments, **named)
            step("written")
            return figures

    @contextlib.contextmanager
    def told_cursor(database: Database) -> Iterator[Any]:
        begun.append("transaction")
        with bulk_cursor(database) as cursor:
            yield cursor
            step(f"before commit {len(begun)}")
        step(f"after commit {len(begun)}")

    begun: list[str] = []
    with mock.patch.object(store, "bulk_cursor", told_cursor):
        WORK[what](cold_ports(Database(url, Told(Path(home)))), [FX])
    steps.close()


def found(database: Database) -> tuple[pl.DataFrame, int, int]:
    """All bars as they are read, and how many are in either place."""
    stored = rows_of(database, "price_bars", "count(*)")[0][0]
    cold = rows_of(database, "cold_ranges", "coalesce(sum(rows), 0)::int")[0][0]
    return PostgresBars(database).read(FX, M5), stored, cold


def test_killed_at_every_step_no_bar_is_lost_or_in_both_places(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    database.cold_files = FolderColdFiles(tmp_path)
    pairs = currencies(database, *PAIRS, now=NOW)
    for number, symbol in enumerate(PAIRS):
        stamps = [ts for month in (1, 2, 6) for ts in slots(FX, date(2026, month, 7), date(2026, month, 9))]
        pairs.deliver(M5, walk(symbol, stamps, FX, number))
    bars, rows, _ = found(database)
    months = [bars.filter(pl.col("ts").dt.month() == month).height for month in (1, 2)]
    asked = (database_url, str(tmp_path))

    # Transaction 1 asks what is due; each month is one. A file whose move was killed has no bar in force.
    for last, moved in (
        ("written", 0),
        ("before commit 2", 0),
        ("after commit 2", 1),
        ("before commit 2", 1),
    ):
        begun = kill_forked(work, *asked, "move", last, steps=_until(last))
        assert begun[-1] == last
        after, stored, cold = found(database)
        assert after.equals(bars, null_equal=True)
        assert (stored, cold) == (rows - sum(months[:moved]), sum(months[:moved]))
    move_bars(cold_ports(database))
    assert found(database)[0].equals(bars, null_equal=True)
    assert found(database)[1:] == (rows - sum(months), sum(months))

    for last, back in (("before commit 2", 0), ("after commit 2", 1)):
        kill_forked(work, *asked, "restore", last, steps=_until(last) - 1)  # nothing is written
        after, stored, cold = found(database)
        assert after.equals(bars, null_equal=True)
        assert (stored, cold) == (rows - sum(months[back:]), sum(months[back:]))
    assert verify_files(cold_ports(database)).damaged == {}
    restore_bars(cold_ports(database))
    assert found(database)[0].equals(bars, null_equal=True)
    assert found(database)[1:] == (rows, 0)
    files = list((tmp_path / "cold").rglob("*.parquet"))
    assert len(files) == len(months), "a move that was killed has left no other file than the one after it"


def _until(last: str) -> int:
    """Steps of a move up to one, that one included."""
    told = ("before commit 1", "after commit 1", "written", "before commit 2", "after commit 2")
    return told.index(last) + 1
