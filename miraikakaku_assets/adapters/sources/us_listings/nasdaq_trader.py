"""The symbol directories of Nasdaq Trader: ``nasdaqlisted.txt`` and ``otherlisted.txt``.

Text with ``|`` between the columns, one line per security, and a last line ``File Creation Time:
MMDDYYYYHH:MM`` (US Eastern) without which the download was cut short. nasdaqlisted.txt gained the columns
``ETF`` and ``NextShares`` in 2016; both forms are read, and further columns would be, too. Fields stay text:
``NA``, ``NAN``, ``TRUE``, ``INF`` and ``ON`` are tickers.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from miraikakaku_assets.adapters.sources.http import is_web_page
from miraikakaku_assets.application.ports import PublishedFile
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets.domain.market.us_listings import DirectoryLine

NASDAQ_LISTED, OTHER_LISTED = "nasdaqlisted.txt", "otherlisted.txt"
_COLUMNS = {
    NASDAQ_LISTED: ("Symbol", "Security Name", "Market Category", "Test Issue"),
    OTHER_LISTED: ("NASDAQ Symbol", "Security Name", "Exchange", "CQS Symbol", "ETF", "Test Issue"),
}
_TRAILER = "File Creation Time:"
_CREATED = re.compile(r"(\d{8})(\d\d:\d\d)")
_LONGEST_NAME = 255  # characters; Nasdaq's own limit of the column, the longest of 2016 has 254
_APART = timedelta(
    days=4
)  # both files are written at the same minute; a long weekend may lie between downloads


@dataclass(frozen=True)
class Directory:
    """One directory as read.

    Attributes:
        created: Date of its last line (US Eastern).
        lines: Its lines, test issues included, symbols unique.
    """

    created: date
    lines: tuple[DirectoryLine, ...]


def read_directory(file: PublishedFile) -> Directory:
    """Reads one directory; `PublishedFile.part` says which.

    Raises:
        InputFileError: A web page, cut short, another layout, or a line that cannot be right.
    """
    if is_web_page(file.content):
        raise InputFileError(
            file.name, "web_page", f"it is an HTML page, not Nasdaq Trader's {file.part}; download it again"
        )
    text = _text(file)
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0")) + 1
        raise InputFileError(file.name, "nul_byte", "there is a NUL byte in it; download it again", row)
    rows = list(enumerate(text.splitlines(), start=1))
    while rows and not rows[-1][1].strip():
        rows.pop()
    if not rows:
        raise InputFileError(file.name, "empty_file", "the file is empty")
    header = rows[0][1].split("|")
    for column in _COLUMNS[file.part]:
        if column not in header:
            raise InputFileError(
                file.name, "missing_column", f"column {column} is missing; this is not {file.part}", 1
            )
    created = _created(file, *rows[-1])
    lines: dict[str, DirectoryLine] = {}
    for row, fields in _fields(file, header, rows[1:-1]):
        line = _line(file, row, fields)
        if line.symbol in lines:
            raise InputFileError(file.name, "duplicate_symbol", f"{line.symbol} is listed twice", row)
        lines[line.symbol] = line
    if not lines:
        raise InputFileError(file.name, "no_issues", "the directory has a header but no issue")
    return Directory(created, tuple(lines.values()))


def list_date(first: Directory, second: Directory, name: str) -> date:
    """Date of the list that two directories make: the earlier one's, as of which both are complete.

    Raises:
        InputFileError: They are too far apart to be one list.
    """
    if abs(first.created - second.created) > _APART:
        raise InputFileError(
            name,
            "dates_apart",
            f"{NASDAQ_LISTED} is of {first.created} and {OTHER_LISTED} of {second.created}; download both again",
        )
    return min(first.created, second.created)


def _text(file: PublishedFile) -> str:
    try:
        return file.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputFileError(
            file.name, "not_text", f"byte {error.start} is no text; download it again"
        ) from None


def _created(file: PublishedFile, row: int, last: str) -> date:
    if not last.startswith(_TRAILER):
        raise InputFileError(
            file.name, "cut_short", f"its last line is not «{_TRAILER} …»; download it again", row
        )
    written = _CREATED.fullmatch(last.removeprefix(_TRAILER).rstrip("|").strip())
    day = _date(written[1]) if written else None
    if day is None:
        raise InputFileError(
            file.name, "bad_date", f"{last.strip()!r} does not say when the file was made", row
        )
    return day


def _date(digits: str) -> date | None:
    """``07212025`` as a date; the time behind it is a wall clock's and has no use."""
    try:
        return date(int(digits[4:]), int(digits[:2]), int(digits[2:4]))
    except ValueError:
        return None


def _fields(
    file: PublishedFile, header: list[str], rows: list[tuple[int, str]]
) -> Iterator[tuple[int, Mapping[str, str]]]:
    for row, text in rows:
        cells = text.split("|")
        if len(cells) != len(header):
            raise InputFileError(
                file.name, "wrong_columns", f"{len(cells)} fields instead of {len(header)}", row
            )
        yield row, dict(zip(header, cells, strict=True))


def _line(file: PublishedFile, row: int, fields: Mapping[str, str]) -> DirectoryLine:
    on_nasdaq = file.part == NASDAQ_LISTED
    symbol = fields["Symbol" if on_nasdaq else "NASDAQ Symbol"].strip()
    name = fields["Security Name"].strip()
    place = fields["Market Category" if on_nasdaq else "Exchange"].strip()
    is_test = fields["Test Issue"].strip() == "Y"
    if not (symbol and place and (name or is_test)):
        raise InputFileError(
            file.name, "empty_cell", f"{symbol or 'a line'} has no symbol, name or market", row
        )
    if len(name) > _LONGEST_NAME:
        raise InputFileError(file.name, "overlong_cell", f"{symbol} has a name of absurd length", row)
    is_etf = {"Y": True, "N": False}.get(fields.get("ETF", "").strip())
    if fields.get("NextShares", "").strip() == "Y":
        is_etf = True
    return DirectoryLine(
        symbol=symbol,
        name=name,
        exchange=None if on_nasdaq else place,
        tier=place if on_nasdaq else None,
        is_etf=is_etf,
        is_test=is_test,
        cqs=None if on_nasdaq else fields["CQS Symbol"].strip(),
    )
