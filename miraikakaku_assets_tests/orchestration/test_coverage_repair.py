"""Repairs of gaps as a run: exactly what is missing is asked for, and what came of it is kept."""

from datetime import date
from typing import Any

import dagster as dg
import pytest

from miraikakaku_assets.application.coverage.repair import planned
from miraikakaku_assets.domain.coverage.repair_selection import RepairSelection
from miraikakaku_assets.domain.market.instruments import JP, Timeframe
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets_tests.support.installations.installation import SESSIONS, Installation, failure_of

pytestmark = pytest.mark.slow

REQUESTED = (
    "SELECT symbol, since, until FROM miraikakaku.data_collection_log WHERE run_id = '{}' ORDER BY 1, 2"
)
KEPT = (
    "SELECT outcome, cause_before, missing_before, missing_after FROM miraikakaku.coverage_repairs ORDER BY 1"
)


def repair(site: Installation, **options: Any) -> dg.ExecuteInProcessResult:
    config = {"ops": {"repair_coverage": {"config": {"universe": "jp", **options}}}}
    return site.run("coverage_repair_job", config=config)


def days(site: Installation) -> list[date]:
    return sessions_between(
        "XTKS", date.fromisoformat(site.ports.settings.history_start), site.ports.clock().date()
    )[:SESSIONS]


def lose(site: Installation, symbol: str, first: date, last: date) -> None:
    """Bars that were stored and are gone."""
    with site.ports.database.engine.begin() as connection:
        connection.exec_driver_sql(
            f"""DELETE FROM miraikakaku.price_bars b USING miraikakaku.instruments i
            WHERE i.id = b.instrument_id AND i.symbol = '{symbol}' AND b.timeframe = '1d'
            AND (b.ts AT TIME ZONE 'Asia/Tokyo')::date BETWEEN '{first}' AND '{last}'"""
        )


def totals(site: Installation, run: dg.ExecuteInProcessResult) -> Any:
    from miraikakaku_assets.application.stage_reports import RepairTotals

    return site.ports.stores.stage_reports.read(run.run_id, JP, RepairTotals)


def test_exactly_what_is_missing_is_asked_for_and_filled(collected: Installation) -> None:
    sessions = days(collected)
    lose(collected, "7203.T", sessions[3], sessions[5])
    lose(collected, "7203.T", sessions[20], sessions[20])
    lose(collected, "1301.T", sessions[30], sessions[30])

    run = repair(collected)

    assert run.success
    assert collected.rows(REQUESTED.format(run.run_id)) == [
        ("1301.T", sessions[30], sessions[30]),
        ("7203.T", sessions[3], sessions[5]),
        ("7203.T", sessions[20], sessions[20]),
    ]
    report = totals(collected, run)
    assert (report.gaps, report.requests, report.missing_before, report.missing_after) == (3, 3, 5, 0)
    assert report.outcomes == {"filled": 3, "partly_filled": 0, "still_missing": 0, "given_up": 0}
    assert report.first_gaps[0] == f"1301.T {sessions[30]} (source_hole): filled"
    assert collected.rows("SELECT count(*) FROM miraikakaku.coverage_gaps") == [(0,)]
    assert planned(collected.ports.stores.coverage, JP, Timeframe.D1, RepairSelection())[0].requests == 0


def test_selection_cuts_gaps_to_its_window(collected: Installation) -> None:
    sessions = days(collected)
    lose(collected, "7203.T", sessions[3], sessions[9])
    lose(collected, "1301.T", sessions[4], sessions[4])

    run = repair(collected, symbols=["7203.T"], since=str(sessions[5]), until=str(sessions[6]))

    assert collected.rows(REQUESTED.format(run.run_id)) == [("7203.T", sessions[5], sessions[6])]
    gaps = "SELECT first_session, last_session FROM miraikakaku.coverage_gap_ranges ORDER BY instrument_id, 1"
    assert sorted(collected.rows(gaps)) == sorted(
        [(sessions[3], sessions[4]), (sessions[7], sessions[9]), (sessions[4], sessions[4])]
    )


def test_source_that_fails_leaves_the_gap_with_its_cause_and_the_next_repair_fills_it(
    collected: Installation,
) -> None:
    last = days(collected)[-1]
    lose(collected, "7203.T", last, last)
    collected.exchange.set_faults("500@7203.T")

    run = repair(collected)

    assert "1 of 1 symbol failed" in str(failure_of(run).description)
    assert collected.rows(KEPT) == [("still_missing", "after_last_bar", 1, 1)]
    assert collected.rows("SELECT cause FROM miraikakaku.coverage_gaps") == [("fetch_failed",)]
    collected.exchange.set_faults()
    assert repair(collected).success
    assert [row[0] for row in collected.rows(KEPT)] == ["filled", "still_missing"]


def test_what_is_known_to_be_in_vain_is_not_asked_for_unless_it_is_forced(collected: Installation) -> None:
    first = days(collected)[0]
    lose(
        collected, "7203.T", first, first
    )  # before the first bar, and the source was asked for it: listed later

    run = repair(collected)

    assert run.success
    assert totals(collected, run).skipped == {"listed_later": 1}
    assert collected.rows(REQUESTED.format(run.run_id)) == []
    refused = failure_of(repair(collected, causes=["listed_later"]))
    assert "are not asked for again" in refused.description
    assert refused.metadata["exit_code"].value == 2
    assert totals(collected, repair(collected, force=True)).outcomes["filled"] == 1


def test_wrong_universe_or_cause_is_refused(collected: Installation) -> None:
    assert "'xx'" in failure_of(repair(collected, universe="xx")).description
    assert "There is no cause 'moon'" in failure_of(repair(collected, causes=["moon"])).description
