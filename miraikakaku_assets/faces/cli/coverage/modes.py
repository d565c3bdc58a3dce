"""The modes of the coverage batch: ``check``, ``daily`` and ``weekly``."""

import typer

from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.faces.cli.output import JSON_OPTION
from miraikakaku_assets.faces.cli.runner import RunnerFactory
from miraikakaku_assets.faces.cli.stage_runs import stages


def add_commands(app: typer.Typer, make_runner: RunnerFactory) -> None:
    """Adds the commands to the application."""

    @app.command(short_help="Coverage of everything that is collected, and its report.")
    def check(*, as_json: bool = JSON_OPTION) -> None:
        """Checks the coverage of every universe that is collected, and writes the report of all of them.

        Exits 1 where a list is shorter than its floor, or a segment is below the threshold.
        """
        with stages(make_runner, ports(), as_json=as_json) as work:
            work.check_all()

    @app.command(short_help="US list → check → report.")
    def daily(*, as_json: bool = JSON_OPTION) -> None:
        """The daily maintenance: the US exchanges' lists, the coverage of everything, the report.

        A list that cannot be had does not keep the coverage from being checked.
        """
        with stages(make_runner, ports(), as_json=as_json) as work:
            work.maintain_daily()

    @app.command(short_help="JPX list → the daily work → weekly review.")
    def weekly(*, as_json: bool = JSON_OPTION) -> None:
        """The weekly maintenance: JPX's list, then what `daily` does, and the review of the week."""
        with stages(make_runner, ports(), as_json=as_json) as work:
            work.maintain_weekly()
