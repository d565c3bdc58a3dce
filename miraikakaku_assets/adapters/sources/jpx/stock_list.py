"""The list of issues that JPX publishes as ``data_j.xls`` (東証上場銘柄一覧).

A genuine BIFF8 workbook with one sheet and ten columns. One column holds numbers and text side by side:
``1301.0`` and ``130A`` are both codes, ``7.0`` and ``-`` are both sizes.
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from miraikakaku_assets.adapters.sources.http import is_web_page, read_published
from miraikakaku_assets.application.ports import Publication, PublishedFile
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets.domain.market.master import ListedIssue, StockList
from miraikakaku_assets.domain.market.tokyo import tokyo_issue

COLUMNS = (
    "日付",
    "コード",
    "銘柄名",
    "市場・商品区分",
    "33業種コード",
    "33業種区分",
    "17業種コード",
    "17業種区分",
    "規模コード",
    "規模区分",
)
_CODE = re.compile(r"[0-9][0-9A-Z][0-9][0-9A-Z][0-9]?")  # 1301, 130A, 25935: the form in use since 2024-01
_LONGEST_NAME = 100  # characters; the longest market class has 33
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NOT_A_WORKBOOK = "not_a_workbook"


class JpxList:
    """Reads JPX's list from a URL or file.

    Args:
        timeout: Seconds for the download.
        published: URL or file where the list is published; by default a file in the working directory.
    """

    def __init__(self, timeout: float, published: str = "data_j.xls") -> None:
        self._timeout = timeout
        self._published = published

    @property
    def locations(self) -> tuple[str, ...]:
        """Where it is published."""
        return (self._published,)

    def fetch(self, location: str | None) -> Publication:
        """Reads the workbook's bytes; see `read_published` for the errors."""
        return Publication((read_published(location or self._published, self._timeout),))

    def parse(self, publication: Publication) -> StockList:
        """Reads the list out of the workbook.

        Raises:
            InputFileError: Not a workbook, another layout, or a line that cannot be right.
        """
        (file,) = publication.files
        sheet = _sheet(file)
        position = _columns(file, sheet.row_values(0) if sheet.nrows else [])
        if sheet.nrows < 2:  # noqa: PLR2004 - a header and at least one issue
            raise InputFileError(file.name, "no_issues", "the list has a header but no issue")
        issues: dict[str, ListedIssue] = {}
        dates = set()
        for row in range(1, sheet.nrows):
            values = sheet.row_values(row)
            cells = [values[column] if column < len(values) else "" for column in position]
            issue = _issue(file.name, row + 1, cells)
            if issue.code in issues:
                raise InputFileError(
                    file.name, "duplicate_code", f"code {issue.code} is listed twice", row + 1
                )
            issues[issue.code] = issue
            dates.add(_list_date(file.name, row + 1, cells[0]))
        if len(dates) > 1:
            raise InputFileError(file.name, "mixed_dates", f"its lines carry {len(dates)} different dates")
        return StockList(dates.pop(), tuple(issues.values()), publication.sha256)


def _sheet(file: PublishedFile) -> Any:
    import io

    import xlrd

    if not file.content.startswith(_OLE2):
        what = "an HTML page" if is_web_page(file.content) else "not an Excel 97-2003 workbook"
        raise InputFileError(file.name, _NOT_A_WORKBOOK, f"it is {what}; JPX's list is a .xls workbook")
    try:
        # xlrd reports trouble on stdout unless it is given somewhere else to write.
        # Ragged: one cell in the last corner would fill 65,536 rows of 256 columns.
        workbook = xlrd.open_workbook(file_contents=file.content, logfile=io.StringIO(), ragged_rows=True)
        return workbook.sheet_by_index(0)
    except Exception as error:
        # A damaged workbook ends in AssertionError, IndexError, struct.error or XLRDError inside xlrd.
        raise InputFileError(
            file.name,
            _NOT_A_WORKBOOK,
            f"the workbook is damaged and cannot be read ({type(error).__name__}); download it again in binary mode",
        ) from error


def _columns(file: PublishedFile, header: Sequence[Any]) -> list[int]:
    titles = [str(title).strip() for title in header]
    missing = [column for column in COLUMNS if column not in titles]
    if missing:
        raise InputFileError(
            file.name,
            "missing_column",
            f"column {missing[0]} is missing; this is not JPX's list of issues",
            1,
        )
    return [titles.index(column) for column in COLUMNS]


def _issue(name: str, row: int, cells: Sequence[Any]) -> ListedIssue:
    code = _text(cells[1]) or ""
    if not _CODE.fullmatch(code):
        raise InputFileError(name, "bad_code", f"{cells[1]!r} is not a securities code", row)
    if any("\0" in str(cell) for cell in cells):
        raise InputFileError(name, "nul_character", f"code {code} has a NUL character in a cell", row)
    title, market = _printed(cells[2]), _printed(cells[3])
    if title is None or market is None:
        raise InputFileError(name, "empty_cell", f"code {code} has no name or no market", row)
    if len(title) > _LONGEST_NAME or len(market) > _LONGEST_NAME:
        raise InputFileError(name, "overlong_cell", f"code {code} has a name or market of absurd length", row)
    return tokyo_issue(
        code,
        title,
        market,
        sector33_code=_text(cells[4]),
        sector33=_printed(cells[5]),
        sector17_code=_text(cells[6]),
        sector17=_printed(cells[7]),
        size_code=_text(cells[8]),
        size=_printed(cells[9]),
    )


def _text(cell: Any) -> str | None:
    """A code cell as text: ``1301.0`` → ``1301``, ``-`` → None."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else str(cell)
    value = str(cell).strip()
    return None if value in {"", "-"} else value


def _printed(cell: Any) -> str | None:
    """A text cell as printed; ``-`` and empty → None."""
    value = str(cell)
    return None if value.strip() in {"", "-"} else value


def _list_date(name: str, row: int, cell: Any) -> date:
    digits = _text(cell) or ""
    try:
        return date.fromisoformat(digits)  # strptime would read 2025930 as a date, too
    except ValueError:
        raise InputFileError(name, "bad_date", f"{cell!r} is not a date like 20250930", row) from None
