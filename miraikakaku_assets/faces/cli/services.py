"""Commands that run services: ``schedule`` and ``up``."""

from typing import Annotated

import typer

from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.faces.cli.operations.health import check_once
from miraikakaku_assets.faces.cli.runner import Services

PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the web UI on 127.0.0.1.")]

ReadOnlyOption = Annotated[
    bool,
    typer.Option(
        "--read-only", help="Nothing can be started, stopped or changed in the web UI; schedules go on."
    ),
]


def add_commands(app: typer.Typer, services: Services) -> None:
    """Adds the commands to the application."""

    @app.command(short_help="Dagster daemon and web UI, production schedules on.")
    def schedule(
        port: PortOption = 3000,
        *,
        read_only: ReadOnlyOption = False,
        health_check_only: Annotated[
            bool,
            typer.Option("--health-check-only", help="Start nothing: check health once, as `health` does."),
        ] = False,
    ) -> None:
        """Dagster daemon and web UI with the production schedules on; Ctrl-C stops both."""
        if health_check_only:
            raise typer.Exit(check_once(ports()))
        raise typer.Exit(services.run(ports(), port, schedules_on=True, read_only=read_only))

    @app.command(short_help="Dagster daemon and web UI, schedules as set in the UI.")
    def up(port: PortOption = 3000, *, read_only: ReadOnlyOption = False) -> None:
        """Dagster daemon and web UI, schedules as set in the UI; Ctrl-C stops both."""
        raise typer.Exit(services.run(ports(), port, schedules_on=False, read_only=read_only))
