"""The command line: one module per group of commands, put together here."""

import typer

from miraikakaku_assets.faces.cli import (
    bars_io,
    database,
    demo,
    forecasts,
    language_models,
    master,
    patterns,
    resume,
    scoreboard,
    services,
    simulate,
    stages,
    status,
)
from miraikakaku_assets.faces.cli.leakage import commands as leakage
from miraikakaku_assets.faces.cli.runner import RunnerFactory, Services


def build_app(make_runner: RunnerFactory, run_services: Services) -> typer.Typer:
    """The application with all its commands.

    Args:
        make_runner: Starts Dagster runs.
        run_services: Starts the long-running processes.
    """
    app = typer.Typer(
        name="miraikakaku",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help="Miraikakaku 未来価格: complete, checked prices of every listed security.",
        epilog="Exit codes: 0 ok, 1 the work failed or fell short, 2 bad usage or configuration, "
        "3 a database or source cannot be reached.",
    )
    stages.add_commands(app, make_runner)
    master.add_commands(app, make_runner)
    forecasts.add_commands(app, make_runner)
    status.add_commands(app)
    resume.add_commands(app)
    bars_io.add_commands(app)
    patterns.add_commands(app)
    leakage.add_commands(app)
    scoreboard.add_commands(app)
    simulate.add_commands(app)
    database.add_commands(app)
    services.add_commands(app, run_services)
    language_models.add_commands(app)
    demo.add_commands(app, make_runner)
    return app
