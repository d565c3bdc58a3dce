"""The coverage asset: one set of numbers in its metadata, in the tables and in the report file."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from miraikakaku_assets_tests.fakes.simulated import Simulated
from miraikakaku_assets_tests.support.databases import fresh_database
from miraikakaku_assets_tests.support.installations.installation import (
    CODES,
    COVERAGE,
    SESSIONS,
    Installation,
    failure_of,
    installed,
    listed,
)

pytestmark = pytest.mark.slow

WITHOUT_BARS = "25935"
SEGMENTS = {"_1306": "ETF・ETN", "_25935": "ETF・ETN"}


def collected(installation: Installation) -> Installation:
    """Seven issues with all their bars, and one of which the source has none."""
    assert installation.update_master(listed([*CODES, WITHOUT_BARS], **SEGMENTS)).success
    assert installation.collect_range().success
    return installation


@pytest.fixture
def market(installation: Installation) -> Installation:
    return collected(installation)


@dataclass
class Checked:
    """An installation after a coverage check."""

    market: Installation
    run: dg.ExecuteInProcessResult
    metadata: dict[str, Any]


@pytest.fixture(scope="module")
def checked(
    quiet_exchange: Simulated, server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Checked]:
    """For tests that only look."""
    folder = tmp_path_factory.mktemp("coverage")
    with (
        pytest.MonkeyPatch.context() as patch,
        fresh_database(server_url) as url,
        installed(quiet_exchange, url, folder, patch) as installation,
    ):
        run = collected(installation).run("jp_coverage_job")
        yield Checked(installation, run, installation.metadata(COVERAGE))


def report_rows(market: Installation) -> dict[str, tuple[Any, ...]]:
    query = """
        SELECT segment, instruments, complete_instruments, empty_instruments, expected_bars, stored_bars, coverage
        FROM miraikakaku.coverage_reports ORDER BY id"""
    return {segment: tuple(numbers) for segment, *numbers in market.rows(query)}


def check(run: dg.ExecuteInProcessResult, name: str) -> Any:
    return next(
        evaluation for evaluation in run.get_asset_check_evaluations() if evaluation.check_name == name
    )


def test_metadata_tables_and_file_say_the_same(checked: Checked) -> None:
    shown, market = checked.metadata, checked.market
    expected, stored = 8 * SESSIONS, 7 * SESSIONS
    assert (shown["expected_bars"], shown["stored_bars"]) == (expected, stored)
    assert shown["missing_bars"] == SESSIONS
    assert shown["coverage"] == stored / expected
    assert (shown["complete_instruments"], shown["empty_instruments"]) == (7, 1)
    assert shown["gaps_by_cause"] == {"never_delivered": SESSIONS}
    assert report_rows(market) == {
        "all": (8, 7, 1, expected, stored, stored / expected),
        "プライム（内国株式）": (6, 6, 0, 6 * SESSIONS, 6 * SESSIONS, 1.0),
        "ETF・ETN": (2, 1, 1, 2 * SESSIONS, SESSIONS, 0.5),
    }
    gaps = "SELECT cause, count(*) FROM miraikakaku.coverage_gaps GROUP BY cause"
    assert market.rows(gaps) == [("never_delivered", SESSIONS)]
    report = json.loads(Path(shown["report"]).read_text(encoding="utf-8"))
    assert report["denominator"] == shown["denominator"]
    assert (
        f"8 active issues of the list dated 2025-09-30 × their XTKS sessions from {report['window']['first']}"
        in (report["denominator"])
    )
    in_file = {
        segment["segment"]: (
            segment["instruments"],
            segment["complete_instruments"],
            segment["empty_instruments"],
            segment["expected_bars"],
            segment["stored_bars"],
            segment["coverage"],
        )
        for segment in report["segments"]
    }
    assert in_file == report_rows(market)
    for segment in report["segments"]:
        assert segment["missing_bars"] == segment["expected_bars"] - segment["stored_bars"]
        assert sum(segment["gaps_by_cause"].values()) == segment["missing_bars"]


def test_the_table_in_the_web_ui_shows_every_segment(checked: Checked) -> None:
    records = [record.data for record in checked.metadata["segments"].records]

    assert {record["segment"]: (record["expected"], record["stored"]) for record in records} == {
        segment: (numbers[3], numbers[4]) for segment, numbers in report_rows(checked.market).items()
    }
    assert {record["segment"]: record["coverage"] for record in records}["ETF・ETN"] == "50.00 %"


def test_a_segment_below_the_threshold_is_a_warning_and_no_failure(checked: Checked) -> None:
    evaluation = check(checked.run, "above_threshold")

    assert checked.run.success
    assert not evaluation.passed
    assert evaluation.severity is dg.AssetCheckSeverity.WARN
    assert evaluation.metadata["segments_below"].value == 2
    assert evaluation.metadata["worst"].value == {"all": "87.50 %", "ETF・ETN": "50.00 %"}
    assert evaluation.metadata["bars_short"].value == {"all": 24, "ETF・ETN": 36}
    assert evaluation.description == (
        "2 of 3 segments below 95.00 %: ETF・ETN has 50.00 %, 36 bars short; all has 87.50 %, 24 bars short."
    )


def test_above_the_threshold_the_check_passes(market: Installation) -> None:
    with market.told(coverage_alert_threshold=0.5):
        evaluation = check(market.run("jp_coverage_job"), "above_threshold")

    assert evaluation.passed
    assert evaluation.metadata["threshold"].value == 0.5
    assert evaluation.description == "Every segment reaches 50.00 % of its expected bars."


def test_without_a_master_there_is_no_denominator(installation: Installation) -> None:
    failure = failure_of(installation.run("jp_coverage_job"))

    assert failure.description == (
        "Coverage of jp has no denominator: there is no stock master yet; "
        "run `miraikakaku master update --universe jp` first"
    )
    assert failure.metadata["exit_code"].value == 1
    assert report_rows(installation) == {}


def test_a_failed_symbol_is_a_gap_with_its_cause(market: Installation) -> None:
    assert market.update_master(
        listed([*CODES, WITHOUT_BARS, "4321"], "20251031", **SEGMENTS), accept=True
    ).success
    market.exchange.set_faults("500@4321.T")
    assert not market.collect_symbols("4321.T").success

    market.run("jp_coverage_job")

    assert market.metadata(COVERAGE)["gaps_by_cause"] == {
        "fetch_failed": SESSIONS,
        "never_delivered": SESSIONS,
    }
