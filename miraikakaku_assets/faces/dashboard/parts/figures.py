"""Numbers as people read them, and figures that several pages draw."""

from collections.abc import Sequence
from typing import Any

from miraikakaku_assets.application.reading.chart import price_scale


def price(value: float | None, unit: str) -> str:
    """A price with the decimals of its unit."""
    if value is None:
        return "–"
    return f"{value:,.{decimals(unit)}f}"


def decimals(unit: str) -> int:
    """Decimals of a price of a unit."""
    return len(str(price_scale(unit))) - 1


def signed(share: float | None, digits: int = 2) -> str:
    """A share of 1 in per cent with its sign."""
    return "–" if share is None else f"{100 * share:+.{digits}f} %"


def number(value: float | None, digits: int = 3, *, sign: bool = False) -> str:
    """A number, or a dash for none."""
    if value is None:
        return "–"
    return f"{value:+.{digits}f}" if sign else f"{value:,.{digits}f}"


def with_alpha(colour: str, alpha: float) -> str:
    """A colour ``#RRGGBB`` that lets through what is behind it."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def area(x: Sequence[Any], low: Sequence[Any], high: Sequence[Any], colour: str, name: str) -> Any:
    """A filled band between two lines."""
    import plotly.graph_objects as go

    return go.Scatter(
        x=[*x, *reversed(x)],
        y=[*high, *reversed(low)],
        mode="lines",
        fill="toself",
        fillcolor=colour,
        line={"width": 0},
        name=name,
        hoverinfo="skip",
    )
