"""Command ``quality``: what is stored, judged by suites, by the health of series, and as a day."""

from typing import Annotated

import typer

from miraikakaku_assets.application.commands import CheckQualityCommand
from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.window import read_day
from miraikakaku_assets.faces.cli.output import JSON_OPTION
from miraikakaku_assets.faces.cli.runner import RunnerFactory
from miraikakaku_assets.faces.cli.stage_runs import stages
from miraikakaku_assets.faces.cli.stages import UniverseOption, named_universes


def add_commands(app: typer.Typer, make_runner: RunnerFactory) -> None:
    """Adds the command to the application."""

    @app.command(short_help="Judges stored data: suites, series, usual days.")
    def quality(
        universe_names: UniverseOption = "jp",
        until: Annotated[
            str,
            typer.Option(
                "--until", help="Newest session that counts, YYYY-MM-DD; by default the last final one."
            ),
        ] = "",
        expect: Annotated[
            str,
            typer.Option(
                "--expect",
                help="First announces this day, YYYY-MM-DD, as unusual: it is not judged or learnt from.",
            ),
        ] = "",
        note: Annotated[str, typer.Option("--note", help="Why the day of --expect is unusual.")] = "",
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Judges what is stored of universes by suites, by the health of series, and the newest session as a day.

        Exits 1 when a rule of a suite is broken: stored data are wrong. Doubts about series and days are shown and exit
        0. Each broken rule comes with its worst exceptions and with a statement that lists all of them.
        """
        command, universes = CheckQualityCommand(read_day("--until", until)), named_universes(universe_names)
        day = read_day("--expect", expect)
        if day is None and note:
            raise ConfigurationError("--note says why a day is unusual; name the day with --expect")
        if day is not None and not note:
            raise ConfigurationError("--expect needs --note: why is the day unusual?")
        with stages(make_runner, ports(), as_json=as_json) as work:
            for chosen in universes:
                if day is not None:
                    ports().quality.checks.store.expect(chosen, day, note)
                work.check_quality(chosen, command)
