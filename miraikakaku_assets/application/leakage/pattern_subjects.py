"""The six patterns as subjects of a self-test: from five-minute and daily bars to signals, all anew.

Between the bars and a signal lie the 1h and 4h bars, the indicators of four timeframes, the conditions and the
cool-down. A look-ahead anywhere in that chain shows, because the whole of it is run again from the bars that are
left. Not only signals are compared, which are few, but also every condition on every bar and every value it is made
of: the first definition's patterns 1 to 3 never show, and are put to the test all the same.
"""

from dataclasses import dataclass, replace

import polars as pl

from miraikakaku_assets.application.leakage.bar_inputs import of_timeframe
from miraikakaku_assets.application.leakage.checks import (
    LookAhead,
    Progress,
    announced,
    beginnings,
    moments_of,
)
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.indicators.compute import compute
from miraikakaku_assets.domain.indicators.definitions import SETTLED
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import SLOT
from miraikakaku_assets.domain.patterns.definitions import definition_of
from miraikakaku_assets.domain.patterns.detection import EARLIEST, SIGNALS, signals_in
from miraikakaku_assets.domain.patterns.frames import INPUTS, TIMEFRAMES, Frames
from miraikakaku_assets.domain.patterns.history import PATTERN_HISTORY, READ_HISTORY
from miraikakaku_assets.domain.patterns.pattern import Conditions, Definition
from miraikakaku_assets.domain.patterns.states import Reading, read, states, way

SIGNAL = "signal"
"""Name of the table of signals in `judged`."""

KNOWN = "known"
"""Moment (UTC) from which a value was known: the end of its bar."""

_KEYS = ("symbol", KNOWN, "side", "evidence")
_UTC = pl.Datetime("us", "UTC")
_DIFFERENCES: dict[str, pl.DataType] = {
    "moment": _UTC,
    "symbol": pl.String(),
    "ts": _UTC,
    "of": pl.String(),
    "side": pl.String(),
    "evidence": pl.String(),
    "column": pl.String(),
    "then": pl.Float64(),
    "now": pl.Float64(),
}

_INDICATORS = INPUTS[4:]


def patterns_of(definition: str, numbers: list[str]) -> Definition:
    """A definition with some of its patterns; ``all`` for all.

    Raises:
        ConfigurationError: There is no such definition, or no such pattern in it.
    """
    whole = definition_of(definition)
    known = list(dict.fromkeys(pattern.number for pattern in whole.patterns))
    unknown = [number for number in numbers if number not in known]
    if numbers == ["all"]:
        return whole
    if unknown:
        raise ConfigurationError(
            f"There is no pattern {unknown[0]!r}; choose from: {', '.join(known)}, or all"
        )
    return replace(whole, patterns=tuple(pattern for pattern in whole.patterns if pattern.number in numbers))


def frames_of(m5: pl.DataFrame, daily: pl.DataFrame, universe: Universe) -> Frames:
    """What patterns read, from nothing but collected bars.

    Args:
        m5: Final five-minute bars of one symbol, columns `BARS`.
        daily: Its final daily bars; those that ended after the last five-minute bar are left out.
        universe: Whose sessions they belong to.
    """
    h4, h1, five = (of_timeframe(m5, timeframe, universe) for timeframe in TIMEFRAMES[1:])
    days = of_timeframe(daily, Timeframe.D1, universe)
    days = days.filter(pl.col("ends") <= five["ends"][-1])
    return Frames(*(_indicated(bars) for bars in (days, h4, h1, five)))


def _indicated(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.join(
        compute(bars, _INDICATORS, history=READ_HISTORY),
        on=["symbol", "ts"],
        how="left",
        maintain_order="left",
    )


def title_of(definition: Definition) -> str:
    """What the patterns of a definition are called in a sentence."""
    numbers = list(dict.fromkeys(pattern.number for pattern in definition.patterns))
    return f"{'patterns' if len(numbers) > 1 else 'pattern'} {', '.join(numbers)} ({definition.name})"


def check_pattern_look_ahead(
    definition: Definition,
    m5: pl.DataFrame,
    daily: pl.DataFrame,
    universe: Universe,
    moments: int,
    progress: Progress = lambda _done, _of: None,
) -> tuple[LookAhead, int]:
    """Runs the whole chain again as of past moments, with all later bars cut off.

    Args:
        definition: As from `patterns_of`.
        m5: As for `frames_of`.
        daily: As for `frames_of`.
        universe: Whose sessions the bars belong to.
        moments: How many; half of them at signals, at whose own moment the later ones are not known, and half of
            the others where a four-hour bar ends, which the next five-minute bar must not have changed.
        progress: Called before every moment.

    Returns:
        What differs, in the columns of `miraikakaku_assets.domain.indicators.leakage.look_ahead` and ``of``
        (timeframe, ``all four`` or ``signal``); and how many signals the whole history has.

    Raises:
        WorkFellShortError: There are too few bars to cut.
    """
    frames = frames_of(m5, daily, universe)
    whole = judged(frames, definition)
    chosen = moments_of(m5, whole[SIGNAL][KNOWN] - SLOT, moments, edges=frames.h4["ends"] - SLOT)
    compared: dict[str, int] = {}
    parts = [pl.DataFrame(schema=_DIFFERENCES)]
    for moment in announced(chosen, progress):
        cut = judged(frames_of(m5.filter(pl.col("ts") <= moment), daily, universe), definition)
        for of, then in cut.items():
            now = whole[of].filter(pl.col(KNOWN) <= moment + SLOT)
            for name in then.columns:
                if name not in _KEYS:
                    compared[name] = compared.get(name, 0) + then.height
            if not then.equals(now):
                parts.append(_differing(then, now).with_columns(moment=pl.lit(moment, _UTC), of=pl.lit(of)))
    differences = pl.concat(parts, how="diagonal_relaxed").select(list(_DIFFERENCES))
    return LookAhead(len(chosen), compared, differences), whole[SIGNAL].height


def _differing(then: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    keys = [name for name in then.columns if name in _KEYS]
    both = then.join(now, on=keys, how="full", coalesce=True, suffix=" now", nulls_equal=True)
    parts = []
    for name in then.columns:
        if name not in keys:
            mine, other = pl.col(name).cast(pl.Float64), pl.col(f"{name} now").cast(pl.Float64)
            different = both.filter(mine.ne_missing(other))
            parts.append(
                different.select(*keys, column=pl.lit(name), then=mine, now=other).rename({KNOWN: "ts"})
            )
    return pl.concat(parts)


def judged(frames: Frames, definition: Definition) -> dict[str, pl.DataFrame]:
    """Everything between the bars and the signals.

    Returns:
        Timeframe → ``symbol``, `KNOWN`, every condition on it (1 for true, 0 for not) and every value it is made
        of, upright and in the mirror; ``all four`` → every side on every five-minute bar; `SIGNAL` → signals with
        their evidence.
    """
    seen = states(frames, definition)
    tables = {}
    for timeframe, reading in seen.readings.items():
        sides = reading.truth.select(
            "symbol", pl.col("ends").alias(KNOWN), **_sides(definition, f" {timeframe}", reading.truth)
        )
        mirror = reading.upside_down.rename(lambda name: f"{name} in the mirror")
        tables[timeframe.value] = pl.concat([sides, reading.upright, mirror], how="horizontal")
    tables["all four"] = seen.bars.select(
        "symbol", pl.col("ends").alias(KNOWN), **_sides(definition, "", seen.bars)
    )
    signals = signals_in(seen, pl.DataFrame(schema=SIGNALS), EARLIEST, definition)
    side = pl.format("{} {}", "pattern", "direction").alias("side")
    tables[SIGNAL] = signals.select("symbol", pl.col("at").alias(KNOWN), side, "evidence", signal=pl.lit(1))
    return tables


def measure_pattern_warm_up(
    definition: Definition,
    timeframe: Timeframe,
    bars: pl.DataFrame,
    starts: int,
    progress: Progress = lambda _done, _of: None,
) -> pl.DataFrame:
    """From how many bars of a timeframe on its conditions are true or false whatever was before.

    A pattern needs as much history as its slowest condition, and is true by its conditions alone.

    Args:
        definition: As from `patterns_of`.
        timeframe: Whose conditions are asked.
        bars: Its bars, one symbol, columns as from `of_timeframe`.
        starts: How many other beginnings, spread over the first half of the bars.
        progress: Called before every beginning.

    Returns:
        One row per condition: as `miraikakaku_assets.application.leakage.checks.measure_warm_up`, and ``timeframe`` and
        ``ties``: how often the answer differed although all it is made of agreed to `SETTLED`. Where a close lies
        on the middle of its band, or two closes are equal, the last bit of a running sum decides, at any age; that
        is no matter of history and does not count.

    Raises:
        WorkFellShortError: There are too few bars to leave some out.
    """
    begin = beginnings(bars.height, starts)
    sensitivities = {
        name: _Felt()
        for name, condition in _conditions(definition).items()
        if timeframe in condition.conditions
    }
    whole = _reading(definition, timeframe, bars)
    compared = 0
    for done, start in enumerate(begin):
        progress(done, len(begin))
        shorter = _reading(definition, timeframe, bars.slice(start))
        compared += bars.height - start
        for name, felt in sensitivities.items():
            felt.add(_conditions(definition)[name], timeframe, shorter, whole, start)
    progress(len(begin), len(begin))
    reached = bars.height - begin[0] >= PATTERN_HISTORY
    rows = [
        {
            "value": name,
            "timeframe": timeframe.value,
            "compared": compared,
            "settled_after": felt.last + 1,
            "in_force": PATTERN_HISTORY,
            "ties": felt.ties,
            "verdict": _verdict(felt.last + 1, reached=reached),
        }
        for name, felt in sensitivities.items()
    ]
    return pl.DataFrame(rows)


def _verdict(settled_after: int, *, reached: bool) -> str:
    if not reached:
        return "not reached"
    return "enough" if settled_after <= PATTERN_HISTORY else "too short"


def _reading(definition: Definition, timeframe: Timeframe, bars: pl.DataFrame) -> Reading:
    values = compute(bars, _INDICATORS, history={})
    return read(bars.join(values, on=["symbol", "ts"], maintain_order="left"), timeframe, definition)


@dataclass(frozen=True)
class _Condition:
    """One way of one side of a pattern to be true."""

    column: str
    conditions: Conditions
    is_mirrored: bool


@dataclass
class _Felt:
    """How long a condition has felt where its history began: the age of the last bar on which it did."""

    last: int = 0
    ties: int = 0

    def add(
        self, condition: _Condition, timeframe: Timeframe, shorter: Reading, whole: Reading, start: int
    ) -> None:
        column = f"{condition.column} {timeframe}"
        short, long = (table.truth[column].fill_null(value=False) for table in (shorter, whole))
        rows = (short != long.slice(start)).arg_true()
        if rows.is_empty():
            return
        parts = [
            (table.upside_down if condition.is_mirrored else table.upright)[rows + first]
            for table, first in ((shorter, 0), (whole, start))
        ]
        tied = pl.repeat(value=True, n=len(rows), eager=True)
        for name in set(condition.conditions[timeframe].meta.root_names()):
            mine, other = (part[name] for part in parts)
            size = pl.DataFrame([mine.alias("a").abs(), other.alias("b").abs()]).max_horizontal()
            tied &= ((mine - other).abs() <= SETTLED * size).fill_null(value=False)
        self.ties += int(tied.sum())
        ages = rows.filter(~tied) + 1
        self.last = max(self.last, int(ages[-1]) if len(ages) else 0)


def _conditions(definition: Definition) -> dict[str, _Condition]:
    """Name of each way of each side → what it asks, and its column, as `states` calls it."""
    by_name = {}
    for number, pattern in enumerate(definition.patterns):
        for which, conditions in enumerate(pattern.any_of):
            ending = f" way {which + 1}" if which else ""
            name = f"{pattern.number} {pattern.direction}{ending}"
            by_name[name] = _Condition(way(number, which), conditions, pattern.is_mirrored)
    return by_name


def _sides(definition: Definition, ending: str, table: pl.DataFrame) -> dict[str, pl.Expr]:
    """Truth of each side as 1 and 0; a condition that cannot be told yet is not true."""
    return {
        name: pl.col(condition.column + ending).fill_null(value=False).cast(pl.Int8)
        for name, condition in _conditions(definition).items()
        if condition.column + ending in table.columns
    }
