"""The chart of a symbol that goes into run metadata: candlesticks with bands, RSI, MACD and the signals."""

import dagster as dg

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

_SHOWN = {Timeframe.D1: Timeframe.D1, Timeframe.M5: Timeframe.H1}
"""Collected timeframe → the timeframe whose newest 120 bars are drawn."""


def analysis_chart_of(
    ports: Ports, universe: Universe, collected: Timeframe, symbol: str
) -> dg.MarkdownMetadataValue:
    """The newest bars of a symbol as a picture, or why there is none."""
    from miraikakaku_assets.adapters.charts.analysis import Caption, Mark, analysis_chart
    from miraikakaku_assets.adapters.charts.png import as_markdown
    from miraikakaku_assets.domain.patterns.pattern import Direction

    timeframe = _SHOWN[collected]
    bars = ports.stores.bars.read(universe, timeframe, [symbol])
    if bars.is_empty():
        return dg.MetadataValue.md(f"No {timeframe} bar of {symbol} yet.")
    indicators = ports.stores.analysis.indicators(universe, timeframe, [symbol])
    signals = ports.stores.analysis.signals(universe, [symbol])
    marks = [
        Mark(at, Direction(direction), pattern)
        for at, direction, pattern in signals.select("at", "direction", "pattern").iter_rows()
    ]
    title = Caption(f"{symbol}  {timeframe}", zone=universe.time_zone)
    picture = analysis_chart(bars, indicators, title, marks if collected is Timeframe.M5 else ())
    return dg.MetadataValue.md(as_markdown(picture, f"{symbol}, newest {timeframe} bars"))
