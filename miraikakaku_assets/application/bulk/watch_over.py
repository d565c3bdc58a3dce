"""Use case: launch what waits for a run, take jobs back from runs that died, close what was cancelled."""

from collections.abc import Callable
from dataclasses import dataclass, field

from miraikakaku_assets.application.ports.jobs import JobQueue, JobState, OpenJob

MOST_ATTEMPTS = 8
"""Launches of a job without a single further symbol, before it counts as failed."""
MOST_LAUNCHED = 10
"""Jobs that are launched at one look; the others wait for the next."""
_FIRST_WAIT, _LONGEST_WAIT = 15.0, 600.0
"""Seconds after a run that died; twice as long after each launch that came to nothing."""


@dataclass
class Watch:
    """What came of one look.

    Attributes:
        launches: Job → number of its launch, to be launched now.
        closed: Jobs that were cancelled, finished or given up.
    """

    launches: dict[str, int] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)


def watch_over_jobs(
    queue: JobQueue, has_run: Callable[[str], bool], was_cancelled: Callable[[str], bool]
) -> Watch:
    """Looks after every job that is not finished.

    Args:
        queue: The jobs.
        has_run: Whether a run of a job waits or is at work.
        was_cancelled: Whether somebody has cancelled a run (its id): that is meant for the job.
    """
    watch = Watch()
    for job in queue.open_jobs():
        if _closed(job, queue, has_run, was_cancelled):
            watch.closed.append(job.id)
            continue
        if len(watch.launches) < MOST_LAUNCHED and job.state is JobState.ACCEPTED and job.run_id is None:
            if not job.is_due or has_run(job.id):
                continue
            launch = queue.begin_launch(job.id)
            if launch is not None:
                watch.launches[job.id] = launch
    return watch


def _closed(
    job: OpenJob, queue: JobQueue, has_run: Callable[[str], bool], was_cancelled: Callable[[str], bool]
) -> bool:
    """Takes a job back from a run that is over; whether it has nothing left to do."""
    if job.run_id is not None:
        if has_run(job.id):
            return False
        if was_cancelled(job.run_id):
            return queue.finish(job.id, JobState.CANCELLED) is not None
        queue.release(job.id, job.run_id, min(_FIRST_WAIT * 2 ** max(job.attempts - 1, 0), _LONGEST_WAIT))
    if job.state is JobState.CANCEL_REQUESTED:
        return queue.finish(job.id, JobState.CANCELLED) is not None
    if job.is_done and job.state is not JobState.PAUSED:
        return queue.finish(job.id, None) is not None
    if job.attempts >= MOST_ATTEMPTS and job.is_due and not has_run(job.id):
        error = f"its run ended {job.attempts} times without a further symbol; see its runs in the web UI"
        return queue.finish(job.id, JobState.FAILED, error) is not None
    return False
