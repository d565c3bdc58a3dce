"""Dagster's books are pruned, and nobody sees it but in what was pruned: real runs, real tables, both storages."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.orchestration.pruning import event_log
from miraikakaku_assets.orchestration.pruning.event_log import Pruned, Retention, prune_event_log
from miraikakaku_assets_tests.support.installations.instance_scenarios import (
    ASSETS,
    KEYS,
    opened,
    pooled_config,
    rows_of,
    run_again_from_failure,
    run_chain,
    run_listed,
    run_scattered,
    schema_url,
    statuses,
    stock_config,
)
from miraikakaku_assets_tests.support.installations.pruned_books import (
    TAG,
    asked_by_the_web_ui,
    broken_books,
    log_of,
    run_check,
    run_cycle,
    run_observed,
    start_and_leave,
)
from miraikakaku_assets_tests.support.patience import PATIENCE

pytestmark = pytest.mark.slow

RULES = Retention(timedelta(days=30), timedelta(days=1), TAG)
A_DAY_LATER, A_MONTH_LATER = timedelta(hours=25), timedelta(days=31)


@pytest.fixture(autouse=True)
def _batch_size_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pooled storage sets it for its process."""
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "0")
    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE")


@pytest.fixture
def url(installed_url: str) -> str:
    return schema_url(installed_url, "dagster")


@pytest.fixture
def instance(url: str, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with opened(tmp_path, pooled_config(url)) as instance:
        yield instance


def prune(instance: dg.DagsterInstance, later: timedelta = A_MONTH_LATER) -> Pruned:
    return prune_event_log(instance, datetime.now(UTC) + later, RULES)


def run_ids(instance: dg.DagsterInstance) -> set[str]:
    return {run.run_id for run in instance.get_runs()}


def test_the_web_ui_shows_the_same_before_and_after(instance: dg.DagsterInstance, url: str) -> None:
    overtaken = [run_chain(instance) for _ in range(2)]
    failed = run_chain(instance, failing=[KEYS[0], KEYS[6]])
    cancelled = run_chain(instance, cancelled_at=KEYS[3])
    cycles = [run_cycle(instance, KEYS[4:6]) for _ in range(3)]
    observed = [run_observed(instance, KEYS[:2]) for _ in range(2)]
    checked = [run_check(instance) for _ in range(2)]
    listed = [run_listed(instance) for _ in range(2)]
    open_run = start_and_leave(instance)
    before = asked_by_the_web_ui(instance)
    logs = {run: log_of(instance, run) for run in run_ids(instance)}

    pruned = prune(instance)

    gone = {overtaken[0], *cycles[:2], observed[0], listed[0], checked[0]}
    # The second of the whole runs is the last one that had the bars of KEYS[6].
    assert run_ids(instance) == {
        overtaken[1], failed, cancelled, cycles[2], observed[1], listed[1], checked[1], open_run,
    }  # fmt: skip
    assert pruned.runs == len(gone)
    assert asked_by_the_web_ui(instance) == before
    for run in gone:
        assert instance.get_run_by_id(run) is None
        assert log_of(instance, run) == []
    for run in run_ids(instance):  # its page is what it was but for asset events that newer ones overtook
        left = log_of(instance, run)
        assert [log for log in left if log.asset is None] == [log for log in logs[run] if log.asset is None]
        assert set(left) <= set(logs[run])
    kept = [log for log in log_of(instance, overtaken[1]) if log.kind == "ASSET_MATERIALIZATION"]
    assert {log.partition for log in kept} == {KEYS[6]}
    assert broken_books(url) == []
    for asset in ASSETS:  # nothing of it came from what Dagster has cached
        instance.event_log_storage.wipe_asset_cached_status(dg.AssetKey(asset))
    assert asked_by_the_web_ui(instance) == before
    again = prune(instance)
    assert (again.runs, again.events) == (0, 0)


def test_the_stock_storage_is_pruned_too(url: str, tmp_path: Path) -> None:
    with opened(tmp_path, stock_config(url)) as instance:
        run_cycle(instance, KEYS[:1])
        newest = run_cycle(instance, KEYS[:1])
        before = asked_by_the_web_ui(instance)
        assert prune(instance, A_DAY_LATER).runs == 1
        assert run_ids(instance) == {newest}
        assert asked_by_the_web_ui(instance) == before
    assert broken_books(url) == []


def test_failed_symbols_stay_failed_and_a_retry_still_clears_them(instance: dg.DagsterInstance) -> None:
    failed = run_chain(instance, failing=[KEYS[0], KEYS[6]])
    expected = {key: "FAILED" if key in {KEYS[0], KEYS[6]} else "MATERIALIZED" for key in KEYS}
    for _ in range(2):
        run_scattered(instance, [KEYS[1]])
        prune(instance)
        for asset in ASSETS:
            instance.event_log_storage.wipe_asset_cached_status(dg.AssetKey(asset))
            assert statuses(instance, asset) == expected
    run_again_from_failure(instance, failed)
    prune(instance)
    assert set(statuses(instance, "prices").values()) == {"MATERIALIZED"}
    assert failed not in run_ids(instance)


def test_only_cycles_that_succeeded_go_after_a_day(instance: dg.DagsterInstance, url: str) -> None:
    chain = [run_chain(instance) for _ in range(2)]
    good = [run_cycle(instance, KEYS) for _ in range(3)]
    bad = [run_cycle(instance, KEYS, failing=True) for _ in range(2)]
    assert (prune(instance, timedelta(0)).runs, prune(instance, timedelta(hours=23)).runs) == (0, 0)

    young = prune(instance, A_DAY_LATER)

    assert run_ids(instance) == {*chain, good[2], *bad}
    assert (young.runs, young.events) == (2, 0)  # the events of other runs are not old
    assert broken_books(url) == []
    assert prune(instance, A_MONTH_LATER).runs == 1 + len(bad)
    assert run_ids(instance) == {chain[1], good[2]}  # the newest planned events; the newest materializations


def test_overtaken_events_of_a_run_that_stays_go_alone(instance: dg.DagsterInstance, url: str) -> None:
    first = run_scattered(instance, KEYS)
    second = run_scattered(instance, KEYS[:8])

    pruned = prune(instance)

    assert (pruned.runs, pruned.events) == (0, 8 * len(ASSETS))
    assert run_ids(instance) == {first, second}
    query = "SELECT run_id, partition FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION'"
    assert set(rows_of(url, query)) == {(first, KEYS[8]), *((second, key) for key in KEYS[:8])}
    tags = (
        "SELECT count(*), count(DISTINCT event_id) FROM asset_event_tags WHERE key = 'dagster/data_version'"
    )
    assert rows_of(url, tags) == [(9 * len(ASSETS), 9 * len(ASSETS))]


@pytest.mark.parametrize("status", [BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING])
def test_runs_of_a_backfill_under_way_stay_with_all_their_events(
    instance: dg.DagsterInstance, status: BulkActionStatus
) -> None:
    backfill = PartitionBackfill(
        backfill_id="backfill", status=status, from_failure=False, tags={}, title="a", description=None,
        backfill_timestamp=datetime.now(UTC).timestamp(), serialized_asset_backfill_data="{}",
    )  # fmt: skip
    instance.add_backfill(backfill)
    its = run_chain(instance, tags={"dagster/backfill": "backfill"})
    events = log_of(instance, its)
    run_chain(instance)

    under_way = prune(instance)
    assert (under_way.runs, under_way.events, under_way.backfills) == (0, 0, 0)
    assert log_of(instance, its) == events

    instance.update_backfill(backfill._replace(status=BulkActionStatus.COMPLETED_SUCCESS))
    ended = prune(instance)
    assert (ended.runs, ended.backfills) == (1, 1)
    assert instance.get_backfill("backfill") is None
    assert its not in run_ids(instance)


def test_a_backfill_stays_as_long_as_a_run_of_it(instance: dg.DagsterInstance) -> None:
    backfill = PartitionBackfill(
        backfill_id="backfill", status=BulkActionStatus.COMPLETED_SUCCESS, from_failure=False, tags={}, title="a",
        description=None, backfill_timestamp=datetime.now(UTC).timestamp(), serialized_asset_backfill_data="{}",
    )  # fmt: skip
    instance.add_backfill(backfill)
    run_chain(instance, tags={"dagster/backfill": "backfill"})
    assert prune(instance).backfills == 0
    assert instance.get_backfill("backfill") is not None


def test_two_at_once_do_the_work_once(
    instance: dg.DagsterInstance, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "_RUNS", 1)
    for _ in range(6):
        run_scattered(instance, KEYS)
    done: list[Pruned] = []
    threads = [threading.Thread(target=lambda: done.append(prune(instance))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(pruned.runs for pruned in done) == [0, 0, 5]
    assert broken_books(url) == []


def test_space_is_used_again(instance: dg.DagsterInstance) -> None:
    """Files do not shrink, but a day that is as long as the one before finds its place in them."""
    sizes = []
    for _ in range(5):
        for _ in range(4):
            run_cycle(instance, KEYS)
        sizes.append(prune(instance, A_DAY_LATER).bytes_after)
    assert sizes[-1] - sizes[1] <= 3 * 8192 * 4


def test_books_elsewhere_are_refused() -> None:
    with (
        dg.DagsterInstance.ephemeral() as instance,
        pytest.raises(ConfigurationError, match=r"InMemoryEventLogStorage|SqliteEventLogStorage"),
    ):
        prune(instance)
