"""Archives of real bars, and the workbook of issues that both kinds of market write."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import xlrd

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.listings import jpx_codes
from miraikakaku_assets.simulator.listings.jpx_workbook import COLUMNS
from miraikakaku_assets.simulator.prices.quotes import Quotes
from miraikakaku_assets.simulator.replay.archive import Archive
from miraikakaku_assets.simulator.world.world import World

NOON = datetime(2026, 11, 20, 5, 2, 30, tzinfo=UTC)


def second(moment: datetime) -> int:
    return int(moment.timestamp())


def served(quotes: Quotes | None) -> Quotes:
    assert quotes is not None
    return quotes


def generated(symbols: int) -> xlrd.Book:
    world = World(SimulatorConfig(symbols=symbols), second(NOON))
    return xlrd.open_workbook(file_contents=world.workbook(second(NOON)))


def test_the_workbook_is_biff8_with_the_types_and_proportions_of_the_real_one() -> None:
    book = generated(4000)
    sheet = book.sheet_by_index(0)
    assert book.biff_version == 80
    assert tuple(sheet.row_values(0)) == COLUMNS
    assert sheet.nrows == 4001
    rows: list[list[Any]] = [list(sheet.row_values(row)) for row in range(1, sheet.nrows)]
    assert {row[0] for row in rows} == {20261030.0}
    codes: list[Any] = [row[1] for row in rows]
    assert {1301.0, 7203.0, 25935.0, "130A"} <= set(codes)
    assert len(set(codes)) == 4000
    assert 0.03 < sum(isinstance(code, str) for code in codes) / 4000 < 0.09
    for row in rows:
        assert (row[4] == "-") == (row[5] == "-") == (row[6] == "-") == (row[7] == "-")
        assert (row[8] == "-") == (row[9] == "-")
        assert row[4] == "-" or isinstance(row[4], float)
    assert any("\u3000" in row[2] for row in rows)
    for market, real in jpx_codes.MARKETS[:5]:
        share = sum(row[3] == market for row in rows) / 4000
        assert share == pytest.approx(real / 4403, abs=0.02)


def test_the_real_workbook_has_the_same_columns_and_cell_types(real_data: Path) -> None:
    real = xlrd.open_workbook(str(real_data / "jpx" / "data_j_20250930.xls")).sheet_by_index(0)
    made = generated(900)
    ours = made.sheet_by_index(0)
    assert made.sheet_names() == ["Sheet1"]
    assert real.row_values(0) == ours.row_values(0)
    for column in range(10):
        assert set(real.col_types(column, 1)) == set(ours.col_types(column, 1))
    for column in (3, 5, 7, 9):
        assert set(ours.col_values(column, 1)) <= set(real.col_values(column, 1))


def test_an_archive_serves_its_files_and_hides_sessions_after_the_clock(tmp_path: Path) -> None:
    header = "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits\n"
    # Raw closes 1000, 1010, 1000 with a dividend of 10 on the third day, as yfinance adjusts them.
    factor = 1 - 10 / 1010
    days = ["2025-01-06", "2025-01-07", "2025-01-08"]
    closes = [1000 * factor, 1010 * factor, 1000.0]
    dividends = [0, 0, 10]
    lines = [f"{d},{c},{c},{c},{c},100,{v},0.0" for d, c, v in zip(days, closes, dividends, strict=True)]
    (tmp_path / "130A.csv").write_text(header + "\n".join(lines))
    (tmp_path / "25935.csv").write_text("Date,Open,High,Low,Close,Adj Close,Volume\n")
    prices = {name: [10.0, 11.0, 12.0] for name in ("open", "high", "low", "close", "volume")}
    pl.DataFrame({"symbol": ["1301.T"] * 3, "date": days, **prices}).write_parquet(tmp_path / "daily.parquet")
    stamps = ["2025-01-07 09:00:00+09:00", "2025-01-07 09:05:00+09:00", "2025-01-08 09:00:00+09:00"]
    minutes = pl.DataFrame({"symbol": ["1301.T"] * 3, "timestamp": stamps, **prices})
    minutes.write_parquet(tmp_path / "minutes.parquet")
    now = second(datetime(2025, 1, 7, 12, tzinfo=UTC))  # 21:00 in Tokyo
    archive = Archive(tmp_path, now)
    assert archive.symbols()["jp"] == ["1301.T", "130A.T", "25935.T"]
    assert served(archive.quotes("1301.T", now)).daily.close.tolist() == [10.0, 11.0]
    assert served(archive.quotes("130A.T", now)).dividends == ()
    later = served(archive.quotes("130A.T", now + 86_400))
    assert later.daily.close == pytest.approx([1000, 1010, 1000])
    assert later.daily.adjclose == pytest.approx(closes)
    assert [event.amount for event in later.dividends] == [10]
    assert not len(served(archive.quotes("25935.T", now)).daily)
    assert archive.quotes("9999.T", now) is None
    assert archive.five_minutes("1301.T", 0, now, now).stamps.tolist() == [1_736_208_000, 1_736_208_300]
    sheet = xlrd.open_workbook(file_contents=archive.workbook(now)).sheet_by_index(0)
    assert sheet.col_values(1, 1) == [1301.0, "130A", 25935.0]


def test_an_archive_without_bars_or_with_a_strange_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no bars"):
        Archive(tmp_path, second(NOON))
    (tmp_path / "7203.csv").write_text("Price,Close\nTicker,7203.T\n")
    with pytest.raises(ConfigurationError, match=r"7203\.csv has the columns Price, Close"):
        Archive(tmp_path, second(NOON))


def test_a_symbol_of_two_real_files_is_served_from_the_newer_one(real_data: Path) -> None:
    archive = Archive(real_data / "jp_daily", second(NOON))
    assert len(archive.symbols()["jp"]) > 4_000
    real = pl.read_parquet(real_data / "jp_daily" / "jp_daily_all4178_2024-12_2025-12.parquet")
    own = real.filter(pl.col("symbol") == "7203.T").sort("date")
    assert served(archive.quotes("7203.T", second(NOON))).daily.close.tolist() == own["close"].to_list()


def test_the_automatic_adjustment_of_a_real_file_is_undone_to_whole_yen(
    real_data: Path, tmp_path: Path
) -> None:
    (tmp_path / "7203.csv").symlink_to(real_data / "jp_daily" / "7203.csv")
    bars = served(Archive(tmp_path, second(NOON)).quotes("7203.T", second(NOON))).daily
    traded = bars.close[:5_000] * 5  # 5:1 split in 2021, the only one
    assert bars.adjclose is not None
    assert traded[0] == pytest.approx(3610, abs=0.01)  # 1999-05-06; 417.55 in the file
    assert np.mean(np.abs(traded - np.round(traded)) < 0.01) > 0.95
    assert bars.adjclose[0] == pytest.approx(417.55, abs=0.01)


def test_a_currency_day_that_has_ended_keeps_its_own_stamp(tmp_path: Path) -> None:
    """The next one begins at that midnight: with a later stamp Wednesday's bar would pass for Thursday's."""
    days = [datetime(2025, 3, day, tzinfo=UTC).date() for day in (4, 5, 6)]
    prices = {name: [150.0, 149.5, 149.0] for name in ("open", "high", "low", "close")}
    bars = pl.DataFrame({"symbol": "USDJPY=X", "date": days, **prices, "volume": 0})
    bars.write_parquet(tmp_path / "daily.parquet")
    archive = Archive(tmp_path, second(datetime(2025, 3, 6, 0, 30, tzinfo=UTC)))
    for moment in (datetime(2025, 3, 6, 0, 0, 1, tzinfo=UTC), datetime(2025, 3, 6, 0, 30, tzinfo=UTC)):
        quotes = served(archive.quotes("USDJPY=X", second(moment)))
        assert quotes.live is None
        newest = datetime.fromtimestamp(int(quotes.daily.stamps[-1]), UTC)
        assert newest == datetime(2025, 3, 5, tzinfo=UTC)
