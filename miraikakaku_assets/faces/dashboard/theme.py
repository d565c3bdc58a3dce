"""Colours: Okabe and Ito's, which people who see colours differently can tell apart; light and dark."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#767676"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)
"""Colours of lines, in the order in which they are used."""


class RiseColour(StrEnum):
    """Which colour a rise has; its value is that of the address parameter ``rise``."""

    RED = "red"
    GREEN = "green"


@dataclass(frozen=True)
class Theme:
    """Colours of a view.

    Attributes:
        is_dark: Whether the browser shows it dark.
        rise: Which colour a rise has: red as in Japan, or green.
    """

    is_dark: bool = False
    rise: RiseColour = RiseColour.RED

    @property
    def up(self) -> str:
        """Colour of a rise."""
        return VERMILION if self.rise is RiseColour.RED else GREEN

    @property
    def down(self) -> str:
        """Colour of a fall."""
        return GREEN if self.rise is RiseColour.RED else VERMILION

    @property
    def text(self) -> str:
        """Colour of text."""
        return "#E8EAED" if self.is_dark else "#1F2328"

    @property
    def grid(self) -> str:
        """Colour of lines behind what is shown."""
        return "#3A4048" if self.is_dark else "#E3E6EA"

    @property
    def muted(self) -> str:
        """Colour of what is only context."""
        return "#A8B0BA" if self.is_dark else "#57606A"

    @property
    def background(self) -> str:
        """Colour of the page."""
        return "#11151A" if self.is_dark else "#FFFFFF"

    @property
    def shares(self) -> list[tuple[float, str]]:
        """Colour scale of shares from 0 to 1: what is missing stands out, in either light."""
        whole = "#123B52" if self.is_dark else "#D7ECF7"
        return [(0.0, VERMILION), (0.8, ORANGE), (0.95, YELLOW), (0.999, SKY), (1.0, whole)]

    def layout(self, height: int, **more: Any) -> dict[str, Any]:
        """Layout of a Plotly figure that looks like the page.

        Args:
            height: In pixels.
            more: Further entries.
        """
        axis = {"gridcolor": self.grid, "zeroline": False, "automargin": True, "fixedrange": False}
        usual = {
            "height": height,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"color": self.text, "size": 13},
            "colorway": list(SERIES),
            "xaxis": axis,
            "yaxis": axis,
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
            "modebar": {
                "orientation": "v"
            },  # beside the plot: above it, it covers the legend where nobody can hover
            "hoverlabel": {"font": {"size": 13}},
        }
        return {**usual, **more}


def streamlit_options() -> dict[str, Any]:
    """Streamlit's theme, light and dark, as its configuration names it."""
    common = {"theme.baseRadius": "0.5rem", "theme.chartCategoricalColors": list(SERIES)}
    light = {
        "primaryColor": BLUE,
        "backgroundColor": Theme().background,
        "secondaryBackgroundColor": "#F3F5F7",
        "textColor": Theme().text,
        "borderColor": "#D0D7DE",
        "linkColor": "#005A8F",
    }
    dark = {
        "primaryColor": SKY,
        "backgroundColor": Theme(is_dark=True).background,
        "secondaryBackgroundColor": "#1B2128",
        "textColor": Theme(is_dark=True).text,
        "borderColor": "#3A4048",
        "linkColor": "#7CC7F2",
    }
    return {
        **common,
        **{f"theme.light.{name}": value for name, value in light.items()},
        **{f"theme.dark.{name}": value for name, value in dark.items()},
    }
