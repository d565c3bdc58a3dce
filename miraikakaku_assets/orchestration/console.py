"""What Dagster's processes write on the console: from LOG_LEVEL on, and coloured only where somebody sees colours.

Dagster colours the log of its daemon, web server and code servers wherever it goes, and a run that nobody gave a
console log to prints every event. Both are settled here, once per process: in what `up` starts (`service`), and where
this code location is loaded (code servers, runs, commands).
"""

import logging
import os
import re
import sys
from typing import Any, TextIO, cast

from dagster import _loggers
from dagster._utils.log import create_console_logger

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # a terminal without colours still has a cursor
_OF_DAGSTER = ("dagster", "dagster-webserver")


def settle_console(level: str) -> None:
    """Settles the console of this process; doing it twice changes nothing.

    Args:
        level: LOG_LEVEL.
    """
    sys.stdout, sys.stderr = plain_unless_seen(sys.stdout), plain_unless_seen(sys.stderr)
    for name in _OF_DAGSTER:  # their streams may have been chosen before this code location was loaded
        for handler in logging.getLogger(name).handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(plain_unless_seen(handler.stream))
    least = logging.getLevelNamesMapping()[level]

    def console_logger(name: str, level: str | int) -> logging.Logger:
        asked = logging.getLevelNamesMapping()[level] if isinstance(level, str) else level
        return create_console_logger(name, max(asked, least))

    # A run's console log is made of this name; there is no setting for it that leaves the event log as it is.
    _loggers.create_console_logger = console_logger  # type: ignore[attr-defined]


def plain_unless_seen(stream: TextIO) -> TextIO:
    """The stream itself if it is a terminal that shows colours and may; one that drops colours otherwise."""
    seen = stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")
    return stream if seen or isinstance(stream, _Plain) else cast("TextIO", _Plain(stream))


class _Plain:
    """A text stream without colours."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes what is no colour."""
        self._stream.write(_COLOURS.sub("", text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
