"""A page in one HTML file: no script, no font and no picture from elsewhere; light or dark as the reader's screen is.

Everything that is shown is escaped; colours of a heat map say the same as the number in the cell's title.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from miraikakaku_assets.domain.tokyo_time import TOKYO

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --paper: #ffffff; --line: #d9e2ec; --dim: #52606d; --accent: #2563eb;
  --good: #15803d; --bad: #b45309; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --paper: #12171d; --line: #323f4b; --dim: #9aa5b1;
  --accent: #60a5fa; --good: #4ade80; --bad: #fbbf24; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 70rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; } p.dim, caption { color: var(--dim); }
table { border-collapse: collapse; margin: .5rem 0; } caption { text-align: left; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--line); text-align: left; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
.wide { overflow-x: auto; } svg text { fill: var(--dim); font-size: 10px; }
"""
_NONE, _WORST, _MIDDLE, _BEST = "transparent", (180, 60, 20), (245, 190, 80), (40, 140, 90)
_CELL, _LABEL, _ROW = 12, 190, 14
_WIDE, _HIGH = 640, 120


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        title: Its heading.
        blocks: What stands below it, HTML made by the functions of this module.
    """

    title: str
    blocks: Sequence[str]


def page(title: str, moment: datetime, sections: Sequence[Section]) -> str:
    """The whole file; the moment is shown in Tokyo's time."""
    body = "\n".join(f"<h2>{escape(part.title)}</h2>\n" + "\n".join(part.blocks) for part in sections)
    shown = f"{moment.astimezone(TOKYO):%Y-%m-%d %H:%M:%S} Asia/Tokyo"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f'<p class="dim">{shown}</p>\n{body}\n</body></html>\n'
    )


def paragraph(text: str, kind: str = "") -> str:
    """A sentence; `kind` is ``good``, ``bad``, ``dim`` or empty."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def heading(text: str) -> str:
    """A heading below that of the section."""
    return f"<h3>{escape(text)}</h3>"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], caption: str = "") -> str:
    """A table; numbers stand to the right, with thousands separators."""
    heads = "".join(
        f"<th{_align([row[place] for row in rows])}>{escape(name)}</th>" for place, name in enumerate(columns)
    )
    body = "\n".join(
        "<tr>" + "".join(f"<td{_align([cell])}>{_shown(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    about = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="wide"><table>{about}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def heat_map(rows: Sequence[str], columns: Sequence[str], shares: Sequence[Sequence[float | None]]) -> str:
    """Shares of 1 as coloured cells.

    Args:
        rows: Their names.
        columns: Their names; the first, the middle and the last are written below.
        shares: By row and column; None for nothing expected.
    """
    width, height = _LABEL + _CELL * len(columns) + 10, _ROW * len(rows) + 20
    cells = []
    for number, (name, line) in enumerate(zip(rows, shares, strict=True)):
        top = number * _ROW
        cells.append(f'<text x="{_LABEL - 6}" y="{top + 10}" text-anchor="end">{escape(name)}</text>')
        for place, share in enumerate(line):
            tooltip = "nothing expected" if share is None else f"{share * 100:.2f} %"
            cells.append(
                f'<rect x="{_LABEL + place * _CELL}" y="{top}" width="{_CELL - 1}" height="{_ROW - 1}" '
                f'fill="{_colour(share)}"><title>{escape(name)} {escape(columns[place])}: {tooltip}</title></rect>'
            )
    marks = {0, len(columns) // 2, len(columns) - 1} if columns else set()
    for place in sorted(marks):
        anchor = "end" if place == len(columns) - 1 and len(columns) > 1 else "start"
        x = _LABEL + place * _CELL + (_CELL if anchor == "end" else 0)
        cells.append(f'<text x="{x}" y="{height - 6}" text-anchor="{anchor}">{escape(columns[place])}</text>')
    return (
        f'<div class="wide"><svg role="img" aria-label="heat map" width="{width}" height="{height}">'
        + "".join(cells)
        + "</svg></div>"
    )


def line_chart(points: Sequence[tuple[datetime, float]], line: float | None = None, unit: str = "") -> str:
    """Values over time as a line, with a dashed one at a threshold."""
    if len(points) < 2:  # noqa: PLR2004 - a line has two ends
        return paragraph("Too few checks yet for a trend.", "dim")
    first, last = points[0][0].timestamp(), points[-1][0].timestamp()
    values = [value for _, value in points] + ([line] if line is not None else [])
    low, high = min(values), max(values)
    span = (high - low) or 1.0

    def y(value: float) -> float:
        return 10 + (_HIGH - 30) * (high - value) / span

    marks = " ".join(
        f"{_WIDE * (moment.timestamp() - first) / ((last - first) or 1):.1f},{y(value):.1f}"
        for moment, value in points
    )
    dashed = ""
    if line is not None:
        level = f'y1="{y(line):.1f}" y2="{y(line):.1f}"'
        dashed = f'<line x1="0" x2="{_WIDE}" {level} stroke="var(--bad)" stroke-dasharray="4"/>'
    days = f"{points[0][0].astimezone(TOKYO):%Y-%m-%d}", f"{points[-1][0].astimezone(TOKYO):%Y-%m-%d}"
    return (
        f'<svg role="img" aria-label="trend" width="{_WIDE + 90}" height="{_HIGH}">{dashed}'
        f'<polyline points="{marks}" fill="none" stroke="var(--accent)" stroke-width="1.5"/>'
        f'<text x="{_WIDE + 4}" y="14">{high:g}{unit}</text><text x="{_WIDE + 4}" y="{_HIGH - 20}">{low:g}{unit}</text>'
        f'<text x="0" y="{_HIGH - 4}">{days[0]}</text>'
        f'<text x="{_WIDE}" y="{_HIGH - 4}" text-anchor="end">{days[1]}</text></svg>'
    )


def _align(cells: Sequence[object]) -> str:
    numeric = any(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in cells)
    return ' class="number"' if numeric else ""


def _shown(cell: object) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, bool):
        return '<span class="good">yes</span>' if cell else '<span class="bad">no</span>'
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell:,.2f}" if isinstance(cell, float) else escape(str(cell))


def _colour(share: float | None) -> str:
    """From dark orange at half or less over yellow at nine tenths to green at all of it."""
    if share is None:
        return _NONE
    if share >= 0.9:  # noqa: PLR2004
        return _mix(_MIDDLE, _BEST, (share - 0.9) / 0.1)
    return _mix(_WORST, _MIDDLE, max(share - 0.5, 0.0) / 0.4)


def _mix(low: tuple[int, int, int], high: tuple[int, int, int], part: float) -> str:
    red, green, blue = (round(a + (b - a) * min(part, 1.0)) for a, b in zip(low, high, strict=True))
    return f"rgb({red},{green},{blue})"
