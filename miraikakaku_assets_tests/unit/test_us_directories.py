"""The files of the US list: both forms, tickers that look like values, and every way to be no directory."""

from datetime import date
from pathlib import Path

import pytest

from miraikakaku_assets.adapters.sources.us_listings.alpha_vantage import read_listing_status
from miraikakaku_assets.adapters.sources.us_listings.directories import UsAddresses, UsDirectories
from miraikakaku_assets.adapters.sources.us_listings.nasdaq_trader import read_directory
from miraikakaku_assets.application.ports import Publication
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets_tests.support.markets.us_directories import (
    AAPL,
    BRK,
    NA,
    NASDAQ,
    NASDAQ_2016,
    QQQ,
    directory,
    folder_of,
    listing_status,
    nasdaq_listed,
    other_listed,
    published,
)

SOURCE = UsDirectories(5.0, UsAddresses("nasdaqlisted.txt", "otherlisted.txt"))
APPLE_BY_VENDOR = "AAPL,Apple Inc,NASDAQ,Stock,1980-12-12,null,Active"


def test_both_forms_of_the_directory_are_read() -> None:
    now = read_directory(published(nasdaq_listed(), "nasdaqlisted.txt"))
    assert now.created == date(2025, 7, 21)
    assert [(line.symbol, line.is_etf, line.is_test) for line in now.lines] == [
        ("AAPL", False, False), ("NA", False, False), ("QQQ", True, False), ("ZVZZT", None, True),
    ]  # fmt: skip
    old = directory(NASDAQ_2016, [AAPL.rsplit("|", 2)[0]], "0105201612:12", "\n")
    before = read_directory(published(old, "nasdaqlisted.txt"))
    assert (before.created, before.lines[0].is_etf) == (date(2016, 1, 5), None)


def test_a_column_more_is_no_trouble() -> None:
    grown = directory(f"{NASDAQ}|Colour", [f"{AAPL}|red"])
    assert read_directory(published(grown, "nasdaqlisted.txt")).lines[0].symbol == "AAPL"


WORDS = ("NA", "NAN", "TRUE", "FALSE", "INF", "ON", "NULL", "NONE", "N", "NIL")


def test_tickers_that_look_like_values_stay_tickers(tmp_path: Path) -> None:
    lines = [f"{word}|{word} Inc. - Common Stock|Q|N|N|100|N|N" for word in WORDS]
    vendor = [f"{word},null,NASDAQ,Stock,2000-05-02,null,Active" for word in WORDS]
    folder = folder_of(tmp_path, nasdaq_listed(*lines), other_listed(), listing_status(*vendor))
    issues = {issue.symbol: issue for issue in SOURCE.parse(SOURCE.fetch(str(folder))).issues}
    assert set(WORDS) <= set(issues)
    assert {issues[word].listed_on for word in WORDS} == {date(2000, 5, 2)}
    assert issues["NA"].name == "NA Inc. - Common Stock"


CUT = nasdaq_listed(AAPL, NA)
BAD: dict[str, tuple[bytes, str, str, int | None]] = {
    "web page": (
        b"\r\n\r\n<!DOCTYPE html PUBLIC '-//W3C//DTD'><html></html>",
        "nasdaqlisted.txt",
        "web_page",
        None,
    ),
    "blank": (b" \r\n \r\n", "nasdaqlisted.txt", "empty_file", None),
    "binary": (b"Symbol|\xff\xfe\x00", "nasdaqlisted.txt", "not_text", None),
    "cut between lines": (CUT[: CUT.index(b"File")], "nasdaqlisted.txt", "cut_short", 3),
    "cut within a line": (CUT[: CUT.index(b"Nano")], "nasdaqlisted.txt", "cut_short", 3),
    "cut in the header": (b"Symbol|Secur", "nasdaqlisted.txt", "missing_column", 1),
    "the other file": (other_listed(), "nasdaqlisted.txt", "missing_column", 1),
    "the first file": (nasdaq_listed(), "otherlisted.txt", "missing_column", 1),
    "no date": (nasdaq_listed(created="soon"), "nasdaqlisted.txt", "bad_date", 6),
    "day 32": (nasdaq_listed(created="0132202512:00"), "nasdaqlisted.txt", "bad_date", 6),
    "header only": (directory(NASDAQ, []), "nasdaqlisted.txt", "no_issues", None),
    "a field missing": (nasdaq_listed(AAPL, NA[:-2]), "nasdaqlisted.txt", "wrong_columns", 3),
    "a bar in a name": (nasdaq_listed(AAPL.replace("Inc.", "Inc|")), "nasdaqlisted.txt", "wrong_columns", 2),
    "blank line inside": (nasdaq_listed(AAPL, "", NA), "nasdaqlisted.txt", "wrong_columns", 3),
    "twice": (nasdaq_listed(AAPL, NA, QQQ, AAPL), "nasdaqlisted.txt", "duplicate_symbol", 5),
    "no symbol": (nasdaq_listed(AAPL, NA.replace("NA|", "|")), "nasdaqlisted.txt", "empty_cell", 3),
    "no exchange": (other_listed(BRK.replace("|N|BRK", "||BRK")), "otherlisted.txt", "empty_cell", 2),
    "absurd name": (nasdaq_listed(AAPL.replace("Apple", "A" * 256)), "nasdaqlisted.txt", "overlong_cell", 2),
}


@pytest.mark.parametrize("case", BAD)
def test_file_that_is_no_directory_is_refused_in_one_sentence(case: str) -> None:
    content, part, rule, row = BAD[case]
    with pytest.raises(InputFileError) as caught:
        read_directory(published(content, part))
    message = str(caught.value)
    assert (caught.value.rule, caught.value.row) == (rule, row)
    assert message.startswith(f"lists/{part}, row {row}: " if row else f"lists/{part}: ")
    assert "\n" not in message


def test_a_real_page_saved_as_a_directory_is_refused(real_data: Path) -> None:
    (page,) = (real_data / "us/bad").iterdir()
    with pytest.raises(InputFileError, match="it is an HTML page") as caught:
        read_directory(published(page.read_bytes(), "nasdaqlisted.txt"))
    assert caught.value.rule == "web_page"


@pytest.mark.parametrize(
    ("created", "taken"),
    [("0721202523:59", date(2025, 7, 21)), ("0722202500:01", date(2025, 7, 21)), ("0718202512:00", date(2025, 7, 18)),
     ("0717202512:00", date(2025, 7, 17)), ("0716202512:00", None), ("0726202500:00", None)],
)  # fmt: skip
def test_directories_of_different_weeks_make_no_list(
    tmp_path: Path, created: str, taken: date | None
) -> None:
    folder = folder_of(tmp_path, nasdaq_listed(), other_listed(created=created))
    if taken is None:
        with pytest.raises(InputFileError, match="dates_apart"):
            SOURCE.parse(SOURCE.fetch(str(folder)))
    else:
        assert SOURCE.parse(SOURCE.fetch(str(folder))).list_date == taken


BAD_STATUS: dict[str, tuple[bytes, str, int | None]] = {
    "JSON": (b'{"Information": "rate limit"}', "not_a_list", None),
    "HTML": (b"<html>busy</html>", "not_a_list", None),
    "other columns": (b"symbol,name\r\nA,B\r\n", "wrong_header", 1),
    "a field more": (listing_status(APPLE_BY_VENDOR, APPLE_BY_VENDOR + ",x"), "wrong_columns", 3),
    "bad date": (listing_status(APPLE_BY_VENDOR.replace("1980-12-12", "12/12/1980")), "bad_date", 2),
    "other status": (listing_status(APPLE_BY_VENDOR.replace("Active", "Sleeping")), "bad_status", 2),
    "open quote": (listing_status('"AAPL,Apple'), "not_text", None),
    "binary": (b"\xff\xfe\x00", "not_text", None),
}


@pytest.mark.parametrize("case", BAD_STATUS)
def test_file_that_is_no_listing_status_is_refused(case: str) -> None:
    content, rule, row = BAD_STATUS[case]
    with pytest.raises(InputFileError) as caught:
        read_listing_status(published(content, "listing_status.csv"))
    assert (caught.value.rule, caught.value.row) == (rule, row)


def test_listing_status_is_read_with_its_nulls_and_quotes() -> None:
    gone = '"OLD","Old, Inc",NYSE,Stock,null,2020-03-04,Delisted'
    apple, old = read_listing_status(published(listing_status(APPLE_BY_VENDOR, gone), "listing_status.csv"))
    assert (apple.symbol, apple.ipo_date, apple.delisting_date, apple.is_active) == (
        "AAPL", date(1980, 12, 12), None, True,
    )  # fmt: skip
    assert (old.symbol, old.ipo_date, old.delisting_date, old.is_active) == (
        "OLD",
        None,
        date(2020, 3, 4),
        False,
    )


def test_a_folder_of_files_with_something_before_their_names(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path, nasdaq_listed(), other_listed(), listing_status(APPLE_BY_VENDOR), before="x__2025-07-21__"
    )
    publication = SOURCE.fetch(str(folder))
    assert [file.part for file in publication.files] == [
        "nasdaqlisted.txt",
        "otherlisted.txt",
        "listing_status.csv",
    ]
    market = SOURCE.parse(publication)
    assert market.sha256 == publication.sha256
    assert [issue.symbol for issue in market.issues] == ["AAPL", "NA", "QQQ", "BRK-B", "SPY", "BAC-PB"]
    assert market.issues[0].listed_on == date(1980, 12, 12)
    assert market.counts == {"test_issue": 1, "vendor_misses": 5}


def test_a_folder_that_is_none_or_not_whole_or_more_than_one_list(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "lists", nasdaq_listed(), other_listed())

    def rule_of(path: Path) -> str:
        with pytest.raises(InputFileError) as caught:
            SOURCE.fetch(str(path))
        return caught.value.rule

    assert rule_of(tmp_path / "none") == "not_a_folder"
    assert rule_of(folder / "nasdaqlisted.txt") == "not_a_folder"
    (folder / "2_otherlisted.txt").write_bytes(other_listed())
    assert rule_of(folder) == "ambiguous_folder"
    for path in folder.glob("*otherlisted.txt"):
        path.unlink()
    assert rule_of(folder) == "missing_part"
    with pytest.raises(InputFileError, match=r"otherlisted\.txt does not come with it"):
        SOURCE.parse(Publication((published(nasdaq_listed(), "nasdaqlisted.txt"),)))
