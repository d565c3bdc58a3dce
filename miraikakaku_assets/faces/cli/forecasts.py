"""Commands of forecasts: ``train`` and ``predict``."""

from typing import Annotated

import typer

from miraikakaku_assets.application.commands import PredictCommand, TrainCommand
from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock
from miraikakaku_assets.domain.market.window import read_day
from miraikakaku_assets.domain.words import named_in
from miraikakaku_assets.faces.cli.output import JSON_OPTION
from miraikakaku_assets.faces.cli.runner import RunnerFactory
from miraikakaku_assets.faces.cli.stage_runs import stages
from miraikakaku_assets.faces.cli.stages import (
    LimitOption,
    SymbolsOption,
    UniverseOption,
    named_symbols,
    named_universes,
)


def add_commands(app: typer.Typer, make_runner: RunnerFactory) -> None:
    """Adds the commands to the application."""

    @app.command(short_help="Trains the forecast models and weighs their ensemble.")
    def train(
        universe_names: UniverseOption = "jp",
        until: Annotated[
            str, typer.Option("--until", help="Last session, YYYY-MM-DD, that the training may see.")
        ] = "",
        models: Annotated[
            str,
            typer.Option("--models", help="Comma-separated models, e.g. xgboost,arima; all unless named."),
        ] = "",
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Trains the forecast models and decides how their ensemble weighs them.

        A model that fails leaves the others alone. A training on the same bars with the same code is reused. One
        that ends in the past (--until) decides nothing about the ensemble.
        """
        chosen_models = named_in(models) or None
        if models and chosen_models is None:
            raise ConfigurationError(f"--models {models!r} names no model; leave it out for all of them")
        command = TrainCommand(read_day("--until", until), chosen_models)
        universes = named_universes(universe_names)
        with stages(make_runner, ports(), as_json=as_json) as work:
            for chosen in universes:
                work.train(chosen, command)

    @app.command(short_help="Forecasts five sessions and scores earlier forecasts.")
    def predict(
        universe_names: UniverseOption = "jp",
        symbols: SymbolsOption = "",
        limit: LimitOption = 0,
        as_of: Annotated[
            str,
            typer.Option(
                "--as-of",
                help="Session, YYYY-MM-DD, to forecast from: only what was known at its end is used. "
                "Forecasts that were stored then are made again and compared.",
            ),
        ] = "",
        *,
        morning: Annotated[
            bool,
            typer.Option(
                "--morning",
                help="Forecast before today's session opens, knowing the night's markets; of jp only. "
                "With --as-of: as on the morning after that session.",
            ),
        ] = False,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Forecasts the next five sessions by every model and their ensemble, and scores what came of earlier ones.

        Models without a training of the last month are trained first. A forecast is stored once and stays as it is;
        those of the morning stand beside those of the evening.
        """
        names, origin = named_symbols(symbols, limit), read_day("--as-of", as_of)
        universes = named_universes(universe_names)
        if morning:
            from miraikakaku_assets.application.forecasting.daily import require_clock

            for chosen in universes:
                require_clock(chosen, ForecastClock.MORNING)
        with stages(make_runner, ports(), as_json=as_json) as work:
            for chosen in universes:
                work.predict(
                    chosen, PredictCommand(work.chosen(chosen, names, limit), origin, morning or None)
                )
