"""Rules about what should happen and does not: schedules without a success in time, services that have stopped.

A schedule is judged from the moment at which it was turned on, and never on a tick that skipped: on a holiday there is
nothing to do. A service that never ran is none that has stopped.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from miraikakaku_assets.application.alerting.alert_rule import AlertRule, Finding
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.application.ports.operations.watching import Progress, ScheduleState, ServiceBeat
from miraikakaku_assets.domain.tokyo_time import jst

TICK_GRACE = timedelta(minutes=5)
"""How late a tick may be: the scheduler starts every schedule within seconds, after a restart within a minute."""
_SHORTEST_WORK, _LONGEST_WORK = timedelta(minutes=15), timedelta(hours=6)
SILENCE = timedelta(minutes=3)
"""Some part of the orchestrator says every few seconds that it lives."""
PART_SILENCE = timedelta(minutes=15)
"""A single part is silent while it works: a backfill of 16,000 partitions takes minutes."""
DAEMON = "daemon"
"""All parts of the orchestrator together: they are one process."""


def grace(interval: float) -> timedelta:
    """How long the work of a schedule may take from its tick on, waiting included: two of its intervals.

    At least a quarter of an hour, at most six: the night of all US issues takes two.

    Args:
        interval: Seconds between two ticks.
    """
    return min(max(timedelta(seconds=2 * interval), _SHORTEST_WORK), _LONGEST_WORK)


@dataclass(frozen=True)
class WatchedSchedule:
    """A schedule that is on, or was.

    Attributes:
        state: What the orchestrator knows of it.
        now: By the machine's clock.
    """

    state: ScheduleState
    now: datetime

    @property
    def labels(self) -> dict[str, str]:
        """Name of the schedule, and the universe if it is about one."""
        universe = self.state.universe
        return {"schedule": self.state.name} | ({} if universe is None else {"universe": universe})


@dataclass(frozen=True)
class Service:
    """A part of the orchestrator, or all of it.

    Attributes:
        name: Of the part.
        beat_at: When it has last said that it lives.
        now: By the machine's clock.
    """

    name: str
    beat_at: datetime
    now: datetime

    @property
    def labels(self) -> dict[str, str]:
        """Name of the service."""
        return {"service": self.name}

    @property
    def is_silent(self) -> bool:
        """Whether it has not been heard of for too long."""
        return self.now - self.beat_at > (SILENCE if self.name == DAEMON else PART_SILENCE)


def services(beats: Sequence[ServiceBeat], now: datetime) -> Iterator[Service]:
    """The daemon as a whole and, while it lives, each of its parts."""
    if not beats:
        return
    daemon = Service(DAEMON, max(beat.beat_at for beat in beats), now)
    yield daemon
    for beat in () if daemon.is_silent else beats:
        yield Service(beat.service, beat.beat_at, now)


def _missed(watched: WatchedSchedule) -> Finding | None:
    state, now = watched.state, watched.now
    if state.since is None:
        return None  # it was turned off: nobody waits for it
    due = state.due_at
    if due is not None and (state.ticked_at is None or state.ticked_at < due):
        last = "なし" if state.ticked_at is None else jst(state.ticked_at)
        return _late(watched, "予定の時刻に始まりませんでした", f"予定: {jst(due)}", f"前回: {last}")
    asked = state.asked_at
    if asked is None or state.progress not in (Progress.WAITING, Progress.AT_WORK):
        return None
    if now - asked <= grace(state.interval):
        return None
    word = "まだ始まっていません" if state.progress is Progress.WAITING else "まだ終わっていません"
    return _late(watched, word, f"予定: {jst(asked)}", f"猶予: {_minutes(grace(state.interval))}")


def _late(watched: WatchedSchedule, what: str, *facts: str) -> Finding:
    state = watched.state
    run = [] if state.run_id is None or state.progress is Progress.NONE else [f"実行ID: {state.run_id}"]
    details = {
        "schedule": state.name,
        "due_at": state.due_at and state.due_at.isoformat(),
        "run_id": state.run_id if run else None,
    }
    lines = [f"スケジュール: {state.name}", *facts, *run]
    return Finding(f"スケジュールが{what}: {state.name}", lines, details)


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f}分"


def _stopped(service: Service) -> Finding | None:
    if not service.is_silent:
        return None
    whole = service.name == DAEMON
    title = "スケジューラのプロセスが停止しています" if whole else f"サービスが停止しています: {service.name}"
    lines = [f"サービス: {service.name}", f"最後の応答: {jst(service.beat_at)}"]
    return Finding(title, lines, {"service": service.name, "beat_at": service.beat_at.isoformat()})


SCHEDULE_RULES = (
    AlertRule[WatchedSchedule](
        key="schedule/<schedule>/missed",
        severities=(Severity.WARNING,),
        when=f"a schedule that is on did not tick within {TICK_GRACE.seconds // 60} minutes of its time, or the run it "
        "asked for has not ended within two of its intervals (a quarter of an hour to six hours)",
        over="it ticks again, the run ends, or the schedule is turned off",
        find=_missed,
        judges=lambda watched: watched.state.is_settled or watched.state.since is None,
        remedy="Look at the daemon and the run queue in the web UI; a run that hangs is terminated there, "
        "and its schedule catches up with the next tick.",
    ),
)
"""Rules about schedules."""

SERVICE_RULES = (
    AlertRule[Service](
        key="service/<service>/stopped",
        severities=(Severity.CRITICAL,),
        when=f"the daemon has not said for {SILENCE.seconds // 60} minutes that it lives, or a part of it for "
        f"{PART_SILENCE.seconds // 60}",
        over="it does",
        find=_stopped,
        remedy="Start `miraikakaku schedule` again (its service unit does so itself) and read the end of its log.",
        inhibits=(
            "schedule/*/missed",
            "tick/*/failed",
            "collection/*/not_started",
            "collection/*/no_data",
            "coverage/*/stale",
            "forecast/*/missing",
            "system/daemon/*",
            "system/services/*",
        ),
        respond_within=timedelta(minutes=5),
        escalates_from=2,
    ),
)
"""Rules about services."""
