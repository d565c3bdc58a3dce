"""Runs whose process is gone: how they are known, and how they are closed.

Dagster's monitoring asks the run launcher whether a run's process lives, and the launcher that starts
processes on this machine does not know. A run that was killed would stay "started" forever. So every run
remembers its process in its tags, and whoever starts next on the same machine closes what was left.
"""

import socket
import time

import dagster as dg
import psutil

from miraikakaku_assets.bootstrap import Ports

_HOST_TAG, _PROCESS_TAG = ".dagster/miraikakaku_host", ".dagster/miraikakaku_process"  # hidden in the web UI
_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_AT_WORK = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_NAMELESS_SECONDS = 300.0
"""A run names its process within a second of its start, when its resources are made."""
NEVER_REPEATED = {"dagster/max_retries": "0"}
"""Tags of jobs whose next run does what a killed one has left: a repetition would be at work beside it."""
_CLOCK_SLACK = 5.0  # seconds; Linux derives a process's start from a boot time that moves with the clock


def process_tags(run_id: str) -> dict[str, str]:
    """Tags of a run that this process does.

    The number of a process alone is soon another's, in a restarted container at once, so its start counts, too.
    Dagster copies tags to the next attempt of a run, so they name the run they are about.
    """
    process = psutil.Process()
    return {
        _HOST_TAG: socket.gethostname(),
        _PROCESS_TAG: f"{run_id} {process.pid} {process.create_time():.0f}",
    }


def close_abandoned(instance: dg.DagsterInstance, ports: Ports) -> None:
    """Marks the runs of this machine whose process is gone as failed, and closes the batches of ended runs.

    A run that the web UI started may be marked already: its code server sees its own children end.
    """
    # Not by a filter of tags: Dagster commits a run before the rows of its tags, and a process killed between the two
    # leaves a run that no filter finds. It would keep every later cycle from starting.
    for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED)):
        if run.tags.get(_HOST_TAG) == socket.gethostname() and _is_gone(run):
            instance.report_run_failed(run, "The process that did this run is gone.")
    for record in instance.get_run_records(dg.RunsFilter(statuses=_AT_WORK)):
        run = record.dagster_run
        if not _is_named(run) and _age(record) > _NAMELESS_SECONDS:
            instance.report_run_failed(run, "The process of this run ended before it began.")
    for run_id in ports.stores.ledger.open_runs():
        recorded = instance.get_run_by_id(run_id)
        if recorded is not None and recorded.is_finished:
            ports.stores.ledger.abandon(run_id)


def still_runs(instance: dg.DagsterInstance, ports: Ports, like: dg.RunsFilter) -> bool:
    """Whether a run like this is waiting or at work; one whose process is gone is closed, or it would block for ever.

    Args:
        instance: Where runs are recorded.
        ports: The installation.
        like: Job or tags.
    """
    statuses = [dg.DagsterRunStatus.QUEUED, *_UNFINISHED]
    unended = dg.RunsFilter(job_name=like.job_name, tags=like.tags, statuses=statuses)
    if not instance.get_runs(unended, limit=1):
        return False
    close_abandoned(instance, ports)
    return bool(instance.get_runs(unended, limit=1))


def _age(record: dg.RunRecord) -> float:
    """Seconds since a run started; none before that is known."""
    return 0.0 if record.start_time is None else time.time() - record.start_time


def _is_named(run: dg.DagsterRun) -> bool:
    """Whether its tags name its own process, and not that of a run whose next attempt it is."""
    return run.tags.get(_PROCESS_TAG, "").partition(" ")[0] == run.run_id


def _is_gone(run: dg.DagsterRun) -> bool:
    if not _is_named(run):
        return False
    _, number, started = run.tags[_PROCESS_TAG].split(" ")
    try:
        process = psutil.Process(int(number))
        another = abs(process.create_time() - float(started)) > _CLOCK_SLACK
        return another or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
