"""Command ``self-test features``: whether an input of the forecast models knows the future."""

from typing import Annotated

import typer

from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.domain.errors import WorkFellShortError
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock
from miraikakaku_assets.domain.market.instruments import UNIVERSES, universe
from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.faces.cli.output import JSON_OPTION, print_json, show_line, show_table
from miraikakaku_assets.faces.cli.progress import progress_bar


def add_command(group: typer.Typer) -> None:
    """Adds the command to the self-tests."""

    @group.command(name="features", short_help="Whether forecasts' inputs know the future.")
    def features(
        universe_name: Annotated[
            str, typer.Option("--universe", help=f"Whose bars; available: {', '.join(UNIVERSES)}.")
        ] = "jp",
        moments: Annotated[
            int, typer.Option("--moments", min=1, help="Past sessions at which the future is changed.")
        ] = 5,
        *,
        morning: Annotated[
            bool, typer.Option("--morning", help="The inputs of the morning's forecasts; of jp only.")
        ] = False,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Changes the future of past sessions; no input of the forecast models may become another one.

        The future is cut off, and then replaced by another one. Exits 1 when an input differs, and names it.
        """
        from miraikakaku_assets.application.leakage.features import check_features
        from miraikakaku_assets.domain.market.sessions import last_completed_session

        chosen, installation = universe(universe_name), ports()
        last = last_completed_session(chosen.calendar, installation.clock())
        with progress_bar(f"{chosen.name} inputs", None, shown=not as_json):
            clock = ForecastClock.MORNING if morning else ForecastClock.EVENING
            test = check_features(chosen, last, installation.forecasting.market_bars, moments, clock)
        if as_json:
            leaks = {name: str(origin) for name, origin in test.leaks.items()}
            print_json(
                {
                    "succeeded": not leaks,
                    "origins": [str(origin) for origin in test.origins],
                    "symbols": test.symbols,
                    "inputs": list(test.inputs),
                    "leaks": leaks,
                }
            )
        elif test.leaks:
            show_table("inputs that knew the future", ("input", "first at"), list(test.leaks.items()))
        else:
            show_line(
                f"{counted(len(test.inputs), 'input')} of {counted(test.symbols, 'instrument')}: the same at "
                f"{counted(len(test.origins), 'past session')}, with the future cut off and with another one"
            )
        if test.leaks:
            raise WorkFellShortError(
                f"{counted(len(test.leaks), 'input')} of the forecast models knew the future: {', '.join(test.leaks)}"
            )
