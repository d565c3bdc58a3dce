"""The demo that a drill damages: a small installation, its watchers, and everybody who would be told.

Watchers, schedules and deliveries have their turn once a minute of the drill's clock, as the daemon would give it to
them; while the daemon or the database is down, `miraikakaku watch` has it.
"""

import json
import logging
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorType
from sqlalchemy import text

from miraikakaku_assets import bootstrap
from miraikakaku_assets.application.alerting.deliver_notifications import deliver_notifications
from miraikakaku_assets.application.alerting.watch import watch
from miraikakaku_assets.application.commands import (
    AnalyzeCommand,
    CollectCommand,
    R,
    StageCommand,
    UpdateMasterCommand,
)
from miraikakaku_assets.application.drill.clock import DrillClock
from miraikakaku_assets.application.drill.frame import STEP, Told
from miraikakaku_assets.application.stage_runs import StageRun
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import ConfigurationError, WorkFellShortError
from miraikakaku_assets.domain.market.instruments import JP, Universe
from miraikakaku_assets.orchestration.drill.books import beat, forget_disk, note_tick, turn_on
from miraikakaku_assets.orchestration.drill.receiver import Receiver
from miraikakaku_assets.orchestration.instance.home import open_instance
from miraikakaku_assets.orchestration.instance.orphaned_runs import process_tags
from miraikakaku_assets.orchestration.launch import Launcher
from miraikakaku_assets.orchestration.outside_watch import OutsideWatch
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.watching.dagster_records import DagsterRecords

_SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_ANSWER_SECONDS = 30.0
SCHEDULE, SENSOR = "health_check", "jp_symbol_keys"
"""What is on: a schedule of every five minutes, and a sensor."""
_BALLAST = "ballast"
_SCHEDULED = timedelta(minutes=5)


class Grounds:
    """Implements the port `Site`.

    Args:
        installation: Of the demo, with the drill's clock and the receiver.
        clock: The same clock.
        receiver: Stands in for everybody who would be told.

    Raises:
        ConfigurationError: The installation is no demo.
    """

    def __init__(self, installation: Ports, clock: DrillClock, receiver: Receiver) -> None:
        if not installation.notices.is_demo:
            raise ConfigurationError(
                f"{installation.settings.home} is no demo, and a drill damages what it works on"
            )
        self.clock = clock
        self.receiver = receiver
        self._open()
        self.is_daemon_alive = True
        self.is_database_up = True
        self.misses_ticks = False
        self._exchange = installation.settings.yahoo_base_url
        self._watch = OutsideWatch(clock, checks_health=False)
        self._states = {
            name: turn_on(self._instance, name, kind, clock(), "*/5 * * * *")
            for name, kind in ((SCHEDULE, InstigatorType.SCHEDULE), (SENSOR, InstigatorType.SENSOR))
        }
        self._ticked_at = clock()

    @property
    def ports(self) -> Ports:
        """The installation as it is open now."""
        return bootstrap.ports()

    @property
    def home(self) -> Path:
        """The demo's state folder."""
        return self.ports.settings.home

    def fill_disk(self, mebibytes: int) -> None:
        """Writes a file into the state folder, for which the drill's quota has no room."""
        free = self.ports.watching.disk
        if free is None:
            raise ConfigurationError("the demo's database is elsewhere, and with it its disk")
        used = sum(path.stat().st_size for path in self.home.rglob("*") if path.is_file())
        self._renew(quota=used + free.least + (mebibytes << 19))
        (self.home / _BALLAST).write_bytes(bytes(mebibytes << 20))

    def clear_disk(self) -> None:
        """Removes that file; the quota stays until the drill goes on."""
        (self.home / _BALLAST).unlink()

    def prepare(self) -> None:
        """Fills an empty demo: masters, daily bars and what follows from them, a backup, a round of canaries.

        Raises:
            WorkFellShortError: Something of it did not work, so that nothing could be said of a damage.
        """
        forget_disk(self.ports.database)
        commands: tuple[StageCommand[Any], ...] = (
            UpdateMasterCommand(accept_mass_change=True),
            CollectCommand(),
            AnalyzeCommand(),
        )
        for command in commands:
            done = self.stage(command)
            if not done.succeeded:
                raise WorkFellShortError(f"The demo could not be made: {done.error}")
        for job in ("jp_coverage_job", "source_canary_job", "backup_job"):
            if not self.run_job(job):
                raise WorkFellShortError(f"The demo could not be made: {job} failed")
        self._instance.add_dynamic_partitions(
            JP.partitions, [each.symbol for each in self.ports.stores.masters.instruments(JP)]
        )

    def now(self) -> datetime:
        """The drill's clock."""
        return self.clock()

    def step(self) -> None:
        """A minute; then the watchers and the deliveries."""
        self.clock.advance(STEP)
        if not (self.is_daemon_alive and self.is_database_up):
            self.watch_from_outside()
            return
        beat(self._instance, self.now())
        if not self.misses_ticks:
            self._tick()
        repository = self.launcher.definitions.get_repository_def()
        watch("sensor", self.ports.watching.watched(DagsterRecords(self._instance, repository, self.clock)))
        deliver_notifications(self.ports.notices.delivery)

    def watch_from_outside(self) -> None:
        """A round of `miraikakaku watch`."""
        watched = self.ports
        self._watch.round(watched)
        watched.close()
        self._renew()

    def told(self) -> Sequence[Told]:
        """What has arrived."""
        return self.receiver.told

    def standing(self) -> Sequence[str]:
        """Keys of alerts that are not over, those that are held for their quiet time, too."""
        if not self.is_database_up:
            return ()
        return [
            alert.key
            for alert in self.ports.notices.alerts.listed(since=self.now())
            if alert.resolved_at is None
        ]

    def stage(self, command: StageCommand[R], universe: Universe = JP) -> StageRun[R]:
        """A stage as the command line starts it."""
        return self.launcher.run(universe, str(uuid.uuid4()), command)

    def run_job(self, name: str, ops: dict[str, Any] | None = None) -> bool:
        """A job as its schedule starts it; whether it succeeded."""
        run_id = str(uuid.uuid4())
        config = {"ops": {op: {"config": values} for op, values in ops.items()}} if ops else {}
        result = self.launcher.definitions.resolve_job_def(name).execute_in_process(
            run_config={**config, **_SILENT},
            instance=self._instance,
            tags=process_tags(run_id),
            run_id=run_id,
            raise_on_error=False,
        )
        return result.success

    def as_new_process(self) -> None:
        """Nothing is remembered any more but what is stored: a run of a schedule is a process of its own."""
        self._renew()

    def set_faults(self, *specs: str) -> None:
        """Replaces the faults of the simulated exchange."""
        body = json.dumps({"faults": list(specs)}).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(f"{self._exchange}/simulator/faults", body, headers)  # noqa: S310 - our own, on loopback
        with urlopen(request, timeout=_ANSWER_SECONDS):  # noqa: S310  # nosec B310 - our own, on loopback
            pass

    def sql(self, statement: str, **values: object) -> Any:
        """Executes a statement; its first value, if it returns one."""
        with self.ports.database.engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return result.scalar() if result.returns_rows else result.rowcount

    def stop_database(self) -> None:
        """Stops the server under everything that is connected to it."""
        bootstrap.stop_server(self.ports.settings)
        self.is_database_up = False

    def start_database(self) -> None:
        """What `miraikakaku db start` does; whoever was connected connects anew."""
        self._renew()
        self._open()
        self.is_database_up = True

    def _renew(self, quota: int | None = None) -> None:
        self.ports.close()
        bootstrap.renew(self.ports, quota)

    def _open(self) -> None:
        """Dagster keeps the address of the server, which moves when it is started again."""
        self.launcher = Launcher(self.ports)
        self._instance = open_instance(self.ports.settings)
        logging.getLogger("dagster").setLevel(logging.CRITICAL)

    def _tick(self) -> None:
        if self.now() - self._ticked_at >= _SCHEDULED - STEP:
            self._ticked_at = self.now()
            note_tick(self._instance, self._states[SCHEDULE], self.now())
        note_tick(self._instance, self._states[SENSOR], self.now(), self._evaluated())

    def _evaluated(self) -> Exception | None:
        """The sensor as the daemon evaluates it: what it raises is the tick's error."""
        repository = self.launcher.definitions.get_repository_def()
        with dg.build_sensor_context(
            instance=self._instance, repository_def=repository, resources={"ports": PortsResource()}
        ) as context:
            try:
                repository.get_sensor_def(SENSOR).evaluate_tick(context)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the tick's
                return error
        return None
