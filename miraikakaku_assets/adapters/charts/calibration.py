"""How many outcomes lay within the bands, against what the bands promise: a PNG below 100 KB."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from miraikakaku_assets.adapters.charts.analysis import INK, as_png
from miraikakaku_assets.adapters.charts.forecast_canvas import (
    ENSEMBLE,
    LEFT,
    NO_LOOKS,
    RIGHT,
    Looks,
    Numbers,
    box,
    canvas,
    corner_notes,
    footnote,
    header,
    legend_rows,
    looks_of,
    numbers,
    plain,
)
from miraikakaku_assets.adapters.charts.text import legend
from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.domain.percent import in_percent

_KEPT, _KEPT_FILL = "#0b7a53", "#e3f4e9"


@dataclass(frozen=True)
class _Level:
    """A band that is promised, and the scale on which its coverage is shown.

    Attributes:
        column: Of `PERFORMANCE`.
        promised: Share of outcomes.
        low: From which share on the promise counts as kept.
        high: Up to which.
        floor: What the scale never goes below: a band that holds half of what it says would press the others together.
        bottom: Where it begins at the latest.
        top: Where it ends at the earliest.
        step: Between two values of the scale.
    """

    column: str
    promised: float
    low: float
    high: float
    floor: float
    bottom: float
    top: float
    step: float


_LEVELS = (
    _Level("coverage_80", 0.80, 0.78, 0.82, 0.60, 0.72, 0.88, 0.05),
    _Level("coverage_95", 0.95, 0.935, 0.965, 0.80, 0.90, 1.0, 0.025),
)


def calibration_chart(performance: pl.DataFrame, title: str, looks: Looks = NO_LOOKS) -> bytes:
    """How many outcomes lay within the bands of 80 % and 95 %, by model and sessions ahead.

    Args:
        performance: Schema `PERFORMANCE`: one segment, one window; of several days every model's newest is shown.
        title: The universe.
        looks: How models are drawn.

    Returns:
        PNG.
    """
    newest = performance.sort("until").unique(["model", "horizon"], keep="last").sort("model", "horizon")
    scored = newest.filter(pl.any_horizontal(pl.col(level.column).is_finite() for level in _LEVELS))
    styles = looks_of(scored["model"].unique(), looks)
    figure = canvas(420)
    header(figure, title, f"until {newest['until'].max()!s}" if newest.height else "", _basis(scored))
    top = legend_rows(figure, [look.entry for look in styles.values()], 54)
    middle = (LEFT + RIGHT) / 2
    for level, left, right in zip(_LEVELS, (LEFT, middle + 0.01), (middle - 0.05, RIGHT - 0.04), strict=True):
        axes = box(figure, left, right, top + 4, 50)
        plain(axes)
        _coverage(axes, scored, styles, level)
    footnote(figure, _absentees(newest, scored, looks))
    return as_png(figure)


def _basis(scored: pl.DataFrame) -> str:
    """On how much the figures rest."""
    if scored.is_empty():
        return "No forecast has an outcome yet"
    most = scored.row(int(scored["n"].fill_null(0).arg_max() or 0), named=True)
    rest = (
        f"   ·   up to {most['days'] or 0:,} days and {most['n'] or 0:,} forecasts of each model and horizon"
    )
    return f"Share of outcomes within the bands, by sessions ahead{rest}"


def _absentees(newest: pl.DataFrame, scored: pl.DataFrame, looks: Looks) -> str:
    """Models that have nothing to show, and those whose figures are older than the others'."""
    notes = []
    without = looks_of(set(newest["model"]) - set(scored["model"]), looks)
    if without:
        notes.append(f"No outcome: {', '.join(look.name for look in without.values())}")
    ends = dict(scored.group_by("model").agg(pl.col("until").max()).sort("model").iter_rows())
    old = {model: end for model, end in ends.items() if end < newest["until"].max()}
    if old:
        named = looks_of(old, looks)
        notes.append(
            f"Older: {', '.join(f'{look.name} (until {old[model]})' for model, look in named.items())}"
        )
    return "   ·   ".join(notes)


def _coverage(axes: Any, scored: pl.DataFrame, styles: Looks, level: _Level) -> None:
    axes.axhspan(level.low, level.high, color=_KEPT_FILL, linewidth=0, zorder=1)
    axes.axhline(level.promised, color=_KEPT, linewidth=1.0, linestyle=(0, (4, 3)), zorder=2)
    shares = {model: _by_horizon(scored.filter(pl.col("model") == model), level.column) for model in styles}
    notes = [
        (f"▼ {styles[model].name} {_span(own[own < level.floor])}", styles[model].colour)
        for model, own in shares.items()
        if (own < level.floor).any()
    ]
    _scale(axes, level, np.concatenate([*shares.values(), np.empty(0)]), len(notes))
    for place, (model, own) in enumerate(shares.items()):
        look, main = styles[model], model == ENSEMBLE
        where = np.array(HORIZONS) + (place - (len(styles) - 1) / 2) * 0.6 / max(len(styles), 6)
        axes.plot(where, own, color=look.colour, linewidth=1.5 if main else 0.7, zorder=4 if main else 3)
        axes.plot(
            where, own, look.marker, color=look.colour, markersize=7.5 if main else 6, zorder=6 if main else 5,
            markeredgecolor="white", markeredgewidth=0.5,
        )  # fmt: skip
    corner_notes(axes, notes, "bottom")
    kept = f"kept: {_share(level.low)} – {_share(level.high)}"
    legend(axes, ((f"Band of {_share(level.promised)}", INK), (kept, _KEPT)))
    axes.set_xlim(0.5, max(HORIZONS) + 0.5)
    axes.set_xticks(HORIZONS, ["1 session", *(f"{h}" for h in HORIZONS[1:])])


def _scale(axes: Any, level: _Level, values: Numbers, notes: int) -> None:
    """From the least to the highest share but for those below the floor, with room for words at both ends."""
    bottom = float(min([level.bottom, *(values[values >= level.floor] - 0.01)]))
    top = float(max([level.top, *values[values > level.top]]))
    ticks = np.arange(round(level.floor / level.step), round(1 / level.step) + 1) * level.step
    ticks = ticks[(ticks >= bottom) & (ticks <= top + 1e-9)]
    axes.set_yticks(ticks, [_share(tick) for tick in ticks])
    axes.set_ylim(bottom - 0.06 * min(notes, 5) * (top - bottom), top + 0.09 * (top - bottom))


def _share(value: float) -> str:
    return f"{value * 100:.3g} %"


def _by_horizon(own: pl.DataFrame, column: str) -> Numbers:
    known = dict(zip(own["horizon"], numbers(own[column]), strict=True))
    return np.array([known.get(horizon, np.nan) for horizon in HORIZONS])


def _span(shares: Numbers) -> str:
    low, high = (in_percent(float(share), 0) for share in (shares.min(), shares.max()))
    return f"{low:.0f}%" if low == high else f"{low:.0f}–{high:.0f}%"
