"""The run launcher of `deploy/celery/dagster.yaml`: Dagster's own, with another idea of what is alive.

Dagster's `CeleryRunLauncher` takes a task that Celery calls STARTED for one at work, for ever. Here the lease of the
run says it (`domain/operations/run_lease.py`), and a run is ended through its row: who minds it reads its state.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.events import EngineEventData
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._core.storage.tags import RETRY_NUMBER_TAG
from dagster._serdes import ConfigurableClassData

from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.orchestration.celery.app import EXECUTE_RUN, QUEUE, build_app, missing_extra
from miraikakaku_assets.settings import settings

if TYPE_CHECKING:
    from typing import Self

try:
    from dagster_celery.launcher import CeleryRunLauncher
    from dagster_celery.tags import (
        DAGSTER_CELERY_QUEUE_TAG,
        DAGSTER_CELERY_RUN_PRIORITY_TAG,
        DAGSTER_CELERY_TASK_ID_TAG,
    )
except ImportError:
    raise missing_extra() from None

_NEXT_ATTEMPT, _USUAL = 0, 6
"""Priorities in Redis, where the lowest number comes first."""


class LeasedCeleryRunLauncher(CeleryRunLauncher):
    """Starts runs as Celery tasks and judges them by their leases.

    Broker and result backend are those of the settings, so that no secret is in the instance's configuration.
    """

    def __init__(self, default_queue: str = QUEUE, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(default_queue=default_queue, inst_data=inst_data)
        self.celery = build_app(settings())

    def launch_run(self, context: LaunchRunContext) -> None:
        """Puts the run into the queue, before those that wait there if it does what a lost one has left."""
        run = context.dagster_run
        queue = run.tags.get(DAGSTER_CELERY_QUEUE_TAG, self.default_queue)
        usual = _NEXT_ATTEMPT if RETRY_NUMBER_TAG in run.tags else _USUAL
        given = run.tags.get(DAGSTER_CELERY_RUN_PRIORITY_TAG, "")
        result = self.celery.send_task(
            EXECUTE_RUN,
            args=(run.run_id,),
            queue=queue,
            priority=int(given) if given.isdecimal() else usual,
        )
        self._instance.add_run_tags(run.run_id, {DAGSTER_CELERY_TASK_ID_TAG: result.task_id})
        self._instance.report_engine_event(
            "The run is in the queue of the workers.",
            run,
            EngineEventData({"Celery task": result.task_id, "Celery queue": queue}),
            cls=self.__class__,
        )

    def terminate(self, run_id: str) -> bool:
        """Has a run ended by who minds it, within a sixth of RUN_LOST_AFTER; at once where nobody does.

        Returns:
            Whether it will end; False where it has ended before.
        """
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        if run.status is not dg.DagsterRunStatus.CANCELING:
            self._instance.report_run_canceling(run)
        use = ports()
        lease = use.operations.run_leases.read(run_id)
        if lease is None or use.operations.lease_rules.is_lost(lease.silent_seconds):
            self._instance.report_run_canceled(run, "No worker was at this run.")
        return True

    @property
    def supports_resume_run(self) -> bool:
        """No: what is left is done by another attempt, a run of its own."""
        return False

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Judges a run by its lease; runs of the command line are none of ours."""
        if DAGSTER_CELERY_TASK_ID_TAG not in run.tags:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        use = ports()
        lease = use.operations.run_leases.read(run.run_id)
        if lease is None:
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "no worker has ever begun it")
        if use.operations.lease_rules.is_lost(lease.silent_seconds):
            return CheckRunHealthResult(
                WorkerStatus.FAILED, f"{lease.worker} has been silent for {lease.silent_seconds:.0f} s"
            )
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    def get_run_worker_debug_info(
        self,
        run: dg.DagsterRun,
        include_container_logs: bool | None = True,  # noqa: ARG002, FBT001, FBT002 - Dagster's signature
    ) -> str | None:
        """Who had the run."""
        lease = ports().operations.run_leases.read(run.run_id)
        return None if lease is None else f"It was at {lease.worker}."

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """What ``dagster.yaml`` may say."""
        return {
            "default_queue": dg.Field(
                dg.StringSource,
                is_required=False,
                default_value=QUEUE,
                description="Queue of runs without the tag dagster-celery/queue.",
            )
        }

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> "Self":
        """Made by Dagster from ``dagster.yaml``."""
        return cls(inst_data=inst_data, **config_value)
