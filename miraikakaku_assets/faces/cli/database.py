"""Commands ``db …``: where the database is, its schema, and starting and stopping the embedded server."""

from dataclasses import asdict

import typer

from miraikakaku_assets.bootstrap import ports, stop_server
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.faces.cli.output import JSON_OPTION, print_json, show_line, show_table
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

    @database.command(short_help="Makes the narrow roles for API and dashboard.")
    def roles(*, as_json: bool = JSON_OPTION) -> None:
        """Makes the roles miraikakaku_reader and miraikakaku_api, or brings them to what they should be.

        The first reads the data, the second also writes what an API has to. Doing it twice changes nothing. They have
        no password until psql gives them one; the embedded server lets its owner in as either.
        """
        granted = ports().roles.grant()
        if as_json:
            print_json({"succeeded": True, "roles": [asdict(role) for role in granted]})
            return
        rows = [
            (
                role.name,
                "made" if role.is_new else "there",
                role.tables,
                ", ".join(f"{table} ({', '.join(rights)})" for table, rights in role.writes.items()) or None,
                role.has_password,
            )
            for role in granted
        ]
        show_table("roles", ("role", "state", "reads tables", "writes", "password"), rows)


def _embedded_only() -> None:
    if settings().database_url is not None:
        raise ConfigurationError(
            "DATABASE_URL names an external server; it is started and stopped by its own means"
        )
