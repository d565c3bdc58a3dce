"""The sensor behind bulk jobs: an accepted one is never lost, whoever is killed."""

from collections.abc import Iterator

import dagster as dg

from miraikakaku_assets.application.bulk.jobs import JOB_TAG, run_config
from miraikakaku_assets.application.bulk.results import write_missing_results
from miraikakaku_assets.application.bulk.watch_over import watch_over_jobs
from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.orchestration.bulk.jobs import bulk_job
from miraikakaku_assets.orchestration.instance.orphaned_runs import still_runs
from miraikakaku_assets.orchestration.resources import PortsResource


def bulk_jobs_due() -> dg.SensorDefinition:
    """Launches bulk jobs that wait for a run, takes them back from runs that died, closes cancelled ones.

    It runs whatever the schedules do: somebody has asked for these jobs.
    """

    @dg.sensor(
        name="bulk_jobs_due",
        job=bulk_job,
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Launches bulk jobs of the REST API that wait for a run, also again after a run that died, "
        "and closes cancelled ones.",
    )
    def watch(
        context: dg.SensorEvaluationContext, ports: PortsResource
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        use = ports.use

        def has_run(job_id: str) -> bool:
            return still_runs(context.instance, use, dg.RunsFilter(tags={JOB_TAG: job_id}))

        def was_cancelled(run_id: str) -> bool:
            run = context.instance.get_run_by_id(run_id)
            return run is not None and run.status is dg.DagsterRunStatus.CANCELED

        seen = watch_over_jobs(use.stores.job_queue, has_run, was_cancelled)
        for job_id, launch in seen.launches.items():
            # No run key: the launch is taken in the database, and numbers begin anew when a job comes forward.
            yield dg.RunRequest(
                run_config=dict(run_config(job_id)), tags={JOB_TAG: job_id, "miraikakaku/launch": str(launch)}
            )
        for job_id, reason in write_missing_results(use.stores.results, use.serving.results_kept).items():
            context.log.warning("%s has no files yet: %s", job_id, reason)
        if not seen.launches:
            yield dg.SkipReason(f"No bulk job waits for a run; {counted(len(seen.closed), 'job')} closed.")

    return watch
