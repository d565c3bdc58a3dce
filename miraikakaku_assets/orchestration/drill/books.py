"""What the daemon writes into Dagster's books, written by whoever stands in for it."""

from collections.abc import Sequence
from datetime import datetime

import dagster as dg
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._daemon.types import DaemonHeartbeat
from dagster._utils.error import SerializableErrorInfo  # type: ignore[attr-defined]

from miraikakaku_assets.adapters.storage.engine import Database

_ORIGIN = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("drill"), "__repository__")


def forget_disk(database: Database) -> None:
    """No waiting for the disk: what a drill's server holds is worth nothing after a power cut."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.exec_driver_sql(f"ALTER SYSTEM SET {name} = off")
        connection.exec_driver_sql("SELECT pg_reload_conf()")


def turn_on(
    instance: dg.DagsterInstance, name: str, kind: InstigatorType, now: datetime, cron: str = ""
) -> InstigatorState:
    """Turns a schedule or sensor on.

    Args:
        instance: Where it is noted.
        name: Of the schedule or sensor.
        kind: Which of the two.
        now: Since when it is on.
        cron: Of a schedule.
    """
    data = (
        ScheduleInstigatorData(cron, now.timestamp())
        if kind is InstigatorType.SCHEDULE
        else SensorInstigatorData(min_interval=60)
    )
    state = InstigatorState(RemoteInstigatorOrigin(_ORIGIN, name), kind, InstigatorStatus.RUNNING, data)
    if instance.get_instigator_state(state.instigator_origin_id, state.selector_id) is None:
        instance.add_instigator_state(state)
    else:
        instance.update_instigator_state(state)
    return state


def beat(instance: dg.DagsterInstance, now: datetime) -> None:
    """Every part of the daemon lives."""
    for kind in instance.get_required_daemon_types():
        instance.add_daemon_heartbeat(DaemonHeartbeat(now.timestamp(), kind, "drill", None))


def note_tick(
    instance: dg.DagsterInstance,
    state: InstigatorState,
    moment: datetime,
    error: Exception | None = None,
    run_ids: Sequence[str] = (),
) -> None:
    """A tick that has ended: with an error, with runs, or with nothing to do."""
    status = TickStatus.FAILURE if error else TickStatus.SUCCESS if run_ids else TickStatus.SKIPPED
    instance.create_tick(
        TickData(
            state.instigator_origin_id,
            state.instigator_name,
            state.instigator_type,
            status,
            moment.timestamp(),
            selector_id=state.selector_id,
            run_ids=list(run_ids),
            error=SerializableErrorInfo(f"{error}\n", [], type(error).__name__) if error else None,
            skip_reason="nothing to do" if status is TickStatus.SKIPPED else None,
            end_timestamp=moment.timestamp(),
        )
    )
