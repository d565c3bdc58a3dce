"""Runs that have ended since a moment, by job: what is said of a job is said of its newest runs.

A partitioned run of 16,000 partitions is one row here: nothing is read of what it has materialized.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from miraikakaku_assets.application.ports.operations.watching import EndedRuns
from miraikakaku_assets.domain.market.instruments import UNIVERSES

BY_HAND = "__ASSET_JOB"
"""What Dagster calls the job of assets that are materialized in the web UI."""
_OVERLAP = timedelta(minutes=2)  # rows are stamped before they are committed, by several clocks
_MOST = 1000  # runs a round
_IN_BACKFILL = 50
_BACKFILL, _PARENT, _RETRIED = "dagster/backfill", "dagster/parent_run_id", "dagster/will_retry"
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
_WHY = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.PIPELINE_FAILURE}


def ended_runs(instance: dg.DagsterInstance, since: datetime) -> tuple[list[EndedRuns], datetime]:
    """The newest runs that ended, of every job of which one has since a moment.

    Args:
        instance: Where runs are recorded.
        since: From there on they are read, with an overlap: what was read is read again, and says the same.

    Returns:
        One of each job, and up to where they were read.
    """
    filters = dg.RunsFilter(statuses=_ENDED, updated_after=since - _OVERLAP)
    records = instance.get_run_records(filters, limit=_MOST, order_by="update_timestamp", ascending=True)
    by_job: defaultdict[str, list[dg.RunRecord]] = defaultdict(list)
    for record in records:
        by_job[job_of(record.dagster_run)].append(record)
    ended = [runs for job, own in by_job.items() for runs in _newest(instance, job, own)]
    return ended, max((record.update_timestamp.replace(tzinfo=UTC) for record in records), default=since)


def job_of(run: dg.DagsterRun) -> str:
    """Name of its job; of assets that somebody materialized, the first of them."""
    if run.job_name != BY_HAND:
        return run.job_name
    assets = sorted(key.to_user_string() for key in run.asset_selection or ())
    more = f"+{len(assets) - 1}" if len(assets) > 1 else ""
    return f"{assets[0]}{more}" if assets else BY_HAND


def universe_of(name: str) -> str | None:
    """The universe that a name begins with: of a job, a schedule or an asset."""
    first = name.replace("/", "_").partition("_")[0]
    return first if first in UNIVERSES else None


def _newest(instance: dg.DagsterInstance, job: str, records: Sequence[dg.RunRecord]) -> Iterator[EndedRuns]:
    newest = max(records, key=_ended_at)
    backfill = newest.dagster_run.tags.get(_BACKFILL)
    failed = (
        _failed_of(instance, backfill)
        if backfill
        else [newest.dagster_run]
        if newest.dagster_run.status is dg.DagsterRunStatus.FAILURE
        else []
    )
    final = tuple(run.run_id for run in failed if run.tags.get(_RETRIED) != "true")
    if failed and (not final or _is_overtaken(instance, newest)):
        return  # it is repeated, or what was read is no news any more: nothing can be said of the job
    error = _why(instance, final[0]) if final else ""
    yield EndedRuns(job, _moment(newest), final, error, universe_of(job))


def _failed_of(instance: dg.DagsterInstance, backfill: str) -> list[dg.DagsterRun]:
    """Runs of a backfill that failed and that nobody has executed again."""
    failures = dg.RunsFilter(tags={_BACKFILL: backfill}, statuses=[dg.DagsterRunStatus.FAILURE])
    failed = list(instance.get_runs(failures, limit=_IN_BACKFILL))
    if not failed:
        return []
    again = dg.RunsFilter(
        tags={_PARENT: [run.run_id for run in failed]}, statuses=[dg.DagsterRunStatus.SUCCESS]
    )
    mended = {run.tags[_PARENT] for run in instance.get_runs(again)}
    return [run for run in failed if run.run_id not in mended]


def _is_overtaken(instance: dg.DagsterInstance, failed: dg.RunRecord) -> bool:
    """Whether a run of the job has succeeded after this one: a tag that is added later makes an old run look new."""
    run = failed.dagster_run
    filters = dg.RunsFilter(job_name=run.job_name, statuses=[dg.DagsterRunStatus.SUCCESS])
    later = instance.get_run_records(filters, limit=10)
    return any(
        job_of(record.dagster_run) == job_of(run) and _ended_at(record) > _ended_at(failed)
        for record in later
    )


def _ended_at(record: dg.RunRecord) -> float:
    return record.end_time or record.update_timestamp.replace(tzinfo=UTC).timestamp()


def _moment(record: dg.RunRecord) -> datetime:
    return datetime.fromtimestamp(_ended_at(record), UTC)


def _why(instance: dg.DagsterInstance, run_id: str) -> str:
    """What ended a run, in one line: the words of its first step that failed, else its last event."""
    events = instance.get_records_for_run(run_id, of_type=_WHY, limit=2).records
    for record in events:
        event = record.event_log_entry.dagster_event
        if event is not None and event.is_step_failure:
            return _one_line(why_step_failed(event))
    return _one_line(events[-1].event_log_entry.dagster_event.message or "") if events else ""  # type: ignore[union-attr]


def why_step_failed(event: dg.DagsterEvent) -> str:
    """What a step said when it failed, else the message of its error."""
    failure = event.step_failure_data
    description = failure.user_failure_data and failure.user_failure_data.description
    return description or (failure.error.message if failure.error else "")


def _one_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0] if lines else ""
