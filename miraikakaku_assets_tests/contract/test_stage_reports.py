"""Reports of runs: what is read by run id is what was stored, document and dates, once for each stage."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text

from miraikakaku_assets.adapters.storage.collection.stage_reports import PostgresStageReports
from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.stage_reports import (
    AnalysisTotals,
    CoverageTotals,
    MasterTotals,
    PredictionTotals,
    ScoreTotals,
    StageReport,
    TrainingTotals,
    figures,
)
from miraikakaku_assets.bootstrap import utc_now
from miraikakaku_assets.domain.market.instruments import FX, JP
from miraikakaku_assets.orchestration.stage_reports import as_metadata
from miraikakaku_assets_tests.fakes.scripted_stages import prices

DAY = date(2025, 9, 30)
ANALYSIS = AnalysisTotals(2, 1, {"ok": 1, "timeout": 1}, {"1w": 52}, {"1d": 250, "1w": 52}, 0)
REPORTS: list[StageReport] = [
    MasterTotals(8, 1, 0, 0, 0, 7, {"no_market": 2}, DAY, "list.xls", "masters/list.xls", 1),
    prices(ok=2),
    prices(first_failures={"7203.T": "7203.T: no answer [timeout]"}, timeout=1),
    ANALYSIS,
    TrainingTotals(DAY, 8, 0, 1, 12.25, {"lstm": "out of memory"}),
    PredictionTotals(DAY, 2, 10, {"drift": 2}, {"lstm": {"not_trained": 2}}, {}, same={"drift": 5}),
    ScoreTotals("nothing is forecast yet", DAY, 0, 0, 0, 0),
    CoverageTotals(0.5, 4, 2, 2, 1, 1, "2 issues × 2 sessions", "none", {"source_hole": 2}, "reports/a.json"),
]


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.stage)
def test_a_report_comes_back_as_it_was_stored(database: Database, report: StageReport) -> None:
    reports = PostgresStageReports(database)

    reports.save("run-1", JP, report)

    assert reports.read("run-1", JP, type(report)) == report
    assert reports.read("run-2", JP, type(report)) is None
    assert reports.read("run-1", FX, type(report)) is None


def test_a_run_that_reports_a_stage_anew_replaces_what_it_has_said_of_it(database: Database) -> None:
    reports = PostgresStageReports(database)
    reports.save("run-1", JP, prices(ok=1))
    reports.save("run-1", JP, ANALYSIS)

    reports.save("run-1", JP, prices(ok=2))

    assert reports.read("run-1", JP, type(prices())) == prices(ok=2)
    assert reports.read("run-1", JP, AnalysisTotals) == ANALYSIS


def test_reports_are_kept_as_long_as_they_are_young(database: Database) -> None:
    reports = PostgresStageReports(database)
    reports.save("old", JP, ANALYSIS)
    with database.engine.begin() as connection:
        connection.execute(
            text("UPDATE miraikakaku.stage_reports SET stored_at = stored_at - interval '2 days'")
        )
    reports.save("new", JP, ANALYSIS)

    assert reports.prune(utc_now() - timedelta(days=1)) == 1

    assert reports.read("old", JP, AnalysisTotals) is None
    assert reports.read("new", JP, AnalysisTotals) == ANALYSIS


def test_the_web_ui_draws_the_issues_in_force_over_time() -> None:
    (master,) = (report for report in REPORTS if isinstance(report, MasterTotals))

    assert (figures(master)["listed"], as_metadata(master)["dagster/row_count"]) == (8, 8)
    assert "listed" not in as_metadata(master)


def test_documents_leave_out_what_there_is_none_of() -> None:
    (trained,) = (report for report in REPORTS if isinstance(report, TrainingTotals))

    assert figures(trained)["reasons"] == {"lstm": "out of memory"}
    assert "first_failures" not in figures(prices(ok=1))
