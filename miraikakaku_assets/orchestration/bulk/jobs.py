"""The op job that does a bulk job: symbols of several universes in one run, held between them when somebody asks.

It leaves the same materializations as every other collection. A run takes the job first: of two that were launched for
the same one, the second has nothing to do.
"""

from datetime import date

import dagster as dg

from miraikakaku_assets.application.bulk.jobs import BULK_JOB, BULK_OP
from miraikakaku_assets.application.bulk.results import write_results
from miraikakaku_assets.application.commands import CollectCommand
from miraikakaku_assets.application.ports.jobs import JobState, TakenJob
from miraikakaku_assets.bootstrap import Ports, price_vendor, utc_now
from miraikakaku_assets.domain.errors import (
    ConfigurationError,
    MiraikakakuError,
    SourcePausedError,
    WorkHeldError,
)
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe, universe
from miraikakaku_assets.orchestration.failures import failure, raise_all
from miraikakaku_assets.orchestration.instance.orphaned_runs import NEVER_REPEATED
from miraikakaku_assets.orchestration.job_builders import op_job
from miraikakaku_assets.orchestration.prices.assets import prices_key
from miraikakaku_assets.orchestration.prices.collection import collect_in_run
from miraikakaku_assets.orchestration.resources import PortsResource


class BulkConfig(dg.Config):
    """Which bulk job a run does."""

    job: str = ""
    """Its id, ``job-…``, as `GET /api/bulk/jobs` lists it."""


@dg.op(name=BULK_OP, pool=price_vendor().pool)
def collect_bulk(context: dg.OpExecutionContext, config: BulkConfig, ports: PortsResource) -> None:
    """Collects what is left of a bulk job."""
    use, run_id = ports.use, context.run.run_id
    if not config.job:
        raise failure(ConfigurationError("Name a job in `job`, as GET /api/bulk/jobs lists them"))
    taken = use.stores.job_queue.take(config.job, run_id)
    if taken is None:
        context.log.info("%s does not wait for a run; nothing is done", config.job)
        return
    try:
        shortfalls = _collect(context, use, taken)
    except WorkHeldError as held:
        _put_aside(context, use, taken.id, held)
        return
    except dg.Failure as failed:
        _break_off(use, taken.id, run_id, failed)
        raise
    try:
        write_results(taken.id, use.stores.results)
    except MiraikakakuError as error:  # the sensor tries again; what was collected is stored
        context.log.warning("%s has no files yet: %s", taken.id, error)
    state = use.stores.job_queue.finish(taken.id, None)
    context.log.info("%s has ended: %s", taken.id, state)
    raise_all(shortfalls)


bulk_job = op_job(
    collect_bulk,
    name=BULK_JOB,
    description="Does a bulk job of the REST API: bars of any symbols, of several universes, as one run.",
    tags=NEVER_REPEATED,  # `bulk_jobs_due` launches what a killed run has left
)


def _collect(context: dg.OpExecutionContext, use: Ports, taken: TakenJob) -> list[dg.Failure | None]:
    run_id = context.run.run_id

    def hold() -> None:
        asked = use.stores.job_queue.request_of(taken.id, run_id)
        if asked is not None:
            raise WorkHeldError(is_cancelled=asked is JobState.CANCEL_REQUESTED)

    shortfalls: list[dg.Failure | None] = []
    for name, symbols in taken.symbols.items():
        hold()
        market, timeframe = universe(name), Timeframe(taken.interval)
        command = CollectCommand(symbols, _since(use, taken, market, timeframe), None, timeframe)
        key = prices_key(market, timeframe)
        shortfalls.append(collect_in_run(context, use, market, command, key, hold=hold)[1])
    return shortfalls


def _since(use: Ports, taken: TakenJob, market: Universe, timeframe: Timeframe) -> date | None:
    """First session that is asked for: no earlier than the source serves bars within the day."""
    first = use.sources.history_start(market, timeframe)
    if taken.whole_history:
        return first
    return max(taken.since, first) if taken.since and timeframe is not Timeframe.D1 else taken.since


def _put_aside(context: dg.OpExecutionContext, use: Ports, job_id: str, held: WorkHeldError) -> None:
    """Ends a run that was asked to: its job is closed, or waits for being resumed."""
    processed, total = use.stores.job_queue.progress(job_id)
    if held.is_cancelled:
        use.stores.job_queue.finish(job_id, JobState.CANCELLED)
    elif processed >= total:
        use.stores.job_queue.finish(job_id, None)
    else:
        use.stores.job_queue.release(job_id, context.run.run_id, 0)
    context.log.info("%s: %s, %d of %d symbols processed", job_id, held, processed, total)


def _break_off(use: Ports, job_id: str, run_id: str, failed: dg.Failure) -> None:
    """Says when it may be launched again after trouble, or that it never will."""
    cause = failed.__cause__
    if isinstance(cause, SourcePausedError):
        use.stores.job_queue.release(job_id, run_id, max(0.0, (cause.resume_at - utc_now()).total_seconds()))
    elif isinstance(cause, ConfigurationError):
        use.stores.job_queue.finish(job_id, JobState.FAILED, str(cause))
    # Everything else is launched again by `bulk_jobs_due`, until that is of no use.
