"""Command ``simulate``: the exchange simulator."""

from pathlib import Path
from typing import Annotated

import typer

from miraikakaku_assets.faces.cli.output import console


def add_commands(app: typer.Typer) -> None:
    """Adds the command to the application."""

    @app.command()
    def simulate(
        archive: Annotated[
            Path | None, typer.Option("--archive", help="Serve real bars of this folder.")
        ] = None,
        master: Annotated[
            Path | None, typer.Option("--master", help="Serve this .xls as JPX's list.")
        ] = None,
        port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 picks a free one.")] = 8900,
        seed: Annotated[int, typer.Option("--seed", help="Seed of the synthetic market.")] = 7,
        symbols: Annotated[
            int, typer.Option("--symbols", min=1, help="Issues of the synthetic market.")
        ] = 400,
        fault: Annotated[
            list[str] | None, typer.Option("--fault", help="e.g. 429=0.02, 404@7203.T, html*3.")
        ] = None,
    ) -> None:
        """A simulated exchange on loopback: Yahoo's chart API and JPX's list, with faults on demand.

        Point the collection at it with YAHOO_BASE_URL and JPX_LIST_URL. Its prices are simulated.
        """
        from miraikakaku_assets.simulator.config import SimulatorConfig
        from miraikakaku_assets.simulator.server import serve

        config = SimulatorConfig(
            seed=seed, symbols=symbols, archive_dir=archive, master_file=master, faults=tuple(fault or ())
        )
        serve(config, "127.0.0.1", port, announce=_announce)


def _announce(url: str) -> None:
    """Says how to use it, in lines that can be copied into a shell."""
    console.print("simulated exchange, Ctrl-C stops it; to collect from it:")
    console.print(f"export YAHOO_BASE_URL={url} JPX_LIST_URL={url}/jpx/data_j.xls", soft_wrap=True)
