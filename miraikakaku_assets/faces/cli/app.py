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
    quality,
    scoreboard,
    services,
    simulate,
    stages,
    status,
)
from miraikakaku_assets.faces.cli.copper import commands as copper
from miraikakaku_assets.faces.cli.coverage import commands as coverage
from miraikakaku_assets.faces.cli.coverage import modes
from miraikakaku_assets.faces.cli.leakage import commands as leakage
from miraikakaku_assets.faces.cli.operations import (
    alerts,
    backups,
    cold,
    drill,
    health,
    maintenance,
    resume,
    watch,
)
from miraikakaku_assets.faces.cli.runner import AssetHealthReader, Drills, RunnerFactory, Services, Watch
from miraikakaku_assets.faces.cli.security import commands as security


def build_app(
    make_runner: RunnerFactory,
    run_services: Services,
    watcher: Watch,
    read_asset_health: AssetHealthReader,
    drills: Drills,
) -> typer.Typer:
    """The application with all its commands.

    Args:
        make_runner: Starts Dagster runs.
        run_services: Starts the long-running processes.
        watcher: Watches from outside of them.
        read_asset_health: Asks how the assets are.
        drills: Damages demos.
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
    coverage.add_commands(app, make_runner)
    modes.add_commands(app, make_runner)
    forecasts.add_commands(app, make_runner)
    status.add_commands(app, read_asset_health)
    health.add_commands(app)
    quality.add_commands(app, make_runner)
    alerts.add_commands(app)
    resume.add_commands(app)
    bars_io.add_commands(app)
    copper.add_commands(app)
    patterns.add_commands(app)
    leakage.add_commands(app)
    scoreboard.add_commands(app)
    simulate.add_commands(app)
    database.add_commands(app)
    backups.add_commands(app)
    maintenance.add_commands(app)
    cold.add_commands(app)
    security.add_commands(app)
    services.add_commands(app, run_services)
    watch.add_commands(app, watcher)
    language_models.add_commands(app)
    demo.add_commands(app, make_runner)
    drill.add_commands(app, drills)
    return app
