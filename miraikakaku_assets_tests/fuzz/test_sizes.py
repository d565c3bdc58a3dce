"""What is larger than it can be is refused before it fills the memory: bodies, workbooks, lines, folders of files."""

import gzip
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from miraikakaku_assets.adapters.sources.copper_files.source import CopperFolder
from miraikakaku_assets.adapters.sources.files import table_files
from miraikakaku_assets.adapters.sources.http import MOST_BYTES, read_published
from miraikakaku_assets.adapters.sources.jpx.stock_list import JpxList
from miraikakaku_assets.adapters.sources.westmetall.source import PageOptions, WestmetallQuotes
from miraikakaku_assets.adapters.sources.yahoo.session import RetryPolicy
from miraikakaku_assets.adapters.sources.yahoo.source import YahooOptions, YahooSource
from miraikakaku_assets.application.ports import BarRequest
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets_tests.fakes.rate_limits import Unlimited
from miraikakaku_assets_tests.fakes.scripted_yahoo import CHART, Answer, ScriptedYahoo, scripted_yahoo
from miraikakaku_assets_tests.support.markets.workbooks import line, published, workbook

SYMBOL = "7203.T"
_MOST_MEMORY = 80 << 20
_PATIENT = 600.0


@pytest.fixture(scope="module")
def bomb() -> Iterator[ScriptedYahoo]:
    """A server whose answer is 40 KB on the line and more than any file unpacked."""
    packed = gzip.compress(bytes(MOST_BYTES + 1), 1)
    with scripted_yahoo() as server:
        server.script(SYMBOL, Answer(body=packed, headers={"Content-Encoding": "gzip"}))
        yield server


def refused(read: Callable[[], object]) -> InputFileError:
    with pytest.raises(InputFileError) as caught:
        read()
    return caught.value


def test_a_list_that_unpacks_without_end_is_refused(bomb: ScriptedYahoo) -> None:
    error = refused(lambda: read_published(f"{bomb.base_url}{CHART}{SYMBOL}", _PATIENT))

    assert (error.rule, "32 MiB" in str(error)) == ("too_large", True)


def test_a_chart_that_unpacks_without_end_fails_its_symbol(bomb: ScriptedYahoo) -> None:
    options = YahooOptions(
        bomb.base_url, RetryPolicy(_PATIENT, 0, 0.0, 1.0), workers=1, symbols_per_delivery=1
    )
    requests = [BarRequest(SYMBOL, date(2025, 1, 1), date.max)]
    (delivery,) = YahooSource(options, Unlimited()).deliver(JP, Timeframe.D1, requests)

    error = delivery.failures[SYMBOL]
    assert (error.kind, error.explanation) == ("unreadable_answer", "the answer is longer than any chart")


def test_a_page_that_unpacks_without_end_is_refused(bomb: ScriptedYahoo) -> None:
    options = PageOptions(f"{bomb.base_url}{CHART}{SYMBOL}", _PATIENT, retries=0, delay=0.0, multiplier=1.0)

    assert (
        refused(lambda: WestmetallQuotes(options, Unlimited()).deliver(None, threading.Event())).rule
        == "too_large"
    )


@pytest.mark.parametrize("folder", [False, True], ids=["list", "folder of copper"])
def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, folder: bool) -> None:  # noqa: FBT001
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(MOST_BYTES + 1)  # a hole: it takes no room on the disk

    error = refused(
        lambda: CopperFolder(tmp_path).deliver(None) if folder else read_published(str(large), 1.0)
    )
    assert error.rule == "too_large"


def test_a_workbook_with_a_cell_in_its_last_corner_fills_no_memory() -> None:
    """Filled up, its 65,536 rows of 256 columns take 150 MB."""
    corner = [["" for _ in range(255)] + ["x"]]
    content = workbook([line(1301.0), *([[]] * 65_533), *corner])
    tracemalloc.start()
    try:
        error = refused(lambda: JpxList(1.0).parse(published(content)))
        assert tracemalloc.get_traced_memory()[1] < _MOST_MEMORY
    finally:
        tracemalloc.stop()
    assert error.rule == "bad_code"


@pytest.mark.parametrize("row", [b'2026-01-05,1,"', b"2026-01-05,1,1"])
def test_a_row_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: bytes) -> None:
    monkeypatch.setattr(table_files, "BYTES_PER_PART", 1_000)
    monkeypatch.setattr(table_files, "LONGEST_ROW", 1_000)
    path = tmp_path / "7203.csv"
    lines = b"\n1,1,1" * 2_000 if b'"' in row else b"1" * 9_000
    path.write_bytes(b"Date,Open,Close\n" + row + lines)

    error = refused(lambda: list(table_files.table_parts(path)))
    assert (error.rule, error.row) == ("endless_row", 2 if b'"' not in row else error.row)


def test_a_text_that_stands_once_and_counts_in_every_row_is_not_spread(tmp_path: Path) -> None:
    path = tmp_path / "7203.parquet"
    megabyte = pa.DictionaryArray.from_arrays(
        pa.array([0] * 400_000, pa.int32()), pa.array(["x" * (1 << 20)])
    )
    pq.write_table(pa.table({"symbol": megabyte}), path, compression="zstd")

    assert path.stat().st_size < 100_000
    assert refused(lambda: list(table_files.table_parts(path))).rule == "overlong_cell"
