"""Reads what is watched of Dagster from its tables: a dozen indexed queries a round, however much has run."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice, pairwise
from typing import Any

import dagster as dg
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorTick,
    InstigatorType,
    TickStatus,
)
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._utils.schedules import schedule_execution_time_iterator

from miraikakaku_assets.application.alerting.conditions.schedule_alerts import TICK_GRACE
from miraikakaku_assets.application.collection.due_collections import is_due
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.operations.watching import (
    CheckResult,
    DueCollection,
    EndedTick,
    OrchestratorState,
    Progress,
    ScheduleState,
    ServiceBeat,
)
from miraikakaku_assets.orchestration.universes import RECORDS, UniverseAssets
from miraikakaku_assets.orchestration.watching.ended_runs import ended_runs, universe_of
from miraikakaku_assets.orchestration.watching.position import Position, position_at

ALERT_TAG = "miraikakaku/alert"
"""Tag of a run that failed: key of the alert about it."""
_ENDED_TICKS = [TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.FAILURE]
_TICKS_BACK = 12  # of a daily schedule, to find the last one on a session day
_WAITING = {
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
}


class DagsterRecords:
    """Implements the port `Orchestrator`.

    Args:
        instance: Where Dagster keeps its books.
        repository: What there is: schedules with their time zones, checks.
        clock: Dagster's clock is the machine's, also in a rehearsal.
    """

    def __init__(
        self, instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, clock: Clock
    ) -> None:
        self._instance = instance
        self._repository = repository
        self._clock = clock

    def read(self, position: str | None) -> OrchestratorState:
        """Its state; ended runs from a position on, those of the last day without any."""
        now = self._clock()
        began = position_at(position, now)
        runs, runs_until = ended_runs(self._instance, began.runs_until)
        states = self._instance.all_instigator_state()
        newest = newest_ticks(self._instance, states, _ENDED_TICKS)
        schedules = list(self._schedules(states, newest, began))
        return OrchestratorState(
            read_at=now,
            position=began.next(runs_until, now).as_text(),
            runs=runs,
            checks=list(self._checks()),
            ticks=list(_ended_ticks(states, newest)),
            schedules=schedules,
            services=list(self._services()),
            collections=list(self._collections(schedules, now)),
        )

    def link(self, run_ids: Sequence[str], alert_key: str) -> None:
        """Has runs show which alert is about them, as a tag; a run that shows it already is left alone."""
        for run in self._instance.get_runs(dg.RunsFilter(run_ids=list(run_ids))):
            if run.tags.get(ALERT_TAG) != alert_key:
                self._instance.add_run_tags(run.run_id, {ALERT_TAG: alert_key})

    def _checks(self) -> Iterator[CheckResult]:
        keys = list(self._repository.asset_graph.asset_check_keys)
        latest = self._instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
        evaluated = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}
        for key, record in latest.items():
            event = record.event and record.event.dagster_event
            if record.status not in evaluated or event is None:
                continue  # it is being evaluated, or its run broke off: nothing new can be said
            data = event.asset_check_evaluation_data
            asset = key.asset_key.to_user_string()
            yield CheckResult(
                asset=asset,
                check=key.name,
                passed=data.passed,
                is_warning=data.severity is dg.AssetCheckSeverity.WARN,
                description=data.description or "",
                run_id=record.run_id,
                evaluated_at=_utc(record.create_timestamp),
                universe=universe_of(asset),
            )

    def _services(self) -> Iterator[ServiceBeat]:
        beats = self._instance.get_daemon_heartbeats()
        for kind in self._instance.get_required_daemon_types():
            if kind in beats:
                yield ServiceBeat(kind.lower(), _utc(beats[kind].timestamp))

    def _schedules(
        self, states: Sequence[InstigatorState], newest: Mapping[str, InstigatorTick], began: Position
    ) -> Iterator[ScheduleState]:
        known = {schedule.name: schedule for schedule in self._repository.schedule_defs}
        own = [
            state
            for state in states
            if state.instigator_type is InstigatorType.SCHEDULE and state.instigator_name in known
        ]
        asked = newest_ticks(self._instance, own, [TickStatus.SUCCESS])
        runs = self._runs_of(asked.values())
        is_settled = began.read_at - began.watching_since >= TICK_GRACE
        for state in own:
            tick = asked.get(state.selector_id)
            run = tick and next((runs[run_id] for run_id in tick.run_ids if run_id in runs), None)
            since = _on_since(state)
            before = list(islice(_moments(known[state.instigator_name], began.read_at - TICK_GRACE), 4))
            last = newest.get(state.selector_id)
            yield ScheduleState(
                name=state.instigator_name,
                since=since,
                due_at=before[0] if since is not None and before[0] >= since else None,
                interval=min((later - earlier).total_seconds() for later, earlier in pairwise(before)),
                ticked_at=last and _utc(last.timestamp),
                asked_at=tick and _utc(tick.timestamp),
                progress=_progress(run),
                run_id=run.run_id if run else None,
                universe=universe_of(state.instigator_name),
                is_settled=is_settled,
            )

    def _runs_of(self, ticks: Any) -> dict[str, dg.DagsterRun]:
        run_ids = [run_id for tick in ticks for run_id in tick.run_ids]
        runs = self._instance.get_runs(dg.RunsFilter(run_ids=run_ids)) if run_ids else ()
        return {run.run_id: run for run in runs}

    def _collections(self, schedules: Sequence[ScheduleState], now: datetime) -> Iterator[DueCollection]:
        on = {each.name: each.since for each in schedules if each.since is not None}
        for record in RECORDS.values():
            if self._instance.get_dynamic_partitions(record.universe.partitions):
                yield from self._daily(record, on, now)

    def _daily(
        self, record: UniverseAssets, on: Mapping[str, datetime], now: datetime
    ) -> Iterator[DueCollection]:
        for daily in record.daily:
            since = on.get(daily.name)
            if since is None:
                continue
            moments = islice(_moments(self._repository.get_schedule_def(daily.name), now), _TICKS_BACK)
            due = (
                moment for moment in moments if moment >= since and is_due(record.universe, daily.due, moment)
            )
            yield DueCollection(record.universe.name, daily.name, since, next(due, None))


def newest_ticks(
    instance: dg.DagsterInstance, states: Sequence[InstigatorState], statuses: Sequence[TickStatus]
) -> dict[str, InstigatorTick]:
    """Selector → newest tick with one of these statuses, of schedules and sensors.

    One look-up in an index for each: Dagster's query for many of them reads every tick there is, and fails with a
    filter of statuses (1.13).
    """
    newest = dict[str, InstigatorTick]()
    for state in states:
        origin, selector = state.instigator_origin_id, state.selector_id
        for tick in instance.get_ticks(origin, selector, limit=1, statuses=statuses):
            newest[selector] = tick
    return newest


def _moments(schedule: dg.ScheduleDefinition, until: datetime) -> Iterator[datetime]:
    """When a schedule ticks, from a moment backwards (UTC)."""
    moments = schedule_execution_time_iterator(
        until.timestamp(), schedule.cron_schedule, schedule.execution_timezone, ascending=False
    )
    return (moment.astimezone(UTC) for moment in moments)


def _on_since(state: InstigatorState) -> datetime | None:
    """Since when a schedule has been on; None while it is off."""
    if state.status not in (InstigatorStatus.RUNNING, InstigatorStatus.DECLARED_IN_CODE):
        return None
    return _utc(getattr(state.instigator_data, "start_timestamp", None) or 0.0)


def _progress(run: dg.DagsterRun | None) -> Progress:
    if run is None:  # it was pruned, or is that of an earlier tick with the same key
        return Progress.NONE
    if run.is_finished:
        return Progress.ENDED
    return Progress.WAITING if run.status in _WAITING else Progress.AT_WORK


def _ended_ticks(
    states: Sequence[InstigatorState], newest: Mapping[str, InstigatorTick]
) -> Iterator[EndedTick]:
    for state in states:
        tick = newest.get(state.selector_id)
        if tick is None:
            continue
        failed = tick.status is TickStatus.FAILURE and state.status is not InstigatorStatus.STOPPED
        message = tick.error.message.strip() if failed and tick.error else ""
        first = message.splitlines()[0] if message else "Dagster names no reason"
        yield EndedTick(state.instigator_name, _utc(tick.timestamp), first if failed else None)


def _utc(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
