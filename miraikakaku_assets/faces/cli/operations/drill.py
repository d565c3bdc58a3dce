"""Command ``drill``: damages a demo of its own, and proves that each damage is noticed, told once and mended."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from miraikakaku_assets.application.drill.clock import DrillClock
from miraikakaku_assets.application.reporting.marked_page import put_between
from miraikakaku_assets.application.work_progress import WorkProgress
from miraikakaku_assets.bootstrap import stop_server, use, utc_now, whole_file
from miraikakaku_assets.domain.errors import ConfigurationError, WorkFellShortError
from miraikakaku_assets.domain.words import counted, named_in
from miraikakaku_assets.faces.cli.demo_exchange import addresses, mark_demo
from miraikakaku_assets.faces.cli.operations.measured_page import read_page
from miraikakaku_assets.faces.cli.output import JSON_OPTION, print_json, show_line, show_table
from miraikakaku_assets.faces.cli.progress import progress_bar
from miraikakaku_assets.faces.cli.runner import Drills
from miraikakaku_assets.settings import Settings, settings

if TYPE_CHECKING:
    from miraikakaku_assets.application.drill.frame import Outcome
    from miraikakaku_assets.simulator.core.config import SimulatorConfig

BEGIN, END = "<!-- drill: begin, written by `miraikakaku drill --measure` -->", "<!-- drill: end -->"
_HISTORY = timedelta(days=200)  # of bars
_OWN = "drill-"
_THRESHOLD = 0.8
"""Of a few issues, one of which the simulated source never delivers."""


def add_commands(app: typer.Typer, drills: Drills) -> None:
    """Adds the command to the application."""

    @app.command(short_help="Damages a demo and proves that it is noticed.")
    def drill(
        *,
        only: Annotated[
            str, typer.Option("--only", help="Damages, with commas between them; see --list.")
        ] = "",
        home: Annotated[
            Path | None,
            typer.Option(
                "--home", help="State folder of a demo to damage (default: one of its own, removed)."
            ),
        ] = None,
        keep: Annotated[bool, typer.Option("--keep", help="Leave its own state folder in place.")] = False,
        symbols: Annotated[
            int, typer.Option("--symbols", min=10, max=1000, help="Issues of the simulated exchange.")
        ] = 20,
        seed: Annotated[int, typer.Option("--seed", help="Seed of the simulated market.")] = 7,
        list_only: Annotated[bool, typer.Option("--list", help="Only list the damages.")] = False,
        measure: Annotated[
            Path | None,
            typer.Option("--measure", help="Page whose figures are written anew: docs/operations.md."),
        ] = None,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Damages a small demo, one thing after the other, and repairs it by the documented steps.

        Each damage has to be told within its clock, once, and be over after its repair; nothing else may be told.
        The clock is moved on a minute at a time, nobody waits for it; servers are really stopped. Real installations
        are refused. Exits with 1 when one of it fails.
        """
        if list_only:
            _show_list(drills, as_json=as_json)
            return
        names = tuple(named_in(only))
        text = None if measure is None else read_page(measure, BEGIN, END)
        work = WorkProgress()
        with (
            _folder(home, keep=keep) as folder,
            progress_bar("drill", work.read, shown=not as_json, noun="damage"),
        ):
            outcomes = _run(drills, folder, names, work, symbols=symbols, seed=seed)
        if measure is not None and text is not None:
            with whole_file(measure) as unfinished:
                page = _with_figures(text, outcomes, symbols).replace(str(folder), "…")
                unfinished.write_text(page, encoding="utf-8")
        _show(outcomes, as_json=as_json)
        failed = [outcome.name for outcome in outcomes if outcome.problems]
        if failed:
            raise WorkFellShortError(
                f"{counted(len(failed), 'damage')} of {len(outcomes)} failed: {', '.join(failed)}"
            )


def _run(
    drills: Drills, folder: Path, names: tuple[str, ...], work: WorkProgress, *, symbols: int, seed: int
) -> "list[Outcome]":
    """Makes the demo of an empty folder, or takes the one that is there, and damages it."""
    from miraikakaku_assets.simulator.core.config import SimulatorConfig
    from miraikakaku_assets.simulator.server.serving import running

    clock = DrillClock(utc_now)
    chosen = drills.chosen(names)
    is_new = not any(folder.iterdir())
    config = SimulatorConfig(seed=seed, symbols=symbols, us_symbols=symbols, history_years=1, now=clock())
    work.at(0, len(chosen), "making the demo")
    try:
        if not is_new:
            config = _config_of_demo(folder)
        with running(config) as exchange:
            installation = use(_settings(folder, exchange, symbols), clock)
            if is_new:
                mark_demo(installation, config, _impatient(symbols))
            return drills.run(
                installation, clock, names, lambda done, title: work.at(done, len(chosen), title), fill=is_new
            )
    finally:
        stop_server(settings().model_copy(update={"miraikakaku_home": folder, "database_url": None}))


def _config_of_demo(folder: Path) -> "SimulatorConfig":
    """The exchange of the demo in a folder.

    Raises:
        ConfigurationError: There is none.
    """
    from miraikakaku_assets.simulator.server.process import config_of

    if not (folder / "postgres" / "PG_VERSION").exists():
        raise ConfigurationError(f"--home {folder}: there is no demo in it; name an empty folder or a demo's")
    mark = use(_settings(folder, "http://127.0.0.1:9", 1)).origin.read()
    if mark is None or mark.demo is None:
        raise ConfigurationError(f"--home {folder}: it is no demo, and a drill damages what it works on")
    return replace(config_of(dict(mark.demo.exchange)), now=utc_now())


@contextmanager
def _folder(home: Path | None, *, keep: bool) -> Iterator[Path]:
    if home is not None:
        if not home.is_dir():
            raise ConfigurationError(f"--home {home}: there is no such folder")
        yield home.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix=_OWN))
    home = folder / "home"
    folder.chmod(0o755)  # as root the server runs as another user, who has to pass
    home.mkdir(mode=0o700)
    try:
        yield home
    finally:
        if keep:
            show_line(f"the demo is left in {home}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _settings(folder: Path, exchange: str, symbols: int) -> Settings:
    """Settings of the demo; of the user's own nothing that tells or is told from outside."""
    own: dict[str, Any] = {
        "miraikakaku_home": folder,
        "database_url": None,
        "alpha_vantage_api_key": None,
        "healthcheck_url": None,
        "alert_routes": "",
        "miraikakaku_now": None,
        "log_file": "",
    }
    return settings().model_copy(update={**own, **addresses(exchange), **_impatient(symbols)})


def _impatient(symbols: int) -> dict[str, Any]:
    return {
        "requests_per_second": 1000.0,
        "burst_limit": 1000,
        "max_retries": 1,
        "retry_delay": 0.01,
        "worker_timeout": 5.0,
        "history_start": (utc_now() - _HISTORY).date().isoformat(),
        "min_japanese_stocks": symbols,
        "min_us_stocks": 1,
        "min_etfs": 1,
        "coverage_alert_threshold": _THRESHOLD,
    }


def _show_list(drills: Drills, *, as_json: bool) -> None:
    damages = drills.chosen(())
    if as_json:
        documents = [
            {
                "name": each.name,
                "title": each.title,
                "clock_seconds": each.clock.total_seconds(),
                "alerts": list(each.alerts),
                "step": each.step,
            }
            for each in damages
        ]
        print_json({"succeeded": True, "damages": documents})
        return
    rows = [(each.name, each.title, _span(each.clock)) for each in damages]
    show_table("damages", ("name", "damage", "within"), rows)


def _show(outcomes: "list[Outcome]", *, as_json: bool) -> None:
    if as_json:
        documents = [
            {
                "name": each.name,
                "title": each.title,
                "succeeded": not each.problems,
                "clock_seconds": each.clock.total_seconds(),
                "noticed_seconds": _seconds(each.noticed),
                "over_seconds": _seconds(each.over),
                "real_seconds": round(each.seconds, 2),
                "stopped_for_real": each.is_real,
                "alerts": list(each.alerts),
                "step": each.step,
                "problems": each.problems,
            }
            for each in outcomes
        ]
        failed = any(each.problems for each in outcomes)
        print_json({"succeeded": not failed, "damages": documents})
        return
    rows = [
        (each.name, _span(each.noticed), _span(each.clock), _span(each.over), not each.problems)
        for each in outcomes
    ]
    show_table("drill", ("damage", "told after", "allowed", "over after", "good"), rows)
    show_line(
        "Spans are by the drill's clock, which nobody waits for; the wait for the next check is counted whole."
    )
    for each in outcomes:
        for problem in each.problems:
            show_line(f"{each.name}: {problem}")


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds(), 1)


def _span(span: timedelta | None) -> str:
    if span is None:
        return "never"
    minutes = round(span.total_seconds() / 60)
    hours, rest = divmod(minutes, 60)
    if hours >= 48:  # noqa: PLR2004 - two days
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours} h {rest} min" if hours else f"{minutes} min"


def _with_figures(page: str, outcomes: "list[Outcome]", symbols: int) -> str:
    """A page with these figures between its marks."""
    measured = (
        f"Measured {utc_now():%Y-%m-%d %H:%M} UTC on one machine, with a demo of {counted(symbols, 'issue')}. "
        "The longest wait for the next check is counted whole."
    )
    lines = [
        measured,
        "",
        "| what is done | alert | told after | allowed | the step | over after | real time |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {each.title} | {', '.join(f'`{key}`' for key in each.alerts)} | {_span(each.noticed)} "
            f"| {_span(each.clock)} | {each.step} | {_span(each.over)} | {each.seconds:.0f} s |"
            for each in outcomes
        ),
    ]
    return put_between(page, BEGIN, END, "\n".join(lines))
