"""Tables in files, part by part: Parquet, and CSV as text.

A file is read in parts of bounded size, however large it is or says it is: 60 million rows fit into 1.2 MB of Parquet.
What a table means is the business of the readers of bars (`bar_files`, `intraday_files`).
"""

import csv
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import polars as pl

from miraikakaku_assets.adapters.sources.files.parquet_texts import opened, spread
from miraikakaku_assets.adapters.sources.files.uneven_rows import refuse_uneven
from miraikakaku_assets.domain.errors import InputFileError

SUFFIXES = (".parquet", ".csv")

MOST_ROWS = 20_000_000
"""Rows that are taken from one file unless more are allowed: all daily bars of Tokyo in twenty years."""

ROWS_PER_PART = 500_000
BYTES_PER_PART = 32 << 20
LONGEST_ROW = 1 << 20
_ODD_COLUMNS = (ValueError, TypeError, NotImplementedError)
"""What names that are no UTF-8 end in, and types that Polars does not know."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

Headless = Callable[[Sequence[str]], Sequence[str] | None]
"""Cells of a file's first line → names of its columns if that line is a row already, else None."""


@dataclass(frozen=True)
class Part:
    """Some rows of a table as they stand in the file.

    Attributes:
        table: CSV as text, Parquet as typed.
        first_row: Position of its first row: line of a CSV file, number of a row in Parquet.
        is_text: Whether the file is CSV; its blank lines are no rows.
        ticker: Named by the three-line header of yfinance's multi-index frames, None without one.
    """

    table: pl.DataFrame
    first_row: int
    is_text: bool = False
    ticker: str | None = None


def table_parts(path: Path, most_rows: int = MOST_ROWS, headless: Headless | None = None) -> Iterator[Part]:
    """Reads a file part by part; one without rows has one empty part.

    Raises:
        InputFileError: No such file, no table, damaged or encoded otherwise, or more rows than are taken.
    """
    _require_file(path)
    suffix = path.suffix.lower()
    parts = _text_parts(path, headless) if suffix == ".csv" else _parquet_parts(path, most_rows)
    rows = 0
    for part in parts:
        rows += part.table.height
        if rows > most_rows:
            raise too_many_rows(path, f"more than {most_rows:,}", most_rows)
        yield part


def too_many_rows(path: Path, rows: str, most_rows: int) -> InputFileError:
    """The refusal of a file that has more rows than are taken from one."""
    explanation = f"it has {rows} rows, and {most_rows:,} of a file are taken; split it, or raise --max-rows"
    return InputFileError(str(path), "too_many_rows", explanation)


def _require_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise InputFileError(str(path), "no_such_file", "there is no such file") from None
    except OSError as error:
        raise _unreadable(path, error) from None
    if stat.S_ISDIR(mode):
        raise InputFileError(str(path), "no_such_file", "it is a folder, and a file is expected")
    if not stat.S_ISREG(mode):
        kind = "a named pipe" if stat.S_ISFIFO(mode) else "a device or socket"
        explanation = f"it is {kind}, and a file is read more than once; write it into a file first"
        raise InputFileError(str(path), "not_a_file", explanation)
    if path.suffix.lower() not in SUFFIXES:
        explanation = "its name ends neither in .csv nor in .parquet; name it as what it is"
        raise InputFileError(str(path), "unknown_layout", explanation)


def _unreadable(path: Path, error: OSError) -> InputFileError:
    return InputFileError(str(path), "unreadable", f"it cannot be read ({error.strerror})")


def _parquet_parts(path: Path, most_rows: int) -> Iterator[Part]:
    import pyarrow as pa

    try:
        with opened(path) as file:
            names = file.schema_arrow.names
            _refuse_twice(path, names)
            if file.metadata.num_rows > most_rows:
                raise too_many_rows(path, f"{file.metadata.num_rows:,}", most_rows)
            first_row, held = 1, [spread(path, file.schema_arrow.empty_table())]
            for batch in file.iter_batches(ROWS_PER_PART):
                held.append(spread(path, pa.Table.from_batches([batch])))
                if sum(table.num_rows for table in held) >= ROWS_PER_PART:
                    part = _typed(held, first_row)
                    yield part
                    first_row, held = first_row + part.table.height, []
            if held:
                yield _typed(held, first_row)
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError, MemoryError, *_ODD_COLUMNS) as error:
        if isinstance(error, PermissionError):
            raise _unreadable(path, error) from None
        raise InputFileError(
            str(path), "unreadable", f"it is not a Parquet file ({type(error).__name__})"
        ) from error


def _typed(held: Sequence[object], first_row: int) -> Part:
    import pyarrow as pa

    return Part(pl.DataFrame(pa.concat_tables(held)), first_row)


@dataclass(frozen=True)
class _Header:
    names: Sequence[str]
    first_row: int
    separator: str = ","
    ticker: str | None = None
    row: bytes = b""  # of a file without a header: its first line


def _text_parts(path: Path, headless: Headless | None) -> Iterator[Part]:
    try:
        with path.open("rb") as stream:
            header = _header(path, stream, headless)
            first_row, block = header.first_row, header.row + _block(path, stream, header.first_row)
            while True:
                yield Part(
                    _parsed(path, header, block, first_row), first_row, is_text=True, ticker=header.ticker
                )
                first_row += block.count(b"\n")
                block = _block(path, stream, first_row)
                if not block:
                    return
    except OSError as error:
        raise _unreadable(path, error) from None


def _block(path: Path, stream: BinaryIO, first_row: int) -> bytes:
    """Whole lines; a line break inside quotes ends none.

    Raises:
        InputFileError: A line, or text in quotation marks, goes on for longer than a part of the file.
    """
    parts = [stream.read(BYTES_PER_PART), stream.readline(LONGEST_ROW)]
    is_open = bool(sum(part.count(b'"') for part in parts) % 2)
    size = len(parts[-1])
    while is_open and size < LONGEST_ROW and (more := stream.readline(LONGEST_ROW)):
        parts.append(more)
        size += len(more)
        is_open ^= bool(more.count(b'"') % 2)
    if size >= LONGEST_ROW:
        row = first_row + parts[0].count(b"\n")
        explanation = (
            f"a line or a text in quotation marks is longer than {LONGEST_ROW:,} bytes; "
            "break lines after each row, and close quotation marks"
        )
        raise InputFileError(str(path), "endless_row", explanation, row)
    return b"".join(parts)


def _header(path: Path, stream: BinaryIO, headless: Headless | None) -> _Header:
    lines = [stream.readline(LONGEST_ROW) for _ in range(3)]
    text = [_decoded(path, line, number).strip("\r\n") for number, line in enumerate(lines, 1)]
    if not text[0]:
        raise InputFileError(str(path), "empty_file", "the file is empty")
    metatrader = text[0].startswith("<DATE>\t")
    if text[0].lstrip().startswith("<") and not metatrader:
        raise InputFileError(str(path), "unknown_layout", "it is an HTML page, not a table", 1)
    if metatrader:
        stream.seek(len(lines[0]))
        named = [name.strip("<>") for name in text[0].split("\t")]
        _refuse_twice(path, named)
        return _Header(named, 2, separator="\t")
    cells = _cells(path, text[0])
    names = headless(cells) if headless else None
    if names is not None:
        stream.seek(len(lines[0]))
        return _Header(names, 1, row=lines[0])
    if text[0].startswith("Price,") and text[1].startswith("Ticker,"):
        tickers = {name for name in text[1].split(",")[1:] if name}
        if len(tickers) != 1:
            explanation = f"its header names {len(tickers)} tickers, one is expected"
            raise InputFileError(str(path), "unknown_layout", explanation, 2)
        named = ["Date", *cells[1:]]
        _refuse_twice(path, named)
        return _Header(named, 4, ticker=tickers.pop())
    _refuse_twice(path, cells)
    stream.seek(len(lines[0]))
    return _Header(cells, 2)


def _cells(path: Path, line: str) -> list[str]:
    for mark, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if "," not in line and mark in line:
            explanation = (
                f"its columns are separated by {name}; separate them by commas, and write 1234.5 for numbers"
            )
            raise InputFileError(str(path), "wrong_separator", explanation, 1)
    try:
        return next(csv.reader([line]))
    except csv.Error:
        explanation = "its first line is no header; name the columns in it, with commas between them"
        raise InputFileError(str(path), "unknown_layout", explanation, 1) from None


def _refuse_twice(path: Path, names: Sequence[str]) -> None:
    """Of two columns of one name nobody knows which is meant."""
    named = sorted(name.strip().lower() for name in names if name.strip())
    twice = next((name for name, other in pairwise(named) if name == other), None)
    if twice is not None:
        explanation = f"two columns are called {twice}; leave one of them"
        raise InputFileError(str(path), "duplicate_column", explanation, 1)


def _decoded(path: Path, content: bytes, row: int) -> str:
    """Text of whole lines.

    Raises:
        InputFileError: It is not UTF-8, or damaged; the sentence says what it seems to be.
    """
    if content.startswith(_UTF16) and row == 1:
        explanation = "it is UTF-16 text; save it as UTF-8"
        raise InputFileError(str(path), "not_text", explanation, 1)
    nul = content.find(b"\0")
    if nul >= 0:
        explanation = "there is a NUL byte in it: the file is damaged or no text; write it again"
        raise InputFileError(str(path), "nul_byte", explanation, row + content.count(b"\n", 0, nul))
    try:
        return content.decode("utf-8-sig" if row == 1 else "utf-8")
    except UnicodeDecodeError as error:
        at = row + content.count(b"\n", 0, error.start)
        explanation = "it is not UTF-8 text; save it as UTF-8"
        if _is_japanese(content):
            explanation = "it is not UTF-8 but seems to be cp932 (Shift JIS) text; save it as UTF-8"
        raise InputFileError(str(path), "not_text", explanation, at) from None


def _is_japanese(content: bytes) -> bool:
    try:
        text = content.decode("cp932")
    except UnicodeDecodeError:
        return False
    return any("\u3040" <= letter <= "\u30ff" or "\u4e00" <= letter <= "\u9fff" for letter in text)


def _parsed(path: Path, header: _Header, block: bytes, first_row: int) -> pl.DataFrame:
    _decoded(path, block, first_row)
    numbered = [str(position) for position in range(len(header.names))]  # names may be blank, or twice so
    head = header.separator.join(numbered).encode() + b"\n"
    try:
        table = pl.read_csv(
            head + block, infer_schema=False, separator=header.separator, truncate_ragged_lines=False
        )
    except pl.exceptions.PolarsError as error:
        refuse_uneven(path, block, header.names, header.separator, first_row)
        reason = str(error).splitlines()[0]
        raise InputFileError(str(path), "unknown_layout", f"it is not a table of bars ({reason})") from None
    named = [number for number, name in zip(numbered, header.names, strict=True) if name.strip()]
    if named and table[named[-1]].null_count():  # fields that are empty, or not there
        refuse_uneven(path, block, header.names, header.separator, first_row)
    return table.rename(_unique(numbered, header.names))


def _unique(numbered: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """A name per column; blank ones, which nobody asks for, get one that no file can hold."""
    return {
        number: name if name.strip() else f"\0{number}" for number, name in zip(numbered, names, strict=True)
    }
