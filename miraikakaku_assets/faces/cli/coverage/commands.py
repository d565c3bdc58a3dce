"""Commands about gaps: ``coverage``, ``coverage gaps`` and ``coverage repair``."""

from typing import Annotated, Any

import typer

from miraikakaku_assets.application.commands import RepairCoverageCommand
from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.domain.errors import WorkFellShortError
from miraikakaku_assets.domain.market.instruments import UNIVERSES, collected_timeframe
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.domain.words import counted, named_in
from miraikakaku_assets.faces.cli.output import JSON_OPTION, print_json, show_line, show_table
from miraikakaku_assets.faces.cli.runner import RunnerFactory
from miraikakaku_assets.faces.cli.stage_runs import stages
from miraikakaku_assets.faces.cli.stages import named_universes
from miraikakaku_assets.faces.cli.window import SinceOption, UntilOption, option_window

_ALL = ",".join(UNIVERSES)
UniversesOption = Annotated[
    str, typer.Option("--universe", help=f"Comma-separated universes; available: {', '.join(UNIVERSES)}.")
]
SymbolsOption = Annotated[
    str, typer.Option("--symbols", help="Comma-separated symbols; default: all with gaps.")
]
CauseOption = Annotated[
    str, typer.Option("--cause", help="Comma-separated causes, e.g. rate_limited,source_hole; default: all.")
]
TimeframeOption = Annotated[str, typer.Option("--timeframe", help="1d, or 5m of the watch list.")]


def add_commands(app: typer.Typer, make_runner: RunnerFactory) -> None:
    """Adds ``coverage`` and its commands to the application."""
    coverage = typer.Typer(invoke_without_command=True, help="What is missing, why, and its repair.")
    app.add_typer(coverage, name="coverage")

    @coverage.callback()
    def segments(
        context: typer.Context, universe_names: UniversesOption = _ALL, *, as_json: bool = JSON_OPTION
    ) -> None:
        """Coverage per segment by the newest check; the commands list and repair gaps."""
        if context.invoked_subcommand is None:
            _segments(universe_names, as_json=as_json)

    @coverage.command(short_help="Lists gaps with their causes.")
    def gaps(
        universe_names: UniversesOption = "jp",
        symbols: SymbolsOption = "",
        causes: CauseOption = "",
        timeframe_name: TimeframeOption = "1d",
        limit: Annotated[int, typer.Option("--limit", min=0, help="Gaps that are shown; 0 = all.")] = 50,
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Lists the gaps of the newest check, the newest first: each a run of sessions with one cause."""
        _gaps(named_universes(universe_names), symbols, causes, timeframe_name, limit, as_json=as_json)

    @coverage.command(short_help="Asks the source again for what is missing.")
    def repair(  # noqa: PLR0913 - options, all named
        universe_names: UniversesOption = "jp",
        symbols: SymbolsOption = "",
        causes: CauseOption = "",
        since: SinceOption = "",
        until: UntilOption = "",
        timeframe_name: TimeframeOption = "1d",
        limit: Annotated[int, typer.Option("--limit", min=0, help="At most so many gaps; 0 = all.")] = 0,
        *,
        force: Annotated[
            bool, typer.Option("--force", help="Ask also for what no request is expected to fill.")
        ] = False,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Only say what would be asked for, by the newest check.")
        ] = False,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Checks coverage, asks for exactly the missing windows, and says per gap what came of it.

        What is known to be out of range, unknown to the source, listed later or not traded is left alone, and so is
        what the source has answered without three times; --force asks for it all the same.
        """
        chosen, window = named_universes(universe_names), option_window(since, until)
        for market in chosen:
            collected_timeframe(timeframe_name, market)
        named, wanted = named_in(symbols) or None, named_in(causes) or None
        timeframe = collected_timeframe(timeframe_name)
        command = RepairCoverageCommand(named, wanted, *window, limit, force, timeframe)
        if dry_run:
            _dry_run(chosen, command, as_json=as_json)
            return
        with stages(make_runner, ports(), as_json=as_json) as work:
            for market in chosen:
                work.repair_coverage(market, command)


def _segments(universe_names: str, *, as_json: bool) -> None:
    use = ports()
    checked = {
        market.name: use.stores.status.newest_coverage(market) for market in named_universes(universe_names)
    }
    if not any(checked.values()):
        raise WorkFellShortError("Coverage was never checked; run `miraikakaku check` first")
    if as_json:
        print_json({"succeeded": True, "universes": checked})
        return
    for name, rows in checked.items():
        if not rows:
            show_line(f"{name}: never checked")
            continue
        columns = ("segment", "coverage", "stored", "expected", "issues", "empty")
        cells = [
            (
                row["segment"],
                percent(row["coverage"]),
                row["stored_bars"],
                row["expected_bars"],
                row["instruments"],
                row["empty_instruments"],
            )
            for row in rows
        ]
        show_table(f"{name} coverage, {rows[0]['window_start']} to {rows[0]['window_end']}", columns, cells)


def _gaps(
    universes: list[Any], symbols: str, causes: str, timeframe_name: str, limit: int, *, as_json: bool
) -> None:
    from miraikakaku_assets.domain.coverage.repair import chosen_gaps
    from miraikakaku_assets.domain.coverage.repair_selection import RepairSelection

    use, documents = ports(), []
    selection = RepairSelection(named_in(symbols) or None, named_in(causes) or None, limit=limit, force=True)
    for market in universes:
        timeframe = collected_timeframe(timeframe_name, market)
        stored, _, checked_at = use.stores.coverage.newest_gaps(market, timeframe)
        if checked_at is None:
            raise WorkFellShortError(
                f"{timeframe} bars of {market.name} were never checked; run `miraikakaku check` first"
            )
        shown = chosen_gaps(stored, selection)
        total = chosen_gaps(stored, RepairSelection(selection.symbols, selection.causes, force=True)).height
        documents.append(
            {
                "universe": market.name,
                "timeframe": timeframe.value,
                "checked_at": checked_at,
                "total": total,
                "gaps": shown.to_dicts(),
            }
        )
        if not as_json:
            title = (
                f"{market.name} {timeframe}: {counted(total, 'gap')}, checked {checked_at:%Y-%m-%d %H:%M} UTC"
            )
            rows = shown.select("symbol", "first_session", "last_session", "missing_bars", "cause").rows()
            show_table(title, ("symbol", "from", "to", "bars", "cause"), rows)
            if total > len(rows):
                show_line(f"and {total - len(rows):,} more; --limit 0 shows all")
    if as_json:
        print_json({"succeeded": True, "universes": documents})


def _dry_run(universes: list[Any], command: RepairCoverageCommand, *, as_json: bool) -> None:
    from miraikakaku_assets.application.coverage.repair import planned

    documents, timeframe = [], command.timeframe
    for market in universes:
        plan, checked_at = planned(ports().stores.coverage, market, timeframe, command)
        if checked_at is None:
            raise WorkFellShortError(
                f"{timeframe} bars of {market.name} were never checked; run `miraikakaku check` first"
            )
        windows = [
            {"symbol": symbol, "since": first, "until": last}
            for number in plan.passes
            for symbol, (first, last) in number.items()
        ]
        skipped = dict(plan.skipped)
        documents.append(
            {"universe": market.name, "gaps": plan.gaps.height, "skipped": skipped, "requests": windows}
        )
        if not as_json:
            title = f"{market.name}: {counted(plan.gaps.height, 'gap')}, {counted(len(windows), 'request')}"
            show_table(title, ("symbol", "since", "until"), [tuple(window.values()) for window in windows])
            if skipped:
                show_line(
                    "left alone: " + ", ".join(f"{count:,} {cause}" for cause, count in skipped.items())
                )
    if as_json:
        print_json({"succeeded": True, "dry_run": True, "universes": documents})
