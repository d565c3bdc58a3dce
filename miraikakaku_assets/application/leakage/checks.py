"""Use case: does an indicator or pattern know the future, and how much past does it need?

Whatever is put to the test is a function from bars to values, run again on less of the bars: with the future cut
off, or with a history that begins later. It is run as it is in production; nothing is taken from the tables.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from miraikakaku_assets.domain.errors import ConfigurationError, WorkFellShortError
from miraikakaku_assets.domain.indicators.candlesticks import candlesticks, pattern_names
from miraikakaku_assets.domain.indicators.compute import compute
from miraikakaku_assets.domain.indicators.definitions import COLUMNS, NEEDED_HISTORY, SETTLED, WITHOUT_LEVEL
from miraikakaku_assets.domain.indicators.leakage import BarFunction, look_ahead, warm_up_sensitivity

Progress = Callable[[int, int], None]
"""Called with how many recomputations of how many are done."""

_FEWEST = 10  # bars


@dataclass(frozen=True)
class Subject:
    """What is put to the test.

    Attributes:
        title: For people, e.g. ``rsi_14``.
        function: It, as it is in production.
        unwarmed: The same without a warm-up, one value per bar from the first one that can be computed.
        in_force: Value → bars, its own included, before production shows it; values that are not in it have none.
        events: Whether it speaks on some bars only: then the moments of the test are half those bars.
    """

    title: str
    function: BarFunction
    unwarmed: BarFunction
    in_force: Mapping[str, int] = field(default_factory=dict)
    events: bool = False


def indicator_subject(names: Sequence[str] = ()) -> Subject:
    """Indicators by their names; all for none.

    Raises:
        ConfigurationError: One of them does not exist.
    """
    chosen = _named("indicator", names or COLUMNS, COLUMNS)
    return Subject(
        title=", ".join(chosen) if len(chosen) < len(COLUMNS) else f"all {len(COLUMNS)} indicators",
        function=lambda bars: compute(bars, chosen),
        unwarmed=lambda bars: compute(bars, chosen, history={}),
        in_force={name: NEEDED_HISTORY[name] for name in chosen},
    )


def candlestick_subject(names: Sequence[str]) -> Subject:
    """TA-Lib's candlestick patterns by their names; ``all`` for all.

    Raises:
        ConfigurationError: One of them does not exist.
    """
    every = pattern_names()
    chosen = every if list(names) == ["all"] else _named("candlestick pattern", names, [*every, "all"])
    return Subject(
        title=f"{'all ' if len(chosen) == len(every) else ''}{len(chosen)} candlestick patterns"
        if len(chosen) > 1
        else f"candlestick pattern {chosen[0]}",
        function=lambda bars: _strengths(bars, chosen),
        unwarmed=lambda bars: _at_every_bar(bars, chosen),
        events=True,
    )


def _named(kind: str, names: Sequence[str], known: Collection[str]) -> list[str]:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigurationError(f"There is no {kind} {unknown[0]!r}; choose from: {', '.join(known)}")
    return list(dict.fromkeys(names))


def _strengths(bars: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """One column per pattern that was found: its strength, negative for a bearish one, null where it is not."""
    rows = candlesticks(bars).filter(pl.col("pattern").is_in(names))
    signed = pl.when(pl.col("direction") == "bearish").then(-pl.col("strength")).otherwise("strength")
    return rows.with_columns(signed).pivot(on="pattern", index=["symbol", "ts"], values="strength")


def _at_every_bar(bars: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The same at every bar, with 0 where nothing was found: an absence that depends on the start shows, too."""
    strengths = bars.select("symbol", "ts").join(_strengths(bars, names), on=["symbol", "ts"], how="left")
    absent = [pl.lit(None, pl.Int16).alias(name) for name in names if name not in strengths.columns]
    return strengths.with_columns(absent).select("symbol", "ts", pl.col(names).fill_null(0))


@dataclass(frozen=True)
class LookAhead:
    """What computing again at past moments has found.

    Attributes:
        moments: How many there were.
        compared: Value → how many of its values were computed again and compared, over all moments.
        differences: As `miraikakaku_assets.domain.indicators.leakage.look_ahead`.
    """

    moments: int
    compared: Mapping[str, int]
    differences: pl.DataFrame

    @property
    def values(self) -> int:
        """All values compared."""
        return sum(self.compared.values())


def check_look_ahead(
    subject: Subject, bars: pl.DataFrame, moments: int, progress: Progress = lambda _done, _of: None
) -> LookAhead:
    """Computes a subject again as of past moments, with all later bars cut off.

    Args:
        subject: What is put to the test.
        bars: ``symbol``, ``ts`` (UTC), the prices and ``volume`` of one timeframe, sorted by symbol and ts.
        moments: How many, spread over the bars.
        progress: Called before every moment.

    Raises:
        WorkFellShortError: There are too few bars to cut, or nothing was there to compare.
    """
    runs = _Counted(subject.function)
    whole = runs(bars)
    chosen = moments_of(bars, whole["ts"] if subject.events else None, moments)
    differences = look_ahead(runs, bars, announced(chosen, progress))
    result = LookAhead(len(chosen), runs.counts, differences)
    if not result.values and differences.is_empty():
        raise WorkFellShortError(
            f"{subject.title} has no value in {bars.height:,} bars, so nothing was compared; take a longer history"
        )
    return result


class _Counted:
    """A function that counts the values it gives, its first two runs with hindsight left out."""

    def __init__(self, function: BarFunction) -> None:
        self._function = function
        self._runs = 0
        self.counts: dict[str, int] = {}

    def __call__(self, bars: pl.DataFrame) -> pl.DataFrame:
        values = self._function(bars)
        self._runs += 1
        numbers = [name for name, kind in values.schema.items() if kind.is_numeric()]
        for name in numbers:
            there = values[name].count() if self._runs > 2 else 0  # noqa: PLR2004 - see the docstring
            self.counts[name] = self.counts.get(name, 0) + there
        return values


def moments_of(
    bars: pl.DataFrame, events: pl.Series | None, count: int, edges: pl.Series | None = None
) -> list[datetime]:
    """Past moments to test: starts of the last bar that is known (UTC), the very last bar left out.

    Args:
        bars: What is cut.
        events: Starts of bars on which something shows; half of the moments are among them.
        count: How many at most; the others are spread from the first tenth of the bars on.
        edges: Starts of bars with which longer ones end, where a value that is known too early shows; half of the
            others are among them. Those that are no bars are passed over.

    Raises:
        WorkFellShortError: There are too few bars.
    """
    stamps = bars["ts"].unique().sort()
    first = len(stamps) // 10
    free = stamps.slice(first, max(len(stamps) - first - 1, 0))
    if len(free) < _FEWEST:
        raise WorkFellShortError(
            f"{len(stamps)} bars are too few to cut the future off; take a longer history"
        )
    shown = stamps.head(0) if events is None else events.filter(events < stamps[-1]).unique().sort()
    chosen = _spread(shown, count // 2)
    if edges is not None:
        rest = free.filter(free.is_in(edges.implode()) & ~free.is_in(chosen))
        chosen += _spread(rest, (count - len(chosen)) // 2)
    others = free.filter(~free.is_in(chosen))
    return sorted([*chosen, *_spread(others, count - len(chosen))])


def _spread(values: pl.Series, count: int) -> list[datetime]:
    if values.is_empty() or count < 1:
        return []
    places = {round((number + 1) * (len(values) - 1) / count) for number in range(count)}
    return values.gather(sorted(places)).to_list()


def announced(moments: Sequence[datetime], progress: Progress) -> Iterator[datetime]:
    """The moments, each announced when the one before it is done."""
    for done, moment in enumerate(moments):
        progress(done, len(moments))
        yield moment
    progress(len(moments), len(moments))


def measure_warm_up(
    subject: Subject, bars: pl.DataFrame, starts: int, progress: Progress = lambda _done, _of: None
) -> pl.DataFrame:
    """Lets the history begin later and says from how many bars on that is no longer felt.

    Args:
        subject: What is put to the test; without its warm-up.
        bars: As for `check_look_ahead`.
        starts: How many other beginnings, spread over the first half of the bars.
        progress: Called before every beginning.

    Returns:
        One row per value: ``value``, ``compared`` (values both histories have), ``settled_after`` (bars of the
        shorter history, the value's own included, from which on both agree to `SETTLED`, in the worst case; null
        if they did not agree at the end of the bars), ``in_force`` (bars before production shows it; null for
        none) and ``verdict``: ``enough``, ``too short``, ``not reached`` (the bars end before the warm-up does),
        ``none in force`` or ``no level``.

    Raises:
        WorkFellShortError: There are too few bars to leave some out.
    """
    length = bars.group_by("symbol").len()["len"].to_list()
    shortest = min(length, default=0)
    begin = beginnings(shortest, starts)
    parts = []
    for done, start in enumerate(begin):
        progress(done, len(begin))
        felt = warm_up_sensitivity(subject.unwarmed, bars, [start], SETTLED)
        parts.append(felt.with_columns(left=pl.lit(shortest - start)))
    progress(len(begin), len(begin))
    return _judged(pl.concat(parts), subject.in_force)


def beginnings(length: int, count: int) -> list[int]:
    """Numbers of first bars to leave out, spread over the first half.

    Raises:
        WorkFellShortError: There are too few bars.
    """
    begin = sorted({(number + 1) * length // (2 * count) for number in range(count)} - {0})
    if not begin:
        raise WorkFellShortError(
            f"{length} bars are too few to leave some of them out; take a longer history"
        )
    return begin


def _judged(felt: pl.DataFrame, in_force: Mapping[str, int]) -> pl.DataFrame:
    known = pl.DataFrame(
        {"column": list(in_force), "in_force": list(in_force.values())},
        schema={"column": pl.String, "in_force": pl.Int64},
    )
    rows = felt.join(known, on="column", how="left", maintain_order="left")
    # A history that ends before the warm-up does says nothing about it, unless it has settled all the same.
    reached = pl.col("in_force").fill_null(0) <= pl.col("left")
    settled = pl.col("settled_after")
    telling = reached | settled.is_not_null()
    measured = rows.group_by("column", "in_force", maintain_order=True).agg(
        compared=pl.col("compared").sum().cast(pl.Int64),
        settled_after=pl.when(settled.filter(telling).is_not_null().all()).then(settled.max()).cast(pl.Int64),
        reached=reached.any(),
    )
    verdict = (
        pl.when(pl.col("column").is_in(WITHOUT_LEVEL))
        .then(pl.lit("no level"))
        .when(pl.col("settled_after") <= pl.col("in_force").fill_null(2**62))
        .then(pl.when(pl.col("in_force").is_null()).then(pl.lit("none in force")).otherwise(pl.lit("enough")))
        .when("reached")
        .then(pl.lit("too short"))
        .otherwise(pl.lit("not reached"))
    )
    return measured.select(
        value="column",
        compared="compared",
        settled_after="settled_after",
        in_force="in_force",
        verdict=verdict,
    )
