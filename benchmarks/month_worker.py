"""The process that lives through a month; its clock is libfaketime's and is moved on by a file.

It is told what to do in its first argument (JSON) and says on stdout, one JSON line per half day, what was told of high
alerts so far. Each step is what daemon, schedules and watchers do with a quarter of an hour.
"""

import json
import logging
import os
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorState, InstigatorType
from dagster._utils.schedules import schedule_execution_time_iterator
from sqlalchemy import text

from benchmarks.fetch_site import Exchange
from benchmarks.month import BEGINS, CLOCK_FILE, ORDINARY, PLANTED, Fault
from miraikakaku_assets import bootstrap
from miraikakaku_assets.application.alerting.conditions.system_alerts import judge_system
from miraikakaku_assets.application.alerting.deliver_notifications import deliver_notifications
from miraikakaku_assets.application.alerting.watch import watch
from miraikakaku_assets.application.commands import CollectCommand, StageCommand, UpdateMasterCommand
from miraikakaku_assets.application.monitoring.health import check_health
from miraikakaku_assets.application.monitoring.health_samples import sample_health
from miraikakaku_assets.application.monitoring.resume_source import resume_source
from miraikakaku_assets.application.ports.operations.system import Measurement
from miraikakaku_assets.bootstrap import Ports, utc_now
from miraikakaku_assets.domain.market.instruments import JP, US
from miraikakaku_assets.faces.cli.demo_exchange import addresses, mark_demo
from miraikakaku_assets.orchestration.drill.books import beat, forget_disk, note_tick, turn_on
from miraikakaku_assets.orchestration.drill.receiver import Receiver, receiver
from miraikakaku_assets.orchestration.instance.home import open_instance
from miraikakaku_assets.orchestration.instance.orphaned_runs import process_tags
from miraikakaku_assets.orchestration.launch import Launcher
from miraikakaku_assets.orchestration.outside_watch import OutsideWatch
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.watching.dagster_records import DagsterRecords
from miraikakaku_assets.settings import load_settings
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.server.serving import running

STEP = timedelta(minutes=15)
_A_MOMENT = timedelta(milliseconds=2)
"""The clock's file holds milliseconds: without it a step may begin just before its quarter of an hour, and a fault that
begins then would come a step late."""
SCHEDULES = (
    *("us_master_sync", "jp_master_update", "jp_daily", "us_daily", "coverage_check", "source_canary"),
    *(
        "daily_backup",
        "purge_old_files",
        "db_maintenance",
        "integrity_check",
        "event_log_pruning",
        "weekly_review",
    ),
)
"""Those that are on. Cycles and trainings are not: they would take the month some hours."""
_SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_OWN = {
    "requests_per_second": 1000.0,
    "burst_limit": 1000,
    "max_retries": 1,
    "retry_delay": 0.01,
    "worker_timeout": 5.0,
    "coverage_alert_threshold": 0.8,
    "database_url": None,
    "healthcheck_url": None,
    "alert_routes": "",
    "backup_keep_daily": 2,
    "backup_keep_weekly": 1,
    "backup_keep_monthly": 1,
}
_HIGH = text(
    "SELECT key, told_at FROM miraikakaku.alerts WHERE severity = 'CRITICAL' AND told_at IS NOT NULL ORDER BY told_at"
)


@dataclass(frozen=True)
class ScriptedMachine:
    """A machine of which only the processors change: the real one is busy with other things."""

    cpu: float

    def open_cpu_window(self) -> "ScriptedMachine":
        """Itself."""
        return self

    def used(self, _: float) -> Measurement:
        """As scripted."""
        return Measurement(self.cpu, "of a scripted machine")

    def memory(self) -> Measurement:
        """Normal."""
        return Measurement(0.4, "of a scripted machine")

    def disk(self) -> Measurement:
        """Normal."""
        return Measurement(0.5, "of a scripted machine")


class Month:
    """Lives through its steps."""

    def __init__(
        self, launcher: Launcher, instance: dg.DagsterInstance, exchange: Exchange, everybody: Receiver
    ) -> None:
        self._launcher = launcher
        self._instance = instance
        self._exchange = exchange
        self._everybody = everybody
        self._repository = launcher.definitions.get_repository_def()
        self._states = {name: self._on(name) for name in SCHEDULES}
        self._due = {name: self._moments(name) for name in SCHEDULES}
        self._next = {name: next(moments) for name, moments in self._due.items()}
        self._faults: set[str] = set()
        self.counts: Counter[str] = Counter()

    @property
    def ports(self) -> Ports:
        """The installation as it is open now."""
        return bootstrap.ports()

    def step(self) -> None:
        """A quarter of an hour."""
        now = _advance()
        self._happen(
            {fault.name: fault for fault in (*ORDINARY, *PLANTED) if fault.since <= now < fault.until}
        )
        self.counts["steps"] += 1
        if self._faults & {"daemon dead", "restart"}:
            for name in SCHEDULES:  # the daemon leaves out what is past, but for the newest
                while self._next[name] <= now - STEP:
                    self._next[name] = next(self._due[name])
            if "daemon dead" in self._faults:
                watched = self.ports
                OutsideWatch(checks_health=False).round(watched)
                watched.close()
                bootstrap.renew(self.ports)
            return
        beat(self._instance, now)
        for name in SCHEDULES:
            while self._next[name] <= now:
                self._tick(name, self._next[name])
                self._next[name] = next(self._due[name])
        beat(self._instance, utc_now())
        self._check_health()
        for _ in range(2):  # a group wait is over by the second look
            records = DagsterRecords(self._instance, self._repository, utc_now)
            watch("sensor", self.ports.watching.watched(records))
            deliver_notifications(self.ports.notices.delivery)
            _advance(timedelta(minutes=1))

    def told(self) -> list[tuple[str, str]]:
        """High alerts that were told so far."""
        with self.ports.database.engine.connect() as connection:
            return [(key, moment.astimezone(UTC).isoformat()) for key, moment in connection.execute(_HIGH)]

    def _happen(self, now: dict[str, Fault]) -> None:
        """Begins and ends what the plan says."""
        begun, ended = now.keys() - self._faults, self._faults - now.keys()
        self._faults = set(now)
        specs = {
            "one symbol fails": "500@1301.T",
            "hiccup": "503*1",  # of every symbol one request, which is sent again
            "slow hour": "latency=200ms",
            "source down": "500",
        }
        self._exchange.set_faults([spec for name, spec in specs.items() if name in now])
        if "source down" in ended:
            resume_source(self.ports.sources.rate_limiter)
        if "disk full" in begun:
            bootstrap.renew(self.ports, quota=1)
        if "disk full" in ended:
            bootstrap.renew(self.ports, quota=1 << 60)
        if "backup cut" in begun:
            newest = self.ports.backups.shelf().opened("latest")
            file = max((newest.folder / "database").iterdir(), key=lambda path: path.stat().st_size)
            os.truncate(file, file.stat().st_size // 2)
        if begun & {"restart"}:
            self.ports.close()
            bootstrap.renew(self.ports)

    def _tick(self, name: str, moment: datetime) -> None:
        held_up = {"no backup": "daily_backup", "collection not started": "jp_daily"}
        if any(held_up.get(fault) == name for fault in self._faults):
            return
        schedule = self._repository.get_schedule_def(name)
        zone = schedule.execution_timezone or "UTC"
        with dg.build_schedule_context(
            instance=self._instance,
            scheduled_execution_time=moment.astimezone(ZoneInfo(zone)),
            repository_def=self._repository,
            resources={"ports": PortsResource()},
        ) as context:
            context._instance = self._instance  # type: ignore[assignment] # noqa: SLF001 - else it opens its own
            evaluated = schedule.evaluate_tick(context)
        run_ids = [self._run(name, schedule.job_name, request) for request in evaluated.run_requests or ()]
        self.counts["runs"] += len(run_ids)
        self.counts["ticks without a run"] += not run_ids
        note_tick(self._instance, self._states[name], moment, run_ids=run_ids)

    def _run(self, schedule: str, job: str, request: dg.RunRequest) -> str:
        run_id = str(uuid.uuid4())
        result = self._launcher.definitions.resolve_job_def(job).execute_in_process(
            run_config={**request.run_config, **_SILENT},
            instance=self._instance,
            tags={**request.tags, "dagster/schedule_name": schedule, **process_tags(run_id)},
            run_id=run_id,
            raise_on_error=False,
            asset_selection=list(request.asset_selection) if request.asset_selection else None,
        )
        self.counts["failed runs"] += not result.success
        if not result.success and not self._faults:
            sys.stderr.write(f"{utc_now():%m-%d %H:%M} {job} failed\n")
        return run_id

    def _check_health(self) -> None:
        busy = "busy processors" in self._faults
        report = check_health(
            replace(self.ports.operations.health, machine=ScriptedMachine(0.99 if busy else 0.3)), 0.0
        )
        sample_health(report, self.ports.operations.system_metrics, self.ports.operations.metrics_kept)
        judge_system(self.ports.operations.system_metrics, self.ports.notices.alerting, is_at_work=busy)

    def _on(self, name: str) -> InstigatorState:
        cron = str(self._repository.get_schedule_def(name).cron_schedule)
        return turn_on(self._instance, name, InstigatorType.SCHEDULE, utc_now(), cron)

    def _moments(self, name: str) -> Iterator[datetime]:
        schedule = self._repository.get_schedule_def(name)
        moments = schedule_execution_time_iterator(
            utc_now().timestamp(), schedule.cron_schedule, schedule.execution_timezone
        )
        return (moment.astimezone(UTC) for moment in moments)


def _advance(span: timedelta = timedelta(0)) -> datetime:
    """Moves the clock of this process and its server on: by a span, or to the beginning of the next step."""
    file = Path(os.environ[CLOCK_FILE])
    if not span:
        now = utc_now()
        passed = (now - BEGINS) % STEP
        span = STEP - passed + _A_MOMENT
    ahead = float(file.read_text()) + span.total_seconds()
    unfinished = file.with_suffix(".new")
    unfinished.write_text(f"{ahead:+.3f}")
    unfinished.replace(file)
    return utc_now()


def live(order: dict[str, Any]) -> None:
    """Lives through the days of the order."""
    symbols = order["symbols"]
    config = SimulatorConfig(symbols=symbols, us_symbols=symbols, history_years=1)
    with running(config) as base, receiver(utc_now) as everybody:
        own = {
            **_OWN,
            **addresses(base),
            "miraikakaku_home": Path(order["home"]),
            "history_start": (utc_now() - timedelta(days=60)).date().isoformat(),
        }
        mark_demo(bootstrap.use(load_settings().model_copy(update=own)), config, {})
        ports = bootstrap.use(load_settings().model_copy(update=own), receiver=everybody.url)
        try:
            _live(ports, base, everybody, datetime.fromisoformat(order["until"]))
        finally:
            bootstrap.stop_server(ports.settings)


def _live(ports: Ports, base: str, everybody: Receiver, end: datetime) -> None:
    forget_disk(ports.database)
    launcher = Launcher(ports)
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    with open_instance(ports.settings) as instance:
        for universe in (JP, US):
            commands: tuple[StageCommand[Any], ...] = (
                UpdateMasterCommand(accept_mass_change=True),
                CollectCommand(),
            )
            for command in commands:
                done = launcher.run(universe, str(uuid.uuid4()), command)
                if not done.succeeded:
                    sys.exit(f"the demo could not be made: {done.error}")
        launcher.definitions.resolve_job_def("backup_job").execute_in_process(
            instance=instance, run_config=_SILENT
        )
        month = Month(launcher, instance, Exchange(base), everybody)
        said = before = utc_now()
        while True:
            now = utc_now()
            if now - before > 4 * STEP:  # to the real clock: libfaketime could not read its file once
                sys.exit(f"the clock leapt from {before:%m-%d %H:%M} to {now:%m-%d %H:%M}")
            if now >= end:
                break
            before = now
            month.step()
            if now - said >= timedelta(hours=12):
                said = now
                _say(month, now)
        _say(month, end)


def _say(month: Month, now: datetime) -> None:
    day = (now - BEGINS).total_seconds() / 86400
    print(json.dumps({"day": day, "told": month.told(), "counts": dict(month.counts)}), flush=True)


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        live(json.loads(sys.argv[1]))
