"""Our instance storage where it differs from the stock one: its pool, its transactions, its ways back."""

import logging
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqlEventLogStorage, SqlEventLogStorageTable
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage, PostgresRunStorage
from dagster_postgres.utils import create_pg_connection
from sqlalchemy import Engine, event, text

from miraikakaku_assets.orchestration.instance import connections as instance_connections
from miraikakaku_assets.orchestration.instance.batched_events import log_materializations
from miraikakaku_assets.orchestration.instance.storage import BatchedEventLogStorage, PooledPostgresStorage
from miraikakaku_assets_tests.support.installations.instance_scenarios import (
    ASSETS,
    KEYS,
    newest_partition,
    opened,
    pooled_config,
    records_of,
    rows_of,
    run_chain,
    run_scattered,
    schema_url,
    statuses,
    write_dagster_yaml,
)
from miraikakaku_assets_tests.support.patience import PATIENCE

pytestmark = pytest.mark.slow

BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"


@pytest.fixture(autouse=True)
def _clean_slate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BATCH_SIZE, "0")
    monkeypatch.delenv(BATCH_SIZE)
    monkeypatch.setattr(instance_connections, "_warned", set())


@pytest.fixture
def url(database_url: str) -> str:
    return schema_url(database_url, "dagster")


@pytest.fixture
def instance(url: str, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with opened(tmp_path, pooled_config(url)) as instance:
        yield instance


@pytest.fixture
def connects() -> Iterator[list[None]]:
    """Grows by one whenever any engine of this process opens a connection."""
    seen: list[None] = []

    def count(*_: object) -> None:
        seen.append(None)

    event.listen(Engine, "connect", count)
    yield seen
    event.remove(Engine, "connect", count)


def _terminate_all_connections(url: str) -> int:
    """What a restart of PostgreSQL does to those that are connected."""
    query = """SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()"""
    return int(rows_of(url, query)[0][0])


def test_a_run_needs_a_handful_of_connections(
    url: str, tmp_path: Path, instance: dg.DagsterInstance, connects: list[None]
):
    with opened(tmp_path / "second", pooled_config(url)) as second:
        del connects[:]
        run_chain(instance)
        run_chain(second)
    assert len(connects) <= 3
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    assert rows_of(url, query)[0][0] <= 4  # the pool of this process and the one that asks


def test_a_lost_server_connection_costs_nothing_but_a_reconnect(url: str, instance: dg.DagsterInstance):
    @dg.op
    def cut_off() -> int:
        context = dg.OpExecutionContext.get()
        log_materializations(context, records_of(KEYS[:4]))
        cut = _terminate_all_connections(url)
        log_materializations(context, records_of(KEYS[4:]))
        return cut

    @dg.job
    def cutting() -> None:
        cut_off()

    result = cutting.execute_in_process(instance=instance)
    assert result.success
    assert result.output_for_node("cut_off") >= 1
    assert _terminate_all_connections(url) >= 1
    assert set(statuses(instance, "prices").values()) == {"MATERIALIZED"}
    assert rows_of(url, "SELECT count(*) FROM event_logs WHERE partition IS NOT NULL") == [(27,)]


def test_the_web_server_limits_statements_and_keeps_the_pool(url: str, instance: dg.DagsterInstance):
    instance.optimize_for_webserver(statement_timeout=15_000, pool_recycle=3600, max_overflow=20)
    storages = (instance.event_log_storage, instance.run_storage, instance.schedule_storage)
    assert len({getattr(storage, "_engine", storage) for storage in storages}) == 1
    storage = instance.event_log_storage
    assert isinstance(storage, BatchedEventLogStorage)
    for _ in range(2):
        with storage.index_connection() as connection:
            assert connection.execute(text("SHOW statement_timeout")).scalar() == "15s"
            assert connection.execute(text("SHOW search_path")).scalar() == "dagster"
        assert _terminate_all_connections(url) >= 1


def _logged(instance: dg.DagsterInstance, symbols: list[str]) -> list[dg.EventLogEntry]:
    run_id = run_scattered(instance, symbols)
    return list(instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION))


def test_concurrent_writers_of_the_same_assets_do_not_lock_each_other_out(
    url: str, instance: dg.DagsterInstance
):
    entries = _logged(instance, KEYS)
    backwards = entries[::-1]

    def write(turn: int) -> None:
        for _ in range(12):
            instance.event_log_storage.store_event_batch(backwards if turn % 2 else entries)

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(write, turn) for turn in range(6)]:
            done.result()
    query = """SELECT count(*), count(DISTINCT xmin::text), sum(tags.n) FROM event_logs, LATERAL
        (SELECT count(*) AS n FROM asset_event_tags WHERE event_id = event_logs.id) AS tags
        WHERE partition IS NOT NULL"""
    batches = 6 * 12 + 1
    assert rows_of(url, query) == [(27 * batches, batches, 27 * batches)]


def test_a_batch_that_fails_leaves_nothing_and_is_stored_once(
    url: str,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    storage = instance.event_log_storage
    assert isinstance(storage, BatchedEventLogStorage)
    stored = storage._store_asset_event
    broken = iter([True])

    def fail_once(*arguments: Any) -> None:
        if next(broken, False):
            raise RuntimeError("connection lost")
        stored(*arguments)

    monkeypatch.setattr(storage, "_store_asset_event", fail_once)
    assert run_scattered(instance, KEYS)
    assert "Exception while storing event batch: connection lost" in capsys.readouterr().err
    query = (
        "SELECT count(*), count(DISTINCT (asset_key, partition)) FROM event_logs WHERE partition IS NOT NULL"
    )
    assert rows_of(url, query) == [(27, 27)]


def test_a_forked_child_opens_its_own_connections(url: str, tmp_path: Path):
    """Celery's workers fork; two processes on one socket would read each other's answers."""
    program = """
        import os, sys
        import dagster as dg
        from miraikakaku_assets_tests.support.installations.instance_scenarios import KEYS, run_scattered
        with dg.DagsterInstance.get() as instance:
            run_scattered(instance, KEYS[:1])
            child = os.fork()
            for _ in range(3):
                run_scattered(instance, KEYS)
            if child:
                sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    with opened(tmp_path, pooled_config(url)):
        pass
    home = write_dagster_yaml(tmp_path, pooled_config(url))
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "DAGSTER_HOME": str(home)},
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    assert rows_of(url, "SELECT status, count(*) FROM runs GROUP BY 1") == [("SUCCESS", 7)]
    assert rows_of(url, "SELECT count(*) FROM event_logs WHERE partition IS NOT NULL") == [(3 + 6 * 27,)]


def test_dagster_storage_stock_is_dagsters_own(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DAGSTER_STORAGE", "stock")
    with opened(tmp_path, pooled_config(url)) as instance:
        assert type(instance.event_log_storage) is PostgresEventLogStorage
        assert BATCH_SIZE not in os.environ
        run_scattered(instance, KEYS[:2])
        assert statuses(instance, "prices")[KEYS[1]] == "MATERIALIZED"
    assert (
        type(PooledPostgresStorage.from_config_value(None, {"postgres_url": url})) is DagsterPostgresStorage
    )


def test_without_a_url_it_asks_the_installation(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DATABASE_URL", database_url)
    url = schema_url(database_url, "dagster")
    storage = {"custom": {**pooled_config(url)["custom"], "config": {}}}
    with opened(tmp_path, storage) as instance:
        run_scattered(instance, KEYS[:1])
    assert rows_of(url, "SELECT status FROM dagster.runs") == [("SUCCESS",)]


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    name = instance_connections.__name__
    return [record.getMessage() for record in caplog.records if record.name == name]


def test_without_the_engine_attribute_it_goes_on_unpooled(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """As if an upgrade had renamed it in one of the three storages."""
    original = PostgresRunStorage.__init__

    def renamed(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        self.engine = self.__dict__.pop("_engine")

    monkeypatch.setattr(PostgresRunStorage, "__init__", renamed)
    monkeypatch.setattr(
        PostgresRunStorage,
        "connect",
        lambda self: create_pg_connection(vars(self).get("engine") or self._engine),
    )
    with caplog.at_level(logging.WARNING), opened(tmp_path, pooled_config(url)) as instance:
        run_chain(instance, failing=[KEYS[3]])
        assert statuses(instance, "prices")[KEYS[3]] == "FAILED"
    with opened(tmp_path, pooled_config(url)):
        pass
    (warning,) = _warnings(caplog)
    assert "no PostgresRunStorage._engine: its connections are not pooled" in warning


def _rename_event_to_row(monkeypatch: pytest.MonkeyPatch) -> str:
    row_of, table = SqlEventLogStorage._event_to_row, SqlEventLogStorageTable
    monkeypatch.delattr(SqlEventLogStorage, "_event_to_row")
    insert = lambda self, entry: table.insert().values(row_of(self, entry))  # noqa: E731
    insert_batch = lambda self, entries: table.insert().values([row_of(self, entry) for entry in entries])  # noqa: E731
    monkeypatch.setattr(SqlEventLogStorage, "prepare_insert_event", insert)
    monkeypatch.setattr(SqlEventLogStorage, "prepare_insert_event_batch", insert_batch)
    return "PostgresEventLogStorage._event_to_row"


def _move_event_table(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delattr("dagster._core.storage.event_log.SqlEventLogStorageTable")
    return "dagster._core.storage.event_log.SqlEventLogStorageTable"


@pytest.mark.parametrize("upgrade", [_rename_event_to_row, _move_event_table])
def test_without_an_internal_of_the_event_log_planned_events_are_stored_singly(
    instance: dg.DagsterInstance,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    upgrade: Callable[[pytest.MonkeyPatch], str],
):
    missing = upgrade(monkeypatch)
    with caplog.at_level(logging.WARNING):
        run_scattered(instance, KEYS[:2])
        assert {newest_partition(instance, asset) for asset in ASSETS} == {KEYS[1]}
        run_chain(instance, failing=[KEYS[3]])
    expected = {key: "FAILED" if key == KEYS[3] else "MATERIALIZED" for key in KEYS}
    assert [statuses(instance, asset) for asset in ASSETS] == [expected] * len(ASSETS)
    query = """SELECT count(*), count(DISTINCT xmin::text) FROM event_logs
        WHERE dagster_event_type = 'ASSET_MATERIALIZATION_PLANNED'"""
    assert rows_of(url, query) == [(27, 27)]
    (warning,) = _warnings(caplog)
    assert f"{missing}: planned events are written one by one" in warning


def test_what_is_written_after_an_interruption_is_committed(url: str) -> None:
    engine = instance_connections.shared_engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE ends (run text)")
    interrupted = engine.raw_connection()
    assert interrupted.driver_connection is not None
    interrupted.driver_connection.autocommit = False  # as Ctrl-C leaves one that was about to be set
    interrupted.close()

    instance_connections.renew_connections()
    with engine.connect() as connection:
        connection.exec_driver_sql("INSERT INTO ends VALUES ('canceled')")

    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT run FROM ends").scalars().all() == ["canceled"]
