# ruff: noqa: PLR2004, SIM300 -- the numbers and the order of the comparisons are those of the specification
"""The patterns as they are by default.

The thresholds were chosen for how often a pattern shows (about once per symbol and month or less on 100 TSE issues in
2025), never for what followed it: none had a significant edge one session ahead. ``a`` in the specification is the
ATR 14 of the same timeframe.
"""

import polars as pl

from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.patterns.features import crosses_down, crosses_up
from miraikakaku_assets.domain.patterns.pattern import Definition, Direction, Pattern, Priority

_RSI, _RSI_BEFORE, _CLOSE, _MIDDLE = (pl.col(n) for n in ("rsi_14", "rsi_14_before", "close", "bb_middle"))
_MACD, _SIGNAL, _ATR = pl.col("macd"), pl.col("macd_signal"), pl.col("atr_14")
_HISTOGRAM_FALLING = pl.col("macd_histogram") < pl.col("macd_histogram_before")
_TOUCHED_UPPER = pl.col("high_minus_bb_upper_max_3") >= 0
_TOUCHED_LOWER = pl.col("low_minus_bb_lower_min_3") <= 0
_NEW_SWING_HIGH = pl.col("high") > pl.col("swing_high")
_RSI_AT_SWING = pl.col("swing_high_rsi_14")

REVERSAL = Pattern(
    number="1",
    name="reversal",
    name_ja="強力なトレンド転換シグナル",
    priority=Priority.HIGH,
    direction=Direction.SELL,
    any_of=(
        {
            Timeframe.D1: (pl.col("rsi_14_max_3") >= 60) & _HISTOGRAM_FALLING,
            Timeframe.H4: (pl.col("rsi_14_max_3") >= 65) & _TOUCHED_UPPER,
            Timeframe.H1: _TOUCHED_UPPER & (_CLOSE < pl.col("bb_upper")),
            Timeframe.M5: (_RSI_BEFORE >= 60)
            & ((pl.col("upper_wick_share") >= 0.5) | crosses_down(_RSI, _RSI_BEFORE, 70.0)),
        },
    ),
)

PULLBACK = Pattern(
    number="2",
    name="pullback",
    name_ja="押し目買いチャンス",
    priority=Priority.MEDIUM,
    direction=Direction.BUY,
    any_of=(
        {
            Timeframe.D1: (_CLOSE > _MIDDLE) & (_MACD > _SIGNAL),
            Timeframe.H4: _RSI.is_between(35, 55),
            Timeframe.H1: _TOUCHED_LOWER | (pl.col("rsi_14_min_3") <= 40),
            Timeframe.M5: crosses_up(_RSI, _RSI_BEFORE, 30.0),
        },
    ),
)

RALLY = PULLBACK.mirror(number="2-2", name="rally", name_ja="戻り売りチャンス")

DIVERGENCE = Pattern(
    number="3",
    name="divergence",
    name_ja="ダイバージェンス警戒",
    priority=Priority.MEDIUM,
    direction=Direction.SELL,
    any_of=(
        {
            Timeframe.D1: _NEW_SWING_HIGH & (_RSI < _RSI_AT_SWING),
            Timeframe.H4: _HISTOGRAM_FALLING,
        },
        {
            Timeframe.H4: _NEW_SWING_HIGH & (_RSI <= _RSI_AT_SWING - 2) & (_RSI > 55),
            Timeframe.H1: _HISTOGRAM_FALLING,
        },
    ),
)

BREAKOUT = Pattern(
    number="4",
    name="breakout",
    name_ja="ブレイクアウト狙い",
    priority=Priority.MEDIUM,
    direction=Direction.BUY,
    any_of=(
        {
            Timeframe.D1: _RSI.is_between(50, 75) & (_MACD > pl.col("macd_before")),
            Timeframe.H4: _CLOSE > pl.col("bb_upper"),
            Timeframe.H1: _CLOSE > pl.col("bb_upper"),
            Timeframe.M5: pl.col("close_move_5") > 1.5 * _ATR,
        },
    ),
)

BATTLE = Pattern(
    number="5",
    name="rsi_50_battle",
    name_ja="RSI50ライン攻防",
    priority=Priority.LOW,
    direction=Direction.NEUTRAL,
    any_of=(
        {
            Timeframe.D1: _RSI.is_between(45, 55) & (_MACD.abs() < 0.5 * _ATR),
            Timeframe.H4: _RSI.is_between(42, 58) & ((_CLOSE - _MIDDLE).abs() < 0.5 * _ATR),
            Timeframe.H1: _RSI.is_between(42, 58) & (pl.col("rsi_14_crossings_of_50_in_5") > 0),
        },
    ),
)

COMPOSITE = Pattern(
    number="6",
    name="composite",
    name_ja="複合シグナル強化",
    priority=Priority.HIGH,
    direction=Direction.BUY,
    any_of=(
        {
            Timeframe.D1: (_RSI > 55) & (_MACD > _SIGNAL) & (_CLOSE > _MIDDLE),
            Timeframe.H4: (_RSI > 50) & (_CLOSE > _MIDDLE),
            Timeframe.H1: (_RSI > 50) & (_CLOSE > _MIDDLE),
            Timeframe.M5: crosses_up(_RSI, _RSI_BEFORE, 50.0) & (_CLOSE > _MIDDLE),
        },
    ),
)

DEFINITION = Definition(
    "v2",
    (
        *(REVERSAL, REVERSAL.mirror()),
        *(PULLBACK, RALLY),
        *(DIVERGENCE, DIVERGENCE.mirror()),
        *(BREAKOUT, BREAKOUT.mirror()),
        BATTLE,
        *(COMPOSITE, COMPOSITE.mirror()),
    ),
)
