"""The chart that goes with the message about a signal: as it stood when the signal became known."""

from datetime import datetime, timedelta

import polars as pl

from miraikakaku_assets.adapters.charts.analysis import BARS, Caption, Mark, analysis_chart
from miraikakaku_assets.application.ports import BarStore
from miraikakaku_assets.application.ports.analysis import AnalysisStore
from miraikakaku_assets.application.ports.notices import PATTERN, Alert
from miraikakaku_assets.domain.bars.intervals import with_ends
from miraikakaku_assets.domain.market.instruments import Timeframe, universe
from miraikakaku_assets.domain.patterns.pattern import Direction

TIMEFRAME = Timeframe.H1
"""Of the four that a pattern looks at, the one whose 120 bars show the days that led to it."""

_REACH = timedelta(days=45)  # 120 hours of Tokyo's trading are 20 sessions

_DIRECTIONS = {Direction.SELL: "売り", Direction.BUY: "買い", Direction.NEUTRAL: "様子見"}


class PatternPictures:
    """Draws the chart of a signal's alert.

    Args:
        bars: Stored bars.
        indicators: Stored indicators.
    """

    def __init__(self, bars: BarStore, indicators: AnalysisStore) -> None:
        self._bars = bars
        self._indicators = indicators

    def of(self, alert: Alert) -> bytes | None:
        """PNG of the bars up to the signal; None if the alert is about something else or there are no bars."""
        if alert.kind != PATTERN or alert.universe is None or alert.symbol is None:
            return None
        where = universe(alert.universe)
        at = datetime.fromisoformat(str(alert.details["at"]))
        first = at.date() - _REACH
        bars = with_ends(self._bars.read(where, TIMEFRAME, [alert.symbol], first), TIMEFRAME, where)
        bars = bars.filter(pl.col("ends") <= at).tail(BARS)  # the running hour goes on after the signal
        if bars.is_empty():
            return None
        direction = Direction(str(alert.details["direction"]))
        caption = Caption(
            f"{alert.symbol}  {TIMEFRAME}",
            f"【{_DIRECTIONS[direction]}】{alert.details['name_ja']}",
            f"{direction}: {alert.details['name']}",
            where.time_zone,
        )
        mark = Mark(at, direction, str(alert.details["pattern"]))
        return analysis_chart(
            bars, self._indicators.indicators(where, TIMEFRAME, [alert.symbol]), caption, [mark]
        )
