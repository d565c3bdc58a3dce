"""The stock master asset: what it puts into force, registers and refuses."""

from typing import Any

from miraikakaku_assets_tests.support.installations.installation import (
    CODES,
    MASTER,
    SYMBOLS,
    Installation,
    failure_of,
    listed,
)

ISSUES = "SELECT * FROM miraikakaku.stock_master ORDER BY id"
HISTORY = """
    SELECT status, total_stocks, added_stocks, unchanged_stocks, rule
    FROM miraikakaku.stock_master_updates ORDER BY id"""


def counts(installation: Installation) -> dict[str, Any]:
    shown = installation.metadata(MASTER)
    names = ("added", "updated", "removed", "returned", "unchanged", "partition_keys_added")
    return {name: shown[name] for name in names}


def test_a_list_is_put_into_force_and_its_keys_are_registered_sorted_in_one_batch(
    installation: Installation,
) -> None:
    run = installation.update_master(listed(CODES))

    assert run.success
    assert list(CODES) != sorted(CODES)
    assert installation.partition_keys() == SYMBOLS
    moments = "SELECT count(*), count(DISTINCT create_timestamp) FROM dagster.dynamic_partitions"
    assert installation.rows(moments) == [(len(CODES), 1)]
    assert counts(installation) == {
        "added": 7,
        "updated": 0,
        "removed": 0,
        "returned": 0,
        "unchanged": 0,
        "partition_keys_added": 7,
    }
    shown = installation.metadata(MASTER)
    assert shown["dagster/row_count"] == 7
    assert shown["list_date"] == "2025-09-30"
    assert shown["source"].endswith("data_j.xls")
    assert shown["stored_file"].startswith(str(installation.ports.settings.home / "masters"))


def test_the_simulated_exchange_serves_a_list_that_is_taken_as_it_is(installation: Installation) -> None:
    run = installation.run("jp_master_job")

    assert run.success
    assert set(installation.partition_keys()) == {*SYMBOLS, "25935.T"}


def test_the_same_list_again_changes_nothing(installation: Installation) -> None:
    installation.update_master(listed(CODES))
    before = installation.rows(ISSUES)

    run = installation.update_master(listed(CODES))

    assert run.success
    assert installation.rows(ISSUES) == before
    assert installation.partition_keys() == SYMBOLS
    assert counts(installation) == dict.fromkeys(counts(installation), 0) | {"unchanged": 7}
    assert installation.rows(HISTORY) == [("success", 7, 7, 0, None), ("success", 7, 0, 7, None)]


def test_a_new_issue_gets_its_key_behind_the_others(installation: Installation) -> None:
    codes = [f"{code}" for code in range(2001, 2061)]
    installation.update_master(listed(codes))

    run = installation.update_master(listed([*codes, "1301"], "20251031"))

    assert run.success
    assert installation.partition_keys() == [*(f"{code}.T" for code in codes), "1301.T"]
    assert counts(installation)["partition_keys_added"] == 1


def test_a_refused_list_fails_the_run_and_leaves_master_and_keys(installation: Installation) -> None:
    installation.update_master(listed(CODES))
    before = installation.rows(ISSUES)

    run = installation.update_master(listed(["7203", "4321"], "20251031"))

    assert not run.success
    failure = failure_of(run)
    assert "it holds 2 issues against 7 in force" in failure.description
    assert "the last good master stays in force" in failure.description
    assert str(installation.ports.settings.home / "quarantine") in failure.description
    assert failure.metadata["error"].value == "MasterRefusedError"
    assert failure.metadata["exit_code"].value == 1
    assert installation.rows(ISSUES) == before
    assert installation.partition_keys() == SYMBOLS
    assert installation.rows(HISTORY)[-1] == ("quarantined", 2, 0, 0, "fewer_issues")


def test_a_refused_list_that_is_accepted_comes_into_force_and_no_key_is_deleted(
    installation: Installation,
) -> None:
    installation.update_master(listed(CODES))
    installation.update_master(listed(["7203", "4321"], "20251031"))

    run = installation.update_master(listed(["7203", "4321"], "20251031"), accept=True)

    assert run.success
    assert installation.partition_keys() == [*SYMBOLS, "4321.T"]
    active = "SELECT yahoo_symbol FROM miraikakaku.stock_master WHERE is_active ORDER BY 1"
    assert installation.rows(active) == [("4321.T",), ("7203.T",)]
    assert counts(installation) == {
        "added": 1,
        "updated": 0,
        "removed": 6,
        "returned": 0,
        "unchanged": 1,
        "partition_keys_added": 1,
    }


def test_a_file_that_is_no_list_fails_the_run_with_the_rule_it_breaks(installation: Installation) -> None:
    installation.update_master(listed(CODES))

    failure = failure_of(installation.update_master(b"<html><body>maintenance</body></html>"))

    assert failure.description.endswith(
        "it is an HTML page; JPX's list is a .xls workbook [rule not_a_workbook]"
    )
    assert failure.metadata["error"].value == "InputFileError"
    assert installation.partition_keys() == SYMBOLS
    assert installation.rows(HISTORY)[-1] == ("failed", 0, 0, 0, "not_a_workbook")


def test_a_scheduled_update_is_recorded_as_scheduled(installation: Installation) -> None:
    installation.update_master(listed(CODES))
    installation.run("jp_master_job", tags={"dagster/schedule_name": "jp_master_update"})

    types = "SELECT update_type FROM miraikakaku.stock_master_updates ORDER BY id"
    assert installation.rows(types) == [("manual",), ("scheduled",)]
