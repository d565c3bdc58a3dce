"""The console script inside the test's process: for what needs no process of its own, thirty times as fast.

What is logged is not on its standard error, as it is on a process's: whether a secret shows is asked of a process.
"""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import pytest
from dagster import _loggers

from miraikakaku_assets import bootstrap
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.faces.cli import output
from miraikakaku_assets.main import run
from miraikakaku_assets.settings import Settings, settings
from miraikakaku_assets_tests.support.command import Command, Ended


@dataclass(frozen=True)
class InProcess:
    """Runs a command line as the console script would, with the variables of a `Command` and no other settings.

    Attributes:
        monkeypatch: Of the test; puts everything back at its end.
        capsys: Of the test.
        width: Columns of the screen, where the command's variables name none.
    """

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    width: int = 200

    def __call__(self, command: Command, *arguments: object) -> Ended:
        """Runs a command to its end."""
        patch = self.monkeypatch
        for name in Settings.model_fields:
            patch.delenv(name.upper(), raising=False)
        for name, value in command.variables.items():
            patch.setenv(name, value)
        patch.chdir(command.folder)
        patch.setattr(sys, "argv", ["miraikakaku", *map(str, arguments)])
        patch.setattr(bootstrap, "_ports", None)
        patch.setattr(output, "_printed", [])
        for console in (output.console, output.errors):
            patch.setattr(console, "_width", int(command.variables.get("COLUMNS", self.width)))
        settings.cache_clear()
        self.capsys.readouterr()
        home = os.environ.get("DAGSTER_HOME")
        code: object = 0
        try:
            with _own_logging():
                run()
        except SystemExit as ended:
            code = ended.code or 0
        finally:
            self._close(home)
        captured = self.capsys.readouterr()
        assert isinstance(code, int), code
        return Ended(code, captured.out, captured.err)

    def _close(self, home: str | None) -> None:
        used = bootstrap._ports
        if used is not None and "database" in vars(used):
            used.database.close()
        if home is None:
            os.environ.pop("DAGSTER_HOME", None)
        else:
            os.environ["DAGSTER_HOME"] = home
        settings.cache_clear()


@contextmanager
def _own_logging() -> Iterator[None]:
    """Puts back what a run settles for the whole process: its streams, loggers and how Dagster makes them."""
    streams, make_logger = (sys.stdout, sys.stderr), _loggers.create_console_logger  # type: ignore[attr-defined]
    loggers = [logging.getLogger(name) for name in (None, "dagster", "dagster-webserver")]
    before = [(logger.level, logger.handlers[:], logger.filters[:]) for logger in loggers]
    handlers = {
        handler: handler.stream
        for _, kept, _ in before
        for handler in kept
        if isinstance(handler, logging.StreamHandler)
    }
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        _loggers.create_console_logger = make_logger  # type: ignore[attr-defined]
        for logger, (level, kept, filters) in zip(loggers, before, strict=True):
            logger.setLevel(level)
            logger.handlers[:], logger.filters[:] = kept, filters
        for handler, stream in handlers.items():
            handler.setStream(stream)


def ports_of(command: Command, now: datetime) -> Ports:
    """The adapters of a command's installation, inside the test's process."""
    options = {name.lower(): value for name, value in command.variables.items()}
    return Ports(Settings(_env_file=None, **options), lambda: now)  # type: ignore[arg-type]
