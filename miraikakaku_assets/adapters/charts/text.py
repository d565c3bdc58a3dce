"""Words on a chart: names in their colours, newest values beside the axis, numbers, and a font for Japanese."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

_JAPANESE = (
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "IPAexGothic",
    "IPAGothic",
    "Hiragino Sans",
    "Yu Gothic",
    "Meiryo",
)
_JAPANESE_FILES = ("notosanscjk-regular", "notosansjp", "ipaexg", "ipag", "takaogothic", "vl-gothic")


def legend(axes: Any, entries: Sequence[tuple[str, str]]) -> None:
    """Names in their colours, in one row: a box would hide bars."""
    left = 7.0
    for name, colour in entries:
        axes.annotate(
            name,
            (0, 1),
            xycoords="axes fraction",
            xytext=(left, -5),
            textcoords="offset points",
            va="top",
            fontsize=8,
            color=colour,
            zorder=7,
        )
        left += 4.9 * len(name) + 10


def last_value(axes: Any, value: float, colour: str, text: str) -> None:
    """The newest value beside the axis, on its own height."""
    if not np.isfinite(value):
        return
    axes.annotate(
        text,
        (1, value),
        xycoords=("axes fraction", "data"),
        xytext=(3, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color="white",
        zorder=8,
        bbox={"boxstyle": "square,pad=0.25", "facecolor": colour, "edgecolor": "none"},
    )


def shown(value: float) -> str:
    """A price beside the axis: five significant digits, thousands with commas."""
    if abs(value) >= 1000:  # noqa: PLR2004
        return f"{value:,.0f}" if value == round(value) or abs(value) >= 10_000 else f"{value:,.1f}"  # noqa: PLR2004
    return f"{value:.5g}"


@cache
def japanese_font() -> tuple[str, ...]:
    """Name of a font with Japanese letters, if the machine has one; Matplotlib's own has none."""
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    named = [name for name in _JAPANESE if name in known]
    if named:
        return (named[0],)
    for path in sorted(font_manager.findSystemFonts()):  # Matplotlib's list may be older than the fonts
        if Path(path).name.lower().startswith(_JAPANESE_FILES):
            font_manager.fontManager.addfont(path)
            return (font_manager.FontProperties(fname=path).get_name(),)
    return ()
