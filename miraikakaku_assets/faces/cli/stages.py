"""Commands that run stages: ``pipeline``, ``collect``, ``analyze`` and ``validate``."""

from typing import Annotated, Any

import typer

from miraikakaku_assets.application.commands import CollectCommand, PredictCommand
from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import (
    UNIVERSES,
    Universe,
    collected_timeframe,
    timeframe,
    universe,
)
from miraikakaku_assets.domain.words import named_in
from miraikakaku_assets.faces.cli.output import JSON_OPTION
from miraikakaku_assets.faces.cli.runner import RunnerFactory
from miraikakaku_assets.faces.cli.stage_runs import Stages, Window, end
from miraikakaku_assets.faces.cli.window import SinceOption, UntilOption, option_window

UniverseOption = Annotated[
    str, typer.Option("--universe", help=f"Comma-separated universes; available: {', '.join(UNIVERSES)}.")
]
SymbolsOption = Annotated[str, typer.Option("--symbols", help="Comma-separated symbols, e.g. 7203.T,130A.T.")]
LimitOption = Annotated[int, typer.Option("--limit", min=0, help="Only the first N listed symbols; 0 = all.")]
TimeframeOption = Annotated[
    str, typer.Option("--timeframe", help="1d, or 5m for the watch list and currency pairs.")
]
AgainOption = Annotated[
    bool,
    typer.Option("--again", help="Ask also for what another attempt has collected since the last close."),
]


def add_commands(app: typer.Typer, make_runner: RunnerFactory) -> None:
    """Adds the stage commands to the application."""

    @app.command(short_help="Everything from the master to forecasts and coverage.")
    def pipeline(
        universe_names: UniverseOption = "jp",
        symbols: SymbolsOption = "",
        limit: LimitOption = 0,
        since: SinceOption = "",
        until: UntilOption = "",
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Master → prices → timeframes → indicators → patterns → predictions → coverage, with a live progress bar."""
        window, names = _window(since, until), named_symbols(symbols, limit)
        universes, log = named_universes(universe_names), list[dict[str, Any]]()
        runner = make_runner(ports())
        for chosen in universes:
            work = Stages(ports(), runner, chosen, log, show=not as_json)
            if chosen.has_master:
                work.master(None, accept=False)
            asked = first_listed(work, limit) if limit else names
            work.prices(CollectCommand(asked, *window))
            work.analysis(asked)
            work.predictions(PredictCommand(asked))
            work.coverage(window)
        end(log, as_json=as_json)

    @app.command(short_help="Fetches, validates and stores bars.")
    def collect(
        universe_names: UniverseOption = "jp",
        symbols: SymbolsOption = "",
        limit: LimitOption = 0,
        since: SinceOption = "",
        until: UntilOption = "",
        timeframe_name: TimeframeOption = "1d",
        *,
        again: AgainOption = False,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Fetches, validates and stores bars; every row is accounted for.

        After an interruption the same command goes on where it stopped: what was stored is not asked for again.
        """
        window, names = _window(since, until), named_symbols(symbols, limit)
        universes, log = _collected(universe_names, timeframe_name), list[dict[str, Any]]()
        runner = make_runner(ports())
        for chosen in universes:
            work = Stages(ports(), runner, chosen, log, show=not as_json)
            asked = first_listed(work, limit) if limit else names
            work.prices(CollectCommand(asked, *window, timeframe(timeframe_name), again))
        end(log, as_json=as_json)

    @app.command(short_help="Computes timeframes, indicators and patterns of stored bars.")
    def analyze(
        universe_names: UniverseOption = "jp",
        symbols: SymbolsOption = "",
        limit: LimitOption = 0,
        since: SinceOption = "",
        until: UntilOption = "",
        timeframe_name: Annotated[
            str, typer.Option("--timeframe", help="Bars to start from, 1d or 5m; both unless one is named.")
        ] = "",
        *,
        again: Annotated[
            bool, typer.Option("--again", help="Compute everything anew, from the first bar on.")
        ] = False,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Builds timeframes and computes indicators and patterns of stored bars: what is due, and only that.

        With --since everything from that session on is computed anew; what follows --until depends on the bars before
        it and is computed, too.
        """
        (first, _), names = _window(since, until), named_symbols(symbols, limit)
        chosen_timeframe = collected_timeframe(timeframe_name) if timeframe_name else None
        universes, log = _collected(universe_names, timeframe_name), list[dict[str, Any]]()
        runner = make_runner(ports())
        for chosen in universes:
            work = Stages(ports(), runner, chosen, log, show=not as_json)
            asked = first_listed(work, limit) if limit else names
            work.analysis(asked, chosen_timeframe, since=first, again=again)
        end(log, as_json=as_json)

    @app.command(short_help="Checks coverage and writes the report.")
    def validate(
        universe_names: UniverseOption = "jp",
        since: SinceOption = "",
        until: UntilOption = "",
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Checks coverage against expected sessions and writes the report."""
        window = _window(since, until)
        universes, log = named_universes(universe_names), list[dict[str, Any]]()
        runner = make_runner(ports())
        for chosen in universes:
            Stages(ports(), runner, chosen, log, show=not as_json).coverage(window)
        end(log, as_json=as_json)


def named_universes(names: str) -> list[Universe]:
    """The universes an option names.

    Raises:
        ConfigurationError: One does not exist, or there is none.
    """
    chosen = [universe(name) for name in named_in(names)]
    if not chosen:
        raise ConfigurationError(f"--universe names no universe; available: {', '.join(UNIVERSES)}")
    return chosen


def _collected(names: str, timeframe_name: str) -> list[Universe]:
    """The universes an option names, all of which have to have collected bars of that timeframe; "" stands for any."""
    chosen = named_universes(names)
    for one in chosen if timeframe_name else ():
        collected_timeframe(timeframe_name, one)
    return chosen


def named_symbols(symbols: str, limit: int) -> list[str] | None:
    """The symbols an option names, None for all."""
    if symbols and limit:
        raise ConfigurationError("--symbols and --limit exclude each other; give one of them")
    names = named_in(symbols)
    if symbols and not names:
        raise ConfigurationError(f"--symbols {symbols!r} names no symbol; write them like 7203.T,130A.T")
    return names or None


def first_listed(work: Stages, limit: int) -> list[str]:
    """The first symbols of the list in force, or of those the settings name."""
    masters, universe = work.ports.masters, work.universe
    if not universe.has_master:
        masters.ensure_named(universe, work.ports.settings.named_symbols(universe.name), work.ports.clock())
    return [instrument.symbol for instrument in masters.instruments(universe)][:limit]


def _window(since: str, until: str) -> Window:
    first, last = option_window(since, until)
    return first.isoformat() if first else None, last.isoformat() if last else None
