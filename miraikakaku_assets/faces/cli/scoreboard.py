"""Command ``scoreboard``: every model on real data of the past, as tables and as the generated part of a page."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from miraikakaku_assets.bootstrap import Ports, use
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.percent import percent
from miraikakaku_assets.faces.cli.output import JSON_OPTION, print_json, show_line, show_table
from miraikakaku_assets.faces.cli.progress import work_bar
from miraikakaku_assets.settings import Settings, settings

if TYPE_CHECKING:
    from miraikakaku_assets.application.backtest.make_scoreboard import Scoreboard, SetProgress

DataOption = Annotated[
    Path, typer.Option("--data", help="Folder of the real data, named as its README says.")
]
UniverseOption = Annotated[
    str,
    typer.Option(
        "--universe",
        help="Comma-separated sets: jp, us, fx, copper, and lme, exchange_rate, which need no database; default all.",
    ),
]
PageOption = Annotated[
    Path | None,
    typer.Option(
        "--page", help="Markdown file whose part between the marks is replaced, e.g. docs/forecasting.md."
    ),
]

PartOption = Annotated[
    str,
    typer.Option(
        "--part",
        help="tuned_on or untouched: judge that part of every set of evidence, in memory. Its sets are jp_evening, "
        "jp_morning, lme_3m, lme_cash, us, fx and copper.",
    ),
]


def add_commands(app: typer.Typer) -> None:
    """Adds the command to the application."""

    @app.command(short_help="How good forecasts of the past would have been.")
    def scoreboard(
        data: DataOption,
        universe_names: UniverseOption = "",
        page: PageOption = None,
        *,
        quick: Annotated[
            bool, typer.Option("--quick", help="Few origins and instruments: to see that all of it works.")
        ] = False,
        resume: Annotated[
            bool,
            typer.Option("--resume", help="Go on with what an interrupted run of the same size has stored."),
        ] = False,
        part: PartOption = "",
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Forecasts the past of real markets as it would have been forecast then, and says how good that was.

        With --part it judges one part of every set of evidence, in memory and without any database: densities, order,
        calls and calibration beside those of peers.


        Works in a clean database: that of DATABASE_URL, or an embedded one in a state folder of its own (scoreboard/
        below MIRAIKAKAKU_HOME), so that its evidence never meets what is collected every day.
        """
        from miraikakaku_assets.application.backtest.load_datasets import require_clean
        from miraikakaku_assets.application.backtest.make_scoreboard import make_scoreboard, named_sets
        from miraikakaku_assets.application.backtest.page import as_markdown, put_into
        from miraikakaku_assets.application.backtest.scoreboard import FULL, QUICK

        if part:
            if resume or page is not None:
                raise ConfigurationError(
                    "--part stores nothing and fills no page; leave out --resume and --page"
                )
            _page(data, None, whole=True)
            _show_cuts(data, part, universe_names, quick=quick, as_json=as_json)
            return
        if resume and settings().database_url:
            raise ConfigurationError(
                "--resume goes on in the state folder of this command: unset DATABASE_URL, which names another database"
            )
        sets = named_sets(universe_names)
        text = _page(data, page, whole=not universe_names)
        installation = use(_settings("scoreboard-quick" if quick else "scoreboard"))
        with _installed(installation, data) as (evidence, ports):
            if not resume:
                require_clean(installation.stores.status.table_sizes())
            with _progress(shown=not as_json) as progress:
                made = make_scoreboard(sets, QUICK if quick else FULL, evidence, ports, progress)
        if page is not None:
            page.write_text(put_into(text, as_markdown(made)), encoding="utf-8")
        _show(made, page, as_json=as_json)


def _page(data: Path, page: Path | None, *, whole: bool) -> str:
    """What the page holds now; wrong options are told before half an hour of work."""
    if not data.is_dir():
        raise ConfigurationError(f"--data {data}: there is no such folder")
    if page is None:
        return ""
    if not whole:
        raise ConfigurationError("--page shows every set; leave out --universe")
    from miraikakaku_assets.application.backtest.page import put_into

    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--page {page}: it cannot be read ({type(error).__name__})") from error
    try:
        put_into(text, "")
    except ConfigurationError as error:
        raise ConfigurationError(f"--page {page}: {error}") from error
    return text


def _settings(folder: str) -> Settings:
    """Those of the environment; without DATABASE_URL in a state folder of its own."""
    chosen = settings()
    if chosen.database_url:
        return chosen
    return chosen.model_copy(update={"miraikakaku_home": chosen.home / folder})


@contextmanager
def _installed(installation: Ports, data: Path) -> Iterator[tuple[Any, Any]]:
    from miraikakaku_assets.application.backtest.load_datasets import DatasetPorts
    from miraikakaku_assets.application.backtest.scoreboard import BacktestPorts

    with installation.stores.datasets(data) as evidence:
        yield (
            DatasetPorts(
                evidence,
                installation.sources.master_source,
                installation.stores.masters,
                installation.stores.files,
                installation.stores.bars,
                installation.stores.ledger,
                installation.clock,
            ),
            BacktestPorts(
                installation.forecasting.market_bars,
                installation.forecasting.training,
                installation.forecasting.prediction,
            ),
        )


@contextmanager
def _progress(*, shown: bool) -> Iterator["SetProgress"]:
    """Progress on stderr: how many turns of models are done in the set at work."""
    sets = list[str]()
    with work_bar("scoreboard", shown=shown, noun="turn") as work:

        def show(name: str, what: str, done: int, of: int) -> None:
            if name not in sets or not done:  # its import is another count
                sets.append(name)
                work.begin()
            work.at(done, max(of, 1), f"{name} {what}")

        yield show


def _show(made: "Scoreboard", page: Path | None, *, as_json: bool) -> None:
    from miraikakaku_assets.application.backtest.goals import best_direction, reached
    from miraikakaku_assets.application.backtest.plain import plain

    if as_json:
        print_json({"succeeded": True, **plain(made)})
        return
    rows = []
    for name, board in made.boards.items():
        own, best = reached(board), best_direction(board, 1)
        rows.append(
            (
                name,
                board.origins,
                board.instruments,
                _rounded(own["mae_to_no_change"], 4),
                *(_rounded(own[f"coverage_{band}"], 4) for band in ("80", "95")),
                _rounded(own["fair"], 3),
                "–" if best is None else f"{best['model']} {percent(best['hit_rate'], 1)}",
            )
        )
    names = ("", "origins", "issues", "error", "80 %", "95 %", "fair", "best direction tomorrow")
    show_table("the ensemble: error against no change, and what its bands cover", names, rows)
    if page is not None:
        show_line(f"written into {page}")


def _show_cuts(data: Path, part_name: str, names: str, *, quick: bool, as_json: bool) -> None:
    from miraikakaku_assets.application.backtest.make_cuts import (
        cuts_markdown,
        make_cuts,
        named_cuts,
        named_part,
        plain_cuts,
    )
    from miraikakaku_assets.application.backtest.walk_cut import FULL_CUT, QUICK_CUT

    part, chosen = named_part(part_name), named_cuts(names)
    size = QUICK_CUT if quick else FULL_CUT
    installation = use(settings())
    with (
        installation.stores.datasets(data) as evidence,
        work_bar("scoreboard", shown=not as_json, noun="set") as work,
    ):
        work.begin()

        def show(name: str, model: str, origin: date) -> None:
            work.at(chosen.index(name), len(chosen), f"{name} {model} from {origin}")

        made = make_cuts(chosen, part, size, evidence, installation.forecasting.forecasters, show)
    if as_json:
        print_json({"succeeded": True, "part": part.value, **plain_cuts(size, made)})
        return
    show_line(cuts_markdown(made))


def _rounded(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
