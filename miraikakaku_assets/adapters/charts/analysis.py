"""Candlesticks with their indicators as PNG, for messages and run metadata; below 100 KB.

Bars stand side by side whatever the clock says between them: nights, lunch breaks and weekends take no room.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.adapters.charts.dates import date_labels
from miraikakaku_assets.adapters.charts.text import japanese_font, last_value, legend, shown
from miraikakaku_assets.domain.patterns.pattern import Direction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BARS = 120
"""Newest bars that are shown; more of them are no longer told apart at this size."""

INK, MUTED, GRID, DOWN = "#1f2933", "#64748b", "#e8edf3", "#33475b"
_BAND, _BAND_FILL, _FAST, _SLOW = "#7aa6d8", "#eaf2fb", "#d97706", "#7c3aed"
_MACD, _SIGNAL = "#2563eb", "#d97706"
_MARKS = {
    Direction.SELL: ("v", "#c2255c", 1),
    Direction.BUY: ("^", "#0b7a53", -1),
    Direction.NEUTRAL: ("D", "#b45309", 1),
}

_SHADES = 192
_LABEL_HEIGHT = 13  # points of RSI: a level any closer would peep out behind the newest value

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Mark:
    """A signal on the chart.

    Attributes:
        at: When it became known (UTC): it is drawn on the bar that holds this moment or ends with it.
        direction: Where it points.
        label: Short and Latin, e.g. the pattern's number.
    """

    at: datetime
    direction: Direction
    label: str = ""


@dataclass(frozen=True)
class Caption:
    """What is written above the chart.

    Attributes:
        title: Symbol and timeframe.
        note: What it shows, e.g. the pattern's Japanese name.
        latin_note: The same where no font has Japanese.
        zone: IANA zone of the dates, the exchange's.
    """

    title: str
    note: str = ""
    latin_note: str = ""
    zone: str = "Asia/Tokyo"


def analysis_chart(
    bars: pl.DataFrame, indicators: pl.DataFrame, caption: Caption, marks: Sequence[Mark] = ()
) -> bytes:
    """The newest bars of one symbol: prices with bands and averages, RSI, MACD.

    Args:
        bars: ``ts`` (UTC start) and the four prices on the basis of the indicators, ascending; at least one.
        indicators: ``ts`` and the columns of `miraikakaku_assets.domain.indicators.definitions`; bars without any, and
            nulls of the warm-up, leave gaps.
        caption: What is written on it.
        marks: Signals; those before the first bar shown are left out.

    Raises:
        ValueError: There is no bar.
    """
    if bars.is_empty():
        raise ValueError("a chart needs at least one bar")
    table = bars.tail(BARS).join(
        indicators.drop("symbol", strict=False), on="ts", how="left", maintain_order="left"
    )
    figure = _figure()
    price, rsi, macd = figure.subplots(
        3,
        1,
        sharex=True,
        gridspec_kw={
            "height_ratios": (3.4, 1, 1.1),
            "hspace": 0.07,
            "left": 0.02,
            "right": 0.925,
            "top": 0.915,
            "bottom": 0.05,
        },
    )
    _prices(price, table)
    _rsi(rsi, _values(table, "rsi_14"))
    _macd(macd, table)
    _marks(price, table, marks)
    _axes((price, rsi, macd), table["ts"].dt.convert_time_zone(caption.zone))
    _title(figure, caption, table)
    return as_png(figure)


def _figure() -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(8.6, 6.0), dpi=100, facecolor="white")


def _values(table: pl.DataFrame, name: str) -> Numbers:
    """A column as numbers, NaN where there is none: Matplotlib leaves a gap there."""
    if name not in table.columns:
        return np.full(table.height, np.nan)
    return table[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _prices(axes: Any, table: pl.DataFrame) -> None:
    from matplotlib.collections import LineCollection, PolyCollection

    place = np.arange(table.height, dtype=np.float64)
    upper, middle, lower = (_values(table, f"bb_{name}") for name in ("upper", "middle", "lower"))
    axes.fill_between(place, lower, upper, color=_BAND_FILL, linewidth=0, zorder=1)
    for line in (upper, lower):
        axes.plot(place, line, color=_BAND, linewidth=0.9, zorder=2)
    axes.plot(place, middle, color=_BAND, linewidth=0.8, linestyle=(0, (4, 3)), zorder=2)
    axes.plot(place, _values(table, "sma_25"), color=_FAST, linewidth=1.1, zorder=2)
    axes.plot(place, _values(table, "sma_75"), color=_SLOW, linewidth=1.1, zorder=2)
    opened, high, low, close = (_values(table, name) for name in ("open", "high", "low", "close"))
    top, bottom = np.maximum(opened, close), np.minimum(opened, close)
    wicks = [((x, b), (x, e)) for x, b, e in zip(place, low, bottom, strict=True)]
    wicks += [((x, b), (x, e)) for x, b, e in zip(place, top, high, strict=True)]
    axes.add_collection(LineCollection(wicks, colors=DOWN, linewidths=0.9, zorder=3))
    bodies = [
        ((x - 0.33, b), (x + 0.33, b), (x + 0.33, e), (x - 0.33, e))
        for x, b, e in zip(place, bottom, top, strict=True)
    ]
    colours = ["white" if rising else DOWN for rising in close >= opened]
    axes.add_collection(PolyCollection(bodies, facecolors=colours, edgecolors=DOWN, linewidths=0.9, zorder=4))
    legend(axes, (("SMA 25", _FAST), ("SMA 75", _SLOW), ("Bollinger 20 ± 2σ", _BAND)))
    if np.isnan(opened).all():  # an official price has a close only
        axes.plot(place, close, color=DOWN, linewidth=1.1, zorder=3)
    everything = np.concatenate([high, low, upper, lower, close])
    least, most = float(np.nanmin(everything)), float(np.nanmax(everything))
    room = (most - least) or abs(most) * 0.01 or 1.0
    axes.set_ylim(least - 0.09 * room, most + 0.13 * room)
    last_value(axes, float(close[-1]), DOWN, shown(float(close[-1])))


def _rsi(axes: Any, values: Numbers) -> None:
    place = np.arange(len(values))
    axes.axhspan(30, 70, color="#f4f6f9", linewidth=0, zorder=0)
    for level in (30, 70):
        axes.axhline(level, color="#b8c2cf", linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    axes.axhline(50, color=GRID, linewidth=0.8, zorder=1)
    axes.plot(place, values, color=_MACD, linewidth=1.2, zorder=2)
    axes.set_ylim(8, 92)
    axes.set_yticks([level for level in (30, 50, 70) if not abs(level - values[-1]) < _LABEL_HEIGHT])
    legend(axes, (("RSI 14", _MACD),))
    last_value(axes, float(values[-1]), _MACD, f"{values[-1]:.1f}")


def _macd(axes: Any, table: pl.DataFrame) -> None:
    place = np.arange(table.height)
    line, signal, columns = (_values(table, name) for name in ("macd", "macd_signal", "macd_histogram"))
    colours = ["#b9cdea" if value >= 0 else "#eccfae" for value in columns]
    axes.bar(place, np.nan_to_num(columns), width=0.7, color=colours, linewidth=0, zorder=1)
    axes.axhline(0, color="#b8c2cf", linewidth=0.8, zorder=1)
    axes.plot(place, line, color=_MACD, linewidth=1.1, zorder=2)
    axes.plot(place, signal, color=_SIGNAL, linewidth=1.1, zorder=2)
    known = np.concatenate([line, signal, columns])
    reach = float(np.nanmax(np.abs(known))) if np.isfinite(known).any() else 1.0
    axes.set_ylim(-1.15 * (reach or 1.0), 1.45 * (reach or 1.0))
    axes.locator_params(axis="y", nbins=4)
    legend(axes, (("MACD 12/26", _MACD), ("Signal 9", _SIGNAL)))


def _marks(axes: Any, table: pl.DataFrame, marks: Sequence[Mark]) -> None:
    starts = table["ts"]
    high, low = _values(table, "high"), _values(table, "low")
    bottom, top = axes.get_ylim()
    gap = 0.028 * (top - bottom)
    for mark in marks:
        place = int(starts.search_sorted(mark.at, side="left")) - 1
        if place < 0:
            continue
        shape, colour, side = _MARKS[mark.direction]
        at = (high[place] + gap) if side > 0 else (low[place] - gap)
        axes.axvline(place, color=colour, linewidth=0.8, alpha=0.35, zorder=1)
        axes.plot([place], [at], shape, color=colour, markersize=9, markeredgecolor="white", zorder=6)
        axes.annotate(
            mark.label,
            (place, at),
            xytext=(0, side * 8),
            textcoords="offset points",
            ha="center",
            va="bottom" if side > 0 else "top",
            fontsize=8,
            fontweight="bold",
            color=colour,
            zorder=6,
        )


def _axes(panels: Sequence[Any], starts: pl.Series) -> None:
    places, labels = date_labels(starts)
    for axes in panels:
        axes.yaxis.tick_right()
        axes.tick_params(labelsize=8, colors=MUTED, length=0, pad=4)
        axes.spines[["top", "left", "right"]].set_visible(False)
        axes.spines["bottom"].set_color("#cbd5e1")
        axes.grid(axis="both", color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.yaxis.set_major_formatter(lambda value, _: shown(value))
    panels[-1].set_xticks(places, labels)
    panels[-1].set_xlim(-1.2, max(len(starts), 30) + 0.2)


def _title(figure: "Figure", caption: Caption, table: pl.DataFrame) -> None:
    font = japanese_font()
    note = caption.note if font or caption.note.isascii() else caption.latin_note
    figure.text(0.02, 0.962, caption.title, fontsize=12, fontweight="bold", color=INK, va="center")
    figure.text(
        0.5, 0.962, note, fontsize=11, color=INK, va="center", ha="center", family=[*font, "DejaVu Sans"]
    )
    last = table["ts"][-1].astimezone(ZoneInfo(caption.zone))
    zone = f"{last:%Y-%m-%d %H:%M} {last.tzname()}"
    figure.text(0.98, 0.962, zone, fontsize=8, color=MUTED, va="center", ha="right")


def as_png(figure: "Figure") -> bytes:
    """With a palette: smoothed edges make hundreds of shades that nobody tells apart, for three times the size."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    drawn = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    picture = Image.fromarray(drawn[..., :3].copy())
    buffer = io.BytesIO()
    picture.quantize(_SHADES, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(buffer, format="png")
    return buffer.getvalue()
