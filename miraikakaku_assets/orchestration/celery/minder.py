"""Minds one run: a process of its own does it, this one renews its lease and ends it when it has to.

The run is a process and no thread or fork of the worker: it takes its memory with it, can be killed, and inherits no
connection. It ends with its minder, and the minder with its worker.
"""

import logging
import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress

import dagster as dg
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import serialize_value
from sqlalchemy.exc import SQLAlchemyError

from miraikakaku_assets.bootstrap import Ports, ports
from miraikakaku_assets.domain.operations.run_lease import Order, RunState, Turn
from miraikakaku_assets.orchestration.instance.home import open_instance
from miraikakaku_assets.orchestration.parent_death import end_with_parent
from miraikakaku_assets.settings import as_environment

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0
_CANCEL_SECONDS = 60.0
"""How long a cancelled run may take to close its books."""
_STATES = {
    dg.DagsterRunStatus.NOT_STARTED: RunState.WAITING,
    dg.DagsterRunStatus.QUEUED: RunState.WAITING,
    dg.DagsterRunStatus.STARTING: RunState.WAITING,
    dg.DagsterRunStatus.STARTED: RunState.AT_WORK,
    dg.DagsterRunStatus.CANCELING: RunState.CANCELLING,
    dg.DagsterRunStatus.SUCCESS: RunState.SUCCEEDED,
}


class RunNotFreeError(Exception):
    """Somebody may be about to begin the run; whoever received it is to look again."""


def mind_run(run_id: str, worker: str) -> str:
    """Does a run unless somebody else does it.

    Args:
        run_id: Of the run.
        worker: Name of this worker.

    Returns:
        What came of it, for the result backend.

    Raises:
        RunNotFreeError: It is not known yet whether somebody does it.
    """
    use = ports()
    with open_instance(use.settings) as instance:
        lease = use.operations.run_leases.read(run_id)
        turn = use.operations.lease_rules.turn(
            _state(instance, run_id), None if lease is None else lease.silent_seconds
        )
        if turn is Turn.LEAVE:
            return "left: it is done or at work"
        holder = uuid.uuid4().hex
        lost_after = use.operations.lease_rules.lost_after
        if turn is Turn.LATER or not use.operations.run_leases.take(run_id, worker, holder, lost_after):
            raise RunNotFreeError(run_id)
        return _Minder(instance, use, run_id, holder).mind()


class _Minder:
    """The process of one run."""

    def __init__(self, instance: dg.DagsterInstance, use: Ports, run_id: str, holder: str) -> None:
        self._instance = instance
        self._use = use
        self._run_id = run_id
        self._holder = holder
        self._renewed = time.monotonic()
        self._cancelled_at: float | None = None

    def mind(self) -> str:
        """Starts the process and stays with it until it has ended."""
        parent = os.getppid()
        next_renewal = self._renewed + self._use.operations.lease_rules.renew_every
        process = _start(self._use, self._run_id, self._instance)
        try:
            while process.poll() is None:
                if os.getppid() != parent:  # the worker was killed: nobody would hear of what comes
                    process.kill()
                    os._exit(1)
                if time.monotonic() >= next_renewal:
                    self._obey(process)
                    next_renewal = time.monotonic() + self._use.operations.lease_rules.renew_every
                with suppress(subprocess.TimeoutExpired):
                    process.wait(min(_LOOK_SECONDS, self._use.operations.lease_rules.renew_every))
        finally:  # also when the worker has to stop at once
            process.kill()
            self._close(process.wait())
        return f"ended with {process.returncode}"

    def _obey(self, process: subprocess.Popen[bytes]) -> None:
        """Renews the lease, and does to the process what follows from the state of its run."""
        began = time.monotonic()
        try:
            state = _state(self._instance, self._run_id)
            held = self._use.operations.run_leases.renew(self._run_id, self._holder)
        except (SQLAlchemyError, dg.DagsterError) as error:
            _log.warning("the lease of run %s could not be renewed: %s", self._run_id, type(error).__name__)
            state, held = RunState.AT_WORK, True
        else:
            self._renewed = began
        order = self._use.operations.lease_rules.order(state, time.monotonic() - self._renewed)
        if order is Order.KILL or not held or self._is_overdue():
            process.kill()
        elif order is Order.CANCEL and self._cancelled_at is None:
            self._cancelled_at = time.monotonic()
            process.send_signal(signal.SIGTERM)

    def _is_overdue(self) -> bool:
        return self._cancelled_at is not None and time.monotonic() - self._cancelled_at > _CANCEL_SECONDS

    def _close(self, code: int) -> None:
        """Closes a run whose process has ended without doing so."""
        run = self._instance.get_run_by_id(self._run_id)
        if (
            run is None
            or run.is_finished
            or not self._use.operations.run_leases.renew(self._run_id, self._holder)
        ):
            return
        if run.status is dg.DagsterRunStatus.CANCELING:
            self._instance.report_run_canceled(run)
        else:
            self._instance.report_run_failed(run, f"The process of this run ended with code {code}.")


def _start(use: Ports, run_id: str, instance: dg.DagsterInstance) -> subprocess.Popen[bytes]:
    """Starts the process that does a run.

    Raises:
        DagsterError: The run does not say where its code is.
    """
    run = instance.get_run_by_id(run_id)
    if run is None or run.job_code_origin is None:
        raise dg.DagsterError(f"Run {run_id} does not say where its code is")
    arguments = ExecuteRunArgs(
        job_origin=run.job_code_origin, run_id=run_id, instance_ref=None, set_exit_code_on_failure=None
    )
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "dagster", "api", "execute_run", serialize_value(arguments)],
        env={**os.environ, **as_environment(use.settings)},
        stdout=subprocess.DEVNULL,  # events, which are in the event log; the log goes to stderr
        preexec_fn=end_with_parent(signal.SIGKILL),  # noqa: PLW1509 - one thread here
    )


def _state(instance: dg.DagsterInstance, run_id: str) -> RunState:
    """How far a run is; one that was deleted has ended."""
    run = instance.get_run_by_id(run_id)
    return RunState.ENDED if run is None else _STATES.get(run.status, RunState.ENDED)
