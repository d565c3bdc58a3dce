"""What Dagster's processes write on the console: from LOG_LEVEL on, and coloured only where somebody sees colours.

Dagster colours its logs wherever they go, and a run that nobody gave a console log to prints every event. Both are
settled where this code location is loaded: in code servers, runs and commands.
"""

import logging

from dagster import _loggers
from dagster._utils.log import create_console_logger

from miraikakaku_assets.orchestration.plain_streams import plain_console, plain_unless_seen

_OF_DAGSTER = ("dagster", "dagster-webserver")


def settle_console(level: str) -> None:
    """Settles the console of this process; doing it twice changes nothing.

    Args:
        level: LOG_LEVEL.
    """
    plain_console()
    for name in _OF_DAGSTER:  # their streams were chosen before this code location was loaded
        for handler in logging.getLogger(name).handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(plain_unless_seen(handler.stream))
    least = logging.getLevelNamesMapping()[level]

    def console_logger(name: str, level: str | int) -> logging.Logger:
        number = logging.getLevelNamesMapping()[level] if isinstance(level, str) else level
        return create_console_logger(name, max(number, least))

    # A run's console log is made by this name; there is no setting for it that leaves the event log as it is.
    _loggers.create_console_logger = console_logger  # type: ignore[attr-defined]
