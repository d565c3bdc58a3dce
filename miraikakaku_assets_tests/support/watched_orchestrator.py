"""A small code location and the books of its instance, written as Dagster's daemon writes them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import dagster as dg
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteJobOrigin,
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
from dagster_shared.error import SerializableErrorInfo

from miraikakaku_assets.application.alerting.watch import Watched, watch
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.orchestration.watching.dagster_records import DagsterRecords

WEEKDAYS, FIVE_MINUTES = "weekday_schedule", "cycle_schedule"
_ORIGIN = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("tests"), "__repository__")


@dataclass
class Troubles:
    """What goes wrong in the code location, as a test says."""

    run: str = ""
    check: str = ""


def code_location(troubles: Troubles) -> dg.Definitions:
    """A job, a checked asset, and a schedule of each kind."""

    @dg.op
    def work() -> None:
        """Does nothing, or fails."""
        if troubles.run:
            raise dg.Failure(troubles.run, allow_retries=False)

    @dg.job(name="jp_test_job")
    def test_job() -> None:
        """Runs it."""
        work()

    @dg.asset(key=["jp", "tested"], check_specs=[dg.AssetCheckSpec("rule", asset=["jp", "tested"])])
    def tested() -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
        """An asset with a check."""
        result = dg.AssetCheckResult(check_name="rule", passed=not troubles.check, description=troubles.check)
        yield dg.MaterializeResult(check_results=[result])

    schedules = [
        dg.ScheduleDefinition(
            name=WEEKDAYS, job=test_job, cron_schedule="0 7 * * 1-5", execution_timezone="Asia/Tokyo"
        ),
        dg.ScheduleDefinition(name=FIVE_MINUTES, job=test_job, cron_schedule="*/5 * * * *"),
    ]
    return dg.Definitions(assets=[tested], jobs=[test_job], schedules=schedules)


@dataclass
class WatchedOrchestrator:
    """An instance, watched by a clock that a test moves.

    Attributes:
        ports: The installation.
        instance: Where Dagster keeps its books.
        now: By the machine's clock, as far as the watch knows.
    """

    ports: Ports
    instance: dg.DagsterInstance
    now: datetime
    troubles: Troubles = field(default_factory=Troubles)
    definitions: dg.Definitions = field(init=False)

    def __post_init__(self) -> None:
        self.definitions = code_location(self.troubles)

    def watch(self, watcher: str = "test") -> Watched:
        """A round."""
        repository = self.definitions.get_repository_def()
        return watch(
            watcher, self.ports.watching.watched(DagsterRecords(self.instance, repository, lambda: self.now))
        )

    def run(self, trouble: str = "", **tags: str) -> str:
        """A run of the job; returns its id."""
        self.troubles.run = trouble
        result = self.definitions.resolve_job_def("jp_test_job").execute_in_process(
            instance=self.instance, raise_on_error=False, tags=tags
        )
        assert result.success is not bool(trouble)
        return result.run_id

    def materialize(self, trouble: str = "") -> str:
        """Materializes the asset with its check; returns the run's id."""
        self.troubles.check = trouble
        job = self.definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(instance=self.instance, raise_on_error=False).run_id

    def turn_on(self, name: str, cron: str | None = None) -> InstigatorState:
        """Turns on a schedule, or a sensor without a cron expression, at this moment."""
        kind = InstigatorType.SENSOR if cron is None else InstigatorType.SCHEDULE
        data = (
            SensorInstigatorData(min_interval=60)
            if cron is None
            else ScheduleInstigatorData(cron, self.now.timestamp())
        )
        origin = RemoteInstigatorOrigin(_ORIGIN, name)
        state = InstigatorState(origin, kind, InstigatorStatus.RUNNING, data)
        self.instance.add_instigator_state(state)
        return state

    def turn_off(self, state: InstigatorState) -> None:
        """Turns a schedule or sensor off."""
        self.instance.update_instigator_state(state.with_status(InstigatorStatus.STOPPED))

    def tick(
        self,
        state: InstigatorState,
        status: TickStatus = TickStatus.SKIPPED,
        error: str = "",
        runs: tuple[str, ...] = (),
    ) -> None:
        """A tick that has ended."""
        told = SerializableErrorInfo(f"{error}\n", [], "ValueError") if error else None
        data = TickData(
            state.instigator_origin_id,
            state.instigator_name,
            state.instigator_type,
            status,
            self.now.timestamp(),
            selector_id=state.selector_id,
            run_ids=list(runs),
            error=told,
            skip_reason="nothing to do" if status is TickStatus.SKIPPED else None,
            end_timestamp=self.now.timestamp(),
        )
        self.instance.create_tick(data)

    def beat(self, *kinds: str) -> None:
        """Parts of the daemon say that they live."""
        for kind in kinds or self.instance.get_required_daemon_types():
            self.instance.add_daemon_heartbeat(DaemonHeartbeat(self.now.timestamp(), kind, "one", None))

    def queued_run(self) -> dg.DagsterRun:
        """A run that waits."""
        run = dg.DagsterRun(
            job_name="jp_test_job",
            status=dg.DagsterRunStatus.QUEUED,
            remote_job_origin=RemoteJobOrigin(_ORIGIN, "jp_test_job"),
        )
        self.instance.add_run(run)
        return run

    def standing(self) -> dict[str, str]:
        """Key → severity of each standing alert."""
        return {
            alert.key: alert.severity.value for alert in self.ports.notices.alerts.listed(only_standing=True)
        }
