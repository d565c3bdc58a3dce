"""The commands as the application defines them, without running any."""

from collections.abc import Iterator
from typing import Any

import typer

from miraikakaku_assets.faces.cli.app import build_app


def nobody(*_: Any, **__: Any) -> Any:
    """Help starts neither runs nor services."""
    raise AssertionError


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every level of the application, groups included."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from walk(inner, (*path, name))


LEVELS = dict(walk(typer.main.get_command(build_app(nobody, nobody, nobody, nobody, nobody))))  # type: ignore[arg-type]


LEAVES = {path: command for path, command in LEVELS.items() if not hasattr(command, "commands")}


GROUPS = {path: command for path, command in LEVELS.items() if hasattr(command, "commands")}
