"""Command ``health``: the machine and the services on it, each figure against its threshold."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from miraikakaku_assets.bootstrap import Ports, ports, whole_file
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.faces.cli.output import JSON_OPTION, console, fail, print_json, show_line, show_table

if TYPE_CHECKING:
    from miraikakaku_assets.application.monitoring.health import HealthReport

_UNHEALTHY = 1
_INTERVAL = 10.0  # seconds between two checks of --watch


def add_commands(app: typer.Typer) -> None:
    """Adds the command to the application."""

    @app.command(short_help="CPU, memory, disk, database, services, against their limits.")
    def health(
        *,
        watch: Annotated[
            bool, typer.Option("--watch", help="Check again every ten seconds until Ctrl-C.")
        ] = False,
        prometheus: Annotated[
            bool, typer.Option("--prometheus", help="Print the stored metrics as Prometheus reads them.")
        ] = False,
        prometheus_file: Annotated[
            Path | None,
            typer.Option(
                "--prometheus-file",
                help="Write them to a file for node_exporter's textfile collector, e.g. miraikakaku.prom.",
                dir_okay=False,
            ),
        ] = None,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """The machine and the services on it, each figure against its threshold.

        Exits 1 when a figure is dangerous, 3 when the database cannot be reached; whatever does not need it is shown
        all the same. Starts no server and stores nothing. The metrics are of what is stored: the schedule
        health_check stores a check every five minutes.
        """
        use = ports()
        if prometheus or prometheus_file:
            _refuse_both(watch=watch, as_json=as_json)
            _write_metrics(use, prometheus_file, printed=prometheus)
            return
        if watch and as_json:
            raise ConfigurationError("--watch has no end and --json is one document; name one of them")
        while watch:
            _check(use, clear=True)
            time.sleep(_INTERVAL)
        raise typer.Exit(_check(use, as_json=as_json))


def check_once(use: Ports) -> int:
    """Checks once, shows it, and returns the exit code."""
    return _check(use)


def _check(use: Ports, *, as_json: bool = False, clear: bool = False) -> int:
    from miraikakaku_assets.application.monitoring.health import check_health

    report = check_health(use.operations.health)
    code, sentence = _outcome(report)
    if as_json:
        print_json(_document(report, code, sentence))
    else:
        if clear and console.is_terminal:
            console.clear()
        _show(report)
    if sentence and not clear:
        fail(sentence)
    return code


def _outcome(report: "HealthReport") -> tuple[int, str]:
    """Exit code and the sentence that goes with it."""
    from miraikakaku_assets.domain.operations.thresholds import Level

    if report.unreachable is not None:
        return report.unreachable.exit_code, str(report.unreachable)
    dangerous = report.at(Level.DANGER)
    if not dangerous:
        return 0, ""
    named = "; ".join(
        f"{figure.title}: {figure.remedy}" if figure.remedy else figure.title for figure in dangerous
    )
    return _UNHEALTHY, f"{named} [{', '.join(figure.resource for figure in dangerous)}]"


def _document(report: "HealthReport", code: int, sentence: str) -> dict[str, Any]:
    failure = {"error": sentence, "exit_code": code} if code else {}
    return {
        "succeeded": code == 0,
        **failure,
        "state": report.level.word,
        "asked_at": report.asked_at,
        "figures": [figure.document for figure in report.figures],
    }


def _show(report: "HealthReport") -> None:
    from miraikakaku_assets.domain.operations.thresholds import Level, shown

    rows = [
        (figure.title, shown(figure.value, figure.unit), figure.level.word, figure.detail)
        for figure in report.figures
    ]
    title = f"health at {report.asked_at:%Y-%m-%d %H:%M:%S} UTC: {report.level.word}"
    show_table(title, ("figure", "value", "state", "of"), rows)
    for figure in report.at(Level.CAUTION):
        show_line(f"{figure.title} ({figure.threshold}): {figure.remedy}")


def _refuse_both(*, watch: bool, as_json: bool) -> None:
    if watch or as_json:
        raise ConfigurationError("--prometheus has a format of its own; leave --watch and --json out")


def _write_metrics(use: Ports, path: Path | None, *, printed: bool) -> None:
    text = use.operations.metrics_text()
    if path is not None:
        try:
            with whole_file(path) as unfinished:
                unfinished.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(
                f"--prometheus-file {path} cannot be written ({error.strerror}); name a file in a folder that is there"
            ) from error
    if printed:
        typer.echo(text, nl=False)
