"""Pictures of forecasts and of how they came out: PNGs below 100 KB, for run metadata and messages."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from miraikakaku_assets.adapters.charts.analysis import DOWN, INK, MUTED, as_png
from miraikakaku_assets.adapters.charts.calibration import calibration_chart
from miraikakaku_assets.adapters.charts.dates import date_labels
from miraikakaku_assets.adapters.charts.fan_paths import COLUMNS, Fan, fan_of
from miraikakaku_assets.adapters.charts.forecast_canvas import (
    ENSEMBLE,
    LEFT,
    NO_LOOKS,
    WIDTH,
    Looks,
    Numbers,
    box,
    canvas,
    corner_notes,
    drawable,
    footnote,
    header,
    legend_rows,
    line,
    looks_of,
    plain,
)
from miraikakaku_assets.adapters.charts.leaderboard import leaderboard_chart
from miraikakaku_assets.adapters.charts.text import last_value, shown
from miraikakaku_assets.domain.forecasting.contract import Look

__all__ = ["calibration_chart", "fan_chart", "leaderboard_chart"]

_HEIGHT = 500
_RIGHT = 0.925  # where the axes end, share of the width; before that if prices are long
_HISTORY_SHARE = 0.25  # of the height that the past keeps, however far the bands reach
_FEW = 5  # closes that are no line yet
_STILL = 0.005  # a past that moved less than that is flat in any case, share of the price
_STILL_WIDE = 0.1  # as wide counts one that is flat or no line, share of the price

_BAND_95, _BAND_80, _EDGE_95, _EDGE_80 = "#dbe8fb", "#b3cdf6", "#8fb3ea", "#5b8fe0"
_DEEP = "#1d4ed8"  # words on a band

Written = Callable[[float], str]


def fan_chart(
    history: pl.DataFrame,
    forecasts: pl.DataFrame,
    title: str,
    unit: str,
    decimals: int | None = None,
    edge: str | None = None,
    looks: Looks = NO_LOOKS,
) -> bytes:
    """The newest closes of an instrument and its forecasts: the ensemble's median and bands, the others' medians.

    Sessions stand side by side without the days between them; those ahead stand farther apart. Where bands reach so
    far that the past would become a flat line, they are cut off, and the picture says how far they go.

    Args:
        history: ``session`` (exchange date) and ``close`` of one instrument; closes behind the origin are not shown.
        forecasts: Schema `PREDICTIONS` of the same instrument; of several origins the newest is shown. They are
            drawn from the close of `history` at the origin, on its adjustment basis, or else from their own.
        title: The instrument, e.g. symbol and name.
        unit: Of the prices, e.g. "JPY per share".
        decimals: Of prices; five significant digits without.
        edge: What is said of the instrument's calls of direction, e.g. `scores.NO_EDGE`.
        looks: How models are drawn.

    Returns:
        PNG.
    """
    fan = fan_of(history, forecasts, looks)
    written: Written = shown if decimals is None else lambda value: f"{value:,.{decimals}f}"
    styles = looks_of(fan.prices, looks)
    figure = canvas(_HEIGHT)
    badge = edge and (drawable(edge) or "no edge")  # a machine without Japanese letters
    header(figure, title, f"as of {fan.as_of}" if fan.as_of else "", _summary(fan, unit, written), badge)
    top = legend_rows(figure, _entries(fan, styles), 54)
    top = legend_rows(figure, [styles[model].entry for model in fan.drawn if model != ENSEMBLE], top)
    axes = box(figure, LEFT, _RIGHT, top + 4, 46)
    plain(axes)
    _past(axes, fan)
    _future(axes, fan, styles)
    _prices(axes, fan, styles, written)
    _dates(axes, fan)
    footnote(figure, _notes(fan, styles))
    return as_png(figure)


def _summary(fan: Fan, unit: str, written: Written) -> str:
    """The unit, and the forecast that reaches farthest in words."""
    if ENSEMBLE not in fan.prices:
        return unit
    prices = fan.prices[ENSEMBLE]
    known = np.flatnonzero(np.isfinite(prices["point"]))
    if not len(known):
        return unit
    last = int(known[-1])
    value = {column: _short(float(prices[column][last]), written) for column in COLUMNS}
    change = round(prices["point"][last] / fan.base - 1, 3) + 0.0  # without the sign of -0.0
    ahead = fan.horizons[last]
    return (
        f"{unit}   ·   in {ahead} session{'s' * (ahead != 1)}: median {value['point']} ({change:+,.1%})"
        f"   ·   80 %: {value['lo80']} – {value['hi80']}   ·   95 %: {value['lo95']} – {value['hi95']}"
    )


def _short(value: float, written: Written) -> str:
    if not np.isfinite(value):
        return "–"
    return written(value) if abs(value) < 1e9 else f"{value:.2e}"  # noqa: PLR2004


def _entries(fan: Fan, styles: Looks) -> list[tuple[str, str]]:
    entries = [("━ Close", DOWN)] if fan.past.height else []
    if ENSEMBLE in fan.drawn:
        entries += [
            ("● Ensemble, median", styles[ENSEMBLE].colour),
            ("█ 80 %", _EDGE_80),
            ("█ 95 %", _EDGE_95),
        ]
    if np.isfinite(fan.base):
        entries.append(("┄ No change", MUTED))
    return entries


def _past(axes: Any, fan: Fan) -> None:
    at_origin = fan.past.height > 0 and (fan.as_of is None or fan.past["session"][-1] == fan.as_of)
    places = fan.behind
    axes.plot(places, fan.past["close"].to_numpy(), color=DOWN, linewidth=1.4, zorder=5)
    if fan.past.height == 1 or (np.isfinite(fan.base) and not at_origin):
        place, value = (places[-1], fan.past["close"][-1]) if fan.past.height else (0.0, fan.base)
        axes.plot([place], [value], "o", color=DOWN, markersize=4.5, zorder=6)


def _future(axes: Any, fan: Fan, styles: Looks) -> None:
    axes.axvline(0, color="#b8c2cf", linewidth=0.8, zorder=1)
    if np.isfinite(fan.base):
        axes.plot([0, fan.end], [fan.base] * 2, color=MUTED, linewidth=1.2, linestyle=(0, (1, 2)), zorder=4)
    for model in fan.drawn:
        if model == ENSEMBLE:
            _bands(axes, fan, styles[model])
            continue
        look = styles[model]
        line(axes, fan.ahead, fan.path(model), color=look.colour, linewidth=0.9, zorder=4)
        last = np.flatnonzero(np.isfinite(fan.path(model)))[-1]
        axes.plot(
            fan.ahead[last], fan.path(model)[last], look.marker, color=look.colour, markersize=4.5, zorder=5
        )
    if ENSEMBLE not in fan.drawn:
        _nothing(axes, fan)


def _bands(axes: Any, fan: Fan, look: Look) -> None:
    for level, inside, rim in (("95", _BAND_95, _EDGE_95), ("80", _BAND_80, _EDGE_80)):
        low, high = fan.path(ENSEMBLE, f"lo{level}"), fan.path(ENSEMBLE, f"hi{level}")
        axes.fill_between(fan.ahead, low, high, color=inside, linewidth=0, zorder=2)
        for side in (low, high):
            line(axes, fan.ahead, side, color=rim, linewidth=0.8, zorder=3)
    median = fan.path(ENSEMBLE)
    line(axes, fan.ahead, median, color=look.colour, linewidth=1.8, zorder=6)
    axes.plot(fan.ahead[1:], median[1:], look.marker, color=look.colour, markersize=4.5, zorder=6)


def _nothing(axes: Any, fan: Fan) -> None:
    """Says in the place of the fan why there is none."""
    if not fan.prices:
        why = "none was made"
    elif ENSEMBLE not in fan.prices:
        why = "none by the ensemble"
    else:
        why = next(iter(fan.missing[ENSEMBLE].values()), "no close to start from")
    axes.annotate(
        f"No forecast\n{why}",
        (fan.end * 0.55, 0.5),
        xycoords=("data", "axes fraction"),
        ha="center",
        va="center",
        fontsize=9,
        color=INK,
        linespacing=1.5,
        zorder=8,
        bbox={"boxstyle": "round,pad=0.6", "facecolor": "white", "edgecolor": "#cbd5e1"},
    )


def _prices(axes: Any, fan: Fan, styles: Looks, written: Written) -> None:
    """The scale, and in words what it leaves out."""
    named = [("95 %", _DEEP, f"{side}95", ENSEMBLE) for side in ("lo", "hi")]
    named += [("80 %", _DEEP, f"{side}80", ENSEMBLE) for side in ("lo", "hi")]
    named = named if ENSEMBLE in fan.drawn else []
    named += [(styles[model].name, styles[model].colour, "point", model) for model in fan.drawn]
    reached = [(name, colour, _finite(fan.prices[model][column])) for name, colour, column, model in named]
    everything = np.concatenate([values for _, _, values in reached] or [np.empty(0)])
    low, high = _limits(np.r_[fan.past["close"].to_numpy(), fan.base], everything)
    axes.set_ylim(low, high)
    if not np.isfinite(fan.base) and fan.past.is_empty():
        axes.set_yticks([])
        return
    for side, sign in (("top", "▲"), ("bottom", "▼")):
        best = max if side == "top" else min
        notes = [
            (f"{sign} {name} to {_short(float(best(values)), written)}", colour)
            for name, colour, values in reached
            if len(values) and (best(values) > high if side == "top" else best(values) < low)
        ]
        corner_notes(axes, notes, side)
    _beside(axes, fan, styles, written)


def _finite(values: Numbers) -> Numbers:
    return values[np.isfinite(values)]


def _limits(past: Numbers, ahead: Numbers) -> tuple[float, float]:
    """Ends of the scale: all of the past, and of what is ahead so much that the past keeps its share."""
    known = _finite(past)
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    wide = high - low
    if len(known) < _FEW or wide < _STILL * abs(high):
        wide = max(wide, _STILL_WIDE * abs(high)) or 1.0
    spare = wide / _HISTORY_SHARE - wide
    above = max(float(ahead.max()) - high, 0.0) if len(ahead) else 0.0
    below = max(low - float(ahead.min()), 0.0) if len(ahead) else 0.0
    up = min(above, max(spare / 2, spare - below))
    down = min(below, max(spare / 2, spare - above))
    room = 0.08 * max(high - low + up + down, wide / 2)
    least = low - down - room
    return (max(least, 0.0) if low > 0 else least), high + up + room


def _beside(axes: Any, fan: Fan, styles: Looks, written: Written) -> None:
    """Values at the axis: the newest median, or else the close; a value of the scale any closer would peep out."""
    axes.yaxis.set_major_formatter(lambda value, _: _short(value, written))
    low, high = axes.get_ylim()
    value, colour = fan.base, DOWN
    if ENSEMBLE in fan.drawn:
        median = float(_finite(fan.prices[ENSEMBLE]["point"])[-1])
        value, colour = (median, styles[ENSEMBLE].colour) if low <= median <= high else (value, colour)
    near = 0.035 * (high - low)
    axes.set_yticks(
        [tick for tick in axes.get_yticks() if low <= tick <= high and not abs(tick - value) < near]
    )
    last_value(axes, value, colour, _short(value, written))
    widest = max(len(_short(price, written)) for price in (low, high, value))
    left, bottom, _, height = axes.get_position().bounds
    axes.set_position((left, bottom, min(_RIGHT, 1 - (6 * widest + 14) / WIDTH) - left, height))


def _dates(axes: Any, fan: Fan) -> None:
    places, labels = date_labels(fan.past["session"].cast(pl.Datetime("us")))
    own = fan.behind
    marks = [(float(own[place]), label) for place, label in zip(places, labels, strict=True)]
    marks = [(place, label) for place, label in marks if place < -fan.step]  # the origin's own date follows
    if fan.as_of is not None:
        marks.append((0.0, f"{fan.as_of:%-m/%-d}"))
    marks += [
        (float(place), f"{target:%-m/%-d}")
        for place, target in zip(fan.ahead[1:], fan.targets, strict=True)
        if target is not None
    ]
    axes.set_xticks([place for place, _ in marks], [label for _, label in marks])
    axes.set_xlim(-fan.reach - 0.5, fan.end + fan.step / 2)


def _notes(fan: Fan, styles: Looks) -> str:
    """Models without a forecast, by reason."""
    by_reason: dict[str, list[str]] = {}
    for model, look in styles.items():
        for reason in dict.fromkeys(fan.missing[model].values()):
            absent = [horizon for horizon, why in fan.missing[model].items() if why == reason]
            some = f" at {', '.join(map(str, absent))}" if len(absent) < len(fan.horizons) else ""
            by_reason.setdefault(reason, []).append(look.name + some)
    groups = [f"{', '.join(names)} ({reason})" for reason, names in by_reason.items()]
    notes = [f"No forecast: {'; '.join(groups)}"] if groups else []
    if fan.own_bands:
        notes.append("Bands are not calibrated: too few past errors")
    return "   ·   ".join(notes)
