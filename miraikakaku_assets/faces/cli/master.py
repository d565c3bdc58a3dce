"""Commands around the stock masters: ``master update``."""

from typing import Annotated

import typer

from miraikakaku_assets.application.commands import UpdateMasterCommand
from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.faces.cli.output import JSON_OPTION
from miraikakaku_assets.faces.cli.runner import RunnerFactory
from miraikakaku_assets.faces.cli.stage_runs import stages
from miraikakaku_assets.faces.cli.stages import named_universes

_LISTED = {name: market for name, market in UNIVERSES.items() if market.has_master}
_LISTS = ", ".join(_LISTED)


def add_commands(app: typer.Typer, make_runner: RunnerFactory) -> None:
    """Adds ``master`` and its commands to the application."""
    master = typer.Typer(no_args_is_help=True, help="Stock masters: what the exchanges list.")
    app.add_typer(master, name="master")

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
