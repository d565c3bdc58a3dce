"""Use cases of clients: a bulk job is accepted, launched, paused, resumed, cancelled and looked up."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from miraikakaku_assets.application.bulk.refusals import NO_SUCH_JOB, Refusal, RequestRefusedError
from miraikakaku_assets.application.bulk.request import BulkRequest
from miraikakaku_assets.application.ports.jobs import (
    FINISHED,
    Acceptance,
    Accepted,
    Job,
    JobState,
    JobStore,
    NewJob,
    RunLauncher,
)
from miraikakaku_assets.domain.errors import DependencyUnavailableError

BULK_JOB, BULK_OP = "bulk_job", "collect_bulk"
"""Job of the orchestrator that does a bulk job, and its only step."""
JOB_TAG = "miraikakaku/bulk_job"
"""Tag of its runs with the id of the bulk job."""
_NAMED = 10  # unknown symbols in a message


@dataclass(frozen=True)
class BulkPorts:
    """What the use cases need.

    Attributes:
        jobs: Where jobs are kept.
        launcher: Starts their runs.
    """

    jobs: JobStore
    launcher: RunLauncher


async def accept_job(
    request: BulkRequest, requested_by: str, idempotency_key: str | None, jobs: JobStore
) -> Accepted:
    """Writes a job down. From then on it is done, whatever becomes of this process.

    Raises:
        RequestRefusedError: Not one symbol is in a master, or the idempotency key was used for something else.
    """
    known = await jobs.resolve(request.symbols)
    unknown = [name for name in request.symbols if name not in known]
    if not known:
        more = f" ほか {len(unknown) - _NAMED:,} 件" if len(unknown) > _NAMED else ""
        names = "、".join(unknown[:_NAMED])
        raise RequestRefusedError(Refusal.INVALID, f"銘柄マスタにない銘柄です: {names}{more}")
    symbols: dict[str, list[str]] = {}
    for name in request.symbols:
        if name in known:
            universe, symbol = known[name]
            symbols.setdefault(universe, []).append(symbol)
    by_universe = {universe: list(dict.fromkeys(those)) for universe, those in symbols.items()}
    next(iter(by_universe.values())).extend(unknown)  # some collection has to account for them
    accepted = await jobs.accept(
        NewJob(
            by_universe,
            unknown,
            request.interval,
            request.period,
            request.since,
            requested_by,
            idempotency_key,
            _digest(request),
        )
    )
    if accepted.acceptance is Acceptance.OTHER_BODY:
        raise RequestRefusedError(
            Refusal.OTHER_BODY, "この Idempotency-Key は別のリクエストで使用されています"
        )
    if accepted.acceptance is Acceptance.IN_FLIGHT:
        raise RequestRefusedError(
            Refusal.IN_FLIGHT,
            "同じ Idempotency-Key のリクエストを処理しています。しばらく待って再試行してください",
        )
    return accepted


async def launch_job(job_id: str, ports: BulkPorts) -> bool:
    """Launches a job that waits for a run; whether it was launched now.

    Whoever watches over jobs launches what could not be launched here.
    """
    if not await ports.jobs.begin_launch(job_id):
        return False
    try:
        await ports.launcher.launch(BULK_JOB, run_config(job_id), {JOB_TAG: job_id})
    except DependencyUnavailableError:
        await ports.jobs.launch_failed(job_id)
        return False
    return True


def run_config(job_id: str) -> Mapping[str, object]:
    """Config of the run that does a job."""
    return {"ops": {BULK_OP: {"config": {"job": job_id}}}}


async def stop_job(job_id: str, jobs: JobStore) -> Job:
    """Asks for a job to be cancelled; done twice, it is the same request.

    Raises:
        RequestRefusedError: There is no such job, or it has ended.
    """
    allowed = (JobState.ACCEPTED, JobState.RUNNING, JobState.PAUSED)
    await jobs.change(job_id, JobState.CANCEL_REQUESTED, allowed)
    return await _now(job_id, jobs, JobState.CANCEL_REQUESTED, JobState.CANCELLED)


async def pause_job(job_id: str, jobs: JobStore) -> Job:
    """Holds a job before its next symbols, until it is resumed.

    Raises:
        RequestRefusedError: There is no such job, or it is not one that could be paused.
    """
    await jobs.change(job_id, JobState.PAUSED, (JobState.ACCEPTED, JobState.RUNNING))
    return await _now(job_id, jobs, JobState.PAUSED)


async def resume_job(job_id: str, jobs: JobStore) -> Job:
    """Lets a paused job go on with the symbols that are left.

    Raises:
        RequestRefusedError: There is no such job, or it is neither paused nor at work.
    """
    await jobs.resume(job_id)
    return await _now(job_id, jobs, JobState.ACCEPTED, JobState.RUNNING)


async def read_job(job_id: str, jobs: JobStore) -> Job:
    """A job with its progress.

    Raises:
        RequestRefusedError: There is no such job.
    """
    job = await jobs.read(job_id)
    if job is None:
        raise RequestRefusedError(Refusal.UNKNOWN, NO_SUCH_JOB)
    return job


async def _now(job_id: str, jobs: JobStore, *expected: JobState) -> Job:
    job = await read_job(job_id, jobs)
    if job.state in expected:
        return job
    if job.state in FINISHED:
        raise RequestRefusedError(Refusal.CONFLICT, f"ジョブは既に終了しています ({job.state})")
    raise RequestRefusedError(Refusal.CONFLICT, f"現在の状態では操作できません ({job.state})")


def _digest(request: BulkRequest) -> str:
    """What was asked for, however the client wrote it down."""
    content = [list(request.symbols), request.interval, request.period]
    return sha256(json.dumps(content).encode()).hexdigest()
