"""Files of daily bars that cannot be taken: one sentence with the file, the rule and, where it is one, the row."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.adapters.sources.files.daily_bars import read_bar_file
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets.domain.market.instruments import JP

HEADER = "Date,Open,High,Low,Close,Volume\n"
GOOD = "2025-01-06,1,3,.5,2,100\n"
PRICES = {"open": [1.0], "high": [3.0], "low": [0.5], "close": [2.0], "volume": [100]}


def refusal(path: Path) -> InputFileError:
    with pytest.raises(InputFileError) as caught:
        read_bar_file(path, JP)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert f"[rule {caught.value.rule}]" in message
    if caught.value.row is not None:
        assert f"row {caught.value.row}" in message
    return caught.value


TEXTS: dict[str, tuple[str, str, int | None]] = {
    "no content": ("", "empty_file", None),
    "HTML page": ("<!DOCTYPE html>\n<html><body>Sorry</body></html>\n", "unknown_layout", 1),
    "another table": ("Country,Population\nJapan,123\n", "missing_column", 1),
    "no date": ("Open,High,Low,Close,Volume\n1,3,.5,2,100\n", "missing_column", 1),
    "no volume": ("Date,Open,High,Low,Close\n2025-01-06,1,3,.5,2\n", "missing_column", 1),
    "two closes": (
        "Date,Open,High,Low,Close,close,Volume\n2025-01-06,1,3,.5,2,2,100\n",
        "duplicate_column",
        1,
    ),
    "ragged row": (HEADER + GOOD + "2025-01-07,1,3,.5,2,100,7,8\n", "uneven_row", 3),
    "row that ends early": (HEADER + GOOD + "2025-01-07,1\n" + GOOD, "truncated_row", 3),
    "file that ends early": (HEADER + GOOD + "\n2025-01-07,1,3,.5", "truncated_row", 4),
    "quote without an end": (HEADER + GOOD + '"2025-01-07,1,3,.5,2,100\n' + GOOD, "open_quote", 3),
    "two tickers": (
        "Price,Close,High,Low,Open,Volume\nTicker,A.T,B.T,A.T,A.T,A.T\nDate,,,,,\n2025-01-06,2,3,.5,1,100\n",
        "unknown_layout",
        2,
    ),
    "two tickers as yfinance writes them": (
        "Price,Close,Close,Volume\nTicker,A.T,B.T,A.T\nDate,,,\n2025-01-06,2,3,100\n",
        "unknown_layout",
        2,
    ),
    "bad date": (HEADER + GOOD + "2025-13-07,1,3,.5,2,100\n", "bad_date", 3),
    "word for a date": (HEADER + GOOD + GOOD + "yesterday,1,3,.5,2,100\n", "bad_date", 4),
    "no date in a row": (HEADER + GOOD + ",1,3,.5,2,100\n", "bad_date", 3),
    "date out of range": (HEADER + "9999-12-31T23:59:59+00:00,1,3,.5,2,100\n", "bad_date", 2),
    "New York": (HEADER + GOOD + "2025-01-07 00:00:00-05:00,1,3,.5,2,100\n", "wrong_time_zone", 3),
    "no symbol": (
        "Symbol,Date,Open,High,Low,Close,Volume\n7203.T," + GOOD + "," + GOOD,
        "missing_symbol",
        3,
    ),
}


def test_empty_fields_and_a_comma_behind_the_header_cut_nothing_off(tmp_path: Path) -> None:
    path = tmp_path / "7203.csv"
    path.write_text("Date,Open,High,Low,Close,Volume,\n\n" + GOOD + "2025-01-07,,,,,\n", encoding="utf-8")
    assert read_bar_file(path, JP)[0].height == 2


@pytest.mark.parametrize("case", TEXTS)
def test_text_that_is_no_table_of_bars_is_refused(tmp_path: Path, case: str) -> None:
    text, rule, row = TEXTS[case]
    path = tmp_path / "7203.csv"
    path.write_text(text, encoding="utf-8")
    error = refusal(path)
    assert (error.rule, error.row) == (rule, row)


def test_bad_date_behind_a_three_line_header_is_named_by_its_line_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "6146.T.csv"
    head = "Price,Close,High,Low,Open,Volume\nTicker,6146.T,6146.T,6146.T,6146.T,6146.T\nDate,,,,,\n"
    path.write_text(head + GOOD + "2025-02-30,2,3,.5,1,100\n", encoding="utf-8")
    assert (refusal(path).rule, refusal(path).row) == ("bad_date", 5)


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00binary\x80", HEADER.encode() + b"2025-01-06,1,3,.5,2,\xff\xfe\n"]
)
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "7203.csv"
    path.write_bytes(content)
    assert refusal(path).rule in {"not_text", "unknown_layout"}


@pytest.mark.parametrize("content", [b"", b"PAR1", b"<html></html>", b"\xd0\xcf\x11\xe0" * 100])
def test_bytes_that_are_no_parquet_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bars.parquet"
    path.write_bytes(content)
    assert refusal(path).rule == "unreadable"


def test_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.csv").rule == "no_such_file"
    assert refusal(tmp_path).rule == "no_such_file"


PARQUETS: dict[str, tuple[dict[str, object], str, int | None]] = {
    "no date": ({"date": pl.Series([None], dtype=pl.Date)}, "bad_date", 1),
    "no stamp": ({"date": pl.Series([None], dtype=pl.Datetime("us"))}, "bad_date", 1),
    "year 12,345": ({"date": pl.Series([3_790_000], dtype=pl.Int32).cast(pl.Date)}, "bad_date", 1),
    "numbers for dates": ({"date": [1_736_121_600]}, "bad_date", 1),
    "no symbol": (
        {"date": [date(2025, 1, 6)], "symbol": pl.Series([None], dtype=pl.String)},
        "missing_symbol",
        1,
    ),
    "New York": (
        {"date": pl.Series([datetime(2025, 1, 6, tzinfo=UTC)]).dt.convert_time_zone("America/New_York")},
        "wrong_time_zone",
        1,
    ),
    "lists for prices": ({"date": [date(2025, 1, 6)], "close": [[2.0, 3.0]]}, "unknown_layout", None),
}


@pytest.mark.parametrize("case", PARQUETS)
def test_parquet_with_columns_that_cannot_be_right_is_refused(tmp_path: Path, case: str) -> None:
    columns, rule, row = PARQUETS[case]
    path = tmp_path / "7203.parquet"
    pl.DataFrame({**PRICES, **columns}).write_parquet(path)
    error = refusal(path)
    assert (error.rule, error.row) == (rule, row)


def test_stamps_of_a_zone_with_tokyos_time_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "7203.parquet"
    stamps = pl.Series([datetime(2025, 1, 5, 15, tzinfo=UTC)]).dt.convert_time_zone("Asia/Seoul")
    pl.DataFrame({"date": stamps, **PRICES}).write_parquet(path)
    assert read_bar_file(path, JP)[0]["session"].to_list() == [date(2025, 1, 6)]
