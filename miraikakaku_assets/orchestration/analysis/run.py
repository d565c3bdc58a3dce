"""How an analysis shows itself in Dagster: materializations of derived assets, and an honest end.

Shared by the partitioned assets, the job for any list of symbols and the five-minute cycle.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg

from miraikakaku_assets.application.analysis.analyze_bars import AnalysisPorts, analyze_bars
from miraikakaku_assets.application.analysis.scope import DERIVED
from miraikakaku_assets.application.ports.analysis import AnalysisReport, AnalysisRequest, SymbolAnalysis
from miraikakaku_assets.application.ports.notices import Severity
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.bars.price_basis import PriceBasis
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.words import counted, the_rest
from miraikakaku_assets.orchestration.analysis.charts import analysis_chart_of
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.instance.batched_events import log_materializations

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
class AnalysisWanted:
    """What a step asks for.

    Attributes:
        universe: Whose symbols.
        collected: 1d or 5m.
        symbols: Symbols; None for all that have bars.
        keys: Assets whose materializations are logged.
        since: Session (exchange date) from which on everything is computed anew; None does what is due.
        again: Compute everything anew, from the first bar on.
        only_changed: Say nothing of symbols of which nothing was due; for runs that come every few minutes.
        charts: Whether a run of few symbols carries a chart each.
    """

    universe: Universe
    collected: Timeframe
    symbols: Sequence[str] | None
    keys: Collection[dg.AssetKey]
    since: date | None = None
    again: bool = False
    only_changed: bool = False
    charts: bool = True


def analyze_in_run(
    context: dg.AssetExecutionContext | dg.OpExecutionContext, ports: Ports, wanted: AnalysisWanted
) -> tuple[AnalysisReport, dg.Failure | None]:
    """Derives bars, indicators and signals inside a Dagster step.

    Returns:
        What was done, and why the step has to fail once everything else in it is done (None: it has not).

    Raises:
        dg.Failure: Nothing could be done at all.
    """
    said = ports.settings
    request = AnalysisRequest(
        wanted.universe,
        wanted.collected,
        wanted.symbols,
        PriceBasis(said.price_basis),
        said.pattern_definition,
        wanted.again,
        wanted.since,
        ports.channels.names_for(Severity.INFO),
        context.run.run_id,
    )

    def listener(done: Sequence[SymbolAnalysis]) -> None:
        # What is derived from nothing must not look as if it were there.
        there = [one for one in done if not one.failed and one.verdict != "no_bars"]
        told = [one for one in there if one.verdict == "ok" or not wanted.only_changed]
        log_materializations(context, [event for one in told for event in _events(ports, wanted, one)])

    try:
        report = analyze_bars(request, AnalysisPorts(ports.analysis, ports.clock, ports.work), listener)
    except MiraikakakuError as error:
        raise failure(error) from error
    if not wanted.only_changed:
        _totals(context, wanted, report)
    return report, _shortfall(report)


def _events(ports: Ports, wanted: AnalysisWanted, done: SymbolAnalysis) -> list[dg.AssetMaterialization]:
    return [
        dg.AssetMaterialization(key, partition=done.symbol, metadata=_metadata(ports, wanted, key, done))  # type: ignore[arg-type]
        for key in wanted.keys
    ]


def _metadata(
    ports: Ports, wanted: AnalysisWanted, key: dg.AssetKey, done: SymbolAnalysis
) -> dict[str, object]:
    metadata: dict[str, object] = {"status": done.verdict}
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
    few = wanted.symbols is not None and len(wanted.symbols) <= CHARTED_SYMBOLS
    if wanted.charts and few and last in {"indicators", "patterns"}:
        metadata["chart"] = analysis_chart_of(ports, wanted.universe, wanted.collected, done.symbol)
    return metadata


def _totals(
    context: dg.AssetExecutionContext | dg.OpExecutionContext, wanted: AnalysisWanted, report: AnalysisReport
) -> None:
    totals: dict[str, object] = {
        "symbols": report.symbols,
        "failed_symbols": len(report.failures),
        "verdicts": report.verdicts,
        "bars": {str(timeframe): rows for timeframe, rows in report.bars.items()},
        "indicators": {str(timeframe): rows for timeframe, rows in report.indicators.items()},
        "new_signals": report.signals,
    }
    for key in wanted.keys:
        context.log_event(dg.AssetObservation(key, metadata=totals))  # type: ignore[arg-type]


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
