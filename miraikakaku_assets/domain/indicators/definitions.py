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

SETTLED = 1e-6
"""Two histories that begin at different bars agree to this part of a value before it is shown."""

FEWEST_RECURSIVE = 250
"""Bars behind every recursive value, its own included: about a year of days. By then the start weighs
(13/14)^236 = 3e-8 in Wilder's averages of 14 and (25/27)^224 = 3e-8 in the slow average of MACD."""


@dataclass(frozen=True)
class Indicator:
    """One call of TA-Lib.

    Attributes:
        columns: Names of what it returns, in its order.
        function: Name in TA-Lib.
        inputs: Columns of the bars it reads, in its order.
        parameters: The rest of its arguments, in its order.
        history: Per column: the number of bars, its own included, from which on a value is shown.
    """

    columns: tuple[str, ...]
    function: str
    inputs: tuple[str, ...]
    parameters: tuple[float, ...]
    history: tuple[int, ...]


def _exponential(period: int) -> int:
    """Bars until the start of an exponential average weighs less than `SETTLED`: its seed, then its decay."""
    return max(FEWEST_RECURSIVE, period + ceil(log(SETTLED) / log(1 - 2 / (period + 1))))


_CLOSE = ("close",)
_RANGE = ("high", "low", "close")
_RECURSIVE = FEWEST_RECURSIVE

INDICATORS: tuple[Indicator, ...] = (
    Indicator(("rsi_14",), "RSI", _CLOSE, (14,), (_RECURSIVE,)),
    Indicator(("macd", "macd_signal", "macd_histogram"), "MACD", _CLOSE, (12, 26, 9), (_RECURSIVE,) * 3),
    Indicator(("bb_upper", "bb_middle", "bb_lower"), "BBANDS", _CLOSE, (20, 2.0, 2.0, 0), (20,) * 3),
    Indicator(("atr_14",), "ATR", _RANGE, (14,), (_RECURSIVE,)),
    *(Indicator((f"sma_{n}",), "SMA", _CLOSE, (n,), (n,)) for n in (5, 25, 75, 200)),
    *(Indicator((f"ema_{n}",), "EMA", _CLOSE, (n,), (_exponential(n),)) for n in (5, 25, 75, 200)),
    Indicator(("stoch_k", "stoch_d"), "STOCH", _RANGE, (14, 3, 0, 3, 0), (18, 18)),
    Indicator(("adx_14",), "ADX", _RANGE, (14,), (_RECURSIVE,)),
    Indicator(("plus_di_14",), "PLUS_DI", _RANGE, (14,), (_RECURSIVE,)),
    Indicator(("minus_di_14",), "MINUS_DI", _RANGE, (14,), (_RECURSIVE,)),
    Indicator(("obv",), "OBV", ("close", "volume"), (), (1,)),
)

COLUMNS: tuple[str, ...] = (
    *("rsi_14", "macd", "macd_signal", "macd_histogram", "bb_middle", "bb_upper", "bb_lower", "atr_14"),
    *("sma_5", "sma_25", "sma_75", "sma_200", "ema_5", "ema_25", "ema_75", "ema_200"),
    *("stoch_k", "stoch_d", "adx_14", "plus_di_14", "minus_di_14", "obv"),
)
"""All columns in the order of the table ``technical_indicators``."""

NEEDED_HISTORY: Mapping[str, int] = MappingProxyType(
    {name: bars for one in INDICATORS for name, bars in zip(one.columns, one.history, strict=True)}
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
