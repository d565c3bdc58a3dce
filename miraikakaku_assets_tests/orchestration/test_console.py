"""The console of Dagster's processes: from LOG_LEVEL on, and no colours where nobody sees them."""

import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import _loggers

from miraikakaku_assets.orchestration import services
from miraikakaku_assets.orchestration.console import settle_console
from miraikakaku_assets.orchestration.plain_streams import plain_unless_seen

COLOURED = "\x1b[32m2026-11-30\x1b[0m - dagster - \x1b[34mERROR\x1b[0m - \x1b[31mno\x1b[0m\n"
NAME = "create_console_logger"
PLAIN = "2026-11-30 - dagster - ERROR - no\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is settled holds for a process; other tests have theirs."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(_loggers, NAME, vars(_loggers)[NAME])
    out, err = sys.stdout, sys.stderr
    yield
    sys.stdout, sys.stderr = out, err


@pytest.mark.parametrize(
    ("stream", "variables", "written"),
    [
        (io.StringIO, {}, PLAIN),
        (Terminal, {}, COLOURED),
        (Terminal, {"TERM": "dumb"}, PLAIN),
        (Terminal, {"NO_COLOR": "1"}, PLAIN),
    ],
)
def test_colours_are_for_those_who_see_them(
    monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO], variables: dict[str, str], written: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    file = stream()

    plain_unless_seen(plain_unless_seen(file)).write(COLOURED)

    assert file.getvalue() == written


def test_a_log_that_was_set_up_before_loses_its_colours_too(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    handler = logging.StreamHandler(file)
    monkeypatch.setattr(logging.getLogger("dagster"), "handlers", [handler])

    settle_console("INFO")
    handler.stream.write(COLOURED)

    assert file.getvalue() == PLAIN


@pytest.mark.parametrize(
    ("level", "log_level", "level_in_force"),
    [("WARNING", "DEBUG", "WARNING"), ("INFO", "CRITICAL", "CRITICAL"), ("DEBUG", "DEBUG", "DEBUG")],
)
def test_a_run_that_nobody_gave_a_console_log_prints_from_the_level_on(
    level: str, log_level: str, level_in_force: str
) -> None:
    settle_console(level)

    assert vars(_loggers)[NAME]("dagster", log_level).level == logging.getLevelName(level_in_force)


def test_a_process_that_up_starts_is_plain_before_it_imports_anything() -> None:
    program = f"import sys; sys.stdout.write({COLOURED!r}); sys.stderr.write({COLOURED!r})"

    started = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(services._STARTUP)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert (started.stdout, started.stderr) == (PLAIN, PLAIN)


def test_what_an_environment_runs_first_is_run_by_a_process_of_up_too(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.own = 'is there'")

    started = subprocess.run(
        [sys.executable, "-c", f"import sys; print(sys.own, {COLOURED!r})"],
        env={"PYTHONPATH": f"{services._STARTUP}{os.pathsep}{tmp_path}"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert started.stdout == f"is there {PLAIN}\n"


def test_every_process_of_up_is_told_the_level() -> None:
    web, daemon = services.commands("workspace.yaml", 3000, "WARNING")

    for command, options in (
        (web, ("--log-level", "--dagster-log-level", "--code-server-log-level")),
        (daemon, ("--log-level", "--code-server-log-level")),
    ):
        assert {command[command.index(option) + 1] for option in options} == {"warning"}


def test_a_web_ui_that_only_shows_is_told_so_and_always_listens_on_loopback() -> None:
    for read_only in (False, True):
        web, daemon = services.commands("workspace.yaml", 3000, "INFO", read_only=read_only)

        assert ("--read-only" in web) is read_only
        assert "--read-only" not in daemon
        assert web[web.index("-h") + 1] == "127.0.0.1"
