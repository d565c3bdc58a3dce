"""How much history an indicator needs before a pattern reads it: less than before it is shown to people."""

from collections.abc import Mapping
from types import MappingProxyType

from miraikakaku_assets.domain.indicators.definitions import NEEDED_HISTORY
from miraikakaku_assets.domain.patterns.frames import INPUTS

PATTERN_HISTORY = 100
"""Bars behind every recursive value that a pattern reads, its own included.

Stored indicators wait for 250 bars, until the start of the history is worth a millionth. Tokyo has two four-hour bars
a session, so that its patterns would wait for 125 sessions, and five-minute bars are served of 60 days at
once: 35 to 44 sessions, 80 bars. The thresholds of patterns do not need a millionth. At bar 100 the start weighs
(13/14)^86 = 0.2 % in RSI and ATR and (25/27)^74 = 0.3 % in MACD; on 102 TSE issues of 2025, with histories cut by 30
to 120 sessions, RSI was off by 0.2 points at most and ATR by 0.2 % (99 of 100), where bar 60 has 2.8 points and 5 %.
In Tokyo four-hour patterns so begin 50 sessions after the first five-minute bar, ten after a first collection.
"""

READ_HISTORY: Mapping[str, int] = MappingProxyType(
    {name: min(NEEDED_HISTORY[name], PATTERN_HISTORY) for name in INPUTS if name in NEEDED_HISTORY}
)
"""Column that patterns read → bars, the value's own included, before it is read; for ``compute(history=…)``."""
