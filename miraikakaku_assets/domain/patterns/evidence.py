"""The values that made a signal true, as text a person can read."""

from collections.abc import Iterable

import polars as pl

from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.patterns.cool_down import NUMBER, WAY
from miraikakaku_assets.domain.patterns.features import Kind
from miraikakaku_assets.domain.patterns.pattern import Conditions, Definition, Pattern
from miraikakaku_assets.domain.patterns.states import Reading, row_of

LABELS = {Timeframe.D1: "d1", Timeframe.H4: "h4", Timeframe.H1: "h1", Timeframe.M5: "m5"}

_DIGITS = 6
"""Significant digits of a price or a size; oscillators have two decimals."""


def with_evidence(
    signals: pl.DataFrame, readings: dict[Timeframe, Reading], definition: Definition
) -> pl.DataFrame:
    """Adds the column ``evidence``: JSON text such as ``{"d1.rsi_14_max_3": 68.21, "h4.…": …}``.

    The values are those of the real bars: a BUY side, though found on mirrored bars, names its lows and bands as
    they are. Every column that the true alternative of the pattern reads is in it.
    """
    parts = [
        rows.with_columns(_evidence(rows, definition.patterns[number], which, readings, definition))
        for (number, which), rows in _by_way(signals)
    ]
    nothing = signals.clear().with_columns(evidence=pl.lit(None, pl.String))
    return pl.concat([nothing, *parts])


def _by_way(signals: pl.DataFrame) -> Iterable[tuple[tuple[int, int], pl.DataFrame]]:
    for key, rows in signals.group_by(NUMBER, WAY):
        yield (int(str(key[0])), int(str(key[1]))), rows


def _evidence(
    rows: pl.DataFrame,
    pattern: Pattern,
    which: int,
    readings: dict[Timeframe, Reading],
    definition: Definition,
) -> pl.Series:
    conditions: Conditions = pattern.any_of[which]
    columns: list[pl.Series] = []
    for timeframe, condition in conditions.items():
        reading = readings[timeframe]
        seen = reading.upside_down if pattern.is_mirrored else reading.upright
        seen = seen[rows[row_of(timeframe)]]
        for name in sorted(set(condition.meta.root_names())):
            feature = definition.features[name]
            real = feature.kind.mirrored(pl.col(name)) if pattern.is_mirrored else pl.col(name)
            shown = real.round(2) if feature.kind is Kind.OSCILLATOR else real.round_sig_figs(_DIGITS)
            label = (feature.twin or name) if pattern.is_mirrored else name
            columns.append(seen.select(shown.alias(f"{LABELS[timeframe]}.{label}")).to_series())
    return (
        pl.DataFrame(columns).select(pl.struct(pl.all()).struct.json_encode().alias("evidence")).to_series()
    )
