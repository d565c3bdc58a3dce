"""Two questions every indicator must answer, for any function from bars to values per bar.

Does it look ahead? And from how many bars on does it no longer matter where the history begins? Both are asked
of the function as it is, by giving it less: without its future, and without its distant past.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

import polars as pl

from miraikakaku_assets.domain.indicators.definitions import SETTLED

BarFunction = Callable[[pl.DataFrame], pl.DataFrame]
"""From bars (``symbol``, ``ts``, …) to values: ``symbol``, ``ts`` and numbers, perhaps more text columns as key."""


def look_ahead(function: BarFunction, bars: pl.DataFrame, moments: Iterable[datetime]) -> pl.DataFrame:
    """Computes again at past moments, with the future cut off: every value must be, bit for bit, what it is now.

    Args:
        function: The indicator, e.g. ``compute`` or ``candlesticks``.
        bars: What it reads, sorted by symbol and ts.
        moments: Starts of the last bar that is known (UTC).

    Returns:
        Only what differs: ``moment``, ``column``, ``then`` and ``now`` (values at that moment and with hindsight,
        null where one has none) and the key columns; empty for a function that does not look ahead.
    """
    hindsight = _long(function(bars))
    differences = [_nothing(hindsight)]
    for moment in moments:
        then = _long(function(bars.filter(pl.col("ts") <= moment)))
        both = _side_by_side(then, hindsight.filter(pl.col("ts") <= moment), "then", "now")
        different = both.filter(~pl.col("then").eq_missing(pl.col("now")))
        differences.append(different.with_columns(moment=pl.lit(moment, pl.Datetime("us", "UTC"))))
    return pl.concat(differences, how="diagonal_relaxed").select(
        "moment", *_keys(hindsight), "column", "then", "now"
    )


def warm_up_sensitivity(
    function: BarFunction, bars: pl.DataFrame, starts: Iterable[int], tolerance: float = SETTLED
) -> pl.DataFrame:
    """Computes again with histories that begin later, and says how long that is felt.

    Differences are relative to the larger of both values and of the column's mean size in that symbol: MACD
    passes through zero, where every difference would be infinite.

    Args:
        function: The indicator, best without its own warm-up: ``lambda bars: compute(bars, history={})``.
        bars: What it reads, sorted by symbol and ts.
        starts: How many of each symbol's first bars are left out.
        tolerance: Largest relative difference that counts as none.

    Returns:
        One row per start and column: ``start``, ``column``, ``compared`` (values that both histories have),
        ``settled_after`` (bars of the shorter history, the value's own included, from which on every difference
        is below the tolerance; null if the last one compared is not), ``largest`` (difference anywhere) and
        ``last`` (largest of the newest values).
    """
    place = pl.int_range(pl.len()).over("symbol")
    whole = _long(function(bars))
    rows = []
    for start in starts:
        shorter = bars.filter(place >= start)
        age = shorter.select(
            "symbol", "ts", age=place + 1, newest=pl.col("ts") == pl.col("ts").max().over("symbol")
        )
        both = _side_by_side(_long(function(shorter)), whole, "short", "long").drop_nulls(["short", "long"])
        rows.append(
            _felt(both.join(age, on=["symbol", "ts"], how="inner"), tolerance).with_columns(start=start)
        )
    return pl.concat(rows).select("start", "column", "compared", "settled_after", "largest", "last")


def _felt(both: pl.DataFrame, tolerance: float) -> pl.DataFrame:
    size = pl.max_horizontal(
        pl.col("short").abs(), pl.col("long").abs(), pl.col("long").abs().mean().over("symbol", "column")
    )
    gap = (pl.col("short") - pl.col("long")).abs()
    measured = both.with_columns(gap=pl.when(gap > 0).then(gap / size).otherwise(0.0))
    felt = pl.col("gap") >= tolerance
    after = pl.col("age").filter(felt).max().fill_null(pl.col("age").min() - 1) + 1
    return (
        measured.group_by("column", maintain_order=True)
        .agg(
            compared=pl.len(),
            settled_after=pl.when(~(felt & pl.col("newest")).any()).then(after),
            largest=pl.col("gap").max(),
            last=pl.col("gap").filter("newest").max(),
        )
        .sort("column")
    )


def _keys(long: pl.DataFrame) -> list[str]:
    return [name for name in long.columns if name not in ("column", "value")]


def _long(values: pl.DataFrame) -> pl.DataFrame:
    """One row per value; numbers are values, everything else says what they belong to."""
    numbers = [name for name, kind in values.schema.items() if kind.is_numeric()]
    keys = [name for name in values.columns if name not in numbers]
    floats = values.with_columns(pl.col(numbers).cast(pl.Float64))
    return floats.unpivot(numbers, index=keys, variable_name="column", value_name="value")


def _side_by_side(left: pl.DataFrame, right: pl.DataFrame, first: str, second: str) -> pl.DataFrame:
    keys = [*_keys(left), "column"]
    return left.rename({"value": first}).join(
        right.rename({"value": second}), on=keys, how="full", coalesce=True, nulls_equal=True
    )


def _nothing(long: pl.DataFrame) -> pl.DataFrame:
    moment = pl.lit(None, pl.Datetime("us", "UTC"))
    return long.clear().rename({"value": "then"}).with_columns(now="then", moment=moment)
