"""Health checks, reviews and the health of assets on a real Dagster instance."""

from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.application.monitoring.asset_health import judge_groups
from miraikakaku_assets.application.ports.operations.assets import AssetHealth
from miraikakaku_assets.application.ports.operations.system import ServiceBeat
from miraikakaku_assets.bootstrap import utc_now
from miraikakaku_assets.domain.operations.thresholds import SPECIFIED
from miraikakaku_assets.orchestration.operations import assets as operations
from miraikakaku_assets.orchestration.operations.asset_health import asset_health
from miraikakaku_assets.orchestration.operations.assets import PERFORMANCE_REVIEW, SYSTEM_METRICS, check_name
from miraikakaku_assets.orchestration.operations.heartbeats import ChildHeartbeats
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.schedules import default_schedules
from miraikakaku_assets_tests.support.installations.installation import CODES, Installation, listed

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _no_long_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "CPU_SECONDS", 0.1)


NOBODY = 2**22 + 1
"""A process number that Linux gives to nobody: init has children of its own."""


def healths(installation: Installation) -> dict[str, AssetHealth]:
    found = asset_health(
        installation.instance, installation.ports, installation.definitions.resolve_asset_graph()
    )
    return {health.key: health for health in found}


def test_a_health_check_leaves_samples_plots_and_checks(installation: Installation) -> None:
    run = installation.run("health_check_job")

    assert run.success
    shown = installation.metadata(SYSTEM_METRICS)
    assert isinstance(shown["memory_share"], float)
    assert isinstance(shown["database_connection_seconds"], float)
    checks = {evaluation.check_name for evaluation in run.get_asset_check_evaluations()}
    assert checks == {check_name(threshold) for threshold in SPECIFIED}
    assert installation.rows("SELECT count(*)::int FROM miraikakaku.system_metrics") == [(11,)]
    assert healths(installation)["operations/system_metrics"].state.word != "Unknown"


def test_a_review_leaves_its_account(installation: Installation) -> None:
    run = installation.run("performance_review_job")

    assert run.success
    shown = installation.metadata(PERFORMANCE_REVIEW)
    assert shown["pg_stat_statements"] == "not there"
    assert isinstance(shown["database_mib"], float)
    assert installation.rows("SELECT count(*)::int FROM miraikakaku.performance_reviews") == [(1,)]


@pytest.mark.parametrize("name", ["health_check", "performance_review"])
def test_a_tick_waits_for_the_run_before(installation: Installation, name: str) -> None:
    (schedule,) = [each for each in default_schedules() if each.name == name]

    def tick() -> Any:
        with dg.build_schedule_context(
            instance=installation.instance,
            scheduled_execution_time=installation.exchange.moment,
            resources={"ports": PortsResource()},
        ) as context:
            return schedule.evaluate_tick(context)

    requests = tick().run_requests or []
    assert len(requests) == 1
    assert str(requests[0].run_key).startswith(name)
    job = installation.definitions.resolve_job_def(schedule.job_name)
    waiting = installation.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert tick().skip_message == "The previous run has not ended."
    installation.instance.report_run_canceled(waiting)


def test_assets_go_from_unknown_to_healthy_to_degraded_and_back(installation: Installation) -> None:
    before = healths(installation)
    assert {health.state.word for health in before.values()} == {"Unknown"}

    assert installation.update_master(listed(CODES)).success
    installation.exchange.set_faults("404@7203.T")
    assert not installation.collect_range().success
    failed = healths(installation)

    assert failed["jp/stock_master"].state.word in {"Healthy", "Warning"}
    prices = failed["jp/prices_1d"]
    assert prices.partitions is not None
    assert (prices.partitions.total, prices.partitions.failed) == (7, 1)
    assert prices.state.word == "Degraded"
    assert prices.reasons[0].startswith("1 of 7 partitions failed (14.2 %)")
    assert judge_groups(failed.values())["jp"].word == "Degraded"
    assert judge_groups(failed.values())["us"].word == "Unknown"
    installation.exchange.set_faults()
    assert installation.collect_range().success
    assert healths(installation)["jp/prices_1d"].document == {
        "asset": "jp/prices_1d",
        "state": "Healthy",
        "reasons": ["no check was evaluated yet"],
        "path": "/assets/jp/prices_1d",
        "partitions": {"total": 7, "materialized": 7, "failed": 0, "missing": 0},
    }


def test_a_failure_that_is_tried_again_is_a_warning(listed_market: Installation) -> None:
    site = listed_market
    site.exchange.set_faults("500@7203.T")
    run = site.collect_range()
    assert not run.success
    assert healths(site)["jp/prices_1d"].state.word == "Degraded"

    site.instance.add_run_tags(run.run_id, {"dagster/will_retry": "true"})
    assert healths(site)["jp/prices_1d"].state.word == "Warning"
    assert healths(site)["jp/prices_1d"].reasons[0].endswith("it is tried again by itself")


def test_a_collection_that_the_source_has_parked_is_a_warning(listed_market: Installation) -> None:
    site = listed_market
    site.ports.sources.rate_limiter.pause("HTTP 429")
    assert not site.collect_range().success

    prices = healths(site)["jp/prices_1d"]

    assert prices.state.word == "Warning"


def test_what_is_older_than_its_policy_allows_is_degraded(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert installation.run("health_check_job").success
    later = utc_now() + timedelta(hours=1)
    monkeypatch.setattr("miraikakaku_assets.orchestration.operations.asset_health.utc_now", lambda: later)

    metrics = healths(installation)["operations/system_metrics"]

    assert metrics.state.word == "Degraded"
    assert any("16 min are allowed" in reason for reason in metrics.reasons)


def test_a_database_that_is_away_costs_no_service_its_life(installation: Installation) -> None:
    nowhere = ChildHeartbeats(Database("postgresql://nobody@127.0.0.1:9/none"))
    nowhere.beat([ServiceBeat("daemon", "here", NOBODY)])
    nowhere.stopped([ServiceBeat("daemon", "here", NOBODY)])

    beating = ChildHeartbeats(installation.ports.database)
    beating.beat([ServiceBeat("daemon", "here", NOBODY)])
    beating.beat([ServiceBeat("daemon", "here", NOBODY + 1)])  # not due yet
    assert [state.pid for state in installation.ports.operations.heartbeats.services()] == [NOBODY]
    beating.stopped([ServiceBeat("daemon", "here", NOBODY)])
    (stopped,) = installation.ports.operations.heartbeats.services()
    assert stopped.state == "stopped"


def test_a_look_at_the_assets_is_stored_for_those_without_dagster(installation: Installation) -> None:
    repository = installation.definitions.get_repository_def()
    with dg.build_sensor_context(
        instance=installation.instance, repository_def=repository, resources={"ports": PortsResource()}
    ) as context:
        tick = repository.get_sensor_def("asset_health_look").evaluate_tick(context)

    stored = installation.ports.operations.asset_health_snapshot.read()
    assert stored is not None
    assert {asset.key: asset for asset in stored.assets} == healths(installation)
    assert tick.skip_message == f"The state of {len(stored.assets)} assets is stored."
