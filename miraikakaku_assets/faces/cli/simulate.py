"""Command ``simulate``: the exchange simulator."""

from datetime import date
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated

import typer

from miraikakaku_assets.bootstrap import utc_now
from miraikakaku_assets.faces.cli.output import console
from miraikakaku_assets.simulator.faults.kinds import GROUPS, KINDS

if TYPE_CHECKING:
    from miraikakaku_assets.simulator.core.config import SimulatorConfig


_HELP = 76  # columns that a help text has on a screen of 80


def add_commands(app: typer.Typer) -> None:
    """Adds the command to the application."""

    @app.command(short_help="A simulated exchange on loopback, with faults on demand.", epilog=_faults())
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
            int, typer.Option("--symbols", min=1, help="Issues of the synthetic Tokyo market.")
        ] = 400,
        us_symbols: Annotated[
            int, typer.Option("--us-symbols", min=0, help="Issues of the synthetic US markets.")
        ] = 120,
        latency: Annotated[
            float, typer.Option("--latency", min=0.0, help="Seconds every chart answer is held back.")
        ] = 0.0,
        fault: Annotated[
            list[str] | None,
            typer.Option("--fault", help="e.g. 429=0.02, 404@7203.T, html*3, 404=0.01:sticky, all=0.02."),
        ] = None,
    ) -> None:
        """A simulated exchange on loopback: Yahoo's charts and the lists of issues, with faults on demand.

        Point the collection at it with the variables it prints. Its prices are simulated.
        """
        from miraikakaku_assets.simulator.core.config import SimulatorConfig
        from miraikakaku_assets.simulator.server.serving import serve

        config = SimulatorConfig(
            seed=seed,
            symbols=symbols,
            us_symbols=us_symbols,
            archive_dir=archive,
            master_file=master,
            latency=latency,
            faults=tuple(fault or ()),
        )
        serve(config, "127.0.0.1", port, announce=lambda url: _announce(url, config))


def _faults() -> str:
    """Every kind of fault with a line each, as the last part of the help."""
    kinds = [*KINDS.items(), *((group, f"all of {', '.join(kinds)}") for group, kinds in GROUPS.items())]
    broad = max(len(kind) for kind, _ in kinds) + 2
    lines = [
        line
        for kind, what in kinds
        for line in wrap(
            what,
            _HELP,
            initial_indent=f"{kind:<{broad}}",
            subsequent_indent=" " * broad,
            break_on_hyphens=False,
        )
    ]
    # Without \b the help would be filled to paragraphs.
    return "\n".join(("\b", "Faults, KIND[=RATE][:sticky][@SYMBOL,...][*TIMES]:", *lines))


def _announce(url: str, config: "SimulatorConfig") -> None:
    """Says how to use it, in lines that can be copied into a shell."""
    now = config.now or utc_now()
    begins = date(now.year - config.history_years, now.month, 1)
    console.print("simulated exchange, Ctrl-C stops it; to collect from it:")
    for line in (
        f"export YAHOO_BASE_URL={url} JPX_LIST_URL={url}/jpx/data_j.xls",
        f"export NASDAQ_LISTED_URL={url}/symdir/nasdaqlisted.txt",
        f"export OTHER_LISTED_URL={url}/symdir/otherlisted.txt",
        f"export WESTMETALL_URL='{url}/de/markdaten.php?action=table&field=LME_Cu_cash'",
        f"export ALPHA_VANTAGE_BASE_URL={url} ALPHA_VANTAGE_API_KEY={config.alpha_vantage_key}",
        *([] if config.archive_dir else [f"export HISTORY_START={begins}"]),
    ):
        console.print(line, soft_wrap=True)
