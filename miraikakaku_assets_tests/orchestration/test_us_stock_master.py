"""The stock master asset of the US exchanges, and the sensors that keep keys and masters in step."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
import pytest

from miraikakaku_assets.domain.market.instruments import JP, US, Universe
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.settings import settings
from miraikakaku_assets_tests.support.installations.installation import (
    CODES,
    SYMBOLS,
    Installation,
    failure_of,
    listed,
)
from miraikakaku_assets_tests.support.markets.us_directories import (
    AAPL,
    NA,
    QQQ,
    folder_of,
    nasdaq_listed,
    other_listed,
)

MASTER = dg.AssetKey(["us", "stock_master"])
KEYS = ["AAPL", "BAC-PB", "BRK-B", "NA", "QQQ", "SPY"]


def update(
    installation: Installation, lines: Sequence[str], day: str, **options: Any
) -> dg.ExecuteInProcessResult:
    """Materializes the master from a folder with these lines of Nasdaq."""
    created = f"{day}12:00"
    folder = folder_of(
        installation.folder / day, nasdaq_listed(*lines, created=created), other_listed(created=created)
    )
    config = {"ops": {"us__stock_master": {"config": {"file": str(folder), **options}}}}
    return installation.run("us_master_job", config=config)


def keys(installation: Installation, universe: Universe = US) -> list[str]:
    return list(installation.instance.get_dynamic_partitions(universe.partitions))


def test_a_list_is_put_into_force_and_its_keys_are_registered_sorted(installation: Installation) -> None:
    run = update(installation, (QQQ, NA, AAPL), "07212025")

    assert run.success
    assert keys(installation) == KEYS
    shown = installation.metadata(MASTER)
    assert (shown["dagster/row_count"], shown["added"], shown["partition_keys_added"]) == (6, 6, 6)
    assert shown["list_date"] == "2025-07-21"
    assert shown["counts"] == {}
    assert shown["stored_file"].startswith(str(installation.ports.settings.home / "masters" / "us_20250721_"))
    assert keys(installation, JP) == []


def test_an_issue_that_left_keeps_its_key_and_a_new_one_comes_behind(installation: Installation) -> None:
    update(installation, (QQQ, NA), "07212025")

    run = update(installation, (QQQ, AAPL), "07222025", accept_mass_change=True)

    assert run.success
    assert keys(installation) == ["BAC-PB", "BRK-B", "NA", "QQQ", "SPY", "AAPL"]


def test_a_refused_list_fails_the_run_and_says_what_to_do(installation: Installation) -> None:
    update(installation, (QQQ, NA, AAPL), "07212025")

    run = update(installation, (QQQ,), "07222025")

    assert not run.success
    failure = failure_of(run)
    assert "it holds 4 issues against 6 in force" in failure.description
    assert str(installation.ports.settings.home / "quarantine" / "us_20250722_") in failure.description
    assert failure.metadata["error"].value == "MasterRefusedError"
    assert keys(installation) == KEYS


def test_a_directory_that_cannot_be_reached_is_an_outage(installation: Installation) -> None:
    with installation.told(nasdaq_listed_url="http://127.0.0.1:9/nasdaqlisted.txt"):
        run = installation.run("us_master_job")

    assert failure_of(run).metadata["error"].value == "DependencyUnavailableError"
    history = "SELECT universe, status, source FROM miraikakaku.stock_master_updates"
    assert [row[:2] for row in installation.rows(history)] == [("us", "failed")]
    assert installation.rows(history)[0][2].startswith("http://127.0.0.1:9/nasdaqlisted.txt + http")


# --- sensors -----------------------------------------------------------------------------------------------


def look(installation: Installation, universe: Universe, cursor: str | None = None) -> Any:
    """One look of a universe's key sensor, and what it wants added."""
    repository = installation.definitions.get_repository_def()
    context = dg.build_sensor_context(
        instance=installation.instance,
        cursor=cursor,
        repository_def=repository,
        resources={"ports": PortsResource()},
    )
    return repository.get_sensor_def(f"{universe.name}_symbol_keys").evaluate_tick(context)


@pytest.mark.parametrize("universe", [JP, US], ids=lambda universe: universe.name)
def test_before_the_first_list_there_is_nothing_to_add(
    installation: Installation, universe: Universe
) -> None:
    answer = look(installation, universe)

    assert answer.skip_message == f"There is no stock master of {universe.name} yet."
    assert not answer.dynamic_partitions_requests


def test_issues_of_a_master_updated_elsewhere_get_their_keys_in_one_sorted_batch(
    installation: Installation,
) -> None:
    update(installation, (QQQ, NA, AAPL), "07212025")
    installation.update_master(listed(CODES))
    for key in ("AAPL", "NA", "QQQ"):
        installation.instance.delete_dynamic_partition(US.partitions, key)

    answer = look(installation, US)

    (request,) = answer.dynamic_partitions_requests
    assert (request.partitions_def_name, list(request.partition_keys)) == (
        "us_symbols",
        ["AAPL", "NA", "QQQ"],
    )
    assert answer.run_requests == []
    assert answer.skip_message == "3 new keys in us_symbols."
    assert look(installation, JP).skip_message == "All issues have their keys."
    assert keys(installation, JP) == SYMBOLS


def test_as_long_as_no_new_list_is_in_force_a_look_ends_after_one_query(installation: Installation) -> None:
    update(installation, (QQQ, NA, AAPL), "07212025")
    first = look(installation, US)
    assert first.cursor == str(installation.ports.stores.masters.newest_update(US))
    installation.instance.delete_dynamic_partition(US.partitions, "AAPL")

    again = look(installation, US, first.cursor)

    assert again.skip_message == "No new list since the last look."
    assert not again.dynamic_partitions_requests

    update(installation, (QQQ, NA, AAPL), "07222025")
    assert look(installation, US, first.cursor).skip_message == "All issues have their keys."


@pytest.mark.parametrize("setting", ["off", "on"])
def test_sensors_run_when_the_schedules_do(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    from miraikakaku_assets.orchestration.sensors import default_sensors

    monkeypatch.setenv("MIRAIKAKAKU_SCHEDULES", setting)
    settings.cache_clear()
    statuses = {sensor.name: sensor.default_status.value for sensor in default_sensors()}
    assert {"jp_symbol_keys", "us_symbol_keys"} <= set(statuses)
    assert statuses.pop("bulk_jobs_due") == "RUNNING"  # what the REST API has accepted is never left
    assert statuses.pop("asset_health_look") == "RUNNING"  # what REST API and dashboard show of the assets
    assert set(statuses.values()) == {"RUNNING" if setting == "on" else "STOPPED"}
