"""What pictures of forecasts share: how each model looks, the words around a chart, and lines with holes."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.adapters.charts.analysis import GRID, INK, MUTED
from miraikakaku_assets.adapters.charts.text import japanese_font, legend
from miraikakaku_assets.domain.forecasting.contract import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENSEMBLE = "ensemble"

WIDTH = 860
"""Pixels of a picture; heights differ."""

LEFT, RIGHT = 0.02, 0.98
"""Where words begin and end, as a share of the width."""

_DPI = 100
_POINTS = 72
_LONGEST = 24  # letters of a name that nobody has chosen for a legend
_SMALL = 8  # size of type beneath a title, as on the other charts

Numbers = NDArray[np.float64]


Looks = Mapping[str, Look]
"""Model → how it is drawn, in the order in which models are listed."""

NO_LOOKS: Looks = {}

_ENSEMBLE = Look("Ensemble", "#2563eb", "o", "●")
_OTHERS = ("#475569", "#b91c8c", "#166534", "#b45309", "#1e40af", "#7f1d1d")


def looks_of(models: Iterable[str], known: Looks) -> dict[str, Look]:
    """Every model's look, the ensemble first, then in the order of `known`; those that have none come last."""
    drawn = set(models)
    looks = {model: look for model, look in {ENSEMBLE: _ENSEMBLE, **known}.items() if model in drawn}
    for place, model in enumerate(sorted(drawn - set(looks))):
        looks[model] = Look(drawable(model)[:_LONGEST], _OTHERS[place % len(_OTHERS)], ">", "▶")
    return looks


def canvas(height: int) -> "Figure":
    """An empty picture of `WIDTH` × `height` pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / _DPI, height / _DPI), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)  # measures words
    return figure


def box(figure: "Figure", left: float, right: float, top: int, bottom: int) -> Any:
    """Axes between two shares of the width, and pixels away from the upper and the lower edge."""
    height = figure.bbox.height
    return figure.add_axes((left, bottom / height, right - left, 1 - (top + bottom) / height))


def plain(axes: Any) -> None:
    """No frame, values at the right, a grid behind: as on the other charts."""
    axes.yaxis.tick_right()
    axes.tick_params(labelsize=_SMALL, colors=MUTED, length=0, pad=4)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.spines["bottom"].set_color("#cbd5e1")
    axes.grid(axis="both", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)


@cache
def _letters(families: tuple[str, ...]) -> frozenset[int]:
    from matplotlib import font_manager

    paths = (font_manager.findfont(family) for family in families)
    return frozenset(letter for path in paths for letter in font_manager.get_font(path).get_charmap())


def _families() -> tuple[str, ...]:
    return ("DejaVu Sans", *japanese_font())


def drawable(text: str) -> str:
    """The text without letters that no font has: Matplotlib would draw boxes and warn."""
    letters = _letters(_families())
    return "".join(letter for letter in " ".join(text.split()) if ord(letter) in letters)


def words(figure: "Figure", place: tuple[float, int], text: str, **style: Any) -> Any:
    """Writes at a share of the width and pixels below the upper edge; prices in "$" are no formulas."""
    usual: dict[str, Any] = {"fontsize": _SMALL, "color": MUTED, "va": "center", "family": _families()}
    height = figure.bbox.height
    return figure.text(place[0], 1 - place[1] / height, drawable(text), parse_math=False, **(usual | style))


def fit(written: Any, pixels: float) -> None:
    """Cuts what is written until it is no wider."""
    text = written.get_text()
    if not text or written.get_window_extent().width <= pixels:
        return

    def too_wide(length: int) -> bool:
        written.set_text(f"{text[:length].rstrip()}…")
        return bool(written.get_window_extent().width > pixels)

    kept = max(bisect_left(range(len(text)), x=True, key=too_wide) - 1, 0)
    written.set_text(f"{text[:kept].rstrip()}…")


def header(figure: "Figure", title: str, right: str, subtitle: str, badge: str | None = None) -> None:
    """Title with a badge beside it, a date at the right, and a line beneath them, in the upper 52 pixels."""
    date = words(figure, (RIGHT, 20), right, ha="right")
    end = date.get_window_extent().x0 if right else WIDTH * RIGHT
    sign = None
    if badge:
        frame = {
            "boxstyle": "round,pad=0.35",
            "facecolor": "#fff4e0",
            "edgecolor": "#e8b45c",
            "linewidth": 0.8,
        }
        sign = words(figure, (LEFT, 20), badge, color="#92500a", bbox=frame)
    taken = sign.get_window_extent().width + 28 if sign else 0
    name = _title(figure, title, end - taken - 12)
    if sign:
        sign.set_x((name + 16) / WIDTH)
    fit(words(figure, (LEFT, 43), subtitle, fontsize=8.5), WIDTH * (RIGHT - LEFT))


def _title(figure: "Figure", title: str, limit: float) -> float:
    """Its Latin beginning in bold, the rest as it is: Japanese fonts are often there in one weight only."""
    kept = drawable(title)
    latin = next((place for place, letter in enumerate(kept) if not letter.isascii()), len(kept))
    end = WIDTH * LEFT
    for text, style in (
        (kept[:latin].strip(), {"family": "DejaVu Sans", "fontweight": "bold"}),
        (kept[latin:], {}),
    ):
        if text and end < limit - 20:
            start = end + 9 * (end > WIDTH * LEFT)
            part = words(figure, (start / WIDTH, 20), text, fontsize=12, color=INK, **style)
            fit(part, limit - start)
            end = part.get_window_extent().x1
    return end


def legend_rows(figure: "Figure", entries: Sequence[tuple[str, str]], top: int) -> int:
    """Names in their colours, as many to a row as fit; returns the pixels that are taken from the upper edge."""
    room = WIDTH * (RIGHT - LEFT) * _POINTS / _DPI
    rows: list[list[tuple[str, str]]] = [[]] if entries else []
    for entry in entries:
        wide = sum(4.9 * len(name) + 10 for name, _ in (*rows[-1], entry))  # as `legend` counts
        if rows[-1] and wide > room:
            rows.append([])
        rows[-1].append(entry)
    for place, row in enumerate(rows):
        strip = box(
            figure, LEFT - 9 / WIDTH, RIGHT, top + 16 * place, int(figure.bbox.height) - top - 16 * place - 16
        )
        strip.set_axis_off()
        legend(strip, row)
    return top + 16 * len(rows)


def footnote(figure: "Figure", text: str) -> None:
    """A line at the lower edge."""
    fit(words(figure, (LEFT, int(figure.bbox.height) - 13), text), WIDTH * (RIGHT - LEFT))


def corner_notes(axes: Any, notes: Sequence[tuple[str, str]], side: str) -> None:
    """Texts in their colours at the right ``top`` or ``bottom`` of the axes: what the scale leaves out."""
    most = 4  # more would cover the chart
    shown = [*notes[:most], (f"and {len(notes) - most} more", MUTED)] if len(notes) > most else notes
    for place, (text, colour) in enumerate(shown):
        down = 6 + 12 * (place if side == "top" else len(shown) - 1 - place)
        axes.annotate(
            text,
            (1, 1 if side == "top" else 0),
            xycoords="axes fraction",
            xytext=(-5, -down if side == "top" else down),
            textcoords="offset points",
            ha="right",
            va=side,
            fontsize=7.5,
            color=colour,
            zorder=7,
            bbox={"boxstyle": "square,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.75},
        )


def line(axes: Any, places: Numbers, values: Numbers, **style: Any) -> None:
    """A line with holes where there is no value; what has no neighbour is a dot, or it would not be seen."""
    axes.plot(places, values, **style)
    known = np.isfinite(values)
    before, after = np.r_[False, known[:-1]], np.r_[known[1:], False]
    alone = known & ~before & ~after
    axes.plot(
        places[alone], values[alone], "o", color=style["color"], markersize=4, zorder=style.get("zorder", 3)
    )


def numbers(column: pl.Series) -> Numbers:
    """As floats; NaN for null and for what is not finite."""
    values = column.cast(pl.Float64).fill_null(float("nan")).to_numpy().copy()
    values[~np.isfinite(values)] = np.nan
    return values
