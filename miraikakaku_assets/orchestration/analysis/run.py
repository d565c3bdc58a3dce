"""How an analysis shows itself in Dagster: materializations of derived assets, and an honest end.

Shared by the partitioned assets, the job for any list of symbols and the five-minute cycle.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from miraikakaku_assets.application.analysis.analyze_bars import AnalysisPorts, analysis_totals, analyze_bars
from miraikakaku_assets.application.analysis.scope import DERIVED
from miraikakaku_assets.application.commands import AnalyzeCommand
from miraikakaku_assets.application.ports.analysis import AnalysisReport, AnalysisRequest, SymbolAnalysis
from miraikakaku_assets.application.ports.notices import PATTERN, Severity
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.bars.price_basis import PriceBasis
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.words import counted, the_rest
from miraikakaku_assets.orchestration.analysis.charts import analysis_chart_of
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.instance.batched_events import log_materializations
from miraikakaku_assets.orchestration.stage_reports import Context, hand_back

CHARTED_SYMBOLS = 10
"""Runs of up to this many symbols carry a chart each (0.3 s and 70 KB apiece)."""
_WORST = 20


def bars_key(universe: Universe, timeframe: Timeframe) -> dg.AssetKey:
    """Key of the asset that holds a universe's derived bars."""
    return dg.AssetKey([universe.name, f"bars_{timeframe}"])


def indicators_key(universe: Universe) -> dg.AssetKey:
    """Key of a universe's indicators, of all timeframes."""
    return dg.AssetKey([universe.name, "indicators"])


def patterns_key(universe: Universe) -> dg.AssetKey:
    """Key of a universe's pattern signals."""
    return dg.AssetKey([universe.name, "patterns"])


def derived_keys(universe: Universe, collected: Timeframe) -> tuple[dg.AssetKey, ...]:
    """Keys of the assets an analysis of collected bars of that timeframe writes, in their order."""
    last = indicators_key(universe) if collected is Timeframe.D1 else patterns_key(universe)
    return (*(bars_key(universe, timeframe) for timeframe, _ in DERIVED[collected]), last)


@dataclass(frozen=True)
class _Step:
    """An analysis inside a Dagster step; attributes as of `analyze_in_run`."""

    context: Context
    ports: Ports
    universe: Universe
    command: AnalyzeCommand
    keys: Collection[dg.AssetKey]
    brief: bool

    def log(self, done: Sequence[SymbolAnalysis]) -> None:
        """Logs what was committed; what is derived from nothing must not look as if it were there."""
        stored = [analysis for analysis in done if not analysis.failed and analysis.verdict != "no_bars"]
        logged = [analysis for analysis in stored if analysis.verdict == "ok" or not self.brief]
        log_materializations(self.context, [self._event(done, key) for done in logged for key in self.keys])

    def _event(self, done: SymbolAnalysis, key: dg.AssetKey) -> dg.AssetMaterialization:
        metadata: dict[str, Any] = {"status": done.verdict}
        last = key.path[-1]
        if last == "indicators":
            metadata |= {f"rows_{timeframe}": rows for timeframe, rows in done.indicators.items()}
            metadata["rows_written"] = sum(done.indicators.values())
        elif last == "patterns":
            metadata["new_signals"] = done.signals
        else:
            timeframe = Timeframe(last.removeprefix("bars_"))
            metadata["rows_written"] = done.bars.get(timeframe, 0)
            if timeframe in done.newest:
                metadata["newest_final_bar"] = str(done.newest[timeframe])
        symbols, collected = self.command.symbols, self.command.timeframe
        few = symbols is not None and len(symbols) <= CHARTED_SYMBOLS
        if few and not self.brief and last in {"indicators", "patterns"}:
            metadata["chart"] = analysis_chart_of(self.ports, self.universe, collected, done.symbol)
        return dg.AssetMaterialization(key, partition=done.symbol, metadata=metadata)


def analyze_in_run(
    context: Context,
    ports: Ports,
    universe: Universe,
    command: AnalyzeCommand,
    keys: Collection[dg.AssetKey],
    *,
    brief: bool = False,
) -> tuple[AnalysisReport, dg.Failure | None]:
    """Derives bars, indicators and signals inside a Dagster step.

    Args:
        context: Of the step.
        ports: The installation.
        universe: Whose symbols.
        command: What is asked for.
        keys: Assets whose materializations are logged.
        brief: For runs that come every few minutes: no charts, nothing of symbols of which nothing was due, no report.

    Returns:
        What was done, and why the step has to fail once everything else in it is done (None: it has not).

    Raises:
        dg.Failure: Nothing could be done at all.
    """
    settings = ports.settings
    request = AnalysisRequest(
        universe,
        command.timeframe,
        command.symbols,
        PriceBasis(settings.price_basis),
        settings.pattern_definition,
        command.full_refresh,
        command.since,
        ports.notices.event_channels(Severity.INFO, PATTERN),
        context.run.run_id,
    )
    step = _Step(context, ports, universe, command, keys, brief)
    try:
        report = analyze_bars(
            request, AnalysisPorts(ports.stores.analysis, ports.clock, ports.work), step.log
        )
    except MiraikakakuError as error:
        raise failure(error) from error
    if not brief:
        metadata = hand_back(context, ports, universe, analysis_totals(report))
        for key in keys:
            context.log_event(dg.AssetObservation(key, metadata=metadata))
    return report, _shortfall(report)


def _shortfall(report: AnalysisReport) -> dg.Failure | None:
    if not report.failures:
        return None
    worst = dict(sorted(report.failures.items())[:_WORST])
    return dg.Failure(
        f"{len(report.failures):,} of {counted(report.symbols, 'symbol')} could not be analysed"
        f"{the_rest(report.symbols - len(report.failures), 'stored')}",
        metadata={
            "failed_analyses": len(report.failures),
            "first_failed_analyses": dg.MetadataValue.json(worst),
        },
        allow_retries=False,
    )
