"""Analyses of any list of symbols as one run; without a list, of everything that has bars."""

from dataclasses import replace

import dagster as dg

from miraikakaku_assets.domain.market.instruments import UNIVERSES, Timeframe, Universe
from miraikakaku_assets.orchestration.analysis.run import analyze_in_run, derived_keys, indicators_key
from miraikakaku_assets.orchestration.failures import raise_all
from miraikakaku_assets.orchestration.job_builders import op_job, symbols_names
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.run_config import AnalyzeConfig
from miraikakaku_assets.orchestration.stage_reports import known_in_run


def _analysis_job(universe: Universe) -> dg.JobDefinition:
    job_name, op_name = symbols_names(universe, "analyze")

    @dg.op(name=op_name)
    def analyze_symbols(context: dg.OpExecutionContext, config: AnalyzeConfig, ports: PortsResource) -> None:
        """Derives bars, indicators and signals from stored bars."""
        command = config.command(universe)
        keys = derived_keys(universe, command.timeframe)
        if command.timeframe is Timeframe.M5:
            keys = (*keys, indicators_key(universe))
        known, shortfall = known_in_run(ports.use, universe, config.symbols, "analysed")
        shortfalls = [shortfall]
        if known or not shortfall:
            command = replace(command, symbols=known)
            shortfalls.append(analyze_in_run(context, ports.use, universe, command, keys)[1])
        raise_all(shortfalls)

    return op_job(
        analyze_symbols,
        name=job_name,
        description=f"Timeframes, indicators and patterns of stored bars of {universe.name}, as one run.",
    )


analysis_jobs = {universe: _analysis_job(universe) for universe in UNIVERSES.values()}
