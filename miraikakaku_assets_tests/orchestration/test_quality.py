"""Checks of stored data as asset checks: what they show, and what a gate holds up."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import text

from miraikakaku_assets.application.stage_reports import QualityTotals
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.orchestration.failures import reason_of
from miraikakaku_assets.orchestration.quality.checks import check_keys
from miraikakaku_assets_tests.support.installations.installation import (
    CODES,
    MASTER,
    PRICES,
    SESSIONS,
    Installation,
    listed,
)

pytestmark = pytest.mark.slow

NO_ISSUE = """INSERT INTO miraikakaku.stock_master
    SELECT (jsonb_populate_record(m, jsonb_build_object('id', 1000 + id, 'stock_code', '0000', 'is_active', false,
            'yahoo_symbol', 'N/A'))).*
    FROM miraikakaku.stock_master m WHERE stock_code = '1301'"""


def execute(market: Installation, statement: str) -> None:
    with market.ports.database.engine.begin() as connection:
        connection.execute(text(statement))


def checks(run: dg.ExecuteInProcessResult) -> dict[str, Any]:
    return {evaluation.check_name: evaluation for evaluation in run.get_asset_check_evaluations()}


def test_every_asset_shows_its_checks_and_a_broken_rule_its_worst_and_its_query(
    collected: Installation,
) -> None:
    run = collected.run("jp_quality_job")

    assert run.success
    evaluations = checks(run)
    assert {(evaluation.asset_key, name) for name, evaluation in evaluations.items()} == {
        (key.asset_key, key.name) for key in check_keys(JP)
    }
    assert [name for name, evaluation in evaluations.items() if not evaluation.passed] == []
    assert evaluations["daily_bars"].metadata["rows"].value == 10 * len(CODES)
    assert evaluations["indicators"].description == "Nothing is stored yet."
    assert f"training: {SESSIONS - 1} of 60 sessions" in evaluations["usual_day"].description
    report = collected.ports.stores.stage_reports.read(run.run_id, JP, QualityTotals)
    assert report is not None
    assert (report.broken, set(report.states)) == ([], {"passed", "empty", "training"})

    newest = "(SELECT max(ts) FROM miraikakaku.price_bars)"
    execute(collected, f"UPDATE miraikakaku.price_bars SET status = 'maybe' WHERE ts = {newest}")
    run = collected.run("jp_quality_job")

    broken = {name: each for name, each in checks(run).items() if not each.passed}
    assert run.success, "a check that fails is no failed run"
    assert set(broken) == {"daily_bars"}
    shown = broken["daily_bars"]
    assert shown.severity is dg.AssetCheckSeverity.ERROR
    assert shown.description == "status_known: 7 of 70 do not keep it"
    assert len(shown.metadata["worst"].records) == len(CODES)
    assert shown.metadata["worst"].records[0].data["value"] == "status maybe"
    query = shown.metadata["all_exceptions"].md_str.split("```")[1].removeprefix("sql\n")
    assert len(collected.rows(query)) == len(CODES)


def test_a_list_that_breaks_its_suite_holds_up_the_prices(collected: Installation) -> None:
    assert checks(collected.update_master(listed(CODES)))["stock_master_gate"].passed
    execute(collected, NO_ISSUE)

    run = collected.update_master(listed(CODES), accept=True)

    assert not run.success
    (gate,) = checks(run).values()
    assert (gate.passed, gate.blocking) == (False, True)
    assert gate.description.startswith("symbol_shape: 1 of 8 do not keep it")
    sentence, code = reason_of(run)
    assert f"breaks its suite: jp/stock_master: {gate.description};" in sentence
    assert code == 1
    keys = collected.partition_keys()
    config = {
        "ops": {
            "jp__stock_master": {
                "config": {"file": str(collected.folder / "data_j.xls"), "accept_mass_change": True}
            }
        }
    }
    whole = collected.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        run_config=config,
        instance=collected.instance,
        tags={"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]},
        asset_selection=[MASTER, PRICES],
        raise_on_error=False,
    )
    assert not whole.success
    assert {event.step_key for event in whole.get_step_success_events()} == {"jp__stock_master"}


def test_a_run_that_makes_assets_leaves_the_whole_universe_to_the_schedule(collected: Installation) -> None:
    keys = collected.partition_keys()

    run = collected.materialize([PRICES], keys[0], keys[1])

    assert run.success
    assert checks(run) == {}
    assert collected.rows("SELECT count(*) FROM miraikakaku.quality_results") == [(0,)]


def test_the_schedule_checks_what_is_collected(collected: Installation) -> None:
    with dg.build_schedule_context(
        instance=collected.instance,
        scheduled_execution_time=datetime(2025, 6, 11, tzinfo=UTC),
        repository_def=collected.definitions.get_repository_def(),
    ) as context:
        tick = collected.definitions.resolve_schedule_def("quality_check").evaluate_tick(context)

    (request,) = tick.run_requests or ()
    assert request.asset_check_keys == check_keys(JP)
