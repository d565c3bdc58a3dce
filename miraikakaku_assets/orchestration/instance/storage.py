"""Dagster's instance storage on PostgreSQL, with pooled connections and events written in batches.

Named in ``dagster.yaml``::

    storage:
      custom:
        module: miraikakaku_assets.orchestration.instance.storage
        class: PooledPostgresStorage
        config: {}

Tables, rows and answers are those of ``dagster_postgres`` (held by a contract test), so one can switch back
at any time: ``DAGSTER_STORAGE=stock``. Measurements and what to look at when Dagster is upgraded:
docs/decisions/0002-instance-storage.md.
"""

import importlib
import os
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_postgres import (
    DagsterPostgresStorage,
    PostgresEventLogStorage,
    PostgresRunStorage,
    PostgresScheduleStorage,
)

from miraikakaku_assets.fault_points import fault_point
from miraikakaku_assets.orchestration.instance.connections import PooledConnections, warn_once

if TYPE_CHECKING:
    from dagster._config.config_schema import UserConfigSchema
    from dagster._serdes import ConfigurableClassData

EVENT_BATCH_SIZE = 500
"""Events per INSERT. 4,000 partitions of 3 assets take 6.3 s with 100, 5.7 with 500, 5.2 with 1,000; the
larger, the longer a batch is on its way unseen (35 ms with 500)."""

_BATCHED_TYPES = frozenset(
    {
        dg.DagsterEventType.ASSET_MATERIALIZATION,
        dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
        dg.DagsterEventType.ASSET_OBSERVATION,
    }
)
_EVENT_LOG_INTERNALS = ("_event_to_row", "_store_asset_event", "_store_asset_event_tags", "index_transaction")


class PooledRunStorage(PooledConnections, PostgresRunStorage):
    """Runs, tags, heartbeats; Dagster's own storage on the shared pool."""


class PooledScheduleStorage(PooledConnections, PostgresScheduleStorage):
    """Schedules, sensors, ticks; Dagster's own storage on the shared pool."""


class BatchedEventLogStorage(PooledConnections, PostgresEventLogStorage):
    """Dagster's event log on the shared pool; a batch of asset events is one transaction."""

    @property
    def batches_may_mix_assets(self) -> bool:
        """The stock path refreshes ``asset_keys`` for the last event of a batch only; this one for all."""
        return _event_table() is not None and _all_present(self)

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Stores events in their order, asset events in batches.

        Planned materializations, which the stock storage stores one by one, are batched like the others;
        planned checks, of which there is one per check and run, take the stock path.
        """
        table = _event_table()
        if table is None or not _all_present(self):
            super().store_event_batch(events)
            return
        for batched, neighbours in groupby(events, key=_is_asset_event):
            if batched:
                self._store_asset_events(table, list(neighbours))
            else:
                super().store_event_batch(list(neighbours))

    def _store_asset_events(self, table: Any, events: Sequence[dg.EventLogEntry]) -> None:
        """Stores all of the events or, on an error, none.

        Dagster answers an error by storing the events one by one; with the stock storage, whose batch is
        two transactions, that could leave them twice.
        """
        rows = [self._event_to_row(entry) for entry in events]
        with self.index_transaction() as connection:
            statement = table.insert().returning(table.c.id, sort_by_parameter_order=True)
            ids = [int(row[0]) for row in connection.execute(statement, rows)]
            self._store_asset_event_tags(connection, events, ids)
            newest = {
                (row["asset_key"], row["dagster_event_type"]): (entry, event_id)
                for row, entry, event_id in zip(rows, events, ids, strict=True)
            }
            # Two runs that refresh the same assets in a different order would wait for each other forever.
            for name in sorted(newest):
                self._store_asset_event(connection, *newest[name])
            fault_point("events.before_commit")
        fault_point("events.after_commit")


class PooledPostgresStorage(DagsterPostgresStorage):
    """Dagster's PostgreSQL storage with pooled connections and batched events.

    Args:
        postgres_url: SQLAlchemy URL (``postgresql+psycopg2://``) of an existing schema.
        should_autocreate_tables: Whether missing tables are created.
        inst_data: Dagster's record of the configuration, handed on to its child processes.
    """

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,  # noqa: FBT001, FBT002 - Dagster's signature
        inst_data: "ConfigurableClassData | None" = None,
    ) -> None:
        super().__init__(postgres_url, should_autocreate_tables, inst_data)
        runs = PooledRunStorage(postgres_url, should_autocreate_tables=False)
        events = BatchedEventLogStorage(postgres_url, should_autocreate_tables=False)
        schedules = PooledScheduleStorage(postgres_url, should_autocreate_tables=False)
        for storage in (runs, events, schedules):
            storage.pool_connections()
        self._pooled_runs, self._pooled_events, self._pooled_schedules = runs, events, schedules

    @classmethod
    def config_type(cls) -> "UserConfigSchema":
        """One optional field: ``postgres_url``; without it the installation's own database is used."""
        return {"postgres_url": dg.Field(dg.StringSource, is_required=False)}

    @classmethod
    def from_config_value(  # type: ignore[override] # the opt-out is the parent class
        cls, inst_data: "ConfigurableClassData | None", config_value: Mapping[str, Any]
    ) -> DagsterPostgresStorage:
        """The storage that ``dagster.yaml`` and the settings ask for.

        Raises:
            ConfigurationError: A setting is wrong.
            DependencyUnavailableError: The installation's database cannot be reached.
        """
        from miraikakaku_assets.settings import settings

        url = config_value.get("postgres_url") or _installation_url()
        if settings().dagster_storage == "stock":
            return DagsterPostgresStorage(postgres_url=url, inst_data=inst_data)
        # Dagster hands events to store_event_batch only where this is set, and reads it at every event. No
        # process writes an event before it has made its storage, so here is early enough in all of them
        # (`dagster dev` started by hand included), and a value that the user has set stays.
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(EVENT_BATCH_SIZE))
        return cls(postgres_url=url, inst_data=inst_data)

    @property
    def run_storage(self) -> PooledRunStorage:
        """Runs, tags, heartbeats."""
        return self._pooled_runs

    @property
    def event_log_storage(self) -> BatchedEventLogStorage:
        """Events, asset keys, partitions, concurrency slots."""
        return self._pooled_events

    @property
    def schedule_storage(self) -> PooledScheduleStorage:
        """Schedules, sensors and their ticks."""
        return self._pooled_schedules


def _installation_url() -> str:
    from miraikakaku_assets.bootstrap import dagster_storage_url

    return dagster_storage_url()


def _is_asset_event(entry: dg.EventLogEntry) -> bool:
    return entry.dagster_event is not None and entry.dagster_event.event_type in _BATCHED_TYPES


def _event_table() -> Any:
    module = "dagster._core.storage.event_log"
    table = getattr(importlib.import_module(module), "SqlEventLogStorageTable", None)
    if table is None:
        warn_once(f"{module}.SqlEventLogStorageTable", "planned events are written one by one")
    return table


def _all_present(storage: PostgresEventLogStorage) -> bool:
    for name in _EVENT_LOG_INTERNALS:
        if not hasattr(storage, name):
            warn_once(f"PostgresEventLogStorage.{name}", "planned events are written one by one")
            return False
    return True
