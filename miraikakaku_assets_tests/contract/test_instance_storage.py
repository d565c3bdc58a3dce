"""Whatever storage keeps Dagster's books, they say the same: the stock one and ours, on real PostgreSQL."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import create_engine

from miraikakaku_assets.orchestration.instance.batched_events import log_materializations
from miraikakaku_assets_tests.support.installations.instance_scenarios import (
    ASSETS,
    KEYS,
    SYMBOLS,
    Books,
    newest_partition,
    opened,
    pooled_config,
    records_of,
    rows_of,
    run_again_from_failure,
    run_chain,
    run_listed,
    run_scattered,
    run_status,
    schema_url,
    statuses,
    stock_config,
    write_dagster_yaml,
)

pytestmark = pytest.mark.slow

BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"


@pytest.fixture(autouse=True)
def _batch_size_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a shell where nobody has heard of it; what a storage sets is taken back afterwards."""
    monkeypatch.setenv(BATCH_SIZE, "0")
    monkeypatch.delenv(BATCH_SIZE)


class InstanceStorageContract:
    """What runs leave behind, whatever storage is configured."""

    @staticmethod
    def config(url: str) -> dict[str, Any]:
        raise NotImplementedError

    @pytest.fixture
    def url(self, database_url: str) -> str:
        return schema_url(database_url, "dagster")

    @pytest.fixture
    def instance(self, url: str, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
        with opened(tmp_path, self.config(url)) as instance:
            yield instance

    def test_a_range_is_materialized_symbol_by_symbol(self, instance: dg.DagsterInstance, url: str):
        run_id = run_chain(instance)
        assert run_status(instance, run_id) == "SUCCESS"
        for asset in ASSETS:
            assert statuses(instance, asset) == dict.fromkeys(KEYS, "MATERIALIZED")
        query = """SELECT partition, asset_key FROM event_logs
            WHERE dagster_event_type = 'ASSET_MATERIALIZATION' ORDER BY id"""
        assert rows_of(url, query) == [(key, f'["{asset}"]') for key in KEYS for asset in ASSETS]

    def test_a_cancelled_run_keeps_what_it_logged(self, instance: dg.DagsterInstance):
        run_id = run_chain(instance, cancelled_at=KEYS[7])
        assert run_status(instance, run_id) == "CANCELED"
        logged = {key: "MATERIALIZED" if position < 8 else "missing" for position, key in enumerate(KEYS)}
        assert statuses(instance, "prices") == logged

    def test_failed_symbols_are_marked_until_a_retry_succeeds(self, instance: dg.DagsterInstance):
        failing = [KEYS[0], KEYS[6]]
        failed = run_chain(instance, failing=failing)
        assert run_status(instance, failed) == "FAILURE"
        for asset in ASSETS:
            expected = {key: "FAILED" if key in failing else "MATERIALIZED" for key in KEYS}
            assert statuses(instance, asset) == expected
        assert run_status(instance, run_again_from_failure(instance, failed)) == "SUCCESS"
        assert set(statuses(instance, "indicators").values()) == {"MATERIALIZED"}

    def test_an_op_job_clears_scattered_failed_marks(self, instance: dg.DagsterInstance):
        failing = [KEYS[2], KEYS[5], KEYS[8]]
        run_chain(instance, failing=failing)
        run_id = run_scattered(instance, failing)
        assert set(statuses(instance, "timeframes").values()) == {"MATERIALIZED"}
        materialized = instance.get_asset_partitions_for_run(
            run_id, dg.DagsterEventType.ASSET_MATERIALIZATION
        )
        assert materialized == {dg.AssetKey(asset): set(failing) for asset in ASSETS}

    def test_every_asset_of_a_batch_shows_its_newest_materialization(self, instance: dg.DagsterInstance):
        run_id = run_scattered(instance, [KEYS[5], KEYS[6]])
        for asset in ASSETS:
            assert newest_partition(instance, asset) == KEYS[6]
            assert instance.fetch_materializations(dg.AssetKey(asset), limit=1).records[0].run_id == run_id

    def test_rows_are_committed_when_logging_returns(self, instance: dg.DagsterInstance, url: str):
        seen: list[tuple[Any, ...]] = []

        @dg.op
        def look() -> None:
            context = dg.OpExecutionContext.get()
            for symbols in (KEYS[:7], KEYS[7:8]):
                log_materializations(context, records_of(symbols))
                seen.extend(rows_of(url, "SELECT count(*) FROM event_logs WHERE partition IS NOT NULL"))

        @dg.job
        def looking() -> None:
            look()

        assert looking.execute_in_process(instance=instance).success
        assert seen == [(21,), (24,)]

    def test_partition_keys_stay_in_the_order_they_came(self, instance: dg.DagsterInstance):
        instance.add_dynamic_partitions("symbol", ["AAPL", KEYS[3], "0001.T"])
        assert list(instance.get_dynamic_partitions("symbol")) == [*KEYS, "AAPL", "0001.T"]


class TestStockStorage(InstanceStorageContract):
    config = staticmethod(stock_config)


class TestPooledStorage(InstanceStorageContract):
    config = staticmethod(pooled_config)


@pytest.mark.parametrize(("config", "batch_size"), [(stock_config, "500"), (pooled_config, "0")])
def test_a_batch_size_set_by_the_user_holds(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    config: Callable[[str], dict[str, Any]],
    batch_size: str,
):
    """Batches into the stock storage (each of one asset: it knows no others), none into ours."""
    url = schema_url(database_url, "dagster")
    monkeypatch.setenv(BATCH_SIZE, batch_size)
    with opened(tmp_path, config(url)) as instance:
        run_scattered(instance, KEYS)
        assert {newest_partition(instance, asset) for asset in ASSETS} == {KEYS[-1]}
    assert os.environ[BATCH_SIZE] == batch_size
    transactions = len(ASSETS) if batch_size == "500" else len(ASSETS) * len(KEYS)
    query = "SELECT asset_key, partition, xmin::text FROM event_logs WHERE partition IS NOT NULL ORDER BY id"
    rows = rows_of(url, query)
    assert len({xmin for _, _, xmin in rows}) == transactions
    assert [partition for asset, partition, _ in rows if asset == '["prices"]'] == KEYS


def _a_history(instance: dg.DagsterInstance) -> dict[str, dict[str, str]]:
    run_chain(instance)
    failed = run_chain(instance, failing=[KEYS[4], KEYS[8]])
    run_again_from_failure(instance, failed)
    run_chain(instance, cancelled_at=KEYS[7])
    run_chain(instance, failing=[KEYS[1], KEYS[2], KEYS[7]])
    run_scattered(instance, [KEYS[1], KEYS[7]])
    run_listed(instance)
    return {asset: statuses(instance, asset) for asset in (*ASSETS, "listed")}


def test_both_storages_keep_the_same_books(database_url: str, tmp_path: Path):
    """Row by row, in order, payloads included; only ids, times and process numbers may differ."""
    stock_url, pooled_url = schema_url(database_url, "stock"), schema_url(database_url, "pooled")
    with opened(tmp_path / "stock", stock_config(stock_url)) as instance:
        stock_statuses = _a_history(instance)
    assert BATCH_SIZE not in os.environ
    with opened(tmp_path / "pooled", pooled_config(pooled_url)) as instance:
        pooled_statuses = _a_history(instance)
    assert pooled_statuses == stock_statuses
    assert stock_statuses["prices"][KEYS[2]] == "FAILED"

    stock, pooled = Books(create_engine(stock_url)).tables(), Books(create_engine(pooled_url)).tables()
    assert len(stock["event_logs"]) > 300
    for table, rows in stock.items():
        assert rows, table
        assert pooled[table] == rows


def test_a_process_started_by_hand_writes_batches(database_url: str, tmp_path: Path):
    """Dagster's own command line, an environment that does not name the batch size."""
    url = schema_url(database_url, "dagster")
    with opened(tmp_path, pooled_config(url)):
        pass
    module = "miraikakaku_assets_tests.support.installations.instance_scenarios"
    what = ["--select", ",".join(ASSETS), "--partition-range", f"{KEYS[0]}...{KEYS[-1]}"]
    subprocess.run(
        [sys.executable, "-m", "dagster", "asset", "materialize", "-m", module, *what],
        env={name: value for name, value in os.environ.items() if name != BATCH_SIZE}
        | {"DAGSTER_HOME": str(write_dagster_yaml(tmp_path, pooled_config(url)))},
        check=True,
        capture_output=True,
    )
    query = """SELECT dagster_event_type, count(*), count(DISTINCT xmin::text) FROM event_logs
        WHERE partition IS NOT NULL GROUP BY 1 ORDER BY 1"""
    chunks = 3
    assert rows_of(url, query) == [
        ("ASSET_MATERIALIZATION", 27, chunks),
        ("ASSET_MATERIALIZATION_PLANNED", 27, 1),
    ]
    with opened(tmp_path, pooled_config(url)) as instance:
        assert SYMBOLS.get_partition_keys(dynamic_partitions_store=instance) == KEYS
        assert set(statuses(instance, "prices").values()) == {"MATERIALIZED"}
