"""Options ``--since`` and ``--until``, as every command reads them."""

from datetime import date
from typing import Annotated

import typer

from miraikakaku_assets.domain.errors import ConfigurationError

SinceOption = Annotated[str, typer.Option("--since", help="First session, YYYY-MM-DD.")]
UntilOption = Annotated[str, typer.Option("--until", help="Last session, YYYY-MM-DD.")]


def read_window(since: str, until: str) -> tuple[date | None, date | None]:
    """The dates the options name, None for an empty one.

    Raises:
        ConfigurationError: One is no date, or the first is after the last.
    """
    first, last = _day("--since", since), _day("--until", until)
    if first and last and first > last:
        raise ConfigurationError(f"--since {since} is after --until {until}")
    return first, last


def _day(option: str, value: str) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise ConfigurationError(f"{option} {value!r} is not a date like 2025-01-06") from None
