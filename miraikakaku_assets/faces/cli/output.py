"""How commands speak: tables for people, JSON for scripts, one sentence for an error."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

console = Console(highlight=False, emoji=False)
errors = Console(stderr=True, highlight=False, emoji=False)
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


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Prints a table below its title; numbers to the right with thousands separators."""
    made = Table(header_style="dim", box=None, pad_edge=False)
    for position, name in enumerate(columns):
        numeric = any(isinstance(row[position], int | float) for row in rows)
        made.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*(escape(_shown(cell)) for cell in row))
    console.print(f"[bold]{escape(title)}[/]", soft_wrap=True)
    console.print(made)


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
