"""Which patterns are true on which five-minute bar, and what they saw."""

from dataclasses import dataclass, field

import polars as pl

from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.patterns.features import mirrored, with_features
from miraikakaku_assets.domain.patterns.frames import INPUTS, TIMEFRAMES, Frames
from miraikakaku_assets.domain.patterns.pattern import Definition

POSITION = "position"
"""Column with the running number of a five-minute bar within the frame."""


def way(pattern: int, alternative: int) -> str:
    """Column that says whether one alternative (`Pattern.any_of`) of one pattern is true."""
    return f"pattern {pattern} way {alternative}"


def _condition(pattern: int, alternative: int, timeframe: Timeframe) -> str:
    return f"{way(pattern, alternative)} {timeframe}"


def row_of(timeframe: Timeframe) -> str:
    """Column with the row of the bar that was read on a timeframe, null for none."""
    return f"row {timeframe}"


@dataclass(frozen=True)
class Reading:
    """One timeframe, read for every condition.

    Attributes:
        upright: Features of each bar as it is.
        upside_down: The same of the mirrored bar.
        truth: ``symbol``, ``ends``, the row, and for each condition of the timeframe whether it holds.
    """

    upright: pl.DataFrame
    upside_down: pl.DataFrame
    truth: pl.DataFrame


@dataclass(frozen=True)
class States:
    """What holds on every five-minute bar.

    Attributes:
        bars: ``symbol``, ``ts``, ``ends``, `POSITION`, the rows read, and for each way of each pattern whether it
            holds (never null), one row per five-minute bar.
        readings: Features by timeframe, in which the rows are to be found.
    """

    bars: pl.DataFrame
    readings: dict[Timeframe, Reading] = field(default_factory=dict)


def read(bars: pl.DataFrame, timeframe: Timeframe, definition: Definition) -> Reading:
    """Judges every condition of a definition on the bars of one timeframe.

    Polars takes NaN for larger than any number, so that a not warmed up NaN would be above every threshold: it is
    turned into null, of which nothing is true.
    """
    clean = bars.with_columns(pl.col(INPUTS).cast(pl.Float64).fill_nan(None))
    names = definition.names_read(timeframe)
    upright = with_features(clean, names, definition.features)
    upside_down = with_features(mirrored(clean), names, definition.features)
    truths: list[pl.Series] = []
    for side, is_mirrored in ((upright, False), (upside_down, True)):
        expressions = [
            conditions[timeframe].alias(_condition(number, which, timeframe))
            for number, pattern in enumerate(definition.patterns)
            for which, conditions in enumerate(pattern.any_of)
            if pattern.is_mirrored is is_mirrored and timeframe in conditions
        ]
        if expressions:
            truths.extend(side.select(expressions).get_columns())
    row = pl.int_range(bars.height, dtype=pl.UInt32, eager=True).alias(row_of(timeframe))
    return Reading(upright, upside_down, bars.select("symbol", "ends").with_columns(row, *truths))


def states(frames: Frames, definition: Definition) -> States:
    """Judges a definition on every five-minute bar, each with the newest closed bars of the longer timeframes.

    Raises:
        ConfigurationError: A frame lacks a column.
    """
    frames.check()
    readings = {timeframe: read(bars, timeframe, definition) for timeframe, bars in frames.items()}
    bars = readings[Timeframe.M5].truth.with_columns(
        frames.m5["ts"], pl.int_range(pl.len(), dtype=pl.Int64).over("symbol").alias(POSITION)
    )
    for timeframe in TIMEFRAMES[:-1]:
        bars = bars.join_asof(
            readings[timeframe].truth,
            on="ends",
            by="symbol",
            strategy="backward",
            check_sortedness=False,  # sorted within each symbol, which is what counts and is not what is checked
        )
    ways = []
    for number, pattern in enumerate(definition.patterns):
        for which, conditions in enumerate(pattern.any_of):
            columns = [_condition(number, which, timeframe) for timeframe in conditions]
            ways.append(pl.all_horizontal(columns).fill_null(value=False).alias(way(number, which)))
    rows = [row_of(timeframe) for timeframe in TIMEFRAMES]
    return States(bars.select("symbol", "ts", "ends", POSITION, *rows, *ways), readings)
