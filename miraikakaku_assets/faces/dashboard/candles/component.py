"""Candles with volume, bands, RSI, MACD and marks in a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import streamlit as st

from miraikakaku_assets.application.reading.chart import INTRADAY, price_scale
from miraikakaku_assets.application.reading.symbol_page import SymbolChart
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.faces.dashboard.language import Language, Texts
from miraikakaku_assets.faces.dashboard.page import View
from miraikakaku_assets.faces.dashboard.theme import BLUE, GREY, ORANGE, PURPLE, SKY

_FOLDER = Path(__file__).parent
_DASHED, _DOTTED = 2, 1
TEXTS = Texts(
    {
        "open": ("始", "O"),
        "high": ("高", "H"),
        "low": ("安", "L"),
        "close": ("終", "C"),
        "volume": ("出来高", "Vol"),
        "signal": ("シグナル線", "Signal"),
        "png": ("PNG 保存", "Save PNG"),
        "away": (
            "チャートの部品を読み込めませんでした。ページを再読み込みしてください。",
            "The chart could not be loaded; reload the page.",
        ),
        "alt": (
            "{symbol} ({timeframe}) のローソク足チャート。矢印キーで移動、+ と - で拡大縮小",
            "Candles of {symbol} ({timeframe}); arrow keys move, + and - zoom",
        ),
        "bands": ("ボリンジャー ±2σ", "Bollinger ±2σ"),
        "dividend": ("配", "D"),
        "split": ("分割", "S"),
    }
)


@dataclass(frozen=True)
class ChartMark:
    """A sign above or below a bar.

    Attributes:
        time: Of the bar, as the chart writes it.
        text: A few letters.
        shape: ``arrowUp``, ``arrowDown`` or ``circle``.
        is_above: Whether it stands above the bar.
        colour: Its colour.
    """

    time: str | int
    text: str
    shape: str
    is_above: bool
    colour: str

    @property
    def document(self) -> dict[str, Any]:
        """As the library takes it."""
        place = "aboveBar" if self.is_above else "belowBar"
        return {
            "time": self.time,
            "text": self.text,
            "shape": self.shape,
            "position": place,
            "color": self.colour,
        }


def candles(
    view: View,
    chart: SymbolChart,
    symbol: str,
    universe: Universe,
    timeframe: Timeframe,
    price_unit: str,
    shown: int,
) -> None:
    """Draws a chart.

    Args:
        view: The look.
        chart: What is drawn; at least one bar.
        symbol: Whose.
        universe: Of it: its time zone is that of the axis.
        timeframe: Length of the bars.
        price_unit: Of the prices, which decides their decimals.
        shown: How many bars are in sight at first.
    """
    text = view.texts(TEXTS)
    bars = chart.bars
    zone = universe.time_zone
    times = _times(bars, timeframe, zone)
    words = {name: text(name) for name in ("open", "high", "low", "close", "volume", "signal", "png", "away")}
    words |= {
        "alt": text("alt", symbol=symbol, timeframe=timeframe.value),
        "file": f"{symbol}-{timeframe.value}",
    }
    data = {
        "time": times,
        "labels": _labels(bars, timeframe, zone),
        **{name: _numbers(bars, name) for name in ("open", "high", "low", "close", "volume")},
        "rsi": _numbers(bars, "rsi_14"),
        "macd": _numbers(bars, "macd"),
        "signal": _numbers(bars, "macd_signal"),
        "histogram": _numbers(bars, "macd_histogram"),
        "lines": _lines(bars, text("bands")),
        "marks": [mark.document for mark in _marks(view, chart, times, universe, timeframe)],
        "ranged": bars["open"].null_count() == 0,
        "intraday": timeframe in INTRADAY,
        "precision": len(str(price_scale(price_unit))) - 1,
        "shown": shown,
        "locale": "ja-JP" if view.language is Language.JA else "en-US",
        "words": words,
        "colours": _colours(view),
    }
    _component()(key=f"candles-{symbol}-{timeframe.value}", data=data)


def _colours(view: View) -> dict[str, str]:
    theme = view.theme
    return {
        "up": theme.up,
        "down": theme.down,
        "text": theme.text,
        "muted": theme.muted,
        "grid": theme.grid,
        "background": theme.background,
        "main": SKY if theme.is_dark else BLUE,
        "rsi": PURPLE,
        "macd": SKY if theme.is_dark else BLUE,
        "signal": ORANGE,
    }


def _lines(bars: pl.DataFrame, bands: str) -> list[dict[str, Any]]:
    band = {"colour": SKY, "style": 0}
    return [
        {"name": f"{bands} +", "values": _numbers(bars, "bb_upper"), **band},
        {"name": "", "values": _numbers(bars, "bb_middle"), "colour": SKY, "style": _DASHED},
        {"name": f"{bands} −", "values": _numbers(bars, "bb_lower"), **band},
        {"name": "SMA 25", "values": _numbers(bars, "sma_25"), "colour": ORANGE, "style": 0},
        {"name": "SMA 75", "values": _numbers(bars, "sma_75"), "colour": GREY, "style": _DOTTED},
    ]


def _times(bars: pl.DataFrame, timeframe: Timeframe, zone: str) -> list[Any]:
    """Days as such; moments in seconds on the exchange's clock, which the library takes for UTC."""
    if timeframe not in INTRADAY:
        return bars["time"].dt.strftime("%Y-%m-%d").to_list()
    return bars["time"].dt.convert_time_zone(zone).dt.replace_time_zone(None).dt.epoch("s").to_list()


def _labels(bars: pl.DataFrame, timeframe: Timeframe, zone: str) -> list[str]:
    if timeframe not in INTRADAY:
        return bars["time"].dt.strftime("%Y-%m-%d").to_list()
    return bars["time"].dt.convert_time_zone(zone).dt.strftime("%Y-%m-%d %H:%M").to_list()


def _numbers(bars: pl.DataFrame, name: str) -> list[float | None]:
    column = bars[name].cast(pl.Float64)
    return pl.select(pl.when(column.is_finite()).then(column)).to_series().to_list()


def _marks(
    view: View, chart: SymbolChart, times: Sequence[Any], universe: Universe, timeframe: Timeframe
) -> list[ChartMark]:
    """Dividends, splits and signals on the bars in which they fell, in the order of time."""
    text, theme = view.texts(TEXTS), view.theme
    bars = chart.bars.with_row_index("place").select("place", "ts", "session")
    placed: list[tuple[int, ChartMark]] = []
    for action in chart.actions.iter_rows(named=True):
        place = _place_of_day(bars, action["ex_date"])
        if place is not None:
            value = f"{action['value']:g}"
            mark = ChartMark(times[place], f"{text(action['kind'])} {value}", "circle", False, theme.muted)  # noqa: FBT003 - as in the picture
            placed.append((place, mark))
    days = timeframe not in INTRADAY
    for signal in chart.signals:
        day = signal["at"].astimezone(ZoneInfo(universe.time_zone)).date()
        place = _place_of_day(bars, day) if days else _place_of_moment(bars, signal["ts"])
        if place is None:
            continue
        sell = signal["direction"] == "SELL"
        neutral = signal["direction"] == "NEUTRAL"
        shape = "circle" if neutral else "arrowDown" if sell else "arrowUp"
        colour = theme.muted if neutral else theme.down if sell else theme.up
        placed.append((place, ChartMark(times[place], str(signal["pattern"]), shape, sell, colour)))
    placed.sort(key=lambda entry: entry[0])
    return list({(place, mark.text, mark.shape): mark for place, mark in placed}.values())


def _place_of_day(bars: pl.DataFrame, day: Any) -> int | None:
    """The last bar that begins on a day or before it."""
    before = bars.filter(pl.col("session") <= day)
    return None if before.is_empty() else int(before["place"][-1])


def _place_of_moment(bars: pl.DataFrame, moment: Any) -> int | None:
    before = bars.filter(pl.col("ts") <= moment)
    return None if before.is_empty() else int(before["place"][-1])


@cache
def _component() -> Any:
    html, css, js = (
        (_FOLDER / f"candles.{ending}").read_text(encoding="utf-8") for ending in ("html", "css", "js")
    )
    return st.components.v2.component("miraikakaku_candles", html=html, css=css, js=js)
