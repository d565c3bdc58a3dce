"""When forecasts are made and scored: after every collection of daily bars that has ended, however it ended.

A collection in which one of four thousand symbols failed is red, and the others are to be forecast all the same.
"""

from collections.abc import Iterator

import dagster as dg

from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.orchestration.forecasting.jobs import performance_jobs, prediction_jobs
from miraikakaku_assets.orchestration.partitions import range_tags
from miraikakaku_assets.orchestration.prices.jobs import daily_jobs

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


def forecasts_due(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Starts forecasts and scores of a universe once per daily collection."""

    @dg.sensor(
        name="forecasts_due",
        jobs=[*prediction_jobs.values(), *performance_jobs.values()],
        minimum_interval_seconds=60,
        default_status=status,
        description="Forecasts a universe, and scores what came, after each of its daily collections.",
    )
    def due(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        is_due = False
        for universe in UNIVERSES.values():
            filters = dg.RunsFilter(job_name=daily_jobs[universe].name, statuses=_ENDED)
            newest = context.instance.get_runs(filters, limit=1)
            keys = context.instance.get_dynamic_partitions(universe.partitions)
            if not newest or not keys:
                continue
            is_due = True
            ended = newest[0].run_id  # the key: a second look at the same collection starts nothing
            tags = range_tags(keys)
            yield dg.RunRequest(f"predict_{ended}", tags=tags, job_name=prediction_jobs[universe].name)
            yield dg.RunRequest(f"score_{ended}", job_name=performance_jobs[universe].name)
        if not is_due:
            yield dg.SkipReason("No daily collection has ended yet.")

    return due
