"""Runs that did not end well: repeated, retried as scattered symbols, or parked until the source answers again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from miraikakaku_assets.application.ports.rate_limit import LimitRules
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets_tests.support.installations.installation import (
    PRICES,
    SYMBOLS,
    Installation,
    failure_of,
)

pytestmark = pytest.mark.slow

RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


@pytest.fixture
def market(listed_market: Installation) -> Installation:
    return listed_market


def verdicts(market: Installation) -> dict[str, str]:
    return {symbol: market.metadata(PRICES, symbol)["status"] for symbol in SYMBOLS}


def test_the_same_range_again_asks_only_for_what_failed(market: Installation) -> None:
    market.exchange.set_faults("500@1306.T")
    assert not market.collect_range().success
    market.exchange.set_faults()

    assert market.collect_range().success

    assert set(market.statuses().values()) == {"MATERIALIZED"}
    expected = dict.fromkeys(SYMBOLS, "reused") | {"1306.T": "ok"}
    assert verdicts(market) == expected
    requested = "SELECT symbol FROM miraikakaku.data_collection_log WHERE batch_execution_id = 2"
    assert market.rows(requested) == [("1306.T",)]
    totals = (
        "SELECT status, total_stocks, processed_stocks, successful_stocks FROM miraikakaku.batch_executions"
    )
    assert market.rows(f"{totals} ORDER BY id") == [("failed", 7, 7, 6), ("completed", 7, 7, 7)]


def test_a_run_that_may_ask_again_asks_for_everything(market: Installation) -> None:
    market.exchange.set_faults("500@1306.T")
    market.collect_range()
    market.exchange.set_faults()
    keys = market.partition_keys()
    config = {"ops": {"jp_symbol_chain": {"config": {"again": True}}}}

    assert market.run(
        "jp_prices_job", config=config, tags=dict(zip(RANGE, (keys[0], keys[-1]), strict=True))
    ).success

    assert market.rows(
        "SELECT count(*) FROM miraikakaku.data_collection_log WHERE batch_execution_id = 2"
    ) == [(7,)]


def test_after_a_completed_run_nothing_is_reused(market: Installation) -> None:
    assert market.collect_range().success
    assert market.collect_range().success

    assert set(verdicts(market).values()) == {"no_new_data"}


def parked(market: Installation) -> dg.ExecuteInProcessResult:
    """A collection of a source that nobody may ask for now."""
    market.ports.sources.rate_limiter.pause("HTTP 429 without end")
    return market.collect_range()


def sensor_tick(market: Installation) -> Any:
    sensor = market.definitions.get_repository_def().get_sensor_def("resume_paused")
    with dg.build_sensor_context(
        instance=market.instance,
        repository_def=market.definitions.get_repository_def(),
        resources={"ports": PortsResource()},
    ) as context:
        return sensor.evaluate_tick(context)


def test_a_source_that_refuses_everything_parks_the_batch_with_a_time(market: Installation) -> None:
    began = datetime.now(UTC)
    run = parked(market)

    failure = failure_of(run)
    assert failure.metadata["exit_code"].value == 3
    assert "HTTP 429 without end" in failure.description
    ((status, resume_at, message),) = market.rows(
        "SELECT status, resume_at, error_message FROM miraikakaku.batch_executions"
    )
    assert status == "paused"
    pause = timedelta(seconds=LimitRules().first_pause)
    assert began + pause <= resume_at <= datetime.now(UTC) + pause
    assert "yahoo is not asked again before" in message
    assert market.rows("SELECT status FROM miraikakaku.run_progress") == [("paused",)]


def test_a_parked_batch_is_gone_on_with_once_its_time_has_come(market: Installation) -> None:
    run = parked(market)
    assert sensor_tick(market).skip_message == "No paused collection is due."
    with market.ports.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE miraikakaku.batch_executions SET resume_at = now()")

    (request,) = sensor_tick(market).run_requests

    assert request.job_name == "jp_prices_job"
    stored = market.instance.get_run_by_id(run.run_id)
    assert stored is not None
    assert {name: request.tags[name] for name in RANGE} == {name: stored.tags[name] for name in RANGE}
    assert sensor_tick(market).run_requests[0].run_key == request.run_key  # Dagster starts one run per key

    market.ports.sources.rate_limiter.resume()
    again = market.run(request.job_name, config=dict(request.run_config), tags=dict(request.tags))

    assert again.success
    assert set(market.statuses().values()) == {"MATERIALIZED"}
    assert sensor_tick(market).skip_message == "No paused collection is due."
