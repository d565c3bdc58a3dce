"""Coverage on a real database: what is held, what is due, and what is written down about the difference."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.files.state_folders import FolderReportStore
from miraikakaku_assets.adapters.sources.files.archive import ArchiveSource
from miraikakaku_assets.adapters.storage.collection.ledger import PostgresLedger
from miraikakaku_assets.adapters.storage.coverage.store import PostgresCoverage
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.coverage.report import report_coverage
from miraikakaku_assets.application.ports import BarRequest, BatchEnd, NewBatch, PriceSource, SymbolOutcome
from miraikakaku_assets.domain.coverage.report import CoverageFindings
from miraikakaku_assets.domain.errors import (
    ConfigurationError,
    PermanentSymbolError,
    SymbolError,
    TemporarySymbolError,
    WorkFellShortError,
)
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.domain.market.tokyo import tokyo_issue
from miraikakaku_assets_tests.support.bars.raw_bars import JST, NOW, SESSIONS, bar, closes, january
from miraikakaku_assets_tests.support.markets.stored_market import listed, put_in_force, rows_of, write

FIRST, LAST = SESSIONS[0], SESSIONS[4]  # 6 to 10 January: five sessions


def bar_file(folder: Path) -> PriceSource:
    """An archive of one symbol with bars on three days of January."""
    rows = "".join(f"{day},1,1,1,1,1\n" for day in SESSIONS[1:4])
    (folder / "1301.csv").write_text("Date,Open,High,Low,Close,Volume\n" + rows)
    return ArchiveSource(folder)


def asked_for(database: Database, *symbols: str, failing: SymbolError | None = None) -> None:
    """A collection that has asked for everything, and stored nothing by itself."""
    ledger = PostgresLedger(database)
    batch = ledger.begin(NewBatch(JP, Timeframe.D1, "yahoo", len(symbols)))
    verdict = failing.kind if failing else "never_delivered"
    everything = date(2024, 1, 4), date.max
    outcomes = [
        SymbolOutcome(symbol, verdict, error=failing, asked=BarRequest(symbol, *everything))
        for symbol in symbols
    ]
    ledger.add(batch, outcomes)


def check(
    database: Database,
    folder: Path,
    since: date | None = FIRST,
    until: date | None = LAST,
    now: datetime = NOW,
) -> tuple[CoverageFindings, Path]:
    return report_coverage(
        JP, Timeframe.D1, source=bar_file(folder), store=PostgresCoverage(database), shelf=FolderReportStore(folder),
        clock=lambda: now, history_start=date(2024, 1, 4), threshold=0.95, since=since, until=until,
    )  # fmt: skip


def test_numbers_of_table_report_and_findings_are_the_same(database: Database, tmp_path: Path) -> None:
    issues = [tokyo_issue("1301", "極洋", "プライム（内国株式）"), tokyo_issue("1306", "投信", "ETF・ETN")]
    ids = put_in_force(database, date(2024, 12, 31), *issues)
    write(
        database, ids, [*closes(10.0, 11.0, 12.0, symbol="1301.T"), bar(january(10), -1.0, symbol="1301.T")]
    )
    asked_for(database, "1301.T", "1306.T")
    findings, path = check(database, tmp_path)

    columns = (
        "segment, instruments, complete_instruments, empty_instruments, expected_bars, stored_bars, coverage"
    )
    assert rows_of(database, "coverage_reports", columns, "id") == [
        ("all", 2, 0, 1, 10, 3, 0.3), ("プライム（内国株式）", 1, 0, 0, 5, 3, 0.6), ("ETF・ETN", 1, 0, 1, 5, 0, 0.0)
    ]  # fmt: skip
    assert sorted(rows_of(database, "coverage_gaps", "instrument_id, session, cause, timeframe")) == sorted(
        [
            (ids["1301.T"], january(9), "after_last_bar", "1d"),
            (ids["1301.T"], january(10), "quarantined", "1d"),
        ]
        + [(ids["1306.T"], day, "never_delivered", "1d") for day in SESSIONS[:5]]
    )
    report = json.loads(path.read_text(encoding="utf-8"))
    whole = report["segments"][0]
    assert (whole["expected_bars"], whole["stored_bars"], whole["missing_bars"], whole["coverage"]) == (
        10,
        3,
        7,
        0.3,
    )
    assert whole["gaps_by_cause"] == findings.whole.causes == {
        "after_last_bar": 1, "quarantined": 1, "never_delivered": 5
    }  # fmt: skip
    assert set(whole["gaps_by_cause"]) <= set(report["causes"])
    assert report["worst"] == [{"symbol": "1301.T", "missing": 2}]
    (denominator,) = set(rows_of(database, "coverage_reports", "denominator"))
    assert denominator == (report["denominator"],)
    assert "2 active issues of the list dated 2024-12-31" in report["denominator"]
    assert rows_of(database, "coverage_reports", "report_file")[0] == (str(path),)


def test_next_check_replaces_the_gaps_and_keeps_the_reports(database: Database, tmp_path: Path) -> None:
    ids = listed(database, "1301")
    check(database, tmp_path)
    assert len(rows_of(database, "coverage_gaps")) == 5
    write(database, ids, closes(1.0, 1.0, 1.0, 1.0, 1.0, symbol="1301.T"))
    findings, _ = check(database, tmp_path, now=NOW + timedelta(hours=1))
    assert findings.whole.coverage == 1.0
    assert rows_of(database, "coverage_gaps") == []
    assert rows_of(database, "coverage_reports WHERE segment = 'all'", "stored_bars", "id") == [(0,), (5,)]


def test_gaps_and_report_are_saved_together_or_not_at_all(database: Database, tmp_path: Path) -> None:
    ids = listed(database, "1301")
    findings, _ = check(database, tmp_path)
    write(database, ids, closes(1.0, 1.0, symbol="1301.T"))
    with database.engine.begin() as connection:  # the last table of the transaction takes nothing
        connection.execute(
            text("ALTER TABLE miraikakaku.coverage_days ADD CHECK (session < '2000-01-01') NOT VALID")
        )
    with pytest.raises(Exception, match="coverage_days_session_check"):
        check(database, tmp_path, now=NOW + timedelta(hours=1))
    assert len(rows_of(database, "coverage_gaps")) == findings.gaps["missing_bars"].sum() == 5
    assert len(rows_of(database, "coverage_reports WHERE segment = 'all'")) == 1
    assert len(rows_of(database, "coverage_universes")) == 1


def test_second_check_at_the_same_moment_takes_the_place_of_the_first(
    database: Database, tmp_path: Path
) -> None:
    ids = listed(database, "1301")
    check(database, tmp_path)
    write(database, ids, closes(1.0, 1.0, symbol="1301.T"))
    check(database, tmp_path)
    assert rows_of(database, "coverage_reports WHERE segment = 'all'", "stored_bars") == [(2,)]


def test_running_bars_delisted_issues_and_withdrawn_gaps_do_not_count(
    database: Database, tmp_path: Path
) -> None:
    ids = listed(database, "1301", "7203")
    write(
        database, ids, closes(1.0, symbol="1301.T"), now=datetime(2025, 1, 6, 14, tzinfo=JST)
    )  # provisional
    listed(database, "1301", day=date(2025, 1, 31))
    findings, _ = check(database, tmp_path)
    assert (findings.whole.instruments, findings.whole.expected, findings.whole.stored) == (1, 5, 0)


def test_released_quarantine_explains_nothing_any_more(database: Database, tmp_path: Path) -> None:
    ids = listed(database, "1301")
    write(database, ids, [bar(january(6), -1.0, symbol="1301.T"), bar(january(7), -1.0, symbol="1301.T")])
    write(database, ids, [bar(january(6), symbol="1301.T")], NOW + timedelta(days=1))
    asked_for(database, "1301.T")
    assert check(database, tmp_path)[0].whole.causes == {"quarantined": 1, "after_last_bar": 3}
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM miraikakaku.price_bars"))  # as an operator might
    causes = check(database, tmp_path, now=NOW + timedelta(hours=1))[0].whole.causes
    assert causes == {"quarantined": 1, "never_delivered": 4}


@pytest.mark.parametrize("recovered", [False, True])
def test_failed_collection_is_a_cause_until_the_next_one_succeeds(
    database: Database, tmp_path: Path, *, recovered: bool
) -> None:
    listed(database, "1301")
    asked_for(database, "1301.T", failing=TemporarySymbolError("1301.T", "timeout", "no answer"))
    if recovered:
        asked_for(database, "1301.T")
    expected = "never_delivered" if recovered else "fetch_failed"
    assert check(database, tmp_path)[0].whole.causes == {expected: 5}


def test_symbol_the_source_does_not_know_is_told_from_one_without_a_bar(
    database: Database, tmp_path: Path
) -> None:
    listed(database, "1301", "1306")
    asked_for(database, "1306.T")
    asked_for(database, "1301.T", failing=PermanentSymbolError("1301.T", "not_on_source", "HTTP 404"))
    assert check(database, tmp_path)[0].whole.causes == {"not_on_source": 5, "never_delivered": 5}


def test_window_is_the_sources_unless_it_is_given(database: Database, tmp_path: Path) -> None:
    listed(database, "1301")
    findings, _ = check(database, tmp_path, None, None)
    assert (findings.first, findings.last) == (SESSIONS[1], SESSIONS[3])
    findings, _ = check(database, tmp_path, january(6), None, NOW + timedelta(hours=1))
    assert (findings.first, findings.last) == (january(6), SESSIONS[3])


def test_session_that_is_not_completed_is_not_expected(database: Database, tmp_path: Path) -> None:
    listed(database, "1301")
    noon = datetime(2025, 1, 8, 3, tzinfo=UTC)  # Wednesday 12:00 in Tokyo
    findings, _ = check(database, tmp_path, FIRST, LAST, noon)
    assert (findings.last, findings.whole.expected) == (january(7), 2)


def test_without_a_master_there_is_no_denominator(database: Database, tmp_path: Path) -> None:
    with pytest.raises(WorkFellShortError, match="no denominator"):
        check(database, tmp_path)
    assert rows_of(database, "coverage_reports") == []


def test_what_nobody_asked_for_is_said_to_be_so(database: Database, tmp_path: Path) -> None:
    listed(database, "1301")
    assert check(database, tmp_path)[0].whole.causes == {"never_requested": 5}


def test_symbols_that_a_parked_collection_has_not_come_to_wait_for_the_rate_limit(
    database: Database, tmp_path: Path
) -> None:
    listed(database, "1301", "1306")
    ledger = PostgresLedger(database)
    batch = ledger.begin(NewBatch(JP, Timeframe.D1, "yahoo", 2, batch_type="all_stocks"))
    ledger.add(
        batch, [SymbolOutcome("1301.T", "never_delivered", asked=BarRequest("1301.T", FIRST, date.max))]
    )
    ledger.end(batch, BatchEnd("paused", "asked too often", "system", NOW + timedelta(hours=1)))
    assert check(database, tmp_path)[0].whole.causes == {"never_delivered": 5, "rate_limited": 5}


@pytest.mark.parametrize(("volume", "cause"), [(0.0, "halted"), (None, "quarantined")])
def test_session_was_not_traded_where_the_source_says_so_and_not_where_it_says_nothing(
    database: Database, tmp_path: Path, volume: float | None, cause: str
) -> None:
    ids = listed(database, "1301")
    nothing = dict.fromkeys(("open", "high", "low", "close"))
    empty_row = {**bar(january(8), symbol="1301.T"), **nothing, "volume": volume}
    write(database, ids, [*closes(1.0, 1.0, symbol="1301.T"), empty_row])
    asked_for(database, "1301.T")
    findings, _ = check(database, tmp_path)
    assert findings.whole.causes == {cause: 1, "after_last_bar": 2}


def test_report_names_the_composition_it_counts(database: Database, tmp_path: Path) -> None:
    listed(database, "1301", "1306")
    check(database, tmp_path)
    check(database, tmp_path, now=NOW + timedelta(hours=1))  # the same issues: the same snapshot
    listed(database, "1301", day=date(2025, 1, 31))
    check(database, tmp_path, now=NOW + timedelta(hours=2))
    snapshots = rows_of(database, "coverage_universes", "id, list_date, issues, cardinality(members)", "id")
    assert [row[1:] for row in snapshots] == [(date(2024, 12, 31), 2, 2), (date(2025, 1, 31), 1, 1)]
    counted = rows_of(database, "coverage_reports WHERE segment = 'all'", "universe_snapshot", "id")
    assert counted == [(snapshots[0][0],), (snapshots[0][0],), (snapshots[1][0],)]


def test_folder_that_takes_no_report_is_reported_and_keeps_the_figures(
    database: Database, tmp_path: Path
) -> None:
    listed(database, "1301")
    (tmp_path / "reports").symlink_to(tmp_path / "gone" / "nowhere")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        check(database, tmp_path)
    assert rows_of(database, "coverage_reports WHERE segment = 'all'", "stored_bars, report_file") == [
        (0, "")
    ]
    (tmp_path / "reports").unlink()
    _, path = check(database, tmp_path, now=NOW + timedelta(hours=1))
    assert path.exists()
