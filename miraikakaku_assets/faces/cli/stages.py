"""Commands that run stages: ``pipeline``, ``collect``, ``analyze`` and ``validate``."""

import uuid
from typing import Annotated, Any

import typer

from miraikakaku_assets.application.wanted import Wanted, WantedAnalysis
from miraikakaku_assets.bootstrap import Ports, ports, utc_now
from miraikakaku_assets.domain.errors import ConfigurationError, WorkFellShortError
from miraikakaku_assets.domain.market.instruments import (
    COLLECTED_TIMEFRAMES,
    UNIVERSES,
    Timeframe,
    Universe,
    collected_timeframe,
    timeframe,
    universe,
)
from miraikakaku_assets.faces.cli.output import (
    JSON_OPTION,
    fail,
    print_json,
)
from miraikakaku_assets.faces.cli.progress import progress_bar
from miraikakaku_assets.faces.cli.runner import Outcome, Runner, RunnerFactory
from miraikakaku_assets.faces.cli.stage_tables import show_stage
from miraikakaku_assets.faces.cli.window import SinceOption, UntilOption, option_window

Window = tuple[str | None, str | None]
UniverseOption = Annotated[
    str, typer.Option("--universe", help=f"Comma-separated universes; available: {', '.join(UNIVERSES)}.")
]
SymbolsOption = Annotated[
    str, typer.Option("--symbols", help="Comma-separated Yahoo symbols, e.g. 7203.T,130A.T.")
]
LimitOption = Annotated[int, typer.Option("--limit", min=0, help="Only the first N listed symbols; 0 = all.")]
TimeframeOption = Annotated[
    str, typer.Option("--timeframe", help="1d, or 5m for the watch list and currency pairs.")
]
AgainOption = Annotated[
    bool,
    typer.Option("--again", help="Ask also for what an attempt that did not end has collected already."),
]


def add_commands(app: typer.Typer, make_runner: RunnerFactory) -> None:
    """Adds the stage commands to the application."""

    @app.command()
    def pipeline(
        universe_names: UniverseOption = "jp",
        symbols: SymbolsOption = "",
        limit: LimitOption = 0,
        since: SinceOption = "",
        until: UntilOption = "",
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Master → prices → timeframes → indicators → patterns → coverage, with a live progress bar."""
        window, names = _window(since, until), _named(symbols, limit)
        universes, log = named_universes(universe_names), list[dict[str, Any]]()
        runner = make_runner(ports())
        for chosen in universes:
            work = Stages(ports(), runner, chosen, log, show=not as_json)
            if chosen.has_master:
                work.master(None, accept=False)
            asked = _first_listed(work, limit) if limit else names
            work.prices(Wanted(asked, *window))
            work.analysis(asked)
            work.coverage(window)
        end(log, as_json=as_json)

    @app.command()
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
        window, names = _window(since, until), _named(symbols, limit)
        chosen_timeframe = timeframe(timeframe_name)
        universes, log = named_universes(universe_names), list[dict[str, Any]]()
        runner = make_runner(ports())
        for chosen in universes:
            work = Stages(ports(), runner, chosen, log, show=not as_json)
            asked = _first_listed(work, limit) if limit else names
            work.prices(Wanted(asked, *window, chosen_timeframe, again))
        end(log, as_json=as_json)

    @app.command()
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
        (first, _), names = _window(since, until), _named(symbols, limit)
        chosen_timeframe = collected_timeframe(timeframe_name) if timeframe_name else None
        universes, log = named_universes(universe_names), list[dict[str, Any]]()
        runner = make_runner(ports())
        for chosen in universes:
            work = Stages(ports(), runner, chosen, log, show=not as_json)
            asked = _first_listed(work, limit) if limit else names
            work.analysis(asked, chosen_timeframe, since=first, again=again)
        end(log, as_json=as_json)

    @app.command()
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


class Stages:
    """The stages of one universe, each a Dagster run."""

    def __init__(
        self, installation: Ports, runner: Runner, chosen: Universe, log: list[dict[str, Any]], *, show: bool
    ) -> None:
        self.ports = installation
        self.universe = chosen
        self._runner = runner
        self._log = log
        self._show = show

    def master(self, file: str | None, *, accept: bool) -> None:
        """Updates the stock master from a URL or file; None stands for the configured one."""
        with progress_bar(f"{self.universe.name} master", None, shown=self._show):
            outcome = self._runner.update_master(self.universe, _new_run(), file, accept=accept)
        self._done("master", outcome)

    def prices(self, wanted: Wanted) -> None:
        """Collects bars of the named symbols, or of the whole market."""
        run_id = _new_run()
        ledger = self.ports.ledger
        with progress_bar(f"{self.universe.name} prices", lambda: ledger.progress(run_id), shown=self._show):
            outcome = self._runner.collect(self.universe, run_id, wanted)
        self._done("prices", outcome)

    def analysis(
        self,
        symbols: list[str] | None,
        timeframe: Timeframe | None = None,
        *,
        since: str | None = None,
        again: bool = False,
    ) -> None:
        """Derives timeframes, indicators and patterns of the named symbols, or of all that have bars."""
        for collected in (timeframe,) if timeframe else COLLECTED_TIMEFRAMES:
            wanted = WantedAnalysis(symbols, collected, since, again)
            with progress_bar(f"{self.universe.name} analysis of {collected}", None, shown=self._show):
                outcome = self._runner.analyze(self.universe, _new_run(), wanted)
            self._done("analysis", outcome, collected=collected.value)
        done = [
            one for one in self._log if (one["universe"], one["stage"]) == (self.universe.name, "analysis")
        ]
        if not any(set(one.get("verdicts") or {}) - {"no_bars"} for one in done):
            asked = "the named symbols" if symbols else self.universe.name
            done[-1] |= {
                "succeeded": False,
                "error": f"No bars of {asked} are stored, so nothing was analysed; `miraikakaku collect` fetches them",
                "exit_code": WorkFellShortError.exit_code,
            }

    def coverage(self, window: Window) -> None:
        """Checks coverage and writes the report."""
        with progress_bar(f"{self.universe.name} coverage", None, shown=self._show):
            outcome = self._runner.report_coverage(self.universe, _new_run(), *window)
        self._done("coverage", outcome)

    def _done(self, stage: str, outcome: Outcome, **more: str) -> None:
        numbers: dict[str, Any] = {
            key: value
            for key, value in outcome.metadata.items()
            if isinstance(value, int | float | str | dict) and key != "chart"
        }
        done = {
            "universe": self.universe.name,
            "stage": stage,
            "run_id": outcome.run_id,
            "succeeded": outcome.succeeded,
            "error": outcome.reason or None,
            "exit_code": outcome.exit_code,
            **more,
            **numbers,
        }
        asked = numbers.get("symbols", 0) - numbers.get("verdicts", {}).get("reused", 0)
        if stage == "prices" and outcome.succeeded and done.get("rows_read") == 0 and asked:
            nothing = (
                f"The source delivered no row for any of {done['symbols']:,} symbols; is the window right?"
            )
            done |= {"succeeded": False, "error": nothing, "exit_code": WorkFellShortError.exit_code}
        self._log.append(done)
        if self._show:
            show_stage(stage, done)
        # With some symbols failed the rest is still worth its next stage; anything else leaves nothing to go on with.
        if not outcome.succeeded and not (stage in {"prices", "analysis"} and outcome.metadata):
            end(self._log, as_json=not self._show)


def end(stages: list[dict[str, Any]], *, as_json: bool) -> None:
    """Prints the JSON document if asked for, says what failed, and exits with the worst code."""
    failed = [stage for stage in stages if not stage["succeeded"]]
    if as_json:
        print_json({"succeeded": not failed, "stages": stages})
    for stage in failed:
        fail(stage["error"] or f"{stage['stage']} failed")
    if failed:
        raise typer.Exit(max(stage["exit_code"] for stage in failed))


def _new_run() -> str:
    return str(uuid.uuid4())


def named_universes(names: str) -> list[Universe]:
    """The universes an option names.

    Raises:
        ConfigurationError: One does not exist, or there is none.
    """
    chosen = [universe(name) for name in _parts(names)]
    if not chosen:
        raise ConfigurationError(f"--universe names no universe; available: {', '.join(UNIVERSES)}")
    return chosen


def _named(symbols: str, limit: int) -> list[str] | None:
    """The symbols an option names, None for all."""
    if symbols and limit:
        raise ConfigurationError("--symbols and --limit exclude each other; give one of them")
    names = _parts(symbols)
    if symbols and not names:
        raise ConfigurationError(f"--symbols {symbols!r} names no symbol; write them like 7203.T,130A.T")
    return names or None


def _first_listed(work: Stages, limit: int) -> list[str]:
    masters, universe = work.ports.masters, work.universe
    if not universe.has_master:
        masters.ensure_named(universe, work.ports.settings.fx_symbols, utc_now())
    return [instrument.symbol for instrument in masters.instruments(universe)][:limit]


def _parts(text: str) -> list[str]:
    """Comma-separated names in their order, each once."""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _window(since: str, until: str) -> Window:
    first, last = option_window(since, until)
    return first.isoformat() if first else None, last.isoformat() if last else None
