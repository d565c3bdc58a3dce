"""Runs of schedules as a dead man's switch hears of them: what has changed since the last look."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorState, InstigatorType, TickStatus

from miraikakaku_assets.application.monitoring.ping_schedules import (
    Pinged,
    ScheduledRun,
    SkippedTick,
    ping_schedules,
)
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.operations.pings import DeadMansSwitch, Signal
from miraikakaku_assets.bootstrap import utc_now
from miraikakaku_assets.orchestration.watching.dagster_records import newest_ticks
from miraikakaku_assets.orchestration.watching.ended_runs import why_step_failed

_SCHEDULE, _RETRIED = "dagster/schedule_name", "dagster/will_retry"
_MOST = 500  # runs a look
_LOG_LINES = 40
_ENDS = {
    dg.DagsterRunStatus.SUCCESS: Signal.SUCCESS,
    dg.DagsterRunStatus.FAILURE: Signal.FAILURE,
    dg.DagsterRunStatus.CANCELED: Signal.FAILURE,
}
_STATUSES = [dg.DagsterRunStatus.STARTED, *_ENDS]


def ping_what_is_new(
    instance: dg.DagsterInstance, cursor: str | None, switch: DeadMansSwitch, clock: Clock = utc_now
) -> tuple[str, Sequence[str]]:
    """Says what has happened since the last look; the first look begins with now.

    Args:
        instance: Where runs and ticks are recorded.
        cursor: What was returned the last time.
        switch: Who waits.
        clock: Dagster's clock is the machine's.

    Returns:
        What to hand over the next time, and why pings did not arrive.
    """
    if cursor is None:
        return _cursor(clock(), Pinged()), ()
    stored = json.loads(cursor)
    since = datetime.fromisoformat(stored["until"])
    ticks, ticked = _skipped(instance, since)
    names = [state.instigator_name for state in _schedules(instance)]
    runs, changed = _runs(instance, names, since)
    before = Pinged(stored["begun"], tuple(stored["ended"]))
    pinged = ping_schedules(runs, ticks, before, switch, lambda run_id: log_end(instance, run_id))
    return _cursor(max(since, changed, ticked), pinged), pinged.troubles


def log_end(instance: dg.DagsterInstance, run_id: str) -> str:
    """The newest lines of a run's log, oldest first."""
    records = instance.get_records_for_run(run_id, limit=_LOG_LINES, ascending=False).records
    return "\n".join(_line(record.event_log_entry) for record in reversed(records))


def _line(entry: dg.EventLogEntry) -> str:
    moment = datetime.fromtimestamp(entry.timestamp, UTC)
    event = entry.dagster_event
    if event is not None and event.is_step_failure:
        return f"{moment:%Y-%m-%dT%H:%M:%SZ} {event.message} {why_step_failed(event).strip()}"
    text = entry.user_message or (event.message if event else "") or (event.event_type_value if event else "")
    return f"{moment:%Y-%m-%dT%H:%M:%SZ} {text}"


def _cursor(until: datetime, pinged: Pinged) -> str:
    return json.dumps({"until": until.isoformat(), "begun": dict(pinged.begun), "ended": list(pinged.ended)})


def _schedules(instance: dg.DagsterInstance) -> Sequence[InstigatorState]:
    return instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE)


def _runs(
    instance: dg.DagsterInstance, schedules: Sequence[str], since: datetime
) -> tuple[list[ScheduledRun], datetime]:
    if not schedules:
        return [], since
    filters = dg.RunsFilter(tags={_SCHEDULE: list(schedules)}, statuses=_STATUSES, updated_after=since)
    records = instance.get_run_records(filters, limit=_MOST, order_by="update_timestamp", ascending=True)
    until = max((record.update_timestamp.replace(tzinfo=UTC) for record in records), default=since)
    return [_scheduled(record.dagster_run) for record in records if not _is_repeated(record)], until


def _is_repeated(record: dg.RunRecord) -> bool:
    """Whether a failed run is tried again: its end is that of the last attempt."""
    return record.dagster_run.tags.get(_RETRIED) == "true"


def _scheduled(run: dg.DagsterRun) -> ScheduledRun:
    return ScheduledRun(run.tags[_SCHEDULE], run.run_id, _ENDS.get(run.status))


def _skipped(instance: dg.DagsterInstance, since: datetime) -> tuple[list[SkippedTick], datetime]:
    """Newest ticks that skipped since a moment, one of each schedule, and when the last of them ended."""
    newest = newest_ticks(instance, _schedules(instance), [TickStatus.SKIPPED])
    skipped, until = list[SkippedTick](), since
    for tick in newest.values():
        ended = datetime.fromtimestamp(tick.tick_data.end_timestamp or tick.timestamp, UTC)
        if ended > since:
            skipped.append(SkippedTick(tick.instigator_name, tick.tick_data.skip_reason or ""))
            until = max(until, ended)
    return skipped, until
