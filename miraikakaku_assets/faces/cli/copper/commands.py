"""Command ``copper``: the curve, its shape and its stock."""

from typing import Annotated

import typer

from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.domain.market.window import read_day
from miraikakaku_assets.faces.cli.output import JSON_OPTION, print_json


def add_commands(app: typer.Typer) -> None:
    """Adds the command to the application."""

    @app.command(short_help="The copper curve: LME, COMEX months, stock.")
    def copper(
        until: Annotated[
            str, typer.Option("--until", help="Newest session that counts, YYYY-MM-DD; by default all.")
        ] = "",
        history: Annotated[
            int, typer.Option("--history", min=0, help="Sessions of history in the JSON document.")
        ] = 250,
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Shows the stored curve: LME cash and three months, COMEX contract months, contango or backwardation, stock.

        `miraikakaku collect --universe copper` collects it, with the bars.
        """
        from miraikakaku_assets.application.copper.curve_view import curve_view
        from miraikakaku_assets.faces.cli.copper.tables import show_curve

        view = curve_view(ports().stores.curve, read_day("--until", until))
        if as_json:
            print_json({"succeeded": True, **view.document(history)})
        else:
            show_curve(view)
