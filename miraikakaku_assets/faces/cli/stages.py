"""Commands that run stages: ``pipeline``, ``collect``, ``analyze`` and ``validate``."""

from typing import Annotated

import typer

from miraikakaku_assets.application.commands import AnalyzeCommand, CollectCommand, ReportCoverageCommand
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
from miraikakaku_assets.faces.cli.stage_runs import stages
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
        window, names = option_window(since, until), named_symbols(symbols, limit)
        universes = named_universes(universe_names)
        with stages(make_runner, ports(), as_json=as_json) as work:
            for chosen in universes:
                work.run_all(chosen, names, limit, *window)

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
        window, names = option_window(since, until), named_symbols(symbols, limit)
        universes, collected = _collected(universe_names, timeframe_name), timeframe(timeframe_name)
        with stages(make_runner, ports(), as_json=as_json) as work:
            for chosen in universes:
                selected = work.chosen(chosen, names, limit)
                work.collect(chosen, CollectCommand(selected, *window, collected, again))
                if selected is None:
                    work.collect_curve(chosen)

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
        (first, _), names = option_window(since, until), named_symbols(symbols, limit)
        timeframes = (collected_timeframe(timeframe_name),) if timeframe_name else ()
        universes = _collected(universe_names, timeframe_name)
        with stages(make_runner, ports(), as_json=as_json) as work:
            for chosen in universes:
                selected = work.chosen(chosen, names, limit)
                work.analyze(chosen, AnalyzeCommand(selected, since=first, full_refresh=again), timeframes)

    @app.command(short_help="Checks coverage and writes the report.")
    def validate(
        universe_names: UniverseOption = "jp",
        since: SinceOption = "",
        until: UntilOption = "",
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Checks coverage against expected sessions and writes the report."""
        command = ReportCoverageCommand(*option_window(since, until))
        universes = named_universes(universe_names)
        with stages(make_runner, ports(), as_json=as_json) as work:
            for chosen in universes:
                work.report_coverage(chosen, command)


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
    for market in chosen if timeframe_name else ():
        collected_timeframe(timeframe_name, market)
    return chosen


def named_symbols(symbols: str, limit: int) -> list[str] | None:
    """The symbols an option names, None for all."""
    if symbols and limit:
        raise ConfigurationError("--symbols and --limit exclude each other; give one of them")
    names = named_in(symbols)
    if symbols and not names:
        raise ConfigurationError(f"--symbols {symbols!r} names no symbol; write them like 7203.T,130A.T")
    return names or None
