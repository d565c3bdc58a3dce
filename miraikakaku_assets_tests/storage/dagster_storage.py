"""Dagster's own tests of an instance storage, run against ours: ``make test-storage``.

Not named ``test_…``: `make test` needs no package index, these tests do.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.test_utils import instance_for_test
from dagster._utils.test.schedule_storage import TestScheduleStorage

from miraikakaku_assets.adapters.storage.engine import Database
from miraikakaku_assets.orchestration.instance.storage import (
    BatchedEventLogStorage,
    PooledRunStorage,
    PooledScheduleStorage,
)
from miraikakaku_assets_tests.storage import dagster_tests_source
from miraikakaku_assets_tests.support.installations.instance_scenarios import pooled_config

dagster_tests_source.make_importable()

from dagster_tests.storage_tests.utils.daemon_cursor_storage import TestDaemonCursorStorage  # noqa: E402
from dagster_tests.storage_tests.utils.event_log_storage import TestEventLogStorage  # noqa: E402
from dagster_tests.storage_tests.utils.run_storage import TestRunStorage  # noqa: E402


class PooledInstance:
    """An instance on a database of its own, which already has Dagster's tables."""

    __test__ = True

    @pytest.fixture
    def instance(self, installed_url: str, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
        database = Database(installed_url)
        storage = pooled_config(database.dagster_url)
        database.close()
        with instance_for_test(overrides={"storage": storage}, temp_dir=str(tmp_path)) as instance:
            yield instance


class TestPooledEventLog(PooledInstance, TestEventLogStorage):  # type: ignore[misc] # no types without the download
    """As `dagster_postgres` runs them against its own event log."""

    @pytest.fixture
    def storage(self, instance: dg.DagsterInstance) -> Any:
        assert isinstance(instance.event_log_storage, BatchedEventLogStorage)
        return instance.event_log_storage

    def can_wipe_asset_partitions(self) -> bool:
        return False  # nor can the stock storage


class TestPooledRuns(PooledInstance, TestRunStorage):  # type: ignore[misc]
    """As `dagster_postgres` runs them against its own run storage."""

    @pytest.fixture
    def storage(self, instance: dg.DagsterInstance) -> Any:
        assert isinstance(instance.run_storage, PooledRunStorage)
        return instance.run_storage

    def supports_backfill_tags_filtering_queries(self) -> bool:
        return True

    def supports_backfill_job_name_filtering_queries(self) -> bool:
        return True

    def supports_backfill_id_filtering_queries(self) -> bool:
        return True

    def supports_backfills_count(self) -> bool:
        return True


class TestPooledDaemonCursors(PooledInstance, TestDaemonCursorStorage):  # type: ignore[misc]
    """Cursors of the daemon, kept beside the runs."""

    @pytest.fixture
    def storage(self, instance: dg.DagsterInstance) -> Any:
        return instance.daemon_cursor_storage


class TestPooledSchedules(PooledInstance, TestScheduleStorage):
    """As `dagster_postgres` runs them against its own schedule storage."""

    @pytest.fixture
    def storage(self, instance: dg.DagsterInstance) -> Any:
        assert isinstance(instance.schedule_storage, PooledScheduleStorage)
        return instance.schedule_storage
