"""The five-minute cycle of each universe as one op job: a run of it must be short, and covers any list of symbols."""

import dagster as dg

from miraikakaku_assets.bootstrap import price_vendor
from miraikakaku_assets.domain.market.instruments import UNIVERSES, Timeframe, Universe
from miraikakaku_assets.orchestration.cycles.run import CYCLE_TAG, run_cycle
from miraikakaku_assets.orchestration.instance.orphaned_runs import NEVER_REPEATED
from miraikakaku_assets.orchestration.job_builders import op_job
from miraikakaku_assets.orchestration.resources import PortsResource


class CycleConfig(dg.Config):
    """Options of a cycle."""

    symbols: list[str]
    """Symbols, e.g. USDJPY=X."""


def cycle_op_name(universe: Universe) -> str:
    """Name of the only op of a universe's job."""
    return f"{universe.name}_cycle_op"


def _cycle_job(universe: Universe) -> dg.JobDefinition:
    @dg.op(name=cycle_op_name(universe), pool=price_vendor().pool)
    def cycle(context: dg.OpExecutionContext, config: CycleConfig, ports: PortsResource) -> None:
        """Collects the newest five-minute bars, analyses them and notifies of new signals."""
        run_cycle(context, ports.use, universe, config.symbols)

    return op_job(
        cycle,
        name=f"{universe.name}_cycle_job",
        description=f"Collect → timeframes → indicators → patterns → notify for what is watched of {universe.name}.",
        # Before what waits in the queue: a backfill enqueues all of its runs at once.
        tags={CYCLE_TAG: universe.name, "dagster/priority": "10", **NEVER_REPEATED},
        example=universe.example,
    )


cycle_jobs = {
    universe: _cycle_job(universe) for universe in UNIVERSES.values() if Timeframe.M5 in universe.collected
}
