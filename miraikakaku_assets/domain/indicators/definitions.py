"""Which technical indicators there are: TA-Lib's function, its parameters, and how much history a value needs.

All recursive ones are as their authors define them and as TA-Lib computes them: Wilder's averages (RSI, ATR, ADX,
directional indicators) begin with the mean of the first 14 values, exponential ones with the mean of the first n.
Bollinger's σ is that of the population; the stochastic is the slow one of 14, 3, 3. OBV begins with the volume of
the first bar, so its level means nothing, its changes do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log
from types import MappingProxyType

from miraikakaku_assets.domain.indicators.undefined import (
    Undefined,
    without_move,
    without_range,
    without_volume,
)

SETTLED = 1e-6
"""Two histories that begin at different bars agree to this part of a value before it is shown."""

FEWEST_RECURSIVE = 250
"""Bars behind every recursive value, its own included: about a year of days. By then the start weighs
(13/14)^236 = 3e-8 in Wilder's averages of 14 and (25/27)^224 = 3e-8 in the slow average of MACD."""


@dataclass(frozen=True)
class Indicator:
    """One call of TA-Lib.

    Attributes:
        columns: Names of what it returns, in its order; columns of the table ``technical_indicators``.
        function: Name in TA-Lib.
        inputs: Columns of the bars it reads, in its order.
        parameters: The rest of its arguments, in its order.
        history: Per column: the number of bars, its own included, from which on a value is shown.
        meaning: For people; neighbours with the same words are shown together.
        undefined: Per column: where the definition says 0/0 and TA-Lib says 0; empty for nowhere.
        has_level: Whether its values mean something by themselves, not their changes alone.
    """

    columns: tuple[str, ...]
    function: str
    inputs: tuple[str, ...]
    parameters: tuple[float, ...]
    history: tuple[int, ...]
    meaning: str
    undefined: tuple[Undefined, ...] = ()
    has_level: bool = True


def _exponential(period: int) -> int:
    """Bars until the start of an exponential average weighs less than `SETTLED`: its seed, then its decay."""
    return max(FEWEST_RECURSIVE, period + ceil(log(SETTLED) / log(1 - 2 / (period + 1))))


_CLOSE = ("close",)
_RANGE = ("high", "low", "close")
_RECURSIVE = FEWEST_RECURSIVE
_MOVEMENT = "Wilder's directional movement"

INDICATORS: tuple[Indicator, ...] = (
    Indicator(
        ("rsi_14",), "RSI", _CLOSE, (14,), (_RECURSIVE,),
        "Wilder's RSI; his averages begin with the mean of the first 14 moves", (without_move,),
    ),
    Indicator(
        ("macd", "macd_signal", "macd_histogram"), "MACD", _CLOSE, (12, 26, 9), (_RECURSIVE,) * 3,
        "EMA 12 − EMA 26, its EMA 9, their difference",
    ),
    Indicator(
        ("bb_upper", "bb_middle", "bb_lower"), "BBANDS", _CLOSE, (20, 2.0, 2.0, 0), (20,) * 3,
        "SMA 20 and 2 σ of the population (n, not n − 1) on both sides",
    ),
    Indicator(("atr_14",), "ATR", _RANGE, (14,), (_RECURSIVE,), "Wilder's average true range"),
    *(Indicator((f"sma_{n}",), "SMA", _CLOSE, (n,), (n,), "simple averages") for n in (5, 25, 75, 200)),
    *(
        Indicator(
            (f"ema_{n}",), "EMA", _CLOSE, (n,), (_exponential(n),),
            "exponential averages, begun with the mean of the first n",
        )
        for n in (5, 25, 75, 200)
    ),
    Indicator(
        ("stoch_k", "stoch_d"), "STOCH", _RANGE, (14, 3, 0, 3, 0), (18, 18),
        "slow stochastic 14, 3, 3", (without_range(2), without_range(4)),
    ),
    Indicator(("adx_14",), "ADX", _RANGE, (14,), (_RECURSIVE,), _MOVEMENT),
    Indicator(("plus_di_14",), "PLUS_DI", _RANGE, (14,), (_RECURSIVE,), _MOVEMENT),
    Indicator(("minus_di_14",), "MINUS_DI", _RANGE, (14,), (_RECURSIVE,), _MOVEMENT),
    Indicator(
        ("obv",), "OBV", ("close", "volume"), (), (1,),
        "on-balance volume from the first bar on: its level means nothing, its changes do", (without_volume,),
        has_level=False,
    ),
)  # fmt: skip

COLUMNS: tuple[str, ...] = tuple(name for indicator in INDICATORS for name in indicator.columns)
"""All columns of the table ``technical_indicators``, in its order."""

MEANINGS: Mapping[str, str] = MappingProxyType(
    {name: indicator.meaning for indicator in INDICATORS for name in indicator.columns}
)
"""Column → what it is, for people."""

WITHOUT_LEVEL = frozenset(
    name for indicator in INDICATORS if not indicator.has_level for name in indicator.columns
)
"""Sums from the first bar on: their level says where the history begins and nothing else, their changes count."""

NEEDED_HISTORY: Mapping[str, int] = MappingProxyType(
    {
        name: bars
        for indicator in INDICATORS
        for name, bars in zip(indicator.columns, indicator.history, strict=True)
    }
)
"""Column → number of bars, its own included, from which on a value is shown; before it is null.

Windows (SMA, Bollinger, stochastic) are exact as soon as they are full. Recursive values depend on where the
history begins, which is an accident of what a source still has: they are null until that start weighs less than
`SETTLED`, and never shown before bar 250. EMA 75 therefore begins at bar 594 and EMA 200 at bar 1,582."""


def needed_history(column: str) -> int:
    """Bars, the value's own included, before a value of the column is shown.

    It is no licence to compute from that many bars: what is computed from a later start is close, not equal.
    `miraikakaku_assets.domain.indicators.compute.compute` takes every bar from an instrument's first on.
    """
    return NEEDED_HISTORY[column]
