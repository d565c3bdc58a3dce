"""Use case: the self-tests of indicators and patterns, on all bars a user names."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from miraikakaku_assets.application.leakage.bar_inputs import COLLECTED, BarInputs, StoredBars, of_timeframe
from miraikakaku_assets.application.leakage.checks import (
    LookAhead,
    Progress,
    Subject,
    candlestick_subject,
    check_look_ahead,
    indicator_subject,
    measure_warm_up,
)
from miraikakaku_assets.application.leakage.pattern_subjects import (
    check_pattern_look_ahead,
    measure_pattern_warm_up,
    patterns_of,
    title_of,
)
from miraikakaku_assets.domain.errors import WorkFellShortError
from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.patterns.definitions import DEFAULT
from miraikakaku_assets.domain.patterns.frames import TIMEFRAMES

FIRST = 5
"""Symbols that are tested when none is named: what holds for five holds for the function."""


@dataclass(frozen=True)
class LeakageCheckRequest:
    """What a user wants tested: patterns if named, else candlesticks if named, else indicators (none: all).

    Attributes:
        timeframe: Of the bars of indicators and candlesticks.
        definition: Of the patterns.
    """

    timeframe: Timeframe
    indicators: Sequence[str] = ()
    candlesticks: Sequence[str] = ()
    patterns: Sequence[str] = ()
    definition: str = DEFAULT

    @property
    def collected(self) -> tuple[Timeframe, ...]:
        """Timeframes of the collected bars that are needed."""
        return (Timeframe.M5, Timeframe.D1) if self.patterns else (COLLECTED[self.timeframe],)

    @property
    def subject(self) -> Subject:
        """The indicators or candlesticks.

        Raises:
            ConfigurationError: One of them does not exist.
        """
        return (
            candlestick_subject(self.candlesticks)
            if self.candlesticks
            else indicator_subject(self.indicators)
        )


@dataclass
class LookedAhead:
    """Sums of the look-ahead test of several symbols.

    Attributes:
        title: What was tested.
        symbols: On whose bars.
        moments: Past moments, over all symbols.
        compared: Value → how often it was compared.
        signals: Signals that were there to be compared; None where it is not about patterns.
        differences: As `miraikakaku_assets.domain.indicators.leakage.look_ahead`.
    """

    title: str
    symbols: list[str]
    moments: int = 0
    compared: dict[str, int] = field(default_factory=dict)
    signals: int | None = None
    differences: pl.DataFrame = field(default_factory=pl.DataFrame)

    @property
    def values(self) -> int:
        """All values compared."""
        return sum(self.compared.values())

    def add(self, tested: LookAhead) -> None:
        """Adds the test of a symbol."""
        self.moments += tested.moments
        for name, count in tested.compared.items():
            self.compared[name] = self.compared.get(name, 0) + count
        self.differences = pl.concat([self.differences, tested.differences], how="diagonal_relaxed")


@dataclass(frozen=True)
class WarmUp:
    """Results of the warm-up test of several symbols: the worst of them.

    Attributes:
        title: What was tested.
        symbols: On whose bars.
        rows: As `miraikakaku_assets.application.leakage.checks.measure_warm_up`.
    """

    title: str
    symbols: list[str]
    rows: pl.DataFrame


def look_ahead_of(
    request: LeakageCheckRequest, origin: BarInputs, symbols: Sequence[str], moments: int, progress: Progress
) -> LookedAhead:
    """Tests each symbol's values for look-ahead.

    Args:
        request: What is tested.
        origin: Where the bars are.
        symbols: On whose bars; none for the first `FIRST` that have some.
        moments: Past moments per symbol.
        progress: Called before every recomputation.

    Raises:
        ConfigurationError: What is asked for does not exist.
        WorkFellShortError: There are no bars, or too few to compare anything.
    """
    _refuse_unknown(request)
    names = _symbols(request, origin, symbols)
    result = LookedAhead(_title(request), names, signals=0 if request.patterns else None)
    for place, symbol in enumerate(names):
        part = _part(progress, place, len(names))
        if result.signals is None:
            bars = _bars(request, origin, symbol)
            result.add(check_look_ahead(request.subject, bars, moments, part))
        else:
            definition = patterns_of(request.definition, list(request.patterns))
            m5, daily = (origin.bars(symbol, timeframe) for timeframe in request.collected)
            tested, signals = check_pattern_look_ahead(definition, m5, daily, origin.universe, moments, part)
            result.add(tested)
            result.signals += signals
    return result


def warm_up_of(
    request: LeakageCheckRequest, origin: BarInputs, symbols: Sequence[str], starts: int, progress: Progress
) -> WarmUp:
    """Measures the warm-up; arguments and errors as of `look_ahead_of`, `starts` beginnings per symbol."""
    _refuse_unknown(request)
    names = _symbols(request, origin, symbols)
    rows = []
    for place, symbol in enumerate(names):
        symbol_progress = _part(progress, place, len(names))
        if request.patterns:
            definition = patterns_of(request.definition, list(request.patterns))
            for number, timeframe in enumerate(TIMEFRAMES):
                bars = of_timeframe(origin.bars(symbol, COLLECTED[timeframe]), timeframe, origin.universe)
                part = _part(symbol_progress, number, len(TIMEFRAMES))
                rows.append(measure_pattern_warm_up(definition, timeframe, bars, starts, part))
        else:
            rows.append(
                measure_warm_up(request.subject, _bars(request, origin, symbol), starts, symbol_progress)
            )
    return WarmUp(_title(request), names, _worst(pl.concat(rows)))


def _worst(rows: pl.DataFrame) -> pl.DataFrame:
    """The verdict that matters most of all symbols' ones, per value."""
    order = ["too short", "enough", "none in force", "no level", "not reached"]
    rank = pl.col("verdict").replace_strict(order, list(range(len(order))), return_dtype=pl.Int64)
    by = ["value", *(["timeframe"] if "timeframe" in rows.columns else [])]
    ties = [pl.col("ties").sum()] if "ties" in rows.columns else []
    return rows.group_by(by, maintain_order=True).agg(
        pl.col("compared").sum(),
        pl.col("settled_after").max(),
        pl.col("in_force").first(),
        *ties,
        pl.col("verdict").sort_by(rank).first(),
    )


def _refuse_unknown(request: LeakageCheckRequest) -> None:
    """Before any bar is read: a misspelt name is no matter of bars."""
    if request.patterns:
        patterns_of(request.definition, list(request.patterns))
    else:
        request.subject  # noqa: B018 - it raises


def _title(request: LeakageCheckRequest) -> str:
    if request.patterns:
        return title_of(patterns_of(request.definition, list(request.patterns)))
    return f"{request.subject.title} on {request.timeframe}"


def _bars(request: LeakageCheckRequest, origin: BarInputs, symbol: str) -> pl.DataFrame:
    return of_timeframe(origin.bars(symbol, COLLECTED[request.timeframe]), request.timeframe, origin.universe)


def _symbols(request: LeakageCheckRequest, origin: BarInputs, symbols: Sequence[str]) -> list[str]:
    if symbols:
        return list(symbols)
    there = origin.symbols(request.collected[0])[:FIRST]
    if there:
        return there
    if isinstance(origin, StoredBars):
        raise origin.nothing("", request.collected[0])
    raise WorkFellShortError("No row of the file passes the rules, so there is nothing to test")


def _part(progress: Progress, place: int, parts: int) -> Progress:
    """The progress of one of several equal parts."""
    return lambda done, of: progress(place * of + done, parts * of)
