"""Pictures of the copper curve."""

from collections.abc import Sequence

import polars as pl

from miraikakaku_assets.adapters.charts.png import ACCENT, INK, WARN, figure_of, plain, png_of

_SESSIONS = 500


def curve_chart(points: Sequence[tuple[str, float]], day: str) -> bytes:
    """Prices by date of delivery.

    Args:
        points: Name and price (USD/t) of each contract, nearest first.
        day: For the title.
    """
    figure = figure_of(7.2, 3.0)
    axes = figure.subplots()
    places = list(range(len(points)))
    axes.plot(places, [price for _, price in points], color=ACCENT, linewidth=1.2, marker="o", markersize=4)
    axes.set_xticks(places, [name for name, _ in points], rotation=30, fontsize=8)
    axes.set_ylabel("USD per tonne", fontsize=8)
    axes.set_title(f"Copper on {day}", loc="left", color=INK)
    plain(axes)
    return png_of(figure)


def spread_chart(history: pl.DataFrame) -> bytes:
    """Cash over three months of the newest sessions: backwardation above the line, contango below.

    Args:
        history: Columns ``session`` and ``spread`` (USD/t), ascending.
    """
    recent = history.tail(_SESSIONS)
    days, spread = recent["session"].to_numpy(), recent["spread"].to_numpy()
    figure = figure_of(7.2, 3.0)
    axes = figure.subplots()
    axes.fill_between(days, spread, 0, where=spread > 0, color=WARN, alpha=0.5, linewidth=0)
    axes.fill_between(days, spread, 0, where=spread <= 0, color=ACCENT, alpha=0.3, linewidth=0)
    axes.plot(days, spread, color=INK, linewidth=0.8)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_ylabel("USD per tonne", fontsize=8)
    axes.set_title("LME copper: cash over three months", loc="left", color=INK)
    plain(axes)
    return png_of(figure)
