"""How commands speak: tables for people, JSON for scripts, one sentence for an error."""

import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

_COLOURS: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
"""Rich takes NO_COLOR for colours alone and still writes the codes of bold and dim."""
console = Console(highlight=False, emoji=False, color_system=_COLOURS)
errors = Console(stderr=True, highlight=False, emoji=False, color_system=_COLOURS)
_GAP = 2  # between the columns of a table
_SENTENCE = 20  # cells longer than that are texts, which may be broken between words,
_NARROWEST = 16  # but not into columns narrower than that
_MARK = "\x1f"  # Python and `column_widths` take it for a blank
_PARTS = re.compile(rf"[^ {_MARK}]*[ {_MARK}]?")
_printed: list[Mapping[str, Any]] = []

JSON_OPTION = typer.Option(False, "--json", help="Print one JSON document instead of tables.")  # noqa: FBT003


def print_json(content: Mapping[str, Any]) -> None:
    """The command's one JSON document on stdout; dates in ISO 8601."""
    _printed.append(content)
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2, default=_plain))


def print_failure(sentence: str, code: int) -> None:
    """A JSON document about a command that failed before it could report; nothing if it has reported."""
    if not _printed:
        print_json({"succeeded": False, "error": sentence, "exit_code": code})


def fail(sentence: str) -> None:
    """The error line on stderr."""
    errors.print(f"[bold red]error:[/] {escape(sentence)}", soft_wrap=True)


def show_line(sentence: str) -> None:
    """One line on stdout as it is: brackets are no markup, and a long path is not broken."""
    console.print(sentence, markup=False, soft_wrap=True)


def utc_minute(moment: datetime | None, *, with_year: bool = True) -> str | None:
    """A moment as tables show it, in UTC: ``2026-11-20 06:30``; None stays None."""
    return (
        None
        if moment is None
        else f"{moment.astimezone(UTC):{'%Y-%m-%d %H:%M' if with_year else '%m-%d %H:%M'}}"
    )


def show_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, broken: Collection[str] = ()
) -> None:
    """Prints a table below its title; numbers to the right with thousands separators.

    A screen too narrow for it gets sentences and headings on several lines, and if that is not enough a block of lines
    per row; a number or a date is never broken.

    Args:
        title: Above it.
        columns: Headings.
        rows: Cells.
        broken: Headings of columns whose cells may be broken between words and behind slashes, however short.
    """
    console.print(f"[bold]{escape(title)}[/]", soft_wrap=True)
    cells = [[_shown(cell) for cell in row] for row in rows]
    in_parts = [
        [_in_parts(cell) if name in broken else cell for name, cell in zip(columns, row, strict=True)]
        for row in cells
    ]
    widths = column_widths(columns, in_parts, console.width, broken)
    if widths is None:
        _show_blocks(columns, cells)
        return
    made = Table(header_style="dim", box=None, pad_edge=False)
    for position, name in enumerate(columns):
        numeric = any(isinstance(row[position], int | float) for row in rows)
        made.add_column(name, justify="right" if numeric else "left", overflow="fold", width=widths[position])
    for row in in_parts:
        made.add_row(*(escape(_joined(cell, width)) for cell, width in zip(row, widths, strict=True)))
    console.print(made)


def column_widths(
    columns: Sequence[str], cells: Sequence[Sequence[str]], screen: int, broken: Collection[str] = ()
) -> list[int] | None:
    """Widths with which a table fits a screen; None if it cannot without breaking what belongs together.

    Args:
        columns: Headings, which may be broken between words.
        cells: Rows; a column with a cell of more than `_SENTENCE` may be broken between words, too.
        screen: Columns of the screen.
        broken: Headings of columns of which the same holds, however short their cells are.
    """
    room = screen - _GAP * (len(columns) - 1)
    natural, least = [], []
    for position, name in enumerate(columns):
        column = [row[position] for row in cells]
        widest = max(map(cell_len, column), default=0)
        is_text = widest > _SENTENCE or name in broken
        words = [word for text in (name, *(column if is_text else ())) for word in text.split()]
        # Japanese has no blanks, and is broken anywhere.
        longest = max((cell_len(word) for word in words if cell_len(word) == len(word)), default=0)
        natural.append(max(widest, cell_len(name)))
        least.append(max(longest, min(widest, _NARROWEST) if is_text else widest))
    if sum(least) > room:
        return None
    widths = list(least)
    for position, width in enumerate(natural):
        widths[position] += min(width - widths[position], room - sum(widths))
    return widths


def _in_parts(cell: str) -> str:
    """A cell with a mark behind each slash, which counts as a blank of no width."""
    return cell.replace("/", f"/{_MARK}")


def _joined(cell: str, width: int) -> str:
    """A cell without its marks; lines end at those that they do not reach beyond."""
    if _MARK not in cell:
        return cell
    lines = [""]
    for part in _PARTS.findall(cell):
        if lines[-1] and cell_len((lines[-1] + part).rstrip(f" {_MARK}").replace(_MARK, "")) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.replace(_MARK, "").rstrip() for line in lines)


def _show_blocks(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """A line per cell, named by its column; the first cell heads its row."""
    for first, *rest in cells:
        console.print(first, markup=False)
        for name, cell in zip(columns[1:], rest, strict=True):
            console.print(Padding(f"{escape(name)} {escape(cell)}".lstrip(), (0, 0, 0, _GAP), expand=False))


def _shown(cell: Any) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell:,.2f}" if isinstance(cell, float) else str(cell)


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
