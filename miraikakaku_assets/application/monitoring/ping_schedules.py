"""Use case: tell a dead man's switch how the runs of schedules are, in the order in which they happen.

A start that arrives after its own end would leave the alarm waiting for an end that never comes. So one reader says
both, and says the start of a short run just before its end. A tick that finds nothing to do counts as success: on a
holiday nobody shall be called.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from miraikakaku_assets.application.ports.operations.pings import DeadMansSwitch, Signal

_REMEMBERED = 200  # ended runs: a tag that is added later makes them look new


@dataclass(frozen=True)
class ScheduledRun:
    """A run of a schedule that has begun.

    Attributes:
        schedule: Name of the schedule.
        run_id: Of the run.
        ended: How it ended; None while it is at work.
    """

    schedule: str
    run_id: str
    ended: Signal | None = None


@dataclass(frozen=True)
class SkippedTick:
    """A tick that asked for nothing.

    Attributes:
        schedule: Name of the schedule.
        reason: Why.
    """

    schedule: str
    reason: str


@dataclass(frozen=True)
class Pinged:
    """What has been said.

    Attributes:
        begun: Run whose start was said, and whose end was not → its schedule.
        ended: Runs whose end was said, the newest last.
        troubles: Why pings did not arrive.
    """

    begun: Mapping[str, str] = field(default_factory=dict)
    ended: Sequence[str] = ()
    troubles: Sequence[str] = ()


def ping_schedules(
    runs: Iterable[ScheduledRun],
    skipped: Iterable[SkippedTick],
    before: Pinged,
    switch: DeadMansSwitch,
    log_of: Callable[[str], str],
) -> Pinged:
    """Says what is new. Whoever is killed in it says it again the next time, which does no harm.

    Args:
        runs: Of schedules, in the order in which they changed.
        skipped: Ticks since the last time.
        before: What has been said before.
        switch: Who waits.
        log_of: Run → the end of its log.
    """
    begun, ended, troubles = dict(before.begun), list(before.ended), list[str]()

    def say(schedule: str, signal: Signal, run_id: str | None = None, text: str = "") -> None:
        trouble = switch.ping(schedule, signal, run_id=run_id, text=text)
        if trouble is not None:
            troubles.append(trouble)

    for run in runs:
        if run.run_id in ended:
            continue
        if run.run_id not in begun:
            say(run.schedule, Signal.START, run.run_id)
            begun[run.run_id] = run.schedule
        if run.ended is not None:
            say(run.schedule, run.ended, run.run_id, log_of(run.run_id))
            del begun[run.run_id]
            ended.append(run.run_id)
    at_work = set(begun.values())
    for tick in skipped:
        if tick.schedule not in at_work:  # a tick that makes way for the one before is no success
            say(tick.schedule, Signal.SUCCESS, text=tick.reason)
    return Pinged(begun, tuple(ended[-_REMEMBERED:]), tuple(troubles))
