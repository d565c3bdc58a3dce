"""Real files of exchanges and users: the calendar, JPX's lists, and bars as people keep them."""

import csv
import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.adapters.sources.files.daily_bars import read_bar_file
from miraikakaku_assets.adapters.sources.jpx.stock_list import JpxList
from miraikakaku_assets.domain.bars.validation import DailyContext, validate_daily
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.domain.market.master import KnownIssue, StockList, compare, normalised
from miraikakaku_assets.domain.market.sessions import session_table

NOW = datetime(2026, 11, 21, tzinfo=UTC)
JPX = JpxList(timeout=5.0)


def test_sessions_are_those_of_the_published_calendar(real_data: Path) -> None:
    with gzip.open(real_data / "calendar/xtks.csv.gz", "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    published = {
        date.fromisoformat(row[""][:10]): (
            row["open"].replace("Z", "+00:00"),
            row["close"].replace("Z", "+00:00"),
        )
        for row in rows
    }
    first, last = min(published), max(published)
    ours = session_table("XTKS").filter(pl.col("session").is_between(first, last))
    computed = {day: (opens.isoformat(), closes.isoformat()) for day, opens, closes in ours.iter_rows()}
    assert len(published) > 6_000
    assert computed == published


# date of the list: (issues, codes with letters, 5-digit codes, issues without a size)
LISTS = {
    "20200131": (4_016, 0, 1, 1_860),
    "20211230": (4_170, 0, 1, 1_990),
    "20220331": (4_179, 0, 1, 2_006),
    "20220428": (4_184, 0, 1, 2_348),
    "20240731": (4_383, 93, 3, 2_250),
    "20250930": (4_403, 257, 4, 2_731),
}


def parsed(real_data: Path, day: str) -> StockList:
    return JPX.parse(JPX.fetch(str(real_data / f"jpx/data_j_{day}.xls")))


@pytest.mark.parametrize("day", LISTS)
def test_every_line_of_jpx_lists_is_read(real_data: Path, day: str) -> None:
    stock_list = parsed(real_data, day)
    codes = [issue.code for issue in stock_list.issues]
    letters = sum(not code.isdigit() for code in codes)
    without_size = sum(issue.size is None for issue in stock_list.issues)
    assert stock_list.list_date == datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).date()
    assert (len(codes), letters, sum(len(code) == 5 for code in codes), without_size) == LISTS[day]
    assert codes[0] == "1301"
    assert "25935" in codes
    assert not any("-" in (issue.sector33 or "") or ".0" in issue.code for issue in stock_list.issues)


def test_spacing_that_jpx_dropped_is_no_change(real_data: Path) -> None:
    before, after = parsed(real_data, "20220428"), parsed(real_data, "20240731")
    spaced = sum(
        issue.sector17 is not None and issue.sector17 != issue.sector17.strip() for issue in before.issues
    )
    assert spaced > 3_700
    known = {issue.code: KnownIssue(issue, is_active=True) for issue in before.issues}
    diff = compare(known, after.issues)
    sectors = {issue.code: issue.sector17 for issue in before.issues}
    changed = [each for each in diff.updated if normalised(each.sector17) != normalised(sectors[each.code])]
    assert len(diff.unchanged) == 3_144
    assert len(changed) < 30


def test_damaged_list_is_refused_in_one_sentence(real_data: Path) -> None:
    (damaged,) = (real_data / "jpx").glob("CORRUPT_*.xls")
    with pytest.raises(InputFileError, match="binary mode") as caught:
        JPX.parse(JPX.fetch(str(damaged)))
    assert caught.value.rule == "not_a_workbook"
    assert "\n" not in str(caught.value)


# file: (rows, dividends and splits, first day, last day, rows that each rule refuses)
BAR_FILES = {
    "1376.csv": (3_618, 34, date(2000, 1, 10), date(2022, 9, 16), {"no_price": 7, "not_a_session": 123}),
    "7203.csv": (5_860, 49, date(1999, 5, 6), date(2022, 9, 16), {"not_a_session": 132}),
    "8919.csv": (
        4_622,
        13,
        date(2004, 2, 3),
        date(2022, 9, 16),
        {"not_a_session": 63},
    ),
    "9984.csv": (5_687, 35, date(2000, 1, 4), date(2022, 9, 16), {"not_a_session": 123}),
    "quirks/6146.T.csv": (1_222, 0, date(2020, 4, 13), date(2025, 4, 11), {}),
    "quirks/7011.T.csv": (1_222, 0, date(2020, 4, 13), date(2025, 4, 11), {}),
    "quirks/7012.T.csv": (1_222, 0, date(2020, 4, 13), date(2025, 4, 11), {}),
}


@pytest.mark.parametrize("name", BAR_FILES)
def test_every_row_of_a_real_file_is_accounted_for(real_data: Path, name: str) -> None:
    rows, happened, first, last, rules = BAR_FILES[name]
    bars, actions = read_bar_file(real_data / "jp_daily" / name, JP)
    assert (bars.height, actions.height, bars["session"].min(), bars["session"].max()) == (
        rows,
        happened,
        first,
        last,
    )
    assert bars["symbol"].unique().to_list() == [Path(name).name.split(".")[0] + ".T"]
    validated = validate_daily(bars, DailyContext(JP, NOW, actions=actions))
    assert validated.accepted.height + validated.refused.height == rows
    counted = dict(validated.refused["rule"].value_counts().iter_rows())
    assert counted == rules


def test_file_of_an_issue_yahoo_has_no_prices_of_is_empty(real_data: Path) -> None:
    bars, actions = read_bar_file(real_data / "jp_daily/25935.csv", JP)
    assert (bars.height, actions.height) == (0, 0)


@pytest.mark.parametrize(("symbol", "rule"), [("1349.T", "limit_undone"), ("1821.T", "price_out_of_range")])
def test_garbage_ticks_of_a_real_year_are_refused(real_data: Path, symbol: str, rule: str) -> None:
    bars, _ = read_bar_file(real_data / "jp_daily/jp_daily_all4178_2024-12_2025-12.parquet", JP)
    mine = bars.filter(pl.col("symbol") == symbol)
    validated = validate_daily(mine, DailyContext(JP, NOW))
    assert rule in validated.refused["rule"].to_list()
    assert validated.accepted.height + validated.refused.height == mine.height
    assert validated.accepted["close"].max() < 30_000  # type: ignore[operator] # a number
