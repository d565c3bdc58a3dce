"""Which model led, over time: errors against those of no change, as a PNG below 100 KB."""

from itertools import groupby
from typing import Any

import numpy as np
import polars as pl

from miraikakaku_assets.adapters.charts.analysis import GRID, MUTED, as_png
from miraikakaku_assets.adapters.charts.dates import date_labels
from miraikakaku_assets.adapters.charts.forecast_canvas import (
    ENSEMBLE,
    NO_LOOKS,
    WIDTH,
    Looks,
    Numbers,
    box,
    canvas,
    fit,
    footnote,
    header,
    line,
    looks_of,
    numbers,
    plain,
)
from miraikakaku_assets.domain.forecasting.ensemble import NO_CHANGE

LOST = 1.10
"""Mean absolute error over that of no change from which on a model counts as lost."""

_HEIGHT = 470
_TALLEST = 1.5  # ratio that the scale never goes beyond, or a bad model would press the others together
_PRESSED = 5  # times narrower is the scale above `LOST`: who leads is told by hundredths
_SIDE = 150  # pixels for names at the right
_MOST_TICKS, _FEW_TICKS = 12, 4


def leaderboard_chart(
    performance: pl.DataFrame, title: str, horizon: int | None = None, looks: Looks = NO_LOOKS
) -> bytes:
    """Mean absolute errors relative to no change over time, and below them who led.

    Args:
        performance: Schema `PERFORMANCE`: one segment, one window.
        title: The universe.
        horizon: Sessions ahead that are shown; the fewest there are, without.
        looks: How models are drawn.

    Returns:
        PNG.
    """
    at_horizon = pl.col("horizon") == (pl.col("horizon").min() if horizon is None else horizon)
    rows = performance.filter(at_horizon)
    rows = rows.unique(["model", "until"], keep="last", maintain_order=True)
    days = rows["until"].unique().sort()
    ratios = {model: _over_time(rows, model, days) for model in looks_of(rows["model"].unique(), looks)}
    ratios = {model: ratio for model, ratio in ratios.items() if np.isfinite(ratio).any()}
    styles = looks_of([*ratios, NO_CHANGE], looks)
    figure = canvas(_HEIGHT)
    header(
        figure, title, " – ".join(str(day) for day in dict.fromkeys([*days[:1], *days[-1:]])), _measure(rows)
    )
    main = box(figure, 0.055, 1 - _SIDE / WIDTH, 62, 78)
    ribbon = box(figure, 0.055, 1 - _SIDE / WIDTH, _HEIGHT - 74, 52)
    _ratios(main, ratios, styles)
    _names(main, ratios, styles, days)
    _leaders(ribbon, ratios, styles)
    _days(main, ribbon, days)
    absent = looks_of(set(rows["model"]) - set(ratios) - {NO_CHANGE}, looks)
    footnote(figure, f"No outcome: {', '.join(look.name for look in absent.values())}" if absent else "")
    return as_png(figure)


def _measure(rows: pl.DataFrame) -> str:
    if rows.is_empty():
        return "No forecast has an outcome yet"
    horizon, window = rows["horizon"][-1], rows["window"][-1]
    over = "day by day" if window == 1 else f"over {window} days each"
    return f"Mean absolute error relative to no change, {horizon} session{'s' * (horizon != 1)} ahead, {over}"


def _over_time(rows: pl.DataFrame, model: str, days: pl.Series) -> Numbers:
    own = rows.filter(pl.col("model") == model).select("until", "mae_to_no_change")
    return numbers(
        days.to_frame().join(own, on="until", how="left", maintain_order="left")["mae_to_no_change"]
    )


def _ratios(axes: Any, ratios: dict[str, Numbers], styles: Looks) -> None:
    plain(axes)
    axes.yaxis.tick_left()
    axes.axhline(1, color=styles[NO_CHANGE].colour, linewidth=1.2, zorder=2)
    axes.axhline(LOST, color="#b45309", linewidth=1.0, linestyle=(0, (4, 3)), zorder=2)
    for model, ratio in ratios.items():
        if model == NO_CHANGE:
            continue
        main = model == ENSEMBLE
        line(
            axes, np.arange(len(ratio), dtype=np.float64), ratio, color=styles[model].colour,
            linewidth=2.0 if main else 1.0, zorder=5 if main else 4,
        )  # fmt: skip
    low, high = _scale(ratios)
    axes.set_yscale("function", functions=(_pressed, _stretched))
    axes.set_ylim(low, high)
    axes.set_yticks([tick for tick in _ticks(low, high) if low <= tick <= high])
    axes.axhspan(LOST, high, color="#fdf6ea", linewidth=0, zorder=0)
    axes.annotate(
        f"{LOST:.2f}: skill lost, and a narrower scale above",
        (0, LOST),
        xycoords=("axes fraction", "data"),
        xytext=(6, 3),
        textcoords="offset points",
        fontsize=7.5,
        color="#b45309",
        zorder=6,
    )
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.2f}")


def _scale(ratios: dict[str, Numbers]) -> tuple[float, float]:
    """Both lines and the leaders in any case, the others as far as they do not press these together."""
    known = [ratio[np.isfinite(ratio)] for model, ratio in ratios.items() if model != NO_CHANGE]
    if not known:
        return 0.94, LOST + 0.04
    least = min(float(ratio.min()) for ratio in known)
    best = min(float(ratio.max()) for ratio in known)
    most = min(max(float(ratio.max()) for ratio in known), max(_TALLEST, 1.1 * best))
    low, high = min(least, 0.97), max(most, LOST + 0.05)
    room = 0.05 * (float(_pressed(high)) - low)
    return max(0.0, low - room), float(_stretched(_pressed(high) + room))


def _pressed(ratio: Any) -> Any:
    return np.where(ratio <= LOST, ratio, LOST + (ratio - LOST) / _PRESSED)


def _stretched(height: Any) -> Any:
    return np.where(height <= LOST, height, LOST + (height - LOST) * _PRESSED)


def _ticks(low: float, high: float) -> list[float]:
    tall = float(_pressed(high)) - low
    fine = next((step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if tall / step <= _MOST_TICKS), 1.0)
    below = np.arange(np.ceil(low / fine), LOST / fine - 0.5) * fine
    coarse = next((step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10) if (high - LOST) / step <= _FEW_TICKS), high)
    above = 1 + np.arange(1, _FEW_TICKS + 1) * coarse
    return [*below, LOST, *above[above > LOST + coarse / 2]]


def _names(axes: Any, ratios: dict[str, Numbers], styles: Looks, days: pl.Series) -> None:
    """Beside the end of every line its model and newest figure, moved apart where lines end close together."""
    low, high = axes.get_ylim()
    tall = axes.get_window_extent().height
    ends = []
    for model, ratio in (ratios | {NO_CHANGE: np.ones(len(days))} if len(days) else {}).items():
        last = int(np.flatnonzero(np.isfinite(ratio))[-1])
        value = float(ratio[last])
        figure = f"{value:.3f}" if last == len(days) - 1 else f"until {days[last]:%-m/%-d}"
        mark = " ▲" if value > high else ""
        ends.append(
            (_height(min(value, high), low, high) * tall, f"{styles[model].name} {figure}{mark}", model)
        )
    ends.sort(key=lambda end: (end[0], end[1]))
    heights = _apart([height for height, _, _ in ends], 14.0, tall)
    for height, (_, text, model) in zip(heights, ends, strict=True):
        name = axes.annotate(
            text, (1, height / tall), xycoords="axes fraction", xytext=(7, 0), textcoords="offset points",
            va="center", fontsize=8, color=styles[model].colour, annotation_clip=False,
            fontweight="bold" if model == ENSEMBLE else "normal",
        )  # fmt: skip
        fit(name, _SIDE - 16)


def _height(ratio: float, low: float, high: float) -> float:
    """Share of the axes' height."""
    bottom, top = float(_pressed(low)), float(_pressed(high))
    return (float(_pressed(ratio)) - bottom) / (top - bottom)


def _apart(heights: list[float], gap: float, tall: float) -> Numbers:
    """Ascending heights at least a gap apart, as near to their own as may be, within what there is."""
    gap = min(gap, tall / max(len(heights), 1))
    blocks: list[tuple[float, int]] = []
    for place, height in enumerate(heights):
        mean, count = height - place * gap, 1
        while blocks and blocks[-1][0] > mean:  # those that touch move as one
            before, more = blocks.pop()
            mean, count = (before * more + mean * count) / (more + count), more + count
        blocks.append((mean, count))
    moved = np.repeat([mean for mean, _ in blocks], [count for _, count in blocks])
    steps = np.arange(len(heights)) * gap
    placed: Numbers = np.clip(moved, 0, tall - steps[-1:].sum()) + steps
    return placed


def _leaders(axes: Any, ratios: dict[str, Numbers], styles: Looks) -> None:
    """A strip in the colour of the model with the least error; of no change where none was better."""
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_yticks([])
    axes.set_ylim(0, 1)
    start = 0
    for model, run in groupby(_leading(ratios)):
        count = len(list(run))
        if model is not None:
            axes.axvspan(start - 0.5, start + count - 0.5, color=styles[model].colour, linewidth=0)
        start += count
    axes.annotate(
        "Leader", (1, 0.5), xycoords="axes fraction", xytext=(7, 0), textcoords="offset points", va="center",
        fontsize=8, color=MUTED, annotation_clip=False,
    )  # fmt: skip


def _leading(ratios: dict[str, Numbers]) -> list[str | None]:
    names = list(ratios)
    table = np.array([ratios[name] for name in names]).round(9)  # the same forecasts differ by rounding
    leaders: list[str | None] = []
    for column in table.T:
        if not np.isfinite(column).any():
            leaders.append(None)
            continue
        best = int(np.nanargmin(column))
        leaders.append(names[best] if column[best] < 1 else NO_CHANGE)
    return leaders


def _days(main: Any, ribbon: Any, days: pl.Series) -> None:
    places, labels = date_labels(days.cast(pl.Datetime("us")))
    if len(days) <= 2:  # noqa: PLR2004 - too few to have a beginning of anything
        places, labels = list(range(len(days))), [f"{day:%Y-%m-%d}" for day in days]
    for axes in (main, ribbon):
        axes.set_xlim(-0.5, max(len(days), 1) - 0.5)
        axes.tick_params(length=0, labelsize=8, colors=MUTED)
    main.set_xticks(places, [""] * len(places))
    ribbon.set_xticks(places, labels)
    main.grid(axis="x", color=GRID, linewidth=0.7)
