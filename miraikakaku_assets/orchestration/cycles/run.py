"""One five-minute cycle in one short run: collect → timeframes → indicators → patterns → notify.

No charts: 0.3 s and 20 KB for each pair in every cycle would be most of its time and of the event log.

A part that fails never keeps the next from its work: what is stored is analysed although a symbol could not be
collected, and notifications go out although an analysis failed. The run ends red with every reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import dagster as dg

from miraikakaku_assets.application.collection.plan_cycle import daily_due
from miraikakaku_assets.application.commands import AnalyzeCommand, CollectCommand
from miraikakaku_assets.application.ports.cycles import CycleEnd
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.market.instruments import COLLECTED_TIMEFRAMES, Timeframe, Universe
from miraikakaku_assets.orchestration.analysis.run import analyze_in_run, derived_keys, indicators_key
from miraikakaku_assets.orchestration.cycles.notices import deliver, judge
from miraikakaku_assets.orchestration.failures import failure, raise_all
from miraikakaku_assets.orchestration.prices.assets import prices_key
from miraikakaku_assets.orchestration.prices.collection import collect_in_run

CYCLE_TAG = "miraikakaku/cycle"
"""Tag of the runs that come every five minutes, whoever starts them; its value is the universe's name."""


def run_cycle(
    context: dg.OpExecutionContext, ports: Ports, universe: Universe, symbols: Sequence[str]
) -> None:
    """Does what is due for these symbols.

    Raises:
        dg.Failure: Something failed; everything else was done before.
    """
    number = ports.notices.cycles.begin(universe.name, context.run.run_id, ports.clock())
    cycle = _Cycle(context, ports, universe, symbols)
    try:
        cycle.collect()
        cycle.analyze()
    except BaseException as error:  # it was stopped from outside: whoever did it knows
        cycle.break_off(error)
        ports.notices.cycles.end(number, cycle.end())
        raise
    ports.notices.cycles.end(number, cycle.end())
    cycle.attempt(lambda: judge(ports, universe))
    cycle.attempt(lambda: deliver(context, ports))
    raise_all(cycle.shortfalls)


@dataclass
class _Cycle:
    """A cycle at work."""

    context: dg.OpExecutionContext
    ports: Ports
    universe: Universe
    symbols: Sequence[str]
    failed: set[str] = field(default_factory=set)
    bars: int = 0
    indicators: int = 0
    signals: int = 0
    shortfalls: list[dg.Failure] = field(default_factory=list)
    error: str | None = None

    def collect(self) -> None:
        """Five-minute bars, and daily bars of what lacks them."""
        self.attempt(self._collect_daily)
        self.attempt(lambda: self._collect(Timeframe.M5, self.symbols))

    def analyze(self) -> None:
        """Daily bars first: the patterns read them."""
        for timeframe in COLLECTED_TIMEFRAMES:
            self.attempt(lambda collected=timeframe: self._analyze(collected))  # type: ignore[misc]

    def break_off(self, error: BaseException) -> None:
        """Notes that it did not come to its end: no symbol is done for certain."""
        self.failed.update(self.symbols)
        lines = str(error).strip().splitlines()
        self.error = f"{type(error).__name__}: {lines[0] if lines else 'it was stopped before its end'}"

    def end(self) -> CycleEnd:
        """What it has done."""
        reasons = [str(shortfall.description) for shortfall in self.shortfalls]
        return CycleEnd(
            ended_at=self.ports.clock(),
            symbols=len(self.symbols),
            succeeded=len(set(self.symbols) - self.failed),
            bars=self.bars,
            indicators=self.indicators,
            signals=self.signals,
            error=self.error or "; ".join(reasons) or None,
        )

    def attempt(self, part: Callable[[], dg.Failure | None]) -> None:
        """Does a part; whatever breaks it off is a reason for the run to end red, and none to leave out the next."""
        try:
            shortfall = part()
        except Exception as error:  # noqa: BLE001 - a defect in one part must not keep the others from their work
            self.failed.update(self.symbols)  # nothing of it was done for certain
            shortfall = self._why(error)
        if shortfall is not None:
            self.shortfalls.append(shortfall)

    def _why(self, error: Exception) -> dg.Failure:
        if isinstance(error, dg.Failure):
            return error
        if isinstance(error, MiraikakakuError):
            return failure(error)
        self.context.log.error("A part of the cycle broke off", exc_info=error)
        lines = str(error).strip().splitlines()
        return dg.Failure(
            f"{type(error).__name__}: {lines[0] if lines else 'no explanation'}", allow_retries=False
        )

    def _collect_daily(self) -> dg.Failure | None:
        due = daily_due(self.universe, self.symbols, self.ports.stores.bars, self.ports.clock())
        return self._collect(Timeframe.D1, due) if due else None

    def _collect(self, timeframe: Timeframe, symbols: Sequence[str]) -> dg.Failure | None:
        key = prices_key(self.universe, timeframe)
        # All of it: after a cycle in which one symbol failed, the next would take what the others have for new enough.
        command = CollectCommand(symbols, timeframe=timeframe, full_refresh=True)
        report, shortfall = collect_in_run(self.context, self.ports, self.universe, command, key, brief=True)
        self.bars += report.inserted + report.restated
        self.failed.update(report.failures)
        return shortfall

    def _analyze(self, collected: Timeframe) -> dg.Failure | None:
        keys = derived_keys(self.universe, collected)
        if collected is Timeframe.M5:
            keys = (*keys, indicators_key(self.universe))
        command = AnalyzeCommand(self.symbols, collected)
        report, shortfall = analyze_in_run(self.context, self.ports, self.universe, command, keys, brief=True)
        self.bars += sum(report.bars.values())
        self.indicators += sum(report.indicators.values())
        self.signals += report.signals
        self.failed.update(report.failures)
        return shortfall
