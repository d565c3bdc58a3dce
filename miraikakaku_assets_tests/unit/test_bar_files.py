"""Files of daily bars: every layout that is understood, value by value."""

from datetime import UTC, date, datetime
from math import isnan
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from miraikakaku_assets.adapters.sources.files.daily_bars import named_symbol, read_bar_file
from miraikakaku_assets.domain.bars.frame import ACTIONS, RAW_DAILY
from miraikakaku_assets.domain.market.instruments import JP

BAR = {"Open": 1.0, "High": 3.0, "Low": 0.5, "Close": 2.0, "Volume": 100}
VALUES = (1.0, 3.0, 0.5, 2.0, 100.0)


def csv(folder: Path, text: str, name: str = "7203.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def parquet(folder: Path, columns: dict[str, object], name: str = "7203.parquet") -> Path:
    path = folder / name
    pl.DataFrame(columns).write_parquet(path)
    return path


def prices(bars: pl.DataFrame) -> list[tuple[Any, ...]]:
    return bars.select("open", "high", "low", "close", "volume").rows()


def test_table_of_many_symbols_in_any_order_and_case(tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        "VOLUME,close,Low,symbol,High,date,Open,note\n"
        "100,2.0,0.5,7203.T,3.0,2025-01-06,1.0,x\n"
        "100,2.0,0.5,130A.T,3.0,2025-01-07,1.0,y\n",
        "all.csv",
    )
    bars, actions = read_bar_file(path, JP)
    assert dict(bars.schema) == RAW_DAILY
    assert bars.select("symbol", "session", "stamp", "row", "refusal").rows() == [
        ("7203.T", date(2025, 1, 6), None, 2, None),
        ("130A.T", date(2025, 1, 7), None, 3, None),
    ]
    assert prices(bars) == [VALUES, VALUES]
    assert dict(actions.schema) == ACTIONS
    assert actions.is_empty()


def test_file_of_one_symbol_with_dividends_and_splits(tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        "Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits\n"
        "2025-01-06,1,3,.5,2,1.9,100,0.0,0\n"
        "2025-01-07,1,3,.5,2,1.9,100,40.0,0\n"
        "2025-01-08,1,3,.5,2,1.9,100,0.0,5.0\n",
    )
    bars, actions = read_bar_file(path, JP)
    assert bars["symbol"].to_list() == ["7203.T"] * 3
    assert prices(bars) == [VALUES] * 3  # the adjusted close is not taken
    assert sorted(actions.rows()) == [
        ("7203.T", date(2025, 1, 7), "dividend", 40.0),
        ("7203.T", date(2025, 1, 8), "split", 5.0),
    ]


def test_three_line_header_of_a_multi_index_frame(tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        "Price,Close,High,Low,Open,Volume\nTicker,6146.T,6146.T,6146.T,6146.T,6146.T\nDate,,,,,\n"
        "2020-04-13,2.0,3.0,0.5,1.0,100\n",
        "anything.csv",
    )
    bars, _ = read_bar_file(path, JP)
    assert bars.select("symbol", "session", "row").rows() == [("6146.T", date(2020, 4, 13), 4)]
    assert prices(bars) == [VALUES]


@pytest.mark.parametrize(
    "header",
    [
        "Date,Open,High,Low,Close,Adj Close,Volume\n",
        "Date,Open,High,Low,Close,Volume",
        "Price,Close,High,Low,Open,Volume\nTicker,7203.T,7203.T,7203.T,7203.T,7203.T\nDate,,,,,\n",
        "Price,Close,High,Low,Open,Volume\nTicker,7203.T,7203.T,7203.T,7203.T,7203.T\nDate,,,,,",
    ],
)
def test_file_with_a_header_and_nothing_else_holds_no_bars(tmp_path: Path, header: str) -> None:
    bars, actions = read_bar_file(csv(tmp_path, header), JP)
    assert (bars.height, actions.height) == (0, 0)
    assert dict(bars.schema) == RAW_DAILY


def test_cells_that_are_no_number_are_delivered_as_they_are_for_the_validation_to_judge(
    tmp_path: Path,
) -> None:
    path = csv(
        tmp_path,
        "Date,Open,High,Low,Close,Volume\n"
        "2025-01-06,,nan,NaN,abc,100\n"
        "2025-01-07,-1.5,inf,-inf,1e400,-5\n"
        '2025-01-08, 1.0 ,3,.5,"2.0",100.0\n',
    )
    bars, _ = read_bar_file(path, JP)
    first, second, third = prices(bars)
    assert first[0] is None
    assert first[3] is None
    assert isnan(first[1])
    assert isnan(first[2])
    assert second == (-1.5, float("inf"), float("-inf"), float("inf"), -5.0)
    assert third == VALUES


def test_blank_lines_and_a_byte_order_mark_do_not_count(tmp_path: Path) -> None:
    path = csv(tmp_path, "\ufeffDate,Open,High,Low,Close,Volume\r\n\r\n2025-01-06,1,3,.5,2,100\r\n\r\n\r\n")
    bars, _ = read_bar_file(path, JP)
    assert bars.select("session", "row").rows() == [(date(2025, 1, 6), 3)]


@pytest.mark.parametrize(
    ("written", "session", "stamp"),
    [
        ("2025-01-06", date(2025, 1, 6), None),
        ("2025-01-06 00:00:00", date(2025, 1, 6), datetime(2025, 1, 5, 15, tzinfo=UTC)),
        ("2025-01-06 00:00:00+09:00", date(2025, 1, 6), datetime(2025, 1, 5, 15, tzinfo=UTC)),
        ("2025-01-06T15:30:00+09:00", date(2025, 1, 6), datetime(2025, 1, 6, 6, 30, tzinfo=UTC)),
        ("2025-01-06 15:45:03", date(2025, 1, 6), datetime(2025, 1, 6, 6, 45, 3, tzinfo=UTC)),
        ("2025-01-06T00:00:00Z", date(2025, 1, 6), datetime(2025, 1, 6, tzinfo=UTC)),
        ("2025-01-05 15:00:00+00:00", date(2025, 1, 6), datetime(2025, 1, 5, 15, tzinfo=UTC)),
    ],
)
def test_dates_and_stamps_as_text(
    tmp_path: Path, written: str, session: date, stamp: datetime | None
) -> None:
    bars, _ = read_bar_file(csv(tmp_path, f"Date,Open,High,Low,Close,Volume\n{written},1,3,.5,2,100\n"), JP)
    assert bars.select("session", "stamp").rows() == [(session, stamp)]


def test_days_and_stamps_may_stand_in_one_column(tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        "Date,Open,High,Low,Close,Volume\n2025-01-06,1,3,.5,2,100\n2025-01-07 15:30:00+09:00,1,3,.5,2,100\n",
    )
    bars, _ = read_bar_file(path, JP)
    assert bars["session"].to_list() == [date(2025, 1, 6), date(2025, 1, 7)]


TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize(
    ("days", "session", "stamp"),
    [
        (pl.Series([date(2025, 1, 6)]), date(2025, 1, 6), None),
        (pl.Series([datetime(2025, 1, 6)]), date(2025, 1, 6), None),  # noqa: DTZ001
        (
            pl.Series([datetime(2025, 1, 6, 15, 30)]),  # noqa: DTZ001
            date(2025, 1, 6),
            datetime(2025, 1, 6, 6, 30, tzinfo=UTC),
        ),
        (
            pl.Series([datetime(2025, 1, 6)]).cast(pl.Datetime("ns")).dt.replace_time_zone("Asia/Tokyo"),  # noqa: DTZ001
            date(2025, 1, 6),
            datetime(2025, 1, 5, 15, tzinfo=UTC),
        ),
        (
            pl.Series([datetime(2025, 1, 5, 15, tzinfo=UTC)]),
            date(2025, 1, 6),
            datetime(2025, 1, 5, 15, tzinfo=UTC),
        ),
        (pl.Series(["2025-01-06"]), date(2025, 1, 6), None),
    ],
    ids=["date", "midnight", "naive stamp", "Tokyo", "UTC", "text"],
)
def test_columns_a_parquet_file_may_date_its_bars_with(
    tmp_path: Path, days: pl.Series, session: date, stamp: datetime | None
) -> None:
    columns = {"Datetime": days, **{name: [value] for name, value in BAR.items()}}
    bars, _ = read_bar_file(parquet(tmp_path, columns), JP)
    assert dict(bars.schema) == RAW_DAILY
    assert bars.select("symbol", "session", "stamp", "row").rows() == [("7203.T", session, stamp, 1)]
    assert prices(bars) == [VALUES]


def test_columns_of_other_names_and_kinds_are_left_alone(tmp_path: Path) -> None:
    columns = {"date": [date(2025, 1, 6)], **{name: [value] for name, value in BAR.items()}}
    more = {"row": ["x"], "refusal": [["y"]], "stamp": [None], "_bar_day": [1], "adj close": [0.0]}
    bars, _ = read_bar_file(parquet(tmp_path, columns | more), JP)
    assert prices(bars) == [VALUES]
    assert bars.select("row", "refusal", "stamp").rows() == [(1, None, None)]


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("7203.csv", "7203.T"), ("7203.T.csv", "7203.T"), ("130A.parquet", "130A.T"), ("25935.csv", "25935.T")],
)
def test_symbol_a_files_name_stands_for(name: str, symbol: str) -> None:
    assert named_symbol(Path("bars") / name, JP) == symbol
