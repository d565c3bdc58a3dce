"""Commands ``db …``: where the database is, its schema, and starting and stopping the embedded server."""

import typer

from miraikakaku_assets.bootstrap import ports, stop_server
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.faces.cli.output import JSON_OPTION, print_json, show_line
from miraikakaku_assets.settings import settings


def add_commands(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    database = typer.Typer(no_args_is_help=True, help="The database.")
    app.add_typer(database, name="db")

    @database.command(short_help="Prints the database's URL.")
    def url(
        *,
        password: bool = typer.Option(False, "--password", help="Show the password, too."),  # noqa: FBT003
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Prints the database's URL (starts the embedded server if need be)."""
        shown = ports().database.url if password else ports().database.shown
        if as_json:
            print_json({"succeeded": True, "url": shown, "external": settings().database_url is not None})
        else:
            typer.echo(shown)

    @database.command(short_help="Brings the schema to the newest version.")
    def upgrade(*, as_json: bool = JSON_OPTION) -> None:
        """Brings the schema to the newest version; doing it twice changes nothing."""
        _, before, after = ports().upgraded
        if as_json:
            print_json({"succeeded": True, "before": before, "after": after})
        else:
            show_line(
                f"schema {after}" + (f" (was {before or 'empty'})" if before != after else ", nothing to do")
            )

    @database.command(short_help="Starts the embedded server.")
    def start() -> None:
        """Starts the embedded server; it goes on running for all processes."""
        _embedded_only()
        show_line(f"running: {ports().database.shown}")

    @database.command()
    def stop() -> None:
        """Stops the embedded server and waits until it is down."""
        _embedded_only()
        was_running = stop_server(settings())
        show_line("stopped" if was_running else "it was not running")


def _embedded_only() -> None:
    if settings().database_url is not None:
        raise ConfigurationError(
            "DATABASE_URL names an external server; it is started and stopped by its own means"
        )
