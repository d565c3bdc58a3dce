"""Commands ``maintenance …``."""

from typing import Annotated

import typer

from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.domain.words import counted, named_in
from miraikakaku_assets.faces.cli.output import JSON_OPTION, print_json, show_table
from miraikakaku_assets.faces.cli.progress import progress_bar


def add_commands(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    maintenance = typer.Typer(no_args_is_help=True, help="What has had its time leaves.")
    app.add_typer(maintenance, name="maintenance")

    @maintenance.callback()
    def group() -> None:
        """Keeps a group of one command a group."""

    @maintenance.command(short_help="Removes what has had its time; vacuums the tables.")
    def run(
        only: Annotated[
            str,
            typer.Option(
                "--only",
                help="Parts, with commas between them: reports, logs, masters, backups, models, "
                "jobs, ledger, cycles, alerts, probes, cold, tables.",
            ),
        ] = "",
        *,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would leave.")] = False,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Removes reports, logs, backups, models and rows past their retention, and vacuums the tables.

        Bars older than COLD_AFTER_DAYS move into files, where it is set.

        Rows leave in small transactions that hold up nobody; what their days came to stays in `daily_figures`.
        """
        from miraikakaku_assets.application.maintenance.run_maintenance import run_maintenance

        use = ports()
        with progress_bar("maintenance", use.work.read, shown=not as_json, noun="part"):
            done = run_maintenance(named_in(only), use.backups.maintenance, dry_run=dry_run)
        if as_json:
            parts = [
                {"part": part.part, "count": part.count, "noun": part.noun, "seconds": part.seconds}
                for part in done
            ]
            print_json({"succeeded": True, "dry_run": dry_run, "parts": parts})
            return
        rows = [(part.part, counted(part.count, part.noun), part.seconds) for part in done]
        show_table("would leave" if dry_run else "maintenance", ("part", "count", "s"), rows)
