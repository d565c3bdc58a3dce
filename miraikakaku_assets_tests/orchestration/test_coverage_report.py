"""The report of everything's coverage, its page, the reviews, and what they survive."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from miraikakaku_assets.orchestration.coverage.monitor import COVERAGE_REPORT, REVIEW
from miraikakaku_assets_tests.support.installations.installation import SESSIONS, Installation, failure_of

pytestmark = pytest.mark.slow
_PICTURE_BYTES = 100_000


def checked(site: Installation) -> dg.ExecuteInProcessResult:
    """What the schedule runs, for Tokyo alone."""
    job = site.definitions.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        instance=site.instance,
        asset_selection=[dg.AssetKey(["jp", "coverage"]), COVERAGE_REPORT],
        raise_on_error=False,
    )


def check(run: dg.ExecuteInProcessResult, name: str) -> Any:
    return next(each for each in run.get_asset_check_evaluations() if each.check_name == name)


def test_document_page_and_metadata_say_the_same(collected: Installation) -> None:
    run = checked(collected)

    assert run.success
    shown = collected.metadata(COVERAGE_REPORT)
    report = json.loads(Path(shown["report"]).read_text(encoding="utf-8"))
    assert Path(shown["report"]).name.startswith("coverage_monitor_")
    assert shown["coverage_jp"] == report["universes"]["jp"]["coverage"] == 1.0
    assert shown["missing_bars_jp"] == 0
    assert report["universes"]["jp"]["segments"][0]["expected_bars"] == 7 * SESSIONS
    assert report["universes"]["jp"]["universe_snapshot"]["issues"] == report["total_issues"] == 7
    heat = report["universes"]["jp"]["heat_map"]
    assert len(heat["sessions"]) == SESSIONS
    assert {share for line in heat["sectors"].values() for share in line} == {1.0}
    assert [(floor["name"], floor["count"], floor["holds"]) for floor in report["floors"]] == [
        ("japanese_stocks", 7, False),
        ("etfs", 0, False),
    ]
    assert report["status"] == "warning"
    page = Path(shown["page"]).read_text(encoding="utf-8")
    assert page.count("<rect ") == SESSIONS * len(heat["sectors"])
    assert "http" not in page  # self-contained
    assert "prefers-color-scheme: dark" in page
    assert 0 < len(shown["heat_map_jp"]) < _PICTURE_BYTES
    evaluation = check(run, "floors_and_thresholds")
    assert not evaluation.passed
    assert evaluation.description.startswith(
        "japanese_stocks: 7 issues, at least 4,000 expected (MIN_JAPANESE_STOCKS)"
    )


def test_damaged_reports_are_named_and_stop_nothing(collected: Installation) -> None:
    folder = collected.ports.settings.home / "reports"
    assert checked(collected).success
    name = Path(collected.metadata(COVERAGE_REPORT)["report"]).name
    older = folder / "coverage_monitor_20200101_000000.json"
    older.write_bytes((folder / name).read_bytes()[:100])

    run = checked(collected)

    assert run.success
    assert check(run, "earlier_reports_readable").description == f"Damaged: {older.name}."
    assert collected.metadata(COVERAGE_REPORT)["damaged_reports"] == [older.name]


def test_file_in_place_of_the_folder_is_moved_aside(collected: Installation) -> None:
    home = collected.ports.settings.home
    home.mkdir(parents=True, exist_ok=True)
    (home / "reports").write_text("not a folder")

    assert checked(collected).success

    assert (home / "reports.damaged").read_text() == "not a folder"
    assert Path(collected.metadata(COVERAGE_REPORT)["report"]).exists()


def test_without_a_check_there_is_nothing_to_report(installation: Installation) -> None:
    assert "Coverage was never checked" in failure_of(installation.run("coverage_report_job")).description


@pytest.mark.parametrize("period", ["weekly", "monthly"])
def test_review_has_its_sections(collected: Installation, period: str) -> None:
    assert checked(collected).success

    run = collected.run("review_job", config={"ops": {"market__review": {"config": {"period": period}}}})

    assert run.success
    shown = collected.metadata(REVIEW)
    document = json.loads(Path(shown["report"]).read_text(encoding="utf-8"))
    assert document["report"] == f"{period}_review"
    assert list(document["sections"]) == ["performance", "coverage", "capacity", "process"]
    capacity = document["sections"]["capacity"]
    assert capacity["database_bytes"] == shown["database_bytes"] > 0
    assert capacity["bytes_per_day"] is None  # one day is no history
    assert "price_bars" in capacity["tables"]
    assert document["sections"]["coverage"]["jp"]["coverage"] == 1.0
    assert "<h2>Capacity</h2>" in Path(shown["page"]).read_text(encoding="utf-8")


def test_review_of_no_period_is_refused(collected: Installation) -> None:
    run = collected.run("review_job", config={"ops": {"market__review": {"config": {"period": "hourly"}}}})
    assert failure_of(run).description == "There is no 'hourly' review; choose weekly or monthly"
