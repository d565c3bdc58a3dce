"""What is usual of a day, learnt from the days before it: how many bars, how much volume, how late.

A measure is taken as its logarithm. What is left of it above the median of the 20 sessions before is explained by
the weekday, the end of a month, rebalancing, half days and holidays beside it, each as a median of the days like it;
what is left of that has a spread, 1.4826 × the median absolute deviation. All of it is learnt from sessions before
the judged one; neither the judged day nor one that was announced as unusual is among them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.quality.results import State
from miraikakaku_assets.domain.quality.seasons import FLAGS

LONGEST = 250
"""Sessions that are learnt from at most: a year, so that each quarter's rebalancing has been seen."""
FEWEST = 60
"""Sessions that are learnt from at least; until then the state is `State.TRAINING`."""
FEWEST_ALIKE = 3
"""Days of a kind (ends of months, say) that have to be known before another of them is judged."""
LEVEL = 20
"""Sessions whose median is the level."""
_SWEEPS = 3
_TO_SIGMA = 1.4826  # median absolute deviation of a normal distribution → its standard deviation

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """Something that is measured of every session.

    Attributes:
        name: Name of the rule.
        sentence: What holds when it is kept, without its full stop.
        column: Of the series.
        unit: Of the measure, for people.
        least_spread: Spread (of logarithms) that is taken even where past days were more alike.
        limit: How many spreads a day may be away.
        least_change: What a day may be away in any case, in the unit of the measure.
        is_high_only: Whether only too much of it is unusual.
    """

    name: str
    sentence: str
    column: str
    unit: str
    least_spread: float
    limit: float
    least_change: float = 0.0
    is_high_only: bool = False


MEASURES: tuple[Measure, ...] = (
    Measure(
        "usual_rows", "the session has about as many bars as those before it", "bars", "bars", 0.004, 6.0, 2.5
    ),
    Measure("usual_volume", "about as much is traded as on days like it", "volume", "traded", 0.05, 6.0),
    Measure(
        "usual_delay",
        "its bars came about as soon after its end as usual",
        "delay",
        "s behind its end",
        0.25,
        6.0,
        is_high_only=True,
    ),
)
"""One row a measure; docs/validation.md prints them."""


@dataclass(frozen=True)
class Judgement:
    """What is said of one session.

    Attributes:
        state: Passed, failed, training or expected.
        value: What was measured; None for nothing.
        low: Least usual value; None while it is not known.
        high: Greatest usual value.
        spreads: How many spreads the value is away from what was expected, with its sign.
        learnt_from: Sessions that the judgement is based on.
        note: Why there is no judgement; empty where there is one.
    """

    state: State
    value: float | None
    low: float | None = None
    high: float | None = None
    spreads: float | None = None
    learnt_from: int = 0
    note: str = ""


def judge(days: pl.DataFrame, measure: Measure, announced: Collection[date] = ()) -> Judgement:
    """Judges the last session by those before it.

    Args:
        days: `seasons` with the column of the measure (0 or more; null where it is not known), ascending.
        measure: What is judged.
        announced: Exchange dates that are neither judged nor learnt from.
    """
    judged = days.row(-1, named=True)
    value = judged[measure.column]
    if judged["session"] in announced:
        return Judgement(State.EXPECTED, value, note="announced as unusual")
    before = days[:-1].filter(~pl.col("session").is_in(list(announced)))
    before = before.drop_nulls(measure.column).tail(LONGEST)
    if (lacking := _lacking(before, judged)) is not None or value is None:
        note = lacking or "there is nothing to judge"
        return Judgement(State.TRAINING, value, learnt_from=before.height, note=note)
    known = np.log1p(before[measure.column].cast(pl.Float64).to_numpy())
    effects, spread = _learn(before, known)
    expected = float(np.median(known[-LEVEL:])) + _effect(effects, judged)
    spread = max(spread, measure.least_spread)
    usual, reach = float(np.expm1(expected)), measure.limit * spread
    low = min(float(np.expm1(expected - reach)), usual - measure.least_change)
    high = max(float(np.expm1(expected + reach)), usual + measure.least_change)
    low = 0.0 if measure.is_high_only else max(0.0, low)
    return Judgement(
        State.PASSED if low <= value <= high else State.FAILED,
        float(value),
        low,
        high,
        (float(np.log1p(value)) - expected) / spread,
        before.height,
    )


def _lacking(before: pl.DataFrame, judged: dict[str, Any]) -> str | None:
    """What has to be known before the session can be judged, in words."""
    if before.height < FEWEST:
        return f"training: {before.height} of {FEWEST} sessions"
    for flag in FLAGS:
        seen = int(before[LEVEL:][flag].sum()) if judged[flag] else FEWEST_ALIKE
        if seen < FEWEST_ALIKE:
            return f"training: {seen} of {FEWEST_ALIKE} days of the kind {flag}"
    return None


def _learn(before: pl.DataFrame, known: Numbers) -> tuple[dict[str, dict[int, float]], float]:
    """Effects of each kind of day, and the spread of what they leave."""
    level = pl.Series(known).rolling_median(LEVEL).shift(1).to_numpy()[LEVEL:]
    above = known[LEVEL:] - level
    kinds = {name: before[name].cast(pl.Int64).to_numpy()[LEVEL:] for name in ("weekday", *FLAGS)}
    effects: dict[str, dict[int, float]] = {name: {} for name in kinds}
    for _ in range(_SWEEPS):
        for name, kind in kinds.items():
            rest = above - _sum(effects, kinds, without=name)
            values = [value for value in np.unique(kind) if name == "weekday" or value]
            effects[name] = {
                int(value): float(np.median(rest[kind == value]))
                for value in values
                if (kind == value).sum() >= FEWEST_ALIKE
            }
    rest = above - _sum(effects, kinds)
    return effects, float(_TO_SIGMA * np.median(np.abs(rest - np.median(rest))))


def _sum(
    effects: dict[str, dict[int, float]], kinds: dict[str, NDArray[np.int64]], without: str = ""
) -> Numbers:
    """What the effects come to on each day."""
    height = len(next(iter(kinds.values())))
    total = np.zeros(height)
    for name, kind in kinds.items():
        if name != without:
            for value, effect in effects[name].items():
                total[kind == value] += effect
    return total


def _effect(effects: dict[str, dict[int, float]], day: dict[str, Any]) -> float:
    return sum(effects[name].get(int(day[name]), 0.0) for name in effects)
