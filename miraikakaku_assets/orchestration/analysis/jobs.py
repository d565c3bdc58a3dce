"""Analyses of any list of symbols as one run; without a list, of everything that has bars."""

import dagster as dg

from miraikakaku_assets.application.reference.unknown_symbols import not_analysed, unknown_symbols
from miraikakaku_assets.domain.errors import ConfigurationError, WorkFellShortError
from miraikakaku_assets.domain.market.instruments import UNIVERSES, Timeframe, Universe, collected_timeframe
from miraikakaku_assets.domain.market.window import read_window
from miraikakaku_assets.orchestration.analysis.run import (
    AnalysisWanted,
    analyze_in_run,
    derived_keys,
    indicators_key,
)
from miraikakaku_assets.orchestration.failures import failure, raise_all
from miraikakaku_assets.orchestration.op_job import op_job
from miraikakaku_assets.orchestration.resources import PortsResource


class AnalyzeConfig(dg.Config):
    """Options of an analysis; by default it does what is due."""

    symbols: list[str] | None = None
    """Symbols; none named: all that have bars."""
    timeframe: str = Timeframe.D1.value
    """Collected bars to start from: 1d leads to 1w, 1mo and their indicators, 5m to 1h, 4h and the patterns."""
    since: str | None = None
    """Session, YYYY-MM-DD, from which on everything is computed anew, whether or not something changed."""
    again: bool = False
    """The same from the first bar on."""


def analysis_job_name(universe: Universe) -> str:
    """Name of a universe's job; its op has the name with the verb in front."""
    return f"{universe.name}_analyze_symbols"


def analysis_op_name(universe: Universe) -> str:
    """Name of the only op of that job."""
    return f"analyze_{universe.name}_symbols"


def _analysis_job(universe: Universe) -> dg.JobDefinition:
    @dg.op(
        name=analysis_op_name(universe), description="Derives bars, indicators and signals from stored bars."
    )
    def analyze_symbols(context: dg.OpExecutionContext, config: AnalyzeConfig, ports: PortsResource) -> None:
        """Derives bars, indicators and signals from stored bars."""
        try:
            since, _ = read_window(config.since, None)
            collected = collected_timeframe(config.timeframe, universe)
        except ConfigurationError as error:
            raise failure(error) from error
        keys = derived_keys(universe, collected)
        if collected is Timeframe.M5:
            keys = (*keys, indicators_key(universe))
        use, shortfalls = ports.use, list[dg.Failure | None]()
        named = use.settings.named_symbols(universe.name)
        unknown = unknown_symbols(universe, config.symbols or (), use.masters, named)
        if unknown:
            shortfalls.append(failure(WorkFellShortError(not_analysed(universe, unknown))))
        known = None if config.symbols is None else [one for one in config.symbols if one not in unknown]
        if known or not unknown:
            wanted = AnalysisWanted(universe, collected, known, keys, since, config.again)
            shortfalls.append(analyze_in_run(context, use, wanted)[1])
        raise_all(shortfalls)

    return op_job(
        analyze_symbols,
        name=analysis_job_name(universe),
        description=f"Timeframes, indicators and patterns of stored bars of {universe.name}, as one run.",
    )


analysis_jobs = {universe: _analysis_job(universe) for universe in UNIVERSES.values()}
