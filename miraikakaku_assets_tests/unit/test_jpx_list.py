"""JPX's list of issues: cell by cell, and every way in which a file is not such a list."""

import hashlib
import io
import zipfile
from datetime import date
from pathlib import Path

import pytest

from miraikakaku_assets.adapters.sources.jpx.stock_list import COLUMNS, JpxList
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets_tests.support.markets.workbooks import ETF, PRIME, line, published, workbook

LIST = JpxList(timeout=5.0)


def test_codes_are_text_whatever_the_cell_is() -> None:
    parsed = LIST.parse(
        published(workbook([line(1301.0), line("130A"), line(25935.0), line("1305", market=ETF)]))
    )
    assert [issue.code for issue in parsed.issues] == ["1301", "130A", "25935", "1305"]
    assert [issue.symbol for issue in parsed.issues] == ["1301.T", "130A.T", "25935.T", "1305.T"]


def test_line_is_kept_as_printed_and_the_dash_is_nothing() -> None:
    name = "ＮＥＸＴ　ＦＵＮＤＳ ＴＯＰＩＸ連動型上場投信"
    stock, fund = LIST.parse(published(workbook([line(1301.0), line(1306.0, name, ETF)]))).issues
    assert (stock.sector33_code, stock.sector33) == ("50", "水産・農林業")
    assert (stock.sector17_code, stock.sector17) == ("1", "食品 ")  # the space JPX printed until 2023-04
    assert (stock.size_code, stock.size) == ("7", "TOPIX Small 2")
    assert fund.name == name
    assert [
        fund.sector33_code,
        fund.sector33,
        fund.sector17_code,
        fund.sector17,
        fund.size_code,
        fund.size,
    ] == ([None] * 6)


def test_list_knows_its_date_and_its_digest() -> None:
    content = workbook([line(1301.0)])
    parsed = LIST.parse(published(content))
    assert parsed.list_date == date(2025, 9, 30)
    assert parsed.sha256 == hashlib.sha256(content).hexdigest()


def test_columns_are_found_by_their_titles() -> None:
    turned = [COLUMNS[::-1], [*line(1301.0)[::-1]]]
    parsed = LIST.parse(published(workbook(turned[1:], turned[0])))
    assert (parsed.issues[0].code, parsed.issues[0].market) == ("1301", PRIME)


def zipped() -> bytes:
    """What an .xlsx starts like: a ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return buffer.getvalue()


GOOD = [line(1301.0), line(1332.0), line("130A")]
BAD: dict[str, tuple[bytes, str, int | None]] = {
    "HTML page": (b"\r\n<!DOCTYPE html><html><body>503</body></html>", "not_a_workbook", None),
    "HTML without doctype": (b"<HTML><head></head></HTML>", "not_a_workbook", None),
    "text": ("日付,コード\n20250930,1301\n".encode("cp932"), "not_a_workbook", None),
    "xlsx": (zipped(), "not_a_workbook", None),
    "cut short": (workbook(GOOD)[:3000], "not_a_workbook", None),
    "head of a workbook": (workbook(GOOD)[:8], "not_a_workbook", None),
    "empty sheet": (workbook([], []), "missing_column", 1),
    "header only": (workbook([]), "no_issues", None),
    "column missing": (workbook([each[:-1] for each in GOOD], COLUMNS[:-1]), "missing_column", 1),
    "other columns": (workbook([["Japan", 123.0]], ["Country", "Population"]), "missing_column", 1),
    "duplicate code": (workbook([*GOOD, line("1332")]), "duplicate_code", 5),
    "letters for a code": (workbook([*GOOD, line("合計")]), "bad_code", 5),
    "no code": (workbook([line(1301.0), line("-")]), "bad_code", 3),
    "fraction for a code": (workbook([line(1301.5)]), "bad_code", 2),
    "lower-case code": (workbook([line("130a")]), "bad_code", 2),
    "three digits": (workbook([line(130.0)]), "bad_code", 2),
    "no name": (workbook([line(1301.0), line(1332.0, name="-")]), "empty_cell", 3),
    "no market": (workbook([line(1301.0, market=" ")]), "empty_cell", 2),
    "bad date": (workbook([line(1301.0), line(1332.0, day=20251301.0)]), "bad_date", 3),
    "serial date": (workbook([line(1301.0, day=45930.0)]), "bad_date", 2),
    "seven digits": (workbook([line(1301.0, day=2025930.0)]), "bad_date", 2),
    "no date": (workbook([line(1301.0, day="-")]), "bad_date", 2),
    "two dates": (workbook([line(1301.0), line(1332.0, day=20251031.0)]), "mixed_dates", None),
}


@pytest.mark.parametrize("case", BAD)
def test_file_that_is_no_list_is_refused_in_one_sentence(case: str) -> None:
    content, rule, row = BAD[case]
    with pytest.raises(InputFileError) as caught:
        LIST.parse(published(content, "lists/data_j.xls"))
    message = str(caught.value)
    assert (caught.value.rule, caught.value.row) == (rule, row)
    assert message.startswith("lists/data_j.xls, row" if row else "lists/data_j.xls:")
    assert f"[rule {rule}]" in message
    assert "\n" not in message


def test_trouble_inside_the_workbook_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputFileError):
        LIST.parse(published(workbook(GOOD)[:3000]))
    assert capsys.readouterr() == ("", "")


def test_list_is_fetched_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "data_j.xls"
    path.write_bytes(workbook(GOOD))
    for location in (str(path), f"file://{path}"):
        (file,) = LIST.fetch(location).files
        assert (file.name, file.content) == (str(path), path.read_bytes())


@pytest.mark.parametrize(
    ("name", "rule"), [("none.xls", "no_such_file"), (".", "unreadable"), ("empty.xls", "empty_file")]
)
def test_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str, rule: str) -> None:
    (tmp_path / "empty.xls").touch()
    with pytest.raises(InputFileError) as caught:
        LIST.fetch(str(tmp_path / name))
    assert caught.value.rule == rule


def test_list_is_fetched_from_where_it_is_published(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.xls"
    path.write_bytes(workbook(GOOD))
    source = JpxList(5.0, str(path))
    assert source.address == str(path)
    assert len(source.parse(source.fetch(None)).issues) == 3


def test_path_through_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputFileError, match="unreadable"):
        LIST.fetch(str(tmp_path / "file" / "data_j.xls"))
