"""TA-Lib's 61 candlestick patterns, as a list of those that were found."""

import numpy as np
import polars as pl

from miraikakaku_assets.domain.bars.series import series_bounds
from miraikakaku_assets.domain.indicators.compute import price_arrays

CANDLESTICKS: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "ts": pl.Datetime("us", "UTC"),  # of the bar that completes the pattern
    "pattern": pl.String(),  # TA-Lib's name in lower case without CDL, e.g. engulfing
    "direction": pl.String(),  # bullish, bearish or neutral
    "strength": pl.Int16(),  # TA-Lib's own: 100; 80 when bodies share an end; 200 when a later bar confirmed it
}
"""One pattern at one bar."""

NEUTRAL = frozenset(
    {
        *("doji", "dragonflydoji", "gravestonedoji", "longleggeddoji", "rickshawman", "takuri"),
        *("spinningtop", "highwave"),
    }
)
"""Patterns of indecision. TA-Lib gives them a sign, always positive or the colour of the body, and says in its
sources that it means neither bullish nor bearish."""


def pattern_names() -> list[str]:
    """Names of all patterns TA-Lib knows, sorted, in the spelling of the column ``pattern``."""
    import talib

    groups = talib.get_function_groups()  # type: ignore[no-untyped-call]
    return sorted(name.removeprefix("CDL").lower() for name in groups["Pattern Recognition"])


def candlesticks(bars: pl.DataFrame) -> pl.DataFrame:
    """Every pattern at every bar that completes one.

    Args:
        bars: Columns ``symbol``, ``ts``, the four prices (one basis) and ``volume``; one timeframe, from each
            instrument's first stored bar on, sorted by symbol and ts. TA-Lib measures long and short against
            the bars before, in running sums: as of indicators, only the whole history gives equal answers.

    Returns:
        Schema `CANDLESTICKS`, sorted by symbol, ts and pattern. No bar makes a pattern before TA-Lib has the
        10 or more bars it measures by.

    Raises:
        PermanentSymbolError: Bars out of order, or a price that is null, NaN or infinite.
    """
    import talib

    names = pattern_names()
    functions = [getattr(talib, f"CDL{name.upper()}") for name in names]
    bounds = series_bounds(bars)
    columns = price_arrays(bars)
    rows, kinds, strengths = [], [], []
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        ohlc = [columns[name][start:end] for name in ("open", "high", "low", "close")]
        marks = np.array([function(*ohlc) for function in functions])
        row, kind = np.nonzero(marks.T)
        rows.append(row + start)
        kinds.append(kind)
        strengths.append(marks[kind, row])
    if not rows:
        return pl.DataFrame(schema=CANDLESTICKS)
    strength = np.concatenate(strengths)
    table = bars.select("symbol", "ts").select(pl.all().gather(np.concatenate(rows)))
    sign = pl.Series("sign", np.sign(strength))
    pattern = pl.Series("pattern", names).gather(np.concatenate(kinds))
    direction = (
        pl.when(pl.col("pattern").is_in(NEUTRAL))
        .then(pl.lit("neutral"))
        .when(pl.col("sign") > 0)
        .then(pl.lit("bullish"))
        .otherwise(pl.lit("bearish"))
    )
    table = table.with_columns(pattern, sign, strength=pl.Series(np.abs(strength)))
    listed = table.select("symbol", "ts", "pattern", direction=direction, strength="strength")
    return listed.cast(CANDLESTICKS)  # type: ignore[arg-type]
