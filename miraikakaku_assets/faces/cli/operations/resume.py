"""Command ``resume``: lifts the pause of a source."""

import typer

from miraikakaku_assets.bootstrap import ports, utc_now
from miraikakaku_assets.faces.cli.output import JSON_OPTION, print_json, show_line
from miraikakaku_assets.faces.cli.pauses import paused_for

_REPEAT = "repeat the collection that was parked, it goes on where it stopped"


def add_commands(app: typer.Typer) -> None:
    """Adds the command to the application."""

    @app.command(short_help="Lifts the pause of the price source.")
    def resume(*, as_json: bool = JSON_OPTION) -> None:
        """Lifts the pause of the price source: it is asked again at once, at full speed.

        A source that refuses everything pauses itself, and goes on by itself, too; this is for whoever knows that it
        answers again. Does nothing when nothing is paused.
        """
        from miraikakaku_assets.application.monitoring.resume_source import is_paused, resume_source

        use = ports()
        before = resume_source(use.sources.rate_limiter)
        was_paused = is_paused(before)
        if as_json:
            until = before.paused_until
            print_json(
                {
                    "succeeded": True,
                    "source": before.name,
                    "was_paused": was_paused,
                    "until": until,
                    "seconds_left": None if until is None else (until - utc_now()).total_seconds(),
                    "reason": before.reason,
                }
            )
        elif not was_paused:
            show_line(f"{before.name} is not paused; there is nothing to lift")
        else:
            show_line(f"{before.name} was {paused_for(before, utc_now())}; that is lifted: {_REPEAT}")
