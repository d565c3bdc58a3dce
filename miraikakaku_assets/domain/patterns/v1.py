# ruff: noqa: PLR2004, SIM300 -- the numbers and the order of the comparisons are those of the specification
"""The patterns as the system that came before documented them; selectable, for comparison.

On 100 TSE issues (471,108 five-minute bars) patterns 1 to 3 never showed and 6 was true on 15 % of all bars. Pattern 3
cannot show: a close above the last one always raises Wilder's RSI. Where the documentation names a thing without a
number ("touch", "near", "momentum"), the number is the one that system's program had; they were made for USD/JPY
(MACD within 0.1 JPY of zero, take-profit and stop in pips).
"""

import polars as pl

from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.patterns.features import crosses_down, crosses_up
from miraikakaku_assets.domain.patterns.pattern import Definition, Direction, Pattern, Priority

_RSI, _RSI_BEFORE = pl.col("rsi_14"), pl.col("rsi_14_before")
_CLOSE, _CLOSE_BEFORE, _MIDDLE = pl.col("close"), pl.col("close_before"), pl.col("bb_middle")
_MACD, _SIGNAL = pl.col("macd"), pl.col("macd_signal")


def _near(level: str, share: float) -> pl.Expr:
    return (_CLOSE - pl.col(level)).abs() < share * pl.col(level).abs()


_TOUCHES_UPPER, _TOUCHES_LOWER = _near("bb_upper", 0.001), _near("bb_lower", 0.001)
_NEAR_MIDDLE = _near("bb_middle", 0.001)
_DEAD_CROSS = (pl.col("macd_before") >= pl.col("macd_signal_before")) & (_MACD < _SIGNAL)
_RISING_TWICE = (_CLOSE > _CLOSE_BEFORE) & (_CLOSE_BEFORE > pl.col("close_before_2"))
_PRICE_UP_RSI_DOWN = (_CLOSE > _CLOSE_BEFORE) & (_RSI < _RSI_BEFORE)
_INSIDE_BANDS = _CLOSE.is_between(pl.col("bb_lower"), pl.col("bb_upper"))
_CALM = pl.col("close_std_5") < 0.02 * pl.col("close_mean_5").abs()

REVERSAL = Pattern(
    number="1",
    name="reversal",
    name_ja="強力なトレンド転換シグナル",
    priority=Priority.HIGH,
    direction=Direction.SELL,
    any_of=(
        {
            Timeframe.D1: (_RSI > 70) & _DEAD_CROSS,
            Timeframe.H4: (_RSI > 70) & _TOUCHES_UPPER,
            Timeframe.H1: (_RSI > 70) & _TOUCHES_UPPER,
            Timeframe.M5: (_RSI > 70) & (pl.col("upper_wick_share") >= 0.5),
        },
    ),
    take_profit_pips=-50,
    stop_pips=30,
)

PULLBACK = Pattern(
    number="2",
    name="pullback",
    name_ja="押し目買いチャンス",
    priority=Priority.MEDIUM,
    direction=Direction.BUY,
    any_of=(
        {
            Timeframe.D1: _RSI.is_between(30, 50) & (_MACD > _SIGNAL),
            Timeframe.H4: _RSI.is_between(30, 40) & _TOUCHES_LOWER,
            Timeframe.H1: _RSI.is_between(30, 35) & _TOUCHES_LOWER,
            Timeframe.M5: (_RSI <= 30) & _RISING_TWICE,
        },
    ),
    take_profit_pips=80,
    stop_pips=-40,
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
            Timeframe.D1: (_CLOSE >= pl.col("close_max_10")) & (_RSI < pl.col("rsi_14_max_10")),
            Timeframe.H4: _PRICE_UP_RSI_DOWN,
            Timeframe.H1: _PRICE_UP_RSI_DOWN,
            Timeframe.M5: _PRICE_UP_RSI_DOWN,
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
            Timeframe.D1: _RSI.is_between(50, 70) & (_MACD > pl.col("macd_before")),
            Timeframe.H4: _CLOSE > pl.col("bb_upper"),
            Timeframe.H1: _CLOSE > pl.col("bb_upper"),
            Timeframe.M5: pl.col("close_move_5") > 0.005 * pl.col("close_before_5").abs(),
        },
    ),
    take_profit_pips=100,
    stop_pips=-50,
)

BATTLE = Pattern(
    number="5",
    name="rsi_50_battle",
    name_ja="RSI50ライン攻防",
    priority=Priority.LOW,
    direction=Direction.NEUTRAL,
    any_of=(
        {
            Timeframe.D1: _RSI.is_between(45, 55) & (_MACD.abs() <= 0.1) & (_SIGNAL.abs() <= 0.1),
            Timeframe.H4: _RSI.is_between(45, 55) & _NEAR_MIDDLE,
            Timeframe.H1: _RSI.is_between(45, 55) & (pl.col("atr_14") > pl.col("atr_14_before")),
            Timeframe.M5: crosses_up(_RSI, _RSI_BEFORE, 50.0) | crosses_down(_RSI, _RSI_BEFORE, 50.0),
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
            Timeframe.D1: _RSI.is_between(30, 70) & (_MACD > _SIGNAL) & (_CLOSE > _CLOSE_BEFORE),
            Timeframe.H4: _RSI.is_between(30, 70) & _INSIDE_BANDS,
            Timeframe.H1: _RSI.is_between(30, 70) & _INSIDE_BANDS,
            Timeframe.M5: _RSI.is_between(30, 70) & _CALM,
        },
    ),
    take_profit_pips=120,
    stop_pips=-60,
)

DEFINITION = Definition(
    "v1",
    (
        *(REVERSAL, REVERSAL.mirror()),
        *(PULLBACK, RALLY),
        *(DIVERGENCE, DIVERGENCE.mirror()),
        *(BREAKOUT, BREAKOUT.mirror()),
        BATTLE,
        *(COMPOSITE, COMPOSITE.mirror()),
    ),
)
