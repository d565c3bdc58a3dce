"""The archive: a folder of bars as a price source."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.adapters.sources.files import archive
from miraikakaku_assets.adapters.sources.files.archive import ArchiveSource, FileOptions
from miraikakaku_assets.application.ports import BarRequest, Delivery
from miraikakaku_assets.domain.errors import ConfigurationError, InputFileError
from miraikakaku_assets.domain.market.instruments import FX, JP, Timeframe
from miraikakaku_assets_tests.support.bars.raw_bars import SESSIONS, january

HEADER = "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits\n"


def table(
    path: Path, *symbols: str, sessions: tuple[date, ...] = SESSIONS[:3], close: float = 1_000.0
) -> Path:
    """A table of several symbols as Parquet."""
    rows = [(symbol, day, close, close, close, close, 100.0) for symbol in symbols for day in sessions]
    names = ["symbol", "date", "open", "high", "low", "close", "volume"]
    pl.DataFrame(rows, schema=names, orient="row").write_parquet(path)
    return path


def single(folder: Path, name: str, *days: date, close: float = 2_000.0, dividend: float = 0.0) -> Path:
    """A file of one symbol as CSV."""
    rows = [f"{day},{close},{close},{close},{close},100,{dividend},0\n" for day in days]
    path = folder / name
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return path


def requests_for(*symbols: str, since: date = date.min, until: date = date.max) -> list[BarRequest]:
    return [BarRequest(symbol, since, until) for symbol in symbols]


def delivered(source: ArchiveSource, requests: list[BarRequest]) -> Delivery:
    (delivery,) = source.deliver(JP, Timeframe.D1, requests)
    return delivery


def test_folder_is_read_with_its_subfolders(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    table(tmp_path / "all.parquet", "1301.T")
    single(tmp_path / "more", "7203.csv", january(6))
    (tmp_path / "notes.txt").write_text("not bars")
    delivery = delivered(ArchiveSource(tmp_path), requests_for("7203.T", "1301.T"))
    assert delivery.symbols == ("1301.T", "7203.T")
    assert delivery.bars["symbol"].to_list() == ["1301.T"] * 3 + ["7203.T"]
    assert not delivery.failures


def test_window_is_cut_out_and_its_ends_belong_to_it(tmp_path: Path) -> None:
    source = ArchiveSource(table(tmp_path / "all.parquet", "1301.T", "7203.T", sessions=SESSIONS))
    requests = [
        *requests_for("1301.T", since=SESSIONS[1], until=SESSIONS[3]),
        *requests_for("7203.T", since=SESSIONS[-1]),
    ]
    bars = delivered(source, requests).bars
    assert bars.filter(pl.col("symbol") == "1301.T")["session"].to_list() == list(SESSIONS[1:4])
    assert bars.filter(pl.col("symbol") == "7203.T")["session"].to_list() == [SESSIONS[-1]]


def test_symbol_without_rows_is_served_empty(tmp_path: Path) -> None:
    single(tmp_path, "25935.csv")
    delivery = delivered(ArchiveSource(tmp_path), requests_for("25935.T", "9984.T"))
    assert delivery.symbols == ("25935.T", "9984.T")
    assert delivery.bars.is_empty()


def test_every_requested_symbol_is_in_exactly_one_delivery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "SYMBOLS_PER_DELIVERY", 2)
    names = [f"{code}.T" for code in (1301, 1332, 1333, 1375, 1376)]
    source = ArchiveSource(table(tmp_path / "all.parquet", *names))
    deliveries = list(source.deliver(JP, Timeframe.D1, requests_for(*reversed(names))))
    assert [delivery.symbols for delivery in deliveries] == [
        tuple(names[:2]),
        tuple(names[2:4]),
        tuple(names[4:]),
    ]
    assert [delivery.bars.height for delivery in deliveries] == [6, 6, 3]


def test_larger_table_is_preferred_and_the_other_rows_are_accounted_for(tmp_path: Path) -> None:
    single(tmp_path, "1301.csv", *SESSIONS, dividend=40.0)
    table(tmp_path / "all.parquet", "1301.T", "7203.T")
    delivery = delivered(ArchiveSource(tmp_path), requests_for("1301.T"))
    chosen = delivery.bars.filter(pl.col("refusal").is_null())
    assert chosen["close"].to_list() == [1_000.0] * 3
    others = delivery.bars.filter(pl.col("refusal") == "other_file_preferred")
    assert others.height == len(SESSIONS)
    assert delivery.bars.height == 3 + len(SESSIONS)
    assert delivery.actions.height == len(SESSIONS)  # a dividend is a fact, whichever file knows it


def test_of_two_files_of_one_symbol_the_longer_is_preferred(tmp_path: Path) -> None:
    single(tmp_path, "1301.csv", *SESSIONS[:2], close=1.0, dividend=1.0)
    single(tmp_path, "1301.T.csv", *SESSIONS[:3], close=2.0, dividend=2.0)
    delivery = delivered(ArchiveSource(tmp_path), requests_for("1301.T"))
    assert delivery.bars.filter(pl.col("refusal").is_null())["close"].to_list() == [2.0] * 3
    assert delivery.actions["value"].to_list() == [2.0] * 3  # one dividend a day, the preferred file's


def test_rows_nobody_asked_for_are_offered_apart_with_their_actions(tmp_path: Path) -> None:
    table(tmp_path / "all.parquet", "1301.T", "9998.T")
    single(tmp_path, "9997.csv", january(6), dividend=10.0)
    source = ArchiveSource(tmp_path)
    (rest,) = source.unrequested(JP, frozenset({"1301.T"}))
    assert rest.symbols == ("9997.T", "9998.T")
    assert rest.bars.height == 4
    assert rest.actions.rows() == [("9997.T", january(6), "dividend", 10.0)]
    assert list(source.unrequested(JP, frozenset({"1301.T", "9998.T", "9997.T"}))) == []


def test_common_window_is_where_half_of_the_symbols_have_bars(tmp_path: Path) -> None:
    table(tmp_path / "a.parquet", "1301.T", "1332.T", sessions=SESSIONS[2:5])
    single(tmp_path, "7203.csv", *SESSIONS)
    assert ArchiveSource(tmp_path).common_window(JP) == (SESSIONS[2], SESSIONS[4])
    single(tmp_path / "..", "empty_of_bars.csv")
    assert ArchiveSource(tmp_path.parent / "empty_of_bars.csv").common_window(JP) is None


def test_unreadable_file_fails_its_symbol_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "7203.csv").write_text("<html></html>")
    single(tmp_path, "1301.csv", january(6))
    delivery = delivered(ArchiveSource(tmp_path), requests_for("1301.T", "7203.T"))
    assert delivery.symbols == ("1301.T",)
    assert list(delivery.failures) == ["7203.T"]
    assert delivery.failures["7203.T"].kind == "unreadable_file"
    assert "7203.csv" in str(delivery.failures["7203.T"])


def test_unreadable_file_that_no_symbol_is_named_after_is_reported_with_the_rest(tmp_path: Path) -> None:
    (tmp_path / "all_of_2025.parquet").write_bytes(b"PAR1")
    single(tmp_path, "1301.csv", january(6))
    (rest,) = ArchiveSource(tmp_path).unrequested(JP, frozenset({"1301.T"}))
    (error,) = rest.failures.values()
    assert "all_of_2025.parquet" in str(error)


def test_archive_of_one_unreadable_file_is_refused_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "7203.csv"
    path.write_text("<html></html>")
    with pytest.raises(InputFileError, match="HTML page"):
        list(ArchiveSource(path).deliver(JP, Timeframe.D1, requests_for("7203.T")))


def test_folder_without_bars_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(InputFileError) as refusal:
        ArchiveSource(tmp_path)
    assert str(refusal.value).startswith(f"{tmp_path}: there is no Parquet or CSV file in the folder")


def test_months_in_files_of_their_own_are_one_history(tmp_path: Path) -> None:
    table(tmp_path / "2025-01.parquet", "1301.T", "7203.T", sessions=SESSIONS[:5])
    table(tmp_path / "2025-02.parquet", "1301.T", "7203.T", sessions=SESSIONS[4:7], close=1_100.0)
    table(tmp_path / "2025-03.parquet", "1301.T", sessions=SESSIONS[7:])

    delivery = delivered(ArchiveSource(tmp_path), requests_for("1301.T", "7203.T"))

    taken = delivery.bars.filter(pl.col("refusal").is_null())
    of = {symbol: taken.filter(pl.col("symbol") == symbol) for symbol in ("1301.T", "7203.T")}
    assert of["1301.T"]["session"].to_list() == list(SESSIONS)
    assert of["7203.T"]["session"].to_list() == list(SESSIONS[:7])
    assert of["1301.T"]["close"].to_list()[4:6] == [1_000.0, 1_100.0]  # the larger file's of the day in both
    late = delivery.bars.filter(pl.col("refusal") == "other_file_preferred")
    assert late.select("symbol", "session").rows() == [("1301.T", SESSIONS[4]), ("7203.T", SESSIONS[4])]
    assert delivery.bars.height == 2 * (5 + 3) + 2


def test_five_minute_bars_of_days_in_files_of_their_own(tmp_path: Path) -> None:
    for day in (6, 7):
        text = f"datetime,open,high,low,close\n2025-01-0{day} 09:00:00+09:00,157,158,156,157\n"
        (tmp_path / f"usdjpy_{day}.csv").write_text(text)
    source = ArchiveSource(tmp_path, FileOptions(Timeframe.M5, symbol="USDJPY=X"))

    (whole,) = source.deliver(FX, Timeframe.M5, requests_for("USDJPY=X"))
    (cut,) = source.deliver(FX, Timeframe.M5, requests_for("USDJPY=X", since=january(7)))

    assert whole.bars["stamp"].to_list() == [datetime(2025, 1, day, tzinfo=UTC) for day in (6, 7)]
    assert whole.bars["refusal"].null_count() == 2
    assert cut.bars["stamp"].to_list() == [datetime(2025, 1, 7, tzinfo=UTC)]
    assert source.symbols(FX) == ["USDJPY=X"]


def test_archive_holds_daily_bars_only(tmp_path: Path) -> None:
    source = ArchiveSource(single(tmp_path, "7203.csv", january(6)))
    with pytest.raises(ConfigurationError, match="5m"):
        list(source.deliver(JP, Timeframe.M5, requests_for("7203.T")))
