"""The four frames that a pattern reads, and when a bar of them counts.

A bar counts from the moment it is known, never from its start: a four-hour bar that began at 09:00 says nothing
before its last part has ended, and a day nothing before it is final, as
`miraikakaku_assets.domain.bars.intervals.with_ends` says. All joins between timeframes go by ``ends``, backward.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import Timeframe

TIMEFRAMES = (Timeframe.D1, Timeframe.H4, Timeframe.H1, Timeframe.M5)
"""From the longest to the shortest; signals arise on the bars of the last."""

INPUTS = (
    *("open", "high", "low", "close"),
    *("rsi_14", "macd", "macd_signal", "macd_histogram"),
    *("bb_middle", "bb_upper", "bb_lower", "atr_14"),
)
"""Columns that patterns are made of: prices in the instrument's own unit, indicators null until warmed up."""

BARS_NEEDED = {Timeframe.D1: 251, Timeframe.H4: 251, Timeframe.H1: 251, Timeframe.M5: 84}
"""Bars before the first one judged that suffice for the same answer as the whole history gives: a swing is
forgotten after 240 bars (10 more make it, 1 is the bar before), a cool-down lasts 72 and looks back on 12."""


@dataclass(frozen=True)
class Frames:
    """Final bars with their indicators, of any number of symbols.

    Every frame has the columns ``symbol``, ``ts`` (start of the bar, UTC), ``ends`` (from when it is known, UTC) and
    `INPUTS`, and is sorted by symbol and ``ts``; further columns are ignored. Prices must be adjusted alike in all
    four. No bar may be provisional: it would change after it has been read.

    Attributes:
        d1: Bars of a session.
        h4: Bars of four hours.
        h1: Bars of an hour.
        m5: Bars of five minutes; every signal belongs to one of them.
    """

    d1: pl.DataFrame
    h4: pl.DataFrame
    h1: pl.DataFrame
    m5: pl.DataFrame

    def of(self, timeframe: Timeframe) -> pl.DataFrame:
        """The bars of one of `TIMEFRAMES`."""
        return dict(self.items())[timeframe]

    def items(self) -> Iterator[tuple[Timeframe, pl.DataFrame]]:
        """Timeframes with their bars, in the order of `TIMEFRAMES`."""
        return zip(TIMEFRAMES, (self.d1, self.h4, self.h1, self.m5), strict=True)

    def until(self, moment: datetime) -> "Frames":
        """What was known at a moment (UTC): the bars that counted by then."""
        return Frames(*(bars.filter(pl.col("ends") <= moment) for _, bars in self.items()))

    def since(self, moment: datetime) -> "Frames":
        """The bars that start at a moment (UTC) or later."""
        return Frames(*(bars.filter(pl.col("ts") >= moment) for _, bars in self.items()))

    def check(self) -> None:
        """Refuses frames of which patterns cannot be told.

        Raises:
            ConfigurationError: A column is missing, or the bars of a symbol are not in the order of time: patterns
                would be wrong or never show, and nobody would know why.
        """
        for timeframe, bars in self.items():
            missing = [name for name in ("symbol", "ts", "ends", *INPUTS) if name not in bars.columns]
            if missing:
                raise ConfigurationError(
                    f"The {timeframe} bars for the patterns lack {', '.join(missing)}; compute the indicators first"
                )
            steps = bars.select(pl.col("ts").diff().over("symbol").drop_nulls().alias("step"))["step"]
            if (steps <= timedelta(0)).any():
                raise ConfigurationError(
                    f"The {timeframe} bars for the patterns are not in the order of time; sort them by symbol and "
                    "ts, each bar once"
                )
