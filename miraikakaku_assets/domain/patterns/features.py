"""What patterns look at besides a bar's own columns, and the mirror that turns a SELL side into a BUY side.

Every condition is written once, for one side. The other side is the same condition on mirrored bars: prices with
the sign reversed (so highs become lows), oscillators from 0 to 100 counted from the other end.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

import polars as pl

SWING_SPAN = 5
"""Bars on each side that must stay below a swing high; the last of them confirms it, so it is known 5 bars late."""

SWING_REACH = 240
"""Bars after which a confirmed swing is forgotten, so that a finite history gives the answer of an infinite one."""


class Kind(Enum):
    """How a value behaves in the mirror."""

    PRICE = "price"  # its sign is reversed: prices, differences of prices, MACD
    OSCILLATOR = "oscillator"  # x becomes 100 - x: RSI
    SIZE = "size"  # it stays: ATR, shares, counts

    def mirrored(self, value: pl.Expr) -> pl.Expr:
        """The value in the mirror; the mirror of a mirrored value is the value."""
        if self is Kind.PRICE:
            return -value
        return 100.0 - value if self is Kind.OSCILLATOR else value


@dataclass(frozen=True)
class Feature:
    """A column that conditions may read.

    Attributes:
        kind: What becomes of its values in the mirror.
        value: The expression over the columns of a bar and, within the symbol, the bars before it.
        name_ja: What a notification calls it. RSI and ATR are of 14, MACD is 12/26/9, bands are of 20.
        twin: Name of the column it shows in the mirror (a swing low for a swing high); None for its own.
        twin_ja: What a notification calls that, where it is no feature of its own.
        is_share: Whether it is a share of 1.
    """

    kind: Kind
    value: pl.Expr
    name_ja: str
    twin: str | None = None
    twin_ja: str = ""
    is_share: bool = False


def _given(name: str, kind: Kind, name_ja: str, twin: str | None = None) -> tuple[str, Feature]:
    return name, Feature(kind, pl.col(name), name_ja, twin)


_GIVEN = dict(
    (
        _given("open", Kind.PRICE, "始値"),
        _given("close", Kind.PRICE, "終値"),
        _given("bb_middle", Kind.PRICE, "ボリンジャー中央線"),
        _given("macd", Kind.PRICE, "MACD"),
        _given("macd_signal", Kind.PRICE, "MACDシグナル"),
        _given("macd_histogram", Kind.PRICE, "MACDヒストグラム"),
        _given("high", Kind.PRICE, "高値", "low"),
        _given("low", Kind.PRICE, "安値", "high"),
        _given("bb_upper", Kind.PRICE, "+2σ", "bb_lower"),
        _given("bb_lower", Kind.PRICE, "-2σ", "bb_upper"),
        _given("rsi_14", Kind.OSCILLATOR, "RSI"),
        _given("atr_14", Kind.SIZE, "ATR"),
    )
)

_RSI, _HIGH, _LOW, _CLOSE = pl.col("rsi_14"), pl.col("high"), pl.col("low"), pl.col("close")


def crosses_up(now: pl.Expr, before: pl.Expr, level: float | pl.Expr) -> pl.Expr:
    """Whether a value was at or below a level one bar ago and is above it now."""
    return (before <= level) & (now > level)


def crosses_down(now: pl.Expr, before: pl.Expr, level: float | pl.Expr) -> pl.Expr:
    """Whether a value was at or above a level one bar ago and is below it now."""
    return (before >= level) & (now < level)


def _at_swing_high(value: pl.Expr) -> pl.Expr:
    """A value at the last confirmed swing high.

    A high is one if it exceeds the 5 highs before it and none of the 5 after it is higher: of equal highs the
    first counts. One whose RSI is not known is none, so that its price and its RSI are always of the same bar.
    """
    pivot = _HIGH.shift(SWING_SPAN)
    before = _HIGH.rolling_max(SWING_SPAN).shift(SWING_SPAN + 1)
    after = _HIGH.rolling_max(SWING_SPAN)
    confirmed = (pivot > before) & (pivot >= after) & _RSI.shift(SWING_SPAN).is_not_null()
    return pl.when(confirmed).then(value.shift(SWING_SPAN)).forward_fill(limit=SWING_REACH)


def _crossings(value: pl.Expr, level: float, bars: int) -> pl.Expr:
    before = value.shift(1)
    crossed = crosses_up(value, before, level) | crosses_down(value, before, level)
    return crossed.cast(pl.Int64).rolling_sum(bars)


def _mean_of_last(value: pl.Expr, bars: int) -> pl.Expr:
    # Not rolling_mean: its running sum carries rounding errors along, so that where the history begins would show.
    total = value
    for back in range(1, bars):
        total = total + value.shift(back)
    return total / bars


def _variance_of_last(value: pl.Expr, bars: int) -> pl.Expr:
    mean = _mean_of_last(value, bars)
    total = (value - mean).pow(2)
    for back in range(1, bars):
        total = total + (value.shift(back) - mean).pow(2)
    return total / bars


_RANGE = _HIGH - _LOW
_DERIVED = {
    "rsi_14_before": Feature(Kind.OSCILLATOR, _RSI.shift(1), "1本前のRSI"),
    "rsi_14_max_3": Feature(Kind.OSCILLATOR, _RSI.rolling_max(3), "RSI(3本の最大)", "rsi_14_min_3"),
    "rsi_14_min_3": Feature(Kind.OSCILLATOR, _RSI.rolling_min(3), "RSI(3本の最小)", "rsi_14_max_3"),
    "rsi_14_max_10": Feature(
        Kind.OSCILLATOR, _RSI.rolling_max(10), "RSI(10本の最大)", "rsi_14_min_10", "RSI(10本の最小)"
    ),
    "rsi_14_crossings_of_50_in_5": Feature(Kind.SIZE, _crossings(_RSI, 50.0, 5), "RSIの50通過(5本の回数)"),
    "macd_before": Feature(Kind.PRICE, pl.col("macd").shift(1), "1本前のMACD"),
    "macd_signal_before": Feature(Kind.PRICE, pl.col("macd_signal").shift(1), "1本前のMACDシグナル"),
    "macd_histogram_before": Feature(Kind.PRICE, pl.col("macd_histogram").shift(1), "1本前のヒストグラム"),
    "high_minus_bb_upper_max_3": Feature(
        Kind.PRICE,
        (_HIGH - pl.col("bb_upper")).rolling_max(3),
        "高値と+2σの差(3本の最大)",
        "low_minus_bb_lower_min_3",
    ),
    "low_minus_bb_lower_min_3": Feature(
        Kind.PRICE,
        (_LOW - pl.col("bb_lower")).rolling_min(3),
        "安値と-2σの差(3本の最小)",
        "high_minus_bb_upper_max_3",
    ),
    "upper_wick_share": Feature(
        Kind.SIZE,
        pl.when(_RANGE > 0).then((_HIGH - pl.max_horizontal("open", "close")) / _RANGE),
        "上ヒゲの割合",
        "lower_wick_share",
        "下ヒゲの割合",
        is_share=True,
    ),
    "swing_high": Feature(Kind.PRICE, _at_swing_high(_HIGH), "前回の山", "swing_low", "前回の谷"),
    "swing_high_rsi_14": Feature(
        Kind.OSCILLATOR, _at_swing_high(_RSI), "前回の山のRSI", "swing_low_rsi_14", "前回の谷のRSI"
    ),
    "close_before": Feature(Kind.PRICE, _CLOSE.shift(1), "1本前の終値"),
    "close_before_2": Feature(Kind.PRICE, _CLOSE.shift(2), "2本前の終値"),
    "close_before_5": Feature(Kind.PRICE, _CLOSE.shift(5), "5本前の終値"),
    "close_move_5": Feature(Kind.PRICE, _CLOSE - _CLOSE.shift(5), "5本での値動き"),
    "close_max_10": Feature(
        Kind.PRICE, _CLOSE.rolling_max(10), "10本の最高終値", "close_min_10", "10本の最安終値"
    ),
    "close_mean_5": Feature(Kind.PRICE, _mean_of_last(_CLOSE, 5), "5本の平均終値"),
    "close_std_5": Feature(Kind.SIZE, _variance_of_last(_CLOSE, 5).sqrt(), "5本の終値の標準偏差"),
    "atr_14_before": Feature(Kind.SIZE, pl.col("atr_14").shift(1), "1本前のATR"),
}

FEATURES: Mapping[str, Feature] = _GIVEN | _DERIVED
"""Every column that a condition may read, by its name on the side where the condition is written."""


def mirrored(bars: pl.DataFrame) -> pl.DataFrame:
    """The bars upside down: what falls rises. Applied twice it gives the bars themselves."""
    return bars.with_columns(
        given.kind.mirrored(pl.col(given.twin or name)).alias(name) for name, given in _GIVEN.items()
    )


def with_features(bars: pl.DataFrame, names: Iterable[str], features: Mapping[str, Feature]) -> pl.DataFrame:
    """The named features of every bar.

    Args:
        bars: One of the frames of `Frames`, sorted by symbol and ``ts``.
        names: Keys of `features`.
        features: What the names mean.

    Returns:
        One row per bar in the same order with those columns alone (Float64).
    """
    columns = []
    for name in names:
        value = features[name].value
        within = value if value.meta.is_column() else value.over("symbol")
        columns.append(within.cast(pl.Float64).alias(name))
    return bars.select(columns)
