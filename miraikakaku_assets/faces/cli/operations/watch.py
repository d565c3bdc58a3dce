"""Command ``watch``: the watch from outside of Dagster, once or at intervals."""

import re
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from miraikakaku_assets.bootstrap import Ports, ports
from miraikakaku_assets.domain.errors import ConfigurationError, DependencyUnavailableError
from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.faces.cli.output import JSON_OPTION, print_json, show_line
from miraikakaku_assets.faces.cli.runner import Watch

if TYPE_CHECKING:
    from miraikakaku_assets.application.monitoring.watch_round import WatchRound

_SPAN = re.compile(r"(\d+)([sm]?)")
_SHORTEST, _LONGEST = 5, 900  # seconds


def add_commands(app: typer.Typer, watcher: Watch) -> None:
    """Adds the command to the application."""

    @app.command(short_help="Watches daemon, schedules, database; not Dagster's.")
    def watch(
        *,
        once: Annotated[bool, typer.Option("--once", help="One round, for cron or a timer.")] = False,
        every: Annotated[
            str, typer.Option("--every", help="Time between two rounds, e.g. 60s or 5m.")
        ] = "60s",
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Watches daemon, schedules, runs, disk and database from outside of Dagster; Ctrl-C ends it.

        It raises the same alerts as the sensor `alert_watch`. When the daemon is dead it also delivers, and when the
        database is out of reach it tells the channels itself, once. With --once the exit code is 3 then.
        """
        seconds = _seconds(every)
        if as_json and not once:
            raise ConfigurationError("--json prints one document, so it goes with --once only")
        use = ports()
        with use.watching.outage_file.alone() as is_alone:
            if not is_alone:
                raise ConfigurationError(f"another `watch` is at work on {use.settings.home}; stop it first")
            if once:
                result = watcher.round(use)
                _show(result, as_json=as_json)
            else:
                _go_on(watcher, use, seconds)
        if result.outage:
            raise DependencyUnavailableError(result.outage)


def _go_on(watcher: Watch, use: Ports, seconds: int) -> NoReturn:
    """Round after round: one that fails keeps nobody from the next, which judges the same."""
    while True:
        try:
            _show(watcher.round(use), as_json=False)
        except Exception as error:  # noqa: BLE001 - whoever watches is the last to give up; its text may hold a secret
            show_line(f"this round failed ({type(error).__name__}); the next one judges the same again")
        time.sleep(seconds)


def _seconds(span: str) -> int:
    """Seconds of a span like ``60s``, ``5m`` or ``60``.

    Raises:
        ConfigurationError: It is none, or too short or long to be of use.
    """
    parsed = _SPAN.fullmatch(span.strip())
    seconds = int(parsed[1]) * (60 if parsed[2] == "m" else 1) if parsed else 0
    if not _SHORTEST <= seconds <= _LONGEST:
        raise ConfigurationError(
            f"--every {span}: must be a time like 60s or 5m, from {_SHORTEST}s to {_LONGEST // 60}m"
        )
    return seconds


def _show(result: "WatchRound", *, as_json: bool) -> None:
    if as_json:
        print_json({"succeeded": result.outage is None, **asdict(result)})
        return
    for line in _lines(result):
        show_line(line)


def _lines(result: "WatchRound") -> list[str]:
    if result.sentence:
        return [result.sentence]
    if result.outage:
        reached = ", ".join(result.told)
        return [f"database out of reach: {result.outage}", *([f"told: {reached}"] if reached else [])]
    sent = sum(result.delivered.values())
    changes = f"{len(result.raised)} new, {len(result.resolved)} over"
    return [
        f"{counted(len(result.standing), 'alert')} of what is watched, {changes}",
        *(f"  {title}" for title in result.standing),
        *(["the daemon is silent: notifications are delivered here"] if result.is_daemon_dead else []),
        *([f"{counted(sent, 'notification')} delivered"] if sent else []),
        *(f"  {trouble}" for trouble in result.troubles),
    ]
