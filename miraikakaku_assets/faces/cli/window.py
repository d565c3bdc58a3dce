"""Options ``--since`` and ``--until``, as every command reads them."""

from typing import Annotated

import typer

from miraikakaku_assets.domain.market.window import Window, read_window

SinceOption = Annotated[str, typer.Option("--since", help="First session, YYYY-MM-DD.")]
UntilOption = Annotated[str, typer.Option("--until", help="Last session, YYYY-MM-DD.")]


def option_window(since: str, until: str) -> Window:
    """The dates the options name; see `read_window` for the errors."""
    return read_window(since, until, prefix="--")
