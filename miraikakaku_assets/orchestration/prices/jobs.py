"""Collections as one run: of a range of symbols, as a selection of assets, and of scattered ones, as an op job.

A partitioned run covers one contiguous range of keys; twenty scattered symbols would be twenty runs. These op
jobs log the same materializations for any list of symbols, which also clears their failed marks.
"""

import dagster as dg

from miraikakaku_assets.bootstrap import price_vendor
from miraikakaku_assets.domain.market.instruments import UNIVERSES, Timeframe, Universe
from miraikakaku_assets.orchestration.failures import raise_all
from miraikakaku_assets.orchestration.job_builders import assets_only, op_job, symbols_names
from miraikakaku_assets.orchestration.prices.assets import chain_keys, prices_key
from miraikakaku_assets.orchestration.prices.collection import collect_in_run
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.run_config import SymbolsConfig

_WHAT = {Timeframe.D1: "Daily", Timeframe.M5: "Five-minute"}


def prices_job_name(universe: Universe, timeframe: Timeframe) -> str:
    """Name of the job that collects a range of a universe's symbols."""
    return f"{universe.name}_{'prices' if timeframe is Timeframe.D1 else 'intraday'}_job"


def collect_symbols_job(universe: Universe) -> dg.JobDefinition:
    """Bars of any list of a universe's symbols, as one run."""
    job_name, op_name = symbols_names(universe, "collect")

    @dg.op(name=op_name, pool=price_vendor().pool)
    def collect_symbols(context: dg.OpExecutionContext, config: SymbolsConfig, ports: PortsResource) -> None:
        """Collects the bars of the symbols named in its config."""
        command = config.command(universe, config.symbols, config.timeframe)
        key = prices_key(universe, command.timeframe)
        raise_all([collect_in_run(context, ports.use, universe, command, key)[1]])

    return op_job(
        collect_symbols,
        name=job_name,
        description=f"Bars of any list of symbols of {universe.name}, as one run; retries scattered failures.",
        example=universe.example,
    )


symbol_jobs = {universe: collect_symbols_job(universe) for universe in UNIVERSES.values()}
prices_jobs = {
    (universe, timeframe): dg.define_asset_job(
        prices_job_name(universe, timeframe),
        assets_only([prices_key(universe, timeframe)]),
        description=f"{_WHAT[timeframe]} bars of a range of symbols of {universe.name}, as one run.",
    )
    for universe in UNIVERSES.values()
    for timeframe in universe.collected
}
daily_jobs = {
    universe: dg.define_asset_job(
        f"{universe.name}_daily_job",
        assets_only(chain_keys(universe, Timeframe.D1)),
        description="Daily bars, longer timeframes and indicators of a range of symbols of "
        f"{universe.name}, as one run.",
    )
    for universe in UNIVERSES.values()
}
