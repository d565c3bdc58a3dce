"""How commands speak: tables for people, JSON for scripts, one sentence for an error."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

JSON_OPTION = typer.Option(False, "--json", help="Print one JSON document instead of tables.")  # noqa: FBT003


def print_json(content: Mapping[str, Any]) -> None:
    """One JSON document on stdout; dates in ISO 8601."""
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2, default=_plain))


def fail(sentence: str) -> None:
    """The error line on stderr."""
    errors.print(f"[bold red]error:[/] {escape(sentence)}", soft_wrap=True)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """A table; numbers to the right with thousands separators."""
    made = Table(
        title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False
    )
    for position, name in enumerate(columns):
        numeric = any(isinstance(row[position], int | float) for row in rows)
        made.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*(_shown(cell) for cell in row))
    return made


def percent(share: float | None) -> str:
    """A share as text; an unknown one as a dash. Never rounds up to 100 %."""
    if share is None:
        return "–"
    return f"{int(share * 10000) / 100:.2f} %"


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
