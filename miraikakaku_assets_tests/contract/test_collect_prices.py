"""Collecting prices into a real database: every symbol has a verdict, every row is accounted for."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from miraikakaku_assets.adapters.sources.files.archive import ArchiveSource
from miraikakaku_assets.adapters.storage.bars.store import PostgresBars
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.ports import SymbolOutcome
from miraikakaku_assets.domain.errors import (
    DependencyUnavailableError,
    PermanentSymbolError,
    TemporarySymbolError,
    WorkFellShortError,
)
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.domain.market.tokyo import tokyo_issue
from miraikakaku_assets_tests.fakes.exchange import Exchange
from miraikakaku_assets_tests.support.bars.raw_bars import SESSIONS, bar, closes, january
from miraikakaku_assets_tests.support.markets.collecting import collect
from miraikakaku_assets_tests.support.markets.stored_market import contents, listed, put_in_force, rows_of


def test_every_requested_symbol_has_a_verdict_and_failures_hold_nobody_up(database: Database) -> None:
    listed(database, "1301", "130A", "7203", "9984")
    outcomes = list[SymbolOutcome]()
    source = Exchange(
        {"1301.T": closes(10.0, 11.0), "9984.T": closes(7.0, symbol="9984.T")},
        {
            "130A.T": TemporarySymbolError("130A.T", "rate_limited", "Yahoo limits us"),
            "7203.T": PermanentSymbolError("7203.T", "not_on_source", "unknown"),
        },
    )
    source.rows["1301.T"] = closes(10.0, 11.0, symbol="1301.T")
    report = collect(database, source, told=outcomes)
    assert {outcome.symbol: outcome.verdict for outcome in outcomes} == {
        "1301.T": "ok", "130A.T": "rate_limited", "7203.T": "not_on_source", "9984.T": "ok"
    }  # fmt: skip
    assert (report.symbols, report.succeeded, sorted(report.failures)) == (4, 2, ["130A.T", "7203.T"])
    assert (report.rows_read, report.inserted, report.balanced) == (3, 3, True)
    details = "symbol, stock_code, status, verdict, error_class, error_message, rows_read, records_inserted"
    assert rows_of(database, "batch_execution_details", details, "symbol") == [
        ("1301.T", "1301", "completed", "ok", None, None, 2, 2),
        (
            "130A.T",
            "130A",
            "failed",
            "rate_limited",
            "temporary",
            "130A.T: Yahoo limits us [rate_limited]",
            0,
            0,
        ),
        ("7203.T", "7203", "failed", "not_on_source", "permanent", "7203.T: unknown [not_on_source]", 0, 0),
        ("9984.T", "9984", "completed", "ok", None, None, 1, 1),
    ]
    batch = "status, total_stocks, processed_stocks, successful_stocks, failed_stocks, rows_inserted, error_message"
    assert rows_of(database, "batch_executions", batch) == [
        ("failed", 4, 4, 2, 2, 3, "2 of 4 symbols failed")
    ]


def test_symbols_are_sorted_by_what_the_master_says_of_them(database: Database) -> None:
    listed(database, "1301", "7203")
    listed(database, "1301", day=date(2025, 1, 31))
    outcomes = list[SymbolOutcome]()
    source = Exchange({"1301.T": closes(10.0, symbol="1301.T")})
    report = collect(database, source, "7203.T", "1301.T", "NOPE.T", "1301.T", "NOPE.T", told=outcomes)
    assert [request.symbol for request in source.asked] == ["1301.T"]
    assert {outcome.symbol: outcome.verdict for outcome in outcomes} == {
        "7203.T": "delisted", "NOPE.T": "not_in_master", "1301.T": "ok"
    }  # fmt: skip
    assert (report.symbols, report.succeeded) == (3, 2)
    assert list(report.failures) == ["NOPE.T"]


def test_symbol_of_any_length_is_a_verdict_and_no_crash(database: Database) -> None:
    listed(database, "1301")
    wild = "THIS_IS_A_FILE_NAME_AND_NO_SYMBOL.T"
    report = collect(database, Exchange(), wild)
    assert list(report.failures) == [wild]
    assert rows_of(database, "batch_execution_details", "symbol, stock_code") == [(wild, wild[:20])]


def test_without_a_master_nothing_is_collected(database: Database) -> None:
    with pytest.raises(WorkFellShortError, match="master update"):
        collect(database, Exchange())
    assert rows_of(database, "batch_executions") == []


def test_collection_goes_on_where_the_stored_bars_end_minus_what_may_be_restated(database: Database) -> None:
    listed(database, "1301", "9984")
    source = Exchange({"1301.T": closes(*range(10, 19), symbol="1301.T")})
    collect(database, source)
    assert {request.since for request in source.asked} == {date(2024, 1, 4)}
    collect(database, source, restatement_sessions=3)
    assert {request.symbol: request.since for request in source.asked} == {
        "1301.T": SESSIONS[-3],  # the newest three sessions are asked for again
        "9984.T": date(2024, 1, 4),  # no bars yet: from the beginning
    }
    collect(database, source, since=january(7), until=january(9))
    assert {(request.since, request.until) for request in source.asked} == {(january(7), january(9))}


def test_second_run_has_no_new_data_and_changes_nothing(database: Database) -> None:
    listed(database, "1301")
    source = Exchange(
        {"1301.T": [*closes(10.0, 11.0, 12.0, symbol="1301.T"), bar(january(13), symbol="1301.T")]}
    )
    collect(database, source)
    before = contents(database)
    outcomes = list[SymbolOutcome]()
    report = collect(database, source, told=outcomes)
    assert [outcome.verdict for outcome in outcomes] == ["no_new_data"]
    assert (report.rows_read, report.unchanged, report.quarantined, report.balanced) == (4, 3, 1, True)
    assert report.rules == {"not_a_session": 1}
    assert contents(database) == before


def test_spike_on_the_last_day_is_refused_and_the_day_after_is_not(database: Database) -> None:
    listed(database, "1349")
    source = Exchange({"1349.T": closes(17_300.0, 17_320.0, 113.6, symbol="1349.T")})
    assert collect(database, source).rules == {"limit_absurd": 1}
    source.rows["1349.T"] = closes(17_300.0, 17_320.0, 113.6, 17_390.0, symbol="1349.T")
    report = collect(database, source, restatement_sessions=2)
    assert report.rules == {"limit_undone": 1}
    assert PostgresBars(database).read(JP, Timeframe.D1)["close"].to_list() == [17_300.0, 17_320.0, 17_390.0]


def test_source_that_breaks_off_leaves_what_was_committed_and_a_failed_batch(database: Database) -> None:
    listed(database, "1301", "7203", "9984")
    rows = {f"{code}.T": closes(10.0, symbol=f"{code}.T") for code in ("1301", "7203", "9984")}
    outcomes = list[SymbolOutcome]()
    with pytest.raises(DependencyUnavailableError, match="gone away"):
        collect(database, Exchange(rows, breaks_before="9984.T"), told=outcomes)
    assert [outcome.symbol for outcome in outcomes] == ["1301.T", "7203.T"]
    assert len(rows_of(database, "price_bars")) == 2
    columns = "status, error_message, error_class, end_time IS NULL"
    assert rows_of(database, "batch_executions", columns) == [
        ("failed", "the exchange has gone away", "system", False)
    ]
    assert collect(database, Exchange(rows)).verdicts == {"no_new_data": 2, "ok": 1}


def test_issue_the_source_need_not_know_is_no_failure(database: Database) -> None:
    put_in_force(
        database,
        date(2024, 12, 31),
        tokyo_issue("130A", "銘柄", "PRO Market"),
        tokyo_issue("1301", "銘柄", "x"),
    )
    missing = {code: PermanentSymbolError(code, "not_on_source", "unknown") for code in ("130A.T", "1301.T")}
    assert list(collect(database, Exchange(failures=dict(missing))).failures) == ["1301.T"]


def archive(folder: Path, *symbols: str) -> ArchiveSource:
    rows = [(symbol, day, 10.0, 10.0, 10.0, 10.0, 5.0) for symbol in symbols for day in SESSIONS[:2]]
    names = ["symbol", "date", "open", "high", "low", "close", "volume"]
    pl.DataFrame(rows, schema=names, orient="row").write_parquet(folder / "all.parquet")
    return ArchiveSource(folder)


def test_rows_of_an_archive_nobody_asked_for_are_accounted_for(database: Database, tmp_path: Path) -> None:
    listed(database, "1301", "7203")
    listed(database, "1301", day=date(2025, 1, 31))
    outcomes = list[SymbolOutcome]()
    report = collect(database, archive(tmp_path, "1301.T", "7203.T", "9998.T"), told=outcomes)
    assert {outcome.symbol: (outcome.verdict, outcome.requested) for outcome in outcomes} == {
        "1301.T": ("ok", True), "7203.T": ("delisted", False), "9998.T": ("not_in_master", False)
    }  # fmt: skip
    assert (report.symbols, report.rows_read, report.inserted, report.quarantined) == (1, 6, 4, 2)
    assert report.balanced
    assert report.rules == {"not_in_master": 2}
    assert report.examples["not_in_master"].row == 5
    batch = "status, total_stocks, processed_stocks, rows_read, rows_inserted, rows_quarantined"
    assert rows_of(database, "batch_executions", batch) == [("completed", 1, 1, 6, 4, 2)]


def test_unreadable_file_of_an_archive_fails_the_batch_that_covers_the_market(
    database: Database, tmp_path: Path
) -> None:
    listed(database, "1301")
    source = archive(tmp_path, "1301.T")
    (tmp_path / "all_the_bars_of_nineteen_ninety_nine.csv").write_text("<html></html>")
    report = collect(database, ArchiveSource(tmp_path))
    assert (report.symbols, report.succeeded, report.inserted) == (1, 1, 2)
    assert "HTML page" in next(iter(report.failures.values()))
    assert rows_of(database, "batch_executions", "status, failed_stocks") == [("failed", 0)]
    assert source.name == "archive"
