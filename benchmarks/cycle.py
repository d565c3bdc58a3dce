"""The five-minute cycle of the currency pairs in steady state: from the tick to the committed run.

What the daemon does is done here with Dagster's own scheduler and run queue, against the real code server, which
starts each run in a process of its own; only the moments of the ticks are chosen, because a hundred real ones take
eight hours. Pairs and their bars come from the simulator, whose clock stands at the tick.
"""

import logging
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_representation.external import RemoteSchedule
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, ScheduleInstigatorData
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._scheduler.scheduler import ScheduleIterationTimes, launch_scheduled_runs

from benchmarks import event_log
from benchmarks.fetch_site import UNLIMITED, Exchange
from miraikakaku_assets import bootstrap
from miraikakaku_assets.orchestration.instance.home import open_instance, shipped_file
from miraikakaku_assets.settings import load_settings
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.server.process import running_process

SCHEDULE = "fx_cycle"
EMPTY = "empty_tick"
EMPTY_LOCATION = Path(__file__).with_name("empty_workspace.yaml")
_TICK = timedelta(minutes=5)
_EMPTY_AFTER = timedelta(minutes=2)  # as its cron says
_PATIENCE = 120.0
_STOPPING = 20.0
_QUEUE_EVERY = 1.0  # `run_queue.dequeue_interval_seconds` of dagster.yaml


@dataclass(frozen=True)
class Measured:
    """What the cycles took.

    Attributes:
        seconds: Of each cycle in steady state, from the tick to the end of its run.
        empty: Of a run of one op that does nothing, at each of the same ticks and on the same path.
        first: Of the very first, which loads every timeframe.
        pairs: Currency pairs.
        bars: Bars each cycle has stored or changed, on average.
        growth: What the cycles leave in Dagster's tables.
    """

    seconds: list[float]
    empty: list[float]
    first: float
    pairs: int
    bars: float
    growth: event_log.Growth

    @property
    def p95(self) -> float:
        """95th percentile of `seconds`."""
        return statistics.quantiles(self.seconds, n=20, method="inclusive")[-1]


def measure(database_url: str, ticks: int, sample: int) -> Measured:
    """Lives through so many ticks of a Thursday, then through a sample of the cycles of three days.

    Raises:
        RuntimeError: A cycle did not do all of its work.
    """
    begins = _last_thursday()
    config = SimulatorConfig(symbols=8, us_symbols=0, now=begins)
    with running_process(config) as base, _installed(database_url, base) as daemon:
        exchange, moments = Exchange(base), (begins + number * _TICK for number in count())

        def cycle() -> float:
            moment = next(moments)
            exchange.set_clock(moment + timedelta(seconds=1))
            return daemon.run_of(moment)

        # Every cycle and the empty run after it meet the same machine: what slows one down slows down the other.
        (first, _), *pairs_of_runs = [
            (cycle(), daemon.run_of(begins + number * _TICK + _EMPTY_AFTER)) for number in range(ticks + 1)
        ]
        daemon.stop(EMPTY)
        ended, pairs = (
            daemon.ports.notices.cycles.ended("fx", ticks),
            len(daemon.ports.settings.named_symbols("fx")),
        )
        done = [cycle.end for cycle in ended if cycle.end is not None and cycle.end.succeeded == pairs]
        if len(done) < ticks:
            raise RuntimeError(f"{ticks - len(done)} of {ticks} cycles fell short, see cycle_log")
        growth = event_log.measure(daemon.instance, cycle, sample=sample, days=3)
        taken, empty = (list(seconds) for seconds in zip(*pairs_of_runs, strict=True))
        return Measured(taken, empty, first, pairs, statistics.mean(end.bars for end in done), growth)


@dataclass
class Daemon:
    """Scheduler and run queue of an installation."""

    ports: bootstrap.Ports
    instance: dg.DagsterInstance
    workspace: WorkspaceProcessContext
    queue: QueuedRunCoordinatorDaemon
    times: dict[str, ScheduleIterationTimes] = field(default_factory=dict)
    phase: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - no secret

    def run_of(self, tick: datetime) -> float:
        """Evaluates the schedules at a tick, and waits until the run that is due has ended; returns the seconds."""
        began = time.perf_counter()
        logger = logging.getLogger("benchmark")
        for _ in launch_scheduled_runs(self.workspace, logger, tick + timedelta(seconds=1), self.times):
            pass
        looked = began + self.phase.uniform(0.0, _QUEUE_EVERY)  # the queue's rhythm is not that of the ticks
        while True:
            if time.perf_counter() >= looked:
                for _ in self.queue.run_iteration(self.workspace):
                    pass
                looked += _QUEUE_EVERY
            newest = self.instance.get_runs(limit=1)
            if newest and newest[0].is_finished and newest[0].tags.get("miraikakaku/tick_seen") is None:
                self.instance.add_run_tags(newest[0].run_id, {"miraikakaku/tick_seen": tick.isoformat()})
                if newest[0].status is not dg.DagsterRunStatus.SUCCESS:
                    raise RuntimeError(f"the run of {tick} ended as {newest[0].status.value}")
                return time.perf_counter() - began
            if time.perf_counter() - began > _PATIENCE:
                raise RuntimeError(f"the run of {tick} did not end within {_PATIENCE:.0f} s")
            time.sleep(0.01)

    def stop(self, name: str) -> None:
        """Turns a schedule off."""
        schedule = _schedule(self.workspace, name)
        self.instance.stop_schedule(schedule.get_remote_origin_id(), schedule.selector_id, schedule)


@contextmanager
def _installed(database_url: str, base: str) -> Iterator[Daemon]:
    with ExitStack() as stack:
        stack.callback(_end_code_servers)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cycle-"))
        stack.enter_context(
            _environment(
                {
                    **UNLIMITED,
                    **Exchange(base).variables(),
                    "MIRAIKAKAKU_HOME": folder,
                    "DATABASE_URL": database_url,
                    "DAGSTER_HOME": str(Path(folder) / "dagster"),
                }
            )
        )
        ports = bootstrap.use(load_settings())
        _ = ports.database
        instance = stack.enter_context(open_instance(ports.settings))
        workspace = stack.enter_context(
            WorkspaceProcessContext(
                instance, WorkspaceFileTarget([str(shipped_file("workspace.yaml")), str(EMPTY_LOCATION)])
            )
        )
        for schedule in (SCHEDULE, EMPTY):
            _start_schedule(instance, workspace, schedule)
        queue = stack.enter_context(QueuedRunCoordinatorDaemon(interval_seconds=_QUEUE_EVERY))
        yield Daemon(ports, instance, workspace, queue)


def _end_code_servers() -> None:
    """Ends code servers that were told to stop and have not: one that loses its database first waits for it forever."""
    servers = [child for child in psutil.Process().children() if "grpc" in child.cmdline()]
    _, left = psutil.wait_procs(servers, timeout=_STOPPING)
    for server in left:
        server.kill()


def _start_schedule(instance: dg.DagsterInstance, workspace: WorkspaceProcessContext, name: str) -> None:
    """Turns a schedule on as of a week ago: Dagster does not tick before a schedule's start."""
    schedule = _schedule(workspace, name)
    started = (_last_thursday() - timedelta(minutes=1)).timestamp()
    instance.add_instigator_state(
        InstigatorState(
            schedule.get_remote_origin(),
            InstigatorType.SCHEDULE,
            InstigatorStatus.RUNNING,
            ScheduleInstigatorData(schedule.cron_schedule, started),
        )
    )


def _schedule(workspace: WorkspaceProcessContext, name: str) -> RemoteSchedule:
    repositories = (
        repository
        for location in workspace.create_request_context().code_locations
        for repository in location.get_repositories().values()
    )
    return next(repository.get_schedule(name) for repository in repositories if repository.has_schedule(name))


def _last_thursday() -> datetime:
    """08:00 in London, in the middle of a week's trading; every bar a run sees has ended."""
    now = datetime.now(UTC)
    day = now - timedelta(days=(now.weekday() - 3) % 7 or 7)
    return day.replace(hour=0, minute=5, second=0, microsecond=0)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before: dict[str, Any] = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
