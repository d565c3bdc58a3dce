"""Charts as PNG, for run metadata and messages; kept below 100 KB because Dagster stores them in its event log."""

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from miraikakaku_assets.domain.coverage.report import WHOLE, CoverageFindings
from miraikakaku_assets.domain.percent import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SESSIONS = 250
_PLOT_POINTS = 430  # between the axes of a chart 7.2 inches wide
INK, ACCENT, WARN = "#1f2933", "#2563eb", "#d97706"
_LATIN_NAMES = (
    ("プライム", "Prime"),
    ("スタンダード", "Standard"),
    ("グロース", "Growth"),
    ("REIT", "REIT, venture and infrastructure funds"),
    ("出資証券", "Contribution certificates"),
    ("内国株", "domestic"),
    ("外国株", "foreign"),
)


def price_chart(bars: pl.DataFrame, symbol: str, unit: str) -> bytes:
    """Close and volume of the newest 250 sessions.

    Args:
        bars: Columns ``session``, ``close``, ``volume``, ``flag``, ascending.
        symbol: For the title.
        unit: Unit of the price axis, e.g. "JPY per share, raw".
    """
    recent = bars.tail(_SESSIONS)
    figure = figure_of(7.2, 3.4)
    price, volume = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    price.plot(recent["session"].to_numpy(), recent["close"].to_numpy(), color=ACCENT, linewidth=1.2)
    flagged = recent.filter(pl.col("flag").is_not_null())
    price.scatter(flagged["session"].to_numpy(), flagged["close"].to_numpy(), color=WARN, s=18, zorder=3)
    price.set_title(symbol, loc="left", color=INK)
    price.set_ylabel(unit, fontsize=8)
    _columns(volume, recent["session"], recent["volume"])
    volume.set_ylabel("volume", fontsize=8)
    for axes in (price, volume):
        plain(axes)
    return png_of(figure)


def coverage_chart(findings: CoverageFindings) -> bytes:
    """Coverage per segment as bars, the threshold as a line."""
    segments = [segment for segment in findings.segments if segment.coverage is not None]
    figure = figure_of(7.2, 0.5 + 0.34 * max(len(segments), 2))
    axes = figure.subplots()
    names = [_latin(segment.segment) for segment in segments]
    shares = [segment.coverage or 0.0 for segment in segments]
    colours = [ACCENT if share >= findings.threshold else WARN for share in shares]
    axes.barh(names, shares, color=colours)
    axes.axvline(findings.threshold, color=INK, linewidth=0.8, linestyle="--")
    for position, (segment, share) in enumerate(zip(segments, shares, strict=True)):
        label = f"{percent(share)}  ({segment.stored:,} of {segment.expected:,})"
        axes.text(0.01, position, label, va="center", fontsize=7, color="white" if share > 0.35 else INK)  # noqa: PLR2004
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    plain(axes)
    return png_of(figure)


def heat_chart(
    rows: int, sessions: Sequence[str], shares: Sequence[Sequence[float | None]], universe: str
) -> bytes:
    """Shares of expected bars that are stored, one row a sector and one column a session.

    Args:
        rows: Sectors; their names are in the report, in this order.
        sessions: Dates.
        shares: By sector and session; None for nothing expected.
        universe: For the title.
    """
    import numpy as np

    figure = figure_of(7.2, 0.9 + 0.11 * max(rows, 4))
    axes = figure.subplots()
    cells = np.array([[np.nan if share is None else share for share in line] for line in shares], dtype=float)
    picture = axes.imshow(cells, aspect="auto", cmap="RdYlGn", vmin=0.5, vmax=1.0, interpolation="nearest")
    marks = sorted({0, len(sessions) // 2, len(sessions) - 1})
    axes.set_xticks(marks, [sessions[mark] for mark in marks], fontsize=8)
    axes.set_ylabel("sector, in the report's order", fontsize=8)
    axes.tick_params(labelsize=8, colors=INK)
    axes.set_title(f"{universe}: stored of expected bars", loc="left", color=INK, fontsize=10)
    figure.colorbar(picture, ax=axes, shrink=0.9).ax.tick_params(labelsize=8)
    return png_of(figure)


def as_markdown(png: bytes, title: str) -> str:
    """Markdown with the picture inside; Dagster's web UI renders it."""
    return f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})"


def figure_of(width: float, height: float) -> "Figure":
    """A figure of so many inches, 100 dots each."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plain(axes: Any) -> None:
    """Axes without frame, with a faint grid."""
    axes.tick_params(labelsize=8, colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", color="#e2e8f0", linewidth=0.5)
    axes.set_axisbelow(True)


def _columns(axes: Any, days: pl.Series, heights: pl.Series) -> None:
    """Columns one day wide, as one artist: `bar` makes an artist of each, a third of a chart's time."""
    span = (days[-1] - days[0]).days + 1 if len(days) else 1
    axes.vlines(days.to_numpy(), 0, heights.to_numpy(), color="#94a3b8", linewidth=_PLOT_POINTS / span)
    axes.set_ylim(bottom=0)


def _latin(segment: str) -> str:
    """Segment names in Latin letters: matplotlib's own font has no Japanese ones."""
    if segment == WHOLE:
        return "All issues"
    head = next((latin for japanese, latin in _LATIN_NAMES if japanese in segment), segment)
    kind = next((latin for japanese, latin in _LATIN_NAMES[-2:] if japanese in segment), None)
    return f"{head} ({kind})" if kind else head.replace("・", ", ")


def png_of(figure: "Figure") -> bytes:
    """The figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
