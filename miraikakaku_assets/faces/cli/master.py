"""Commands around the stock masters: ``master update``."""

from typing import Annotated

import typer

from miraikakaku_assets.application.commands import UpdateMasterCommand
from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.faces.cli.output import JSON_OPTION, print_json, show_line
from miraikakaku_assets.faces.cli.runner import RunnerFactory
from miraikakaku_assets.faces.cli.stage_runs import stages
from miraikakaku_assets.faces.cli.stages import named_universes

_LISTED = {name: market for name, market in UNIVERSES.items() if market.has_master}
_LISTS = ", ".join(_LISTED)


def add_commands(app: typer.Typer, make_runner: RunnerFactory) -> None:
    """Adds ``master`` and its commands to the application."""
    master = typer.Typer(no_args_is_help=True, help="Stock masters: what the exchanges list.")
    app.add_typer(master, name="master")

    @master.command(short_help="Puts back what was in force before an update.")
    def restore(
        universe_name: Annotated[str, typer.Option("--universe", help=f"Whose master: {_LISTS}.")] = "jp",
        file: Annotated[
            str, typer.Option("--file", help="Name of a copy in backups/<universe>_stocks/, or `latest`.")
        ] = "latest",
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Puts back a copy of the stock master that was made before an update; the one in force is saved first."""
        from miraikakaku_assets.application.reference.restore_master import restore_master

        chosen = named_universes(universe_name)
        if len(chosen) > 1:
            raise ConfigurationError("A copy is of one universe; name one with --universe")
        use, (market,) = ports(), chosen
        name, issues = restore_master(
            market, file, store=use.stores.masters, shelf=use.stores.files, clock=use.clock
        )
        if as_json:
            print_json({"succeeded": True, "universe": market.name, "copy": name, "issues": issues})
        else:
            show_line(f"{market.name}: {counted(issues, 'issue')} of {name} in force")

    @master.command(short_help="Puts the newest list into force.")
    def update(
        universe_name: Annotated[
            str, typer.Option("--universe", help=f"Whose masters, with commas between them: {_LISTS}.")
        ] = "jp",
        file: Annotated[
            str,
            typer.Option(
                "--file",
                help=" ".join(f"{name}: {market.list_file}." for name, market in _LISTED.items())
                + " Default: the URLs in the settings.",
            ),
        ] = "",
        *,
        accept_mass_change: Annotated[
            bool,
            typer.Option("--accept-mass-change", help="Put the list into force although the guard objects."),
        ] = False,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Reads the newest list, compares it with the master and puts it into force."""
        chosen = named_universes(universe_name)
        for market in chosen:
            if not market.has_master:
                raise ConfigurationError(
                    f"No exchange publishes a list of {market.name}; the settings name its symbols (lists: {_LISTS})"
                )
        if file and len(chosen) > 1:
            raise ConfigurationError("--file is the list of one universe; name one with --universe")
        with stages(make_runner, ports(), as_json=as_json) as work:
            for market in chosen:
                work.update_master(market, UpdateMasterCommand(file or None, accept_mass_change))
