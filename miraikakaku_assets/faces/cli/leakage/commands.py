"""Commands ``self-test …``: whether indicators and patterns know the future, and what 5-minute bars cannot tell."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from miraikakaku_assets.bootstrap import Ports, ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import UNIVERSES, Timeframe, Universe, timeframe, universe
from miraikakaku_assets.domain.patterns.definitions import DEFAULT, NAMES
from miraikakaku_assets.domain.words import named_in
from miraikakaku_assets.faces.cli.leakage import features as self_test_features
from miraikakaku_assets.faces.cli.leakage.tables import end_look_ahead, end_warm_up, show_gap, show_refused
from miraikakaku_assets.faces.cli.output import JSON_OPTION, print_json
from miraikakaku_assets.faces.cli.progress import work_bar

if TYPE_CHECKING:
    from miraikakaku_assets.application.leakage.bar_inputs import BarInputs
    from miraikakaku_assets.application.leakage.check_universe import LeakageCheckRequest

UniverseOption = Annotated[
    str, typer.Option("--universe", help=f"Where the symbols belong; available: {', '.join(UNIVERSES)}.")
]
SymbolOption = Annotated[
    str, typer.Option("--symbol", help="Comma-separated symbols; default: the first five that have bars.")
]
TimeframeOption = Annotated[
    str, typer.Option("--timeframe", help="5m, 1h, 4h, 1d, 1w or 1mo; default 1d, for currencies 5m.")
]
IndicatorOption = Annotated[
    str, typer.Option("--indicator", help="Comma-separated indicators, e.g. rsi_14; default all.")
]
CandlestickOption = Annotated[
    str, typer.Option("--candlestick", help="Candlestick patterns instead, e.g. engulfing; all for all.")
]
PatternOption = Annotated[
    str, typer.Option("--pattern", help="Numbers of patterns instead, e.g. 2-2; all for all.")
]
DefinitionOption = Annotated[
    str, typer.Option("--definition", help=f"Of the patterns: {' or '.join(NAMES)}.")
]
FileOption = Annotated[
    Path | None, typer.Option("--file", help="Parquet or CSV file of bars to use instead of the stored ones.")
]
DailyFileOption = Annotated[
    Path | None, typer.Option("--daily-file", help="File of daily bars that goes with 5-minute --file bars.")
]
ZoneOption = Annotated[
    str, typer.Option("--time-zone", help="Of the file's stamps without an offset; default the exchange's.")
]


def add_commands(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    group = typer.Typer(
        no_args_is_help=True, help="Self-tests of indicators, patterns and forecasts on your own bars."
    )
    app.add_typer(group, name="self-test", short_help="Self-tests of what is computed, on your stored bars.")
    self_test_features.add_command(group)

    @group.command(name="look-ahead", short_help="Whether values change when the future is cut off.")
    def look_ahead(  # noqa: PLR0913, PLR0917 - one per option
        universe_name: UniverseOption = "jp",
        symbol: SymbolOption = "",
        timeframe_name: TimeframeOption = "",
        indicator: IndicatorOption = "",
        candlestick: CandlestickOption = "",
        pattern: PatternOption = "",
        definition: DefinitionOption = DEFAULT,
        file: FileOption = None,
        daily_file: DailyFileOption = None,
        time_zone: ZoneOption = "",
        moments: Annotated[
            int, typer.Option("--moments", min=1, help="Past moments at which it is computed again.")
        ] = 20,
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Computes again as of past moments, with the future cut off; every value must be what it is today.

        Exits 1 when a value differs, and lists what does.
        """
        chosen = universe(universe_name)
        request = _request(chosen, timeframe_name, indicator, candlestick, pattern, definition)
        origin = _origin(chosen, ports(), _files(request.collected, file, daily_file), time_zone, symbol)
        from miraikakaku_assets.application.leakage.check_universe import look_ahead_of

        with work_bar("look-ahead", shown=not as_json) as work:
            result = look_ahead_of(request, origin, named_in(symbol), moments, work.at)
        show_refused(origin, as_json=as_json)
        end_look_ahead(result, as_json=as_json)

    @group.command(name="warm-up", short_help="From how many bars on values stand.")
    def warm_up(  # noqa: PLR0913, PLR0917 - one per option
        universe_name: UniverseOption = "jp",
        symbol: SymbolOption = "",
        timeframe_name: TimeframeOption = "",
        indicator: IndicatorOption = "",
        candlestick: CandlestickOption = "",
        pattern: PatternOption = "",
        definition: DefinitionOption = DEFAULT,
        file: FileOption = None,
        daily_file: DailyFileOption = None,
        time_zone: ZoneOption = "",
        starts: Annotated[
            int, typer.Option("--starts", min=1, help="Other beginnings of the history to try.")
        ] = 5,
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Lets the history begin later: from how many bars on no value depends on that, and what is in force.

        Exits 1 when a warm-up in force is too short.
        """
        chosen = universe(universe_name)
        request = _request(chosen, timeframe_name, indicator, candlestick, pattern, definition)
        origin = _origin(chosen, ports(), _files(request.collected, file, daily_file), time_zone, symbol)
        from miraikakaku_assets.application.leakage.check_universe import warm_up_of

        with work_bar("warm-up", shown=not as_json) as work:
            measured = warm_up_of(request, origin, named_in(symbol), starts, work.at)
        show_refused(origin, as_json=as_json)
        end_warm_up(measured.title, measured.symbols, measured.rows.to_dicts(), as_json=as_json)

    @group.command(name="daily-gap", short_help="How far 5-minute bars are from daily bars.")
    def daily_gap(
        universe_name: UniverseOption = "jp",
        symbols: Annotated[
            str, typer.Option("--symbols", help="Comma-separated symbols; default all that have both.")
        ] = "",
        file: FileOption = None,
        daily_file: DailyFileOption = None,
        time_zone: ZoneOption = "",
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Measures how far the 5-minute bars of a session, put together, are from its daily bar.

        In Tokyo they miss the closing auction: the reason why daily bars are collected and never built.
        """
        chosen = universe(universe_name)
        files = _files((Timeframe.M5, Timeframe.D1), file, daily_file)
        origin = _origin(chosen, ports(), files, time_zone, symbols)
        from miraikakaku_assets.application.quality.daily_gap import measure_daily_gap

        with work_bar("daily gap", shown=not as_json) as work:
            measured = measure_daily_gap(origin, named_in(symbols), work.at)
        show_refused(origin, as_json=as_json)
        if as_json:
            print_json({"succeeded": True, "symbols": measured.rows.to_dicts(), **measured.total})
        else:
            show_gap(chosen, measured.rows.to_dicts(), measured.total)


def _request(
    chosen: Universe, length: str, indicator: str, candlestick: str, pattern: str, definition: str
) -> "LeakageCheckRequest":
    from miraikakaku_assets.application.leakage.check_universe import LeakageCheckRequest

    subjects = {"--indicator": indicator, "--candlestick": candlestick, "--pattern": pattern}
    named = [option for option, text in subjects.items() if text]
    if len(named) > 1:
        raise ConfigurationError(f"{' and '.join(named)} are different tests; run one after the other")
    if pattern and length:
        raise ConfigurationError("--timeframe goes with indicators and candlesticks; patterns read all four")
    usual = Timeframe.D1 if chosen.has_volume else Timeframe.M5
    return LeakageCheckRequest(
        timeframe=timeframe(length) if length else usual,
        indicators=named_in(indicator),
        candlesticks=named_in(candlestick),
        patterns=named_in(pattern),
        definition=definition,
    )


def _files(
    collected: Sequence[Timeframe], file: Path | None, daily_file: Path | None
) -> dict[Timeframe, Path] | None:
    """Collected timeframe → the file that the options name for it; None for the stored bars."""
    if daily_file is not None and (file is None or len(collected) == 1):
        raise ConfigurationError("--daily-file goes with 5-minute bars in --file, for patterns and daily-gap")
    if file is None:
        return None
    named = {collected[0]: file}
    if daily_file is not None:
        named[Timeframe.D1] = daily_file
    return named


def _origin(
    chosen: Universe, use: Ports, files: dict[Timeframe, Path] | None, zone: str, symbols: str
) -> "BarInputs":
    from miraikakaku_assets.application.leakage.bar_inputs import FileBars, StoredBars

    if files is None:
        if zone:
            raise ConfigurationError("--time-zone goes with --file; stored bars have theirs")
        return StoredBars(chosen, use.stores.bars)
    names = named_in(symbols)
    return FileBars(chosen, use.stores.bar_files, files, use.clock, zone, names[0] if len(names) == 1 else "")
