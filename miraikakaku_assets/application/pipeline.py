"""Use case: the stages of a universe in their order, which failure may go on, and what counts as one.

Every face drives this one. It starts runs through the port `StageRunner` and keeps the account of what came of them.
Kept light: every command line loads it.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from miraikakaku_assets.application.commands import (
    ALL_MARKETS,
    AnalyzeCommand,
    CheckQualityCommand,
    CollectCommand,
    CollectCurveCommand,
    MonitorCommand,
    PredictCommand,
    R,
    RepairCoverageCommand,
    ReportCoverageCommand,
    ReviewCommand,
    ScoreCommand,
    StageCommand,
    TrainCommand,
    UpdateMasterCommand,
)
from miraikakaku_assets.application.reference.unknown_symbols import nothing_done, sort_out_unknown
from miraikakaku_assets.application.stage_reports import ERROR, PriceTotals, QualityTotals, UnknownSymbols
from miraikakaku_assets.application.stage_runs import StageEnd, StageListener, StageRun, StageRunner
from miraikakaku_assets.domain.errors import (
    DependencyUnavailableError,
    MiraikakakuError,
    SourcePausedError,
    WorkFellShortError,
)
from miraikakaku_assets.domain.market.instruments import JP, UNIVERSES, US
from miraikakaku_assets.domain.words import counted, lasting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, timedelta

    from miraikakaku_assets.application.ports import Clock, MasterStore
    from miraikakaku_assets.application.ports.forecasts import ForecastStore
    from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

_FEW = 20
"""Symbols up to which forecasts are shown one by one."""
_FEWER = 5
"""Broken rules that an error names."""
_GOES_ON = (CollectCommand, CollectCurveCommand, AnalyzeCommand, PredictCommand, RepairCoverageCommand)
"""Of these a part may fail: the rest is still worth the next stage."""


class StageFailedError(MiraikakakuError):
    """A stage has failed that leaves nothing to go on with; the account of the pipeline says why."""


@dataclass(frozen=True)
class PipelinePorts:
    """What a pipeline needs beside its runs.

    Attributes:
        masters: Which symbols there are.
        named_symbols: Universe's name → symbols that the settings name.
        forecasts: Holds forecasts.
        pause_left: How long the source's pause still lasts; None: it is not paused.
        clock: Where the time comes from.
        has_curve: Whether there is a source of the copper curve.
    """

    masters: MasterStore
    named_symbols: Callable[[str], Sequence[str]]
    forecasts: ForecastStore
    pause_left: Callable[[], timedelta | None]
    clock: Clock
    has_curve: bool = False


class Pipeline:
    """The stages of some universes, and the account of them.

    Each stage is done, entered into the account and shown. One that fails raises `StageFailedError` unless what it has
    done is worth the next stage all the same.

    Attributes:
        account: The stages so far.
    """

    def __init__(self, runner: StageRunner, ports: PipelinePorts, listener: StageListener) -> None:
        self.account: list[StageEnd] = []
        self._runner = runner
        self._ports = ports
        self._listener = listener

    @property
    def failed(self) -> list[StageEnd]:
        """Stages that do not count as done."""
        return [stage for stage in self.account if not stage.succeeded]

    @property
    def exit_code(self) -> int:
        """That of the worst stage."""
        return max((stage.exit_code for stage in self.account), default=0)

    def run_all(
        self,
        universe: Universe,
        symbols: Sequence[str] | None,
        limit: int,
        since: date | None,
        until: date | None,
    ) -> None:
        """Master → prices → curve → timeframes, indicators and patterns → predictions → coverage.

        Symbols that nobody knows fail in the collection, which names them; the stages after it are not asked for them.

        Args:
            universe: Whose.
            symbols: None stands for all.
            limit: Only the first so many listed symbols; 0 for `symbols`.
            since: First session of the collection and the coverage.
            until: Their last session.
        """
        if universe.has_master:
            self.update_master(universe, UpdateMasterCommand())
        symbols = self.chosen(universe, symbols, limit)
        self.collect(universe, CollectCommand(symbols, since, until))
        self.collect_curve(universe)
        known, unknown = self._sorted_out(universe, symbols)
        if known or not unknown:
            self.analyze(universe, AnalyzeCommand(known))
            self.predict(universe, PredictCommand(known))
        self.report_coverage(universe, ReportCoverageCommand(since, until))

    def chosen(self, universe: Universe, symbols: Sequence[str] | None, limit: int) -> Sequence[str] | None:
        """The symbols; with a limit, the first of the list in force, or of those the settings name."""
        if not limit:
            return symbols
        masters = self._ports.masters
        if not universe.has_master:
            masters.ensure_named(universe, self._ports.named_symbols(universe.name), self._ports.clock())
        return [instrument.symbol for instrument in masters.instruments(universe)][:limit]

    def update_master(self, universe: Universe, command: UpdateMasterCommand) -> None:
        """Updates the stock master."""
        self._enter(universe, command, self._run(universe, command))

    def collect(self, universe: Universe, command: CollectCommand) -> None:
        """Collects bars; a source that has delivered nothing at all is doubted."""
        run = self._run(universe, command)
        self._enter(universe, command, run, doubt=_no_row(run.report), collected=command.timeframe)

    def collect_curve(self, universe: Universe) -> None:
        """Collects the curve of a universe that has one; the others go on without."""
        if universe.has_curve and self._ports.has_curve:
            command = CollectCurveCommand()
            self._enter(universe, command, self._run(universe, command))

    def analyze(
        self, universe: Universe, command: AnalyzeCommand, timeframes: Sequence[Timeframe] = ()
    ) -> None:
        """Derives timeframes, indicators and patterns; without a stored bar of any symbol that counts as failed.

        Args:
            universe: Whose.
            command: What is asked for; its timeframe does not count.
            timeframes: Collected bars to start from; none named: all that the universe has.
        """
        known, unknown = self._sorted_out(universe, command.symbols)
        self._refuse(universe, command, unknown, "analysed")
        if unknown and not known:
            return
        verdicts = set[str]()
        timeframes = timeframes or universe.collected
        for timeframe in timeframes:
            part = replace(command, symbols=known, timeframe=timeframe)
            run = self._run(universe, part)
            verdicts |= set(run.report.verdicts) if run.report else set()
            bare = timeframe is timeframes[-1] and not verdicts - {"no_bars"}
            doubt = _no_bars(universe, known) if bare else None
            self._enter(universe, part, run, doubt=doubt, collected=timeframe)

    def train(self, universe: Universe, command: TrainCommand) -> None:
        """Trains the forecast models."""
        self._enter(universe, command, self._run(universe, command))

    def predict(self, universe: Universe, command: PredictCommand) -> None:
        """Forecasts the next sessions, and scores what came of earlier forecasts."""
        known, unknown = self._sorted_out(universe, command.symbols)
        self._refuse(universe, command, unknown, "forecast")
        if unknown and not known:
            return
        command = replace(command, symbols=known)
        run, forecasts = self._run(universe, command), None
        if known is not None and len(known) <= _FEW and run.report:
            from miraikakaku_assets.application.forecasting.view import show_forecasts

            store = self._ports.forecasts.at(command.clock)
            forecasts = show_forecasts(universe, store, run.report.as_of, known)
        self._enter(universe, command, run, forecasts=forecasts)
        self._enter(universe, ScoreCommand(), self._run(universe, ScoreCommand()))

    def report_coverage(self, universe: Universe, command: ReportCoverageCommand) -> None:
        """Checks coverage and writes the report."""
        self._enter(universe, command, self._run(universe, command))

    def repair_coverage(self, universe: Universe, command: RepairCoverageCommand) -> None:
        """Asks again for what is missing."""
        self._enter(universe, command, self._run(universe, command))

    def check_all(self) -> None:
        """Checks the coverage of every universe that is collected, one after the other, and reports all of them.

        What falls short of a floor or a threshold counts as failed.
        """
        masters = self._ports.masters
        collected = [market for market in UNIVERSES.values() if masters.instruments(market)]
        for market in collected:
            with suppress(StageFailedError):  # the account has it; the others are checked all the same
                self.report_coverage(market, ReportCoverageCommand())
        command = MonitorCommand()
        run = self._run(ALL_MARKETS, command)
        doubt = "; ".join(run.report.shortfalls) if run.report else None
        self._enter(ALL_MARKETS, command, run, doubt=doubt)

    def maintain_daily(self) -> None:
        """The US list, then `check_all`; without the list the coverage is checked all the same."""
        with suppress(StageFailedError):
            self.update_master(US, UpdateMasterCommand())
        self.check_all()

    def maintain_weekly(self) -> None:
        """The list of Tokyo, then the daily work, then the review of the week."""
        with suppress(StageFailedError):
            self.update_master(JP, UpdateMasterCommand())
        with suppress(StageFailedError):
            self.maintain_daily()
        command = ReviewCommand("weekly")
        self._enter(ALL_MARKETS, command, self._run(ALL_MARKETS, command))

    def check_quality(self, universe: Universe, command: CheckQualityCommand) -> None:
        """Judges stored data; broken suites count as failed, doubts about series and days do not."""
        run = self._run(universe, command)
        self._enter(universe, command, run, doubt=_broken(run.report))

    def _run(self, universe: Universe, command: StageCommand[R]) -> StageRun[R]:
        run_id = str(uuid.uuid4())
        with self._listener.at_work(universe, run_id, command):
            return self._runner.run(universe, run_id, command)

    def _sorted_out(
        self, universe: Universe, symbols: Sequence[str] | None
    ) -> tuple[list[str] | None, list[str]]:
        named = self._ports.named_symbols(universe.name)
        return sort_out_unknown(universe, symbols, self._ports.masters, named)

    def _refuse(
        self, universe: Universe, command: StageCommand[Any], unknown: Sequence[str], done: str
    ) -> None:
        """Enters symbols that nobody knows as a stage that has failed, before anything is at work."""
        if unknown:
            report = UnknownSymbols(len(unknown), {"not_in_master": len(unknown)}, tuple(unknown))
            error, code = nothing_done(universe, unknown, done), WorkFellShortError.exit_code
            stage = command.reports.stage
            self._end(StageEnd(universe.name, stage, None, error, code, report=report))

    def _enter(
        self,
        universe: Universe,
        command: StageCommand[R],
        run: StageRun[R],
        *,
        doubt: str | None = None,
        **more: Any,
    ) -> None:
        """Enters what came of a run.

        Args:
            universe: Whose.
            command: Of the stage.
            run: How it ended.
            doubt: Why it does not count as done although the run has succeeded.
            **more: Fields of the entry.

        Raises:
            StageFailedError: Nothing is left to go on with.
        """
        error, code = run.error, run.exit_code
        if run.succeeded and doubt:
            error, code = doubt, WorkFellShortError.exit_code
        elif code == SourcePausedError.exit_code:
            error = f"{error}{self._still_paused()}"
        stage = command.reports.stage
        self._end(StageEnd(universe.name, stage, run.run_id, error, code, report=run.report, **more))
        if not run.succeeded and not (isinstance(command, _GOES_ON) and run.report):
            raise StageFailedError(error or f"{stage} failed")

    def _end(self, stage: StageEnd) -> None:
        self.account.append(stage)
        self._listener.ended(stage)

    def _still_paused(self) -> str:
        """How long the source's pause still lasts, in brackets; nothing without one, or without a database."""
        try:
            left = self._ports.pause_left()
        except DependencyUnavailableError:
            return ""
        return "" if left is None else f" ({lasting(left.total_seconds())} left)"


def _no_row(report: PriceTotals | None) -> str | None:
    """Why a collection without a single row is doubted; None if it is right.

    What was reused had its rows: the window is right, whatever the few that were asked for have none of.
    """
    if report is None or report.rows_read or report.verdicts.get("reused") or not report.symbols:
        return None
    return f"The source delivered no row for {counted(report.symbols, 'symbol')}; is the window right?"


def _broken(report: QualityTotals | None) -> str | None:
    """Which rules of suites are broken, in one sentence; None where none is."""
    broken = [] if report is None else [rule for rule in report.broken if rule["kind"] == ERROR]
    if report is None or not broken:
        return None
    named = ", ".join(f"{rule['check']}.{rule['rule']}" for rule in broken[:_FEWER])
    more = f" and {len(broken) - _FEWER} more" if len(broken) > _FEWER else ""
    count = counted(len(broken), "rule is", "rules are")
    return f"{count} broken by what is stored up to {report.batch}: {named}{more}"


def _no_bars(universe: Universe, symbols: Sequence[str] | None) -> str:
    whose = "the named symbols" if symbols else universe.name
    return f"No bars of {whose} are stored, so nothing was analysed; `miraikakaku collect` fetches them"
