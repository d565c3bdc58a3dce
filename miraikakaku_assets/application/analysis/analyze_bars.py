"""Use case: derive longer bars, indicators and pattern signals from the bars that are stored."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from miraikakaku_assets.application.analysis.analyze_group import Group, analyze_group
from miraikakaku_assets.application.analysis.scope import DERIVED, groups, is_due
from miraikakaku_assets.application.analysis.signal_alerts import with_news
from miraikakaku_assets.application.collection.prefetch import one_ahead
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.analysis import (
    AnalysisListener,
    AnalysisReport,
    AnalysisRequest,
    AnalysisStore,
    Saved,
    Standing,
    SymbolAnalysis,
)
from miraikakaku_assets.application.stage_reports import AnalysisTotals
from miraikakaku_assets.application.work_progress import WorkProgress
from miraikakaku_assets.domain.errors import ConfigurationError, TemporarySymbolError
from miraikakaku_assets.domain.market.sessions import first_open

ROUNDS = 3
"""How often a symbol is tried whose bars change while it is computed: a collection writes each once or twice."""


@dataclass(frozen=True)
class AnalysisPorts:
    """What an analysis needs from outside.

    Attributes:
        store: Holds bars, marks and what is derived.
        clock: Says what time it is.
        work: Counts the symbols.
    """

    store: AnalysisStore
    clock: Clock
    work: WorkProgress = field(default_factory=WorkProgress)


def analyze_bars(
    request: AnalysisRequest, ports: AnalysisPorts, listener: AnalysisListener
) -> AnalysisReport:
    """Brings everything that is derived from collected bars up to date; each group of symbols is one transaction.

    A symbol whose bars cannot be analysed never holds up the others: it is in the report with its error, and its
    mark stays. Killed at any moment, the same call again ends with the same table contents.

    Raises:
        ConfigurationError: Nothing is derived from bars of that timeframe, or there are no such patterns.
        DependencyUnavailableError: The database cannot be reached.
    """
    if request.collected not in DERIVED:
        known = " or ".join(DERIVED)
        raise ConfigurationError(f"Nothing is derived from {request.collected} bars; start from {known}")
    work = _Analysis(request, ports, listener)
    work.run()
    return work.report


def analysis_totals(report: AnalysisReport) -> AnalysisTotals:
    """The counts of an analysis."""
    return AnalysisTotals(
        symbols=report.symbols,
        failed_symbols=len(report.failures),
        verdicts=report.verdicts,
        bars={timeframe.value: rows for timeframe, rows in report.bars.items()},
        indicators={timeframe.value: rows for timeframe, rows in report.indicators.items()},
        new_signals=report.signals,
    )


@dataclass
class _Analysis:
    """One analysis at work."""

    request: AnalysisRequest
    ports: AnalysisPorts
    listener: AnalysisListener
    report: AnalysisReport = field(default_factory=AnalysisReport)

    def run(self) -> None:
        request, store = self.request, self.ports.store
        begin = None
        if request.since is not None and not request.full_refresh:
            begin = first_open(request.universe.calendar, request.since)
        if request.full_refresh or begin is not None:
            store.mark_all(request.universe, request.collected, request.symbols, begin)
        due = self._due(request.symbols)
        for _ in range(ROUNDS):
            moved: list[str] = []
            done = 0
            self.ports.work.count(done, len(due), len(self.report.failures))
            for group, saved in self._saved(due):
                moved += [
                    standing.symbol
                    for standing in group.analysis.standings
                    if standing.symbol not in saved.symbols
                ]
                self._record(_outcomes(group, saved))
                done += len(group.analysis.standings) + len(group.failures)
                self.ports.work.count(done, len(due), len(self.report.failures))
            if not moved:
                return
            due = self._due(moved)  # another analysis may have done it
        self._record([_moving(standing) for standing in due])

    def _due(self, symbols: Sequence[str] | None) -> list[Standing]:
        """What is to be computed; of everything else records that nothing is."""
        standings = self.ports.store.standings(self.request.universe, self.request.collected, symbols)
        due = [standing for standing in standings if is_due(standing, self.request)]
        waiting, known = {standing.symbol for standing in due}, {standing.symbol for standing in standings}
        settled = [
            SymbolAnalysis(standing.symbol, "no_bars" if standing.first is None else "up_to_date")
            for standing in standings
            if standing.symbol not in waiting
        ]
        settled += [SymbolAnalysis(symbol, "no_bars") for symbol in symbols or () if symbol not in known]
        self._record(settled)
        return due

    def _saved(self, due: Sequence[Standing]) -> Iterator[tuple[Group, Saved]]:
        """Each group, once it is stored."""
        # The next group is read and computed while this one is written: their symbols are different, and both
        # sides leave Python alone most of the time.
        with closing(one_ahead(self._computed(due))) as computed:
            for group in computed:
                yield group, self.ports.store.save(group.analysis)

    def _computed(self, due: Sequence[Standing]) -> Iterator[Group]:
        request, store = self.request, self.ports.store
        for standings in groups(due, request.universe, request.collected):
            material = store.material(request.universe, request.collected, standings, request.definition)
            now = self.ports.clock()
            group = analyze_group(request, standings, material, now)
            judgement = group.analysis.judgement
            if judgement is not None:
                judgement = with_news(judgement, material.signals, request, store, now)
                group = replace(group, analysis=replace(group.analysis, judgement=judgement))
            yield group

    def _record(self, outcomes: Sequence[SymbolAnalysis]) -> None:
        if not outcomes:
            return
        for outcome in outcomes:
            self.report.symbols += 1
            self.report.verdicts[outcome.verdict] = self.report.verdicts.get(outcome.verdict, 0) + 1
            self.report.signals += outcome.signals
            for counted, total in (
                (outcome.bars, self.report.bars),
                (outcome.indicators, self.report.indicators),
            ):
                for timeframe, rows in counted.items():
                    total[timeframe] = total.get(timeframe, 0) + rows
            if outcome.error is not None:
                self.report.failures[outcome.symbol] = str(outcome.error)
        self.listener(outcomes)


def _outcomes(group: Group, saved: Saved) -> list[SymbolAnalysis]:
    """What became of the symbols of a group, but for those whose bars have changed meanwhile."""
    analysis = group.analysis
    counted = [
        {timeframe: dict(frame.group_by("symbol").len().iter_rows()) for timeframe, frame in frames.items()}
        for frames in (analysis.bars, analysis.indicators)
    ]
    outcomes = [SymbolAnalysis(symbol, error.kind, error=error) for symbol, error in group.failures.items()]
    for standing in analysis.standings:
        if standing.symbol in saved.symbols:
            bars, indicators = (
                {timeframe: rows.get(standing.symbol, 0) for timeframe, rows in counts.items()}
                for counts in counted
            )
            newest = {
                timeframe: starts[standing.symbol]
                for timeframe, starts in group.newest.items()
                if standing.symbol in starts
            }
            verdict = "no_bars" if standing.first is None else "ok"
            new = saved.signals.get(standing.symbol, 0)
            outcomes.append(SymbolAnalysis(standing.symbol, verdict, bars, indicators, new, newest))
    return outcomes


def _moving(standing: Standing) -> SymbolAnalysis:
    explanation = f"its bars changed {ROUNDS} times while they were analysed; the next analysis takes them up"
    error = TemporarySymbolError(standing.symbol, "bars_changed", explanation)
    return SymbolAnalysis(standing.symbol, error.kind, error=error)
