"""Files of tables, part by part: other files are refused by name, and memory stays bounded."""

import os
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from miraikakaku_assets.adapters.sources.files import archive, archive_files, table_files
from miraikakaku_assets.adapters.sources.files.archive import ArchiveSource, FileOptions
from miraikakaku_assets.adapters.sources.files.daily_bars import read_bar_file
from miraikakaku_assets.adapters.sources.files.intraday_bars import read_intraday_file
from miraikakaku_assets.adapters.sources.files.table_files import table_parts
from miraikakaku_assets.application.ports import BarRequest
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.domain.market.sessions import sessions_between

HEADER = "Date,Open,High,Low,Close,Volume\n"
GOOD = "2025-01-06,1,3,.5,2,100\n"

BYTES: dict[str, tuple[bytes, str, int | None, str]] = {
    "NUL in a number": (
        (HEADER + GOOD + "2025-01-07,1,3,.5,2\0,100\n").encode(), "nul_byte", 3, "write it again"
    ),
    "NUL in the header": (b"Date,Op\0en\n", "nul_byte", 1, "write it again"),
    "UTF-16": ((HEADER + GOOD).encode("utf-16"), "not_text", 1, "it is UTF-16 text; save it as UTF-8"),
    "UTF-16 without a mark": ((HEADER + GOOD).encode("utf-16-le"), "nul_byte", 1, "no text"),
    "cp932": (("銘柄," + HEADER + "トヨタ," + GOOD).encode("cp932"), "not_text", 1, "cp932 (Shift JIS)"),
    "cp932 further on": ((HEADER[:-1] + ",名\n").encode() + (GOOD[:-1] + ",豊田\n").encode("cp932"), "not_text", 2,
                         "cp932 (Shift JIS)"),
    "Latin 1": (HEADER.encode() + "2025-01-06,1,3,.5,2,100 \xbd\n".encode("latin-1"), "not_text", 2, "UTF-8"),
    "semicolons": ((HEADER + GOOD).replace(",", ";").encode(), "wrong_separator", 1, "by commas"),
    "one endless line": (b"x" * 200_000, "unknown_layout", 1, "its first line is no header"),
    "tabs": ((HEADER + GOOD).replace(",", "\t").encode(), "wrong_separator", 1, "by commas"),
    "thousands": (HEADER.encode() + b'2025-01-06,"14,291.00","14,291","1,3",2,100\n', "comma_in_number", 2,
                  "'14,291.00' has a comma; write numbers like 14291.5"),
    "decimal comma": (HEADER.encode() + GOOD.encode() + b'2025-01-07,1,3,1,"2,5",100\n', "comma_in_number", 3, "'2,5'"),
    "a column twice": (b"Date,Open,High,Low,Close,Close,Volume\n2025-01-06,1,3,.5,2,2,100\n", "duplicate_column", 1,
                       "two columns are called close; leave one of them"),
}  # fmt: skip


@pytest.mark.parametrize("case", BYTES)
def test_what_is_wrong_with_a_text_is_said_with_what_to_do(tmp_path: Path, case: str) -> None:
    content, rule, row, sentence = BYTES[case]
    path = tmp_path / "7203.csv"
    path.write_bytes(content)
    for read in (read_bar_file, read_intraday_file):
        with pytest.raises(InputFileError) as caught:
            read(path, JP)
        assert (caught.value.rule, caught.value.row) == (rule, row)
        assert sentence in str(caught.value)


def test_a_parquet_symbol_with_a_nul_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "all.parquet"
    prices = {name: [1.0, 1.0] for name in ("open", "high", "low", "close", "volume")}
    pl.DataFrame({"symbol": ["7203.T", "72\x0003.T"], "date": ["2025-01-06"] * 2, **prices}).write_parquet(
        path
    )
    for read in (read_bar_file, read_intraday_file):
        with pytest.raises(InputFileError, match="row 2: there is a NUL byte in its symbol"):
            read(path, JP)


def test_a_parquet_column_twice_is_named(tmp_path: Path) -> None:
    path = tmp_path / "7203.parquet"
    column = pa.array([1.0])
    pq.write_table(pa.Table.from_arrays([column, column], names=["close", "close"]), path)
    with pytest.raises(InputFileError, match="two columns are called close"):
        read_bar_file(path, JP)


def test_a_pipe_and_a_device_are_no_files(tmp_path: Path) -> None:
    pipe = tmp_path / "7203.csv"
    os.mkfifo(pipe)
    for path, kind in ((pipe, "a named pipe"), (Path("/dev/zero"), "a device or socket")):
        with pytest.raises(InputFileError, match=f"it is {kind}, .* write it into a file first") as caught:
            ArchiveSource(path).symbols(JP)
        assert caught.value.rule == "not_a_file"


def test_another_kind_of_file_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "7203.xlsx"
    path.write_bytes(b"PK")
    with pytest.raises(InputFileError, match=r"neither in \.csv nor in \.parquet"):
        ArchiveSource(path).symbols(JP)


@pytest.mark.parametrize("name", ["7203.csv", "7203.parquet"])
def test_more_rows_than_allowed_are_refused_before_anything_is_taken(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    days = sessions_between("XTKS", date(2024, 1, 4), date(2024, 12, 30))
    table = pl.DataFrame({"date": days} | dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0))
    table.write_csv(path) if name.endswith(".csv") else table.write_parquet(path)
    with pytest.raises(
        InputFileError, match=r"rows, and 100 of a file are taken; split it, or raise --max-rows"
    ) as caught:
        ArchiveSource(path, FileOptions(most_rows=100)).symbols(JP)
    assert caught.value.rule == "too_many_rows"
    assert ArchiveSource(path, FileOptions(most_rows=len(days))).symbols(JP) == ["7203.T"]


def test_a_symbol_with_more_rows_than_a_history_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_files, "MOST_ROWS_OF_A_SYMBOL", 100)
    path = tmp_path / "7203.csv"
    path.write_text(HEADER + GOOD * 101, encoding="utf-8")
    with pytest.raises(InputFileError, match=r"7203\.T has more than 100 rows"):
        ArchiveSource(path).symbols(JP)


@pytest.mark.parametrize("name", ["all.csv", "all.parquet"])
def test_a_file_in_many_parts_is_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    days = sessions_between("XTKS", date(2025, 1, 6), date(2025, 3, 31))
    symbols = [f"{code}.T" for code in range(1301, 1311)]
    rows = [(symbol, day, 100.0 + at, 10.0 * (at == 20)) for at, day in enumerate(days) for symbol in symbols]
    table = pl.DataFrame(rows, schema=["symbol", "date", "close", "dividends"], orient="row")
    table = table.with_columns(open="close", high="close", low="close", volume=1)
    path = tmp_path / name
    table.write_csv(path) if name.endswith(".csv") else table.write_parquet(path, row_group_size=7)

    def everything() -> tuple[pl.DataFrame, pl.DataFrame, list[int]]:
        requests = [BarRequest(symbol, date.min, date.max) for symbol in symbols]
        deliveries = list(ArchiveSource(path).deliver(JP, Timeframe.D1, requests))
        bars = pl.concat([delivery.bars for delivery in deliveries])
        return (
            bars,
            pl.concat([delivery.actions for delivery in deliveries]),
            [delivery.bars.height for delivery in deliveries],
        )

    whole, happened, _ = everything()
    window = ArchiveSource(path).common_window(JP)
    monkeypatch.setattr(table_files, "ROWS_PER_PART", 64)
    monkeypatch.setattr(table_files, "BYTES_PER_PART", 1_000)
    monkeypatch.setattr(archive_files, "KEPT_ROWS", 0)
    monkeypatch.setattr(archive, "ROWS_PER_DELIVERY", 130)
    assert len(list(table_parts(path))) > 5
    in_parts, again, heights = everything()
    assert in_parts.equals(whole)
    assert again.sort("symbol").equals(happened.sort("symbol"))
    assert max(heights) <= 130
    assert ArchiveSource(path).common_window(JP) == window == (days[0], days[-1])


def test_a_line_break_inside_quotes_and_blank_lines_keep_the_count_of_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_files, "BYTES_PER_PART", 1)
    path = tmp_path / "7203.csv"
    path.write_text(
        'Date,Open,High,Low,Close,Volume,Note\n\n2025-01-06,1,3,.5,2,100,"a\nb"\n\n2025-13-07,1,3,.5,2,1,\n'
    )
    with pytest.raises(InputFileError, match="row 6: '2025-13-07' is not a date"):
        read_bar_file(path, JP)
