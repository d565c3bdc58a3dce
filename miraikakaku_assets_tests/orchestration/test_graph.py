"""What the code location contains, as reviewed: a change here is a change for whoever operates it."""

from typing import Any

import dagster as dg
import pytest

from miraikakaku_assets.orchestration.build import build_defs

ASSETS: dict[str, dict[str, Any]] = {
    "jp/coverage": {
        "partitions": None,
        "after": ["jp/prices_1d"],
        "kinds": {"postgres", "json"},
        "pools": set(),
    },
    "jp/prices_1d": {
        "partitions": "jp_symbols",
        "after": ["jp/stock_master"],
        "kinds": {"yfinance", "postgres"},
        "pools": {"yahoo"},
    },
    "jp/stock_master": {"partitions": None, "after": [], "kinds": {"excel", "postgres"}, "pools": set()},
}
CHECKS = {"jp/coverage:above_threshold", "jp/coverage:bars_quality", "jp/coverage:enough_issues"}
JOBS = {
    "jp_collect_symbols": None,
    "jp_coverage_job": None,
    "jp_master_job": None,
    "jp_prices_job": "jp_symbols",
}
SCHEDULES = {
    "coverage_check": ("0 0,6,12,18 * * *", "Asia/Tokyo", "jp_coverage_job"),
    "jp_daily": ("45 16 * * 1-5", "Asia/Tokyo", "jp_prices_job"),
    "jp_master_update": ("0 6 * * 1", "Asia/Tokyo", "jp_master_job"),
}


@pytest.fixture(scope="module")
def repository() -> dg.RepositoryDefinition:
    return build_defs().get_repository_def()


def partitions_of(definition: dg.PartitionsDefinition | None) -> str | None:
    return definition.name if isinstance(definition, dg.DynamicPartitionsDefinition) else None


def test_assets_are_the_reviewed_ones(repository: dg.RepositoryDefinition) -> None:
    found = {
        node.key.to_user_string(): {
            "partitions": partitions_of(node.partitions_def),
            "after": sorted(parent.to_user_string() for parent in node.parent_keys),
            "kinds": set(node.kinds),
            "pools": set(node.pools or ()),
        }
        for node in repository.asset_graph.asset_nodes
    }

    assert found == ASSETS


@pytest.mark.parametrize("name", ASSETS)
def test_every_asset_says_what_it_is_and_whose(repository: dg.RepositoryDefinition, name: str) -> None:
    node = repository.asset_graph.get(dg.AssetKey.from_user_string(name))

    assert node.group_name == name.partition("/")[0]
    assert len(node.description or "") > 100
    assert list(node.owners) == ["team:market-data"]
    assert node.tags["market"] == "tse"
    assert node.tags["currency"] == "jpy"


def test_checks_are_the_reviewed_ones(repository: dg.RepositoryDefinition) -> None:
    keys = repository.asset_graph.asset_check_keys

    assert {f"{key.asset_key.to_user_string()}:{key.name}" for key in keys} == CHECKS


def test_jobs_are_the_reviewed_ones_and_described(repository: dg.RepositoryDefinition) -> None:
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]

    assert {job.name: partitions_of(job.partitions_def) for job in jobs} == JOBS
    assert all(job.description for job in jobs)


def test_schedules_are_the_reviewed_ones_and_described(repository: dg.RepositoryDefinition) -> None:
    found = {
        schedule.name: (schedule.cron_schedule, schedule.execution_timezone, schedule.job_name)
        for schedule in repository.schedule_defs
    }

    assert found == SCHEDULES
    assert all(schedule.description for schedule in repository.schedule_defs)
    assert repository.sensor_defs == []


def test_a_backfill_takes_250_symbols_a_run(repository: dg.RepositoryDefinition) -> None:
    policy = repository.asset_graph.get(dg.AssetKey(["jp", "prices_1d"])).backfill_policy

    assert policy == dg.BackfillPolicy.multi_run(250)


def test_runs_execute_in_their_own_process(repository: dg.RepositoryDefinition) -> None:
    executors = {job.executor_def.name for job in repository.get_all_jobs()}

    assert executors == {"in_process"}


def test_resources_can_be_replaced() -> None:
    marked = dg.ResourceDefinition.hardcoded_resource("another")

    built = build_defs(resource_overrides={"ports": marked})

    assert built.resources is not None
    assert built.resources["ports"] is marked
