"""Files of bulk jobs whose run died before it wrote them, and what clients are told of files meanwhile."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from miraikakaku_assets.application.bulk.result_state import result_state
from miraikakaku_assets.application.bulk.results import ResultPorts, write_missing_results
from miraikakaku_assets.application.ports.jobs import JobFiles
from miraikakaku_assets.application.ports.results import ResultFile, WantedResults

NOW = datetime(2026, 11, 30, 6, tzinfo=UTC)
KEPT = timedelta(days=7)


class Books:
    """Jobs without files, oldest first; what is noted leaves them."""

    def __init__(self, **universes: str) -> None:
        self.waiting = universes
        self.asked: list[timedelta] = []

    def without_results(self, limit: int, within: timedelta) -> list[str]:
        self.asked.append(within)
        return list(self.waiting)[:limit]

    def wanted_results(self, job_id: str) -> WantedResults | None:
        return WantedResults({self.waiting[job_id]: ["7203.T"]}, "1d", None)

    def note_results(self, job_id: str, files: Sequence[ResultFile]) -> None:
        assert [file.name for file in files] == [f"{job_id}.{self.waiting.pop(job_id)}.1d.parquet"]


class Folder:
    """Takes every file."""

    def write(self, name: str, tables: Iterable[pl.DataFrame]) -> tuple[int, int, str]:
        return sum(table.height for table in tables), 0, name


class Bars:
    """No bars of anything."""

    def read(self, *_: object, **__: object) -> pl.DataFrame:
        return pl.DataFrame({"symbol": []})


def test_a_job_whose_files_cannot_be_written_does_not_hold_up_the_next() -> None:
    books = Books(first="xx", second="jp", third="jp")

    failures = write_missing_results(ResultPorts(books, Folder(), Bars()), KEPT)

    assert list(failures) == ["first"]
    assert "'xx'" in failures["first"]
    assert list(books.waiting) == ["first", "third"]
    assert books.asked == [KEPT]


@pytest.mark.parametrize(
    ("ended", "written", "state"),
    [
        (None, None, "processing"),
        (timedelta(days=3), None, "processing"),  # ended before a weekend on which the machine was off
        (timedelta(days=7), None, "expired"),  # nobody writes them any more
        (timedelta(days=8), timedelta(days=3), "ready"),
        (timedelta(days=8), timedelta(days=7), "expired"),
    ],
)
def test_files_are_promised_as_long_as_somebody_writes_them(
    ended: timedelta | None, written: timedelta | None, state: str
) -> None:
    ended_at, written_at = (None if ago is None else NOW - ago for ago in (ended, written))
    files = JobFiles(ended_at, has_begun=True, written_at=written_at, files=())
    assert result_state(files, KEPT, NOW) == state
