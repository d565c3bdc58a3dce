"""Commands that run stages: ``pipeline``, ``collect`` and ``master update``."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import typer

from miraikakaku_assets.bootstrap import Ports, ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import Universe, universe
from miraikakaku_assets.faces.cli.output import JSON_OPTION, console, fail, percent, print_json, table
from miraikakaku_assets.faces.cli.progress import progress_bar
from miraikakaku_assets.faces.cli.runner import Outcome, Runner, RunnerFactory

Window = tuple[str | None, str | None]
UniverseOption = Annotated[str, typer.Option("--universe", help="Comma-separated universes; available: jp.")]
SymbolsOption = Annotated[
    str, typer.Option("--symbols", help="Comma-separated Yahoo symbols, e.g. 7203.T,130A.T.")
]
LimitOption = Annotated[int, typer.Option("--limit", min=0, help="Only the first N listed symbols; 0 = all.")]
SinceOption = Annotated[str, typer.Option("--since", help="First session, YYYY-MM-DD.")]
UntilOption = Annotated[str, typer.Option("--until", help="Last session, YYYY-MM-DD.")]


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
        """Master → prices → coverage, one Dagster run each, with a live progress bar."""
        window = _window(since, until)
        log: list[dict[str, Any]] = []
        runner = make_runner(ports())
        for chosen in _universes(universe_names):
            work = Stages(ports(), runner, chosen, log, show=not as_json)
            work.master(None, accept=False)
            work.prices(_chosen_symbols(work, symbols, limit), window)
            work.coverage(window)
        end(log, as_json=as_json)

    @app.command()
    def collect(
        universe_names: UniverseOption = "jp",
        symbols: SymbolsOption = "",
        limit: LimitOption = 0,
        since: SinceOption = "",
        until: UntilOption = "",
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Fetches, validates and stores daily bars; every row is accounted for."""
        window = _window(since, until)
        log: list[dict[str, Any]] = []
        runner = make_runner(ports())
        for chosen in _universes(universe_names):
            work = Stages(ports(), runner, chosen, log, show=not as_json)
            work.prices(_chosen_symbols(work, symbols, limit), window)
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
        log: list[dict[str, Any]] = []
        runner = make_runner(ports())
        for chosen in _universes(universe_names):
            Stages(ports(), runner, chosen, log, show=not as_json).coverage(window)
        end(log, as_json=as_json)

    master = typer.Typer(no_args_is_help=True, help="Stock masters: what the exchanges list.")
    app.add_typer(master, name="master")

    @master.command()
    def update(
        universe_name: Annotated[str, typer.Option("--universe", help="Whose master; available: jp.")] = "jp",
        file: Annotated[str, typer.Option("--file", help="URL or path; default: JPX_LIST_URL.")] = "",
        *,
        accept_mass_change: Annotated[
            bool,
            typer.Option("--accept-mass-change", help="Put the list into force although the guard objects."),
        ] = False,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Reads the newest list, compares it with the master and puts it into force."""
        log: list[dict[str, Any]] = []
        work = Stages(ports(), make_runner(ports()), universe(universe_name), log, show=not as_json)
        work.master(file or None, accept=accept_mass_change)
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

    def prices(self, symbols: Sequence[str] | None, window: Window) -> None:
        """Collects bars of the named symbols, or of the whole market."""
        run_id = _new_run()
        ledger = self.ports.ledger
        with progress_bar(f"{self.universe.name} prices", lambda: ledger.progress(run_id), shown=self._show):
            outcome = self._runner.collect(self.universe, run_id, symbols, *window)
        self._done("prices", outcome)

    def coverage(self, window: Window) -> None:
        """Checks coverage and writes the report."""
        with progress_bar(f"{self.universe.name} coverage", None, shown=self._show):
            outcome = self._runner.report_coverage(self.universe, _new_run(), *window)
        self._done("coverage", outcome)

    def _done(self, stage: str, outcome: Outcome) -> None:
        numbers = {
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
            **numbers,
        }
        self._log.append(done)
        if self._show:
            _show(stage, done)
        # Prices with failed symbols are still worth a coverage report; anything else leaves nothing to go on with.
        if not outcome.succeeded and not (stage == "prices" and outcome.metadata):
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


def _show(stage: str, done: dict[str, Any]) -> None:
    if stage == "prices" and "rows_read" in done:
        rules = done.get("quarantined_by_rule") or {}
        rows = [
            ("read", done["rows_read"]),
            ("= inserted", done["inserted"]),
            ("+ restated", done["restated"]),
            ("+ unchanged", done["unchanged"]),
            ("+ quarantined", done["quarantined"]),
            *((f"    {rule}", count) for rule, count in sorted(rules.items(), key=lambda item: -item[1])),
        ]
        console.print(table(f"{done['universe']} prices: {done['symbols']:,} symbols", ("rows", ""), rows))
    elif stage == "master" and "added" in done:
        counts = ("dagster/row_count", "added", "updated", "removed", "returned", "unchanged")
        names = ("issues", *counts[1:])
        console.print(
            table(
                f"{done['universe']} master, list of {done['list_date']}", names, [[done[c] for c in counts]]
            )
        )
    elif stage == "coverage" and "coverage" in done:
        console.print(
            f"[bold]{done['universe']} coverage[/] {percent(done['coverage'])} of {done['denominator']}"
        )
        console.print(f"report: {done['report']}", soft_wrap=True)


def _new_run() -> str:
    return str(uuid.uuid4())


def _universes(names: str) -> list[Universe]:
    chosen = [universe(name.strip()) for name in names.split(",") if name.strip()]
    if not chosen:
        raise ConfigurationError("--universe names no universe; available: jp")
    return chosen


def _chosen_symbols(work: Stages, symbols: str, limit: int) -> list[str] | None:
    if symbols:
        return list(dict.fromkeys(symbol.strip() for symbol in symbols.split(",") if symbol.strip()))
    if limit:
        return [instrument.symbol for instrument in work.ports.masters.instruments(work.universe)][:limit]
    return None


def _window(since: str, until: str) -> Window:
    for name, value in (("--since", since), ("--until", until)):
        try:
            _ = value and date.fromisoformat(value)
        except ValueError:
            raise ConfigurationError(f"{name} {value!r} is not a date like 2025-01-06") from None
    if since and until and since > until:
        raise ConfigurationError(f"--since {since} is after --until {until}")
    return since or None, until or None
