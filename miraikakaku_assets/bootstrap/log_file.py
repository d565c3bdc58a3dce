"""The log file of this process: what the program says of its work, as JSON lines."""

import logging
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from miraikakaku_assets.adapters.files.json_log import JsonLineFormatter, JsonLineHandler
from miraikakaku_assets.settings import Settings

_LOGGER = "miraikakaku_assets"
_OFF = "off"


def open_log(settings: Settings) -> None:
    """Has this process write its log file from now on, instead of another one; the file is made with its first line."""
    logger = logging.getLogger(_LOGGER)
    for handler in [each for each in logger.handlers if isinstance(each, (JsonLineHandler, _Stderr))]:
        logger.removeHandler(handler)
    path = log_path(settings)
    if path is None:
        return
    handler = JsonLineHandler(path, JsonLineFormatter(_secrets(settings)))
    handler.setLevel(settings.log_level)
    logger.addHandler(handler)
    logger.addHandler(_Stderr(logging.WARNING))
    logger.setLevel(settings.log_level)


class _Stderr(logging.Handler):
    """Warnings for whoever sits before the program: Python shows them only of loggers without any handler."""

    def emit(self, record: logging.LogRecord) -> None:
        """Shows a record, unless others do it."""
        if logging.lastResort is not None and not logging.getLogger().handlers:
            logging.lastResort.handle(record)


def log_path(settings: Settings) -> Path | None:
    """Where it lies; None where LOG_FILE is ``off``."""
    if settings.log_file == _OFF:
        return None
    if settings.log_file:
        return Path(settings.log_file).expanduser().absolute()
    return settings.home / "logs" / "miraikakaku.jsonl"


def _secrets(settings: Settings) -> set[str]:
    """Secrets as they stand in the settings, parts of lists of them, and passwords inside addresses."""
    values = (getattr(settings, name) for name in type(settings).model_fields)
    whole = {value.get_secret_value() for value in values if isinstance(value, SecretStr)}
    parts = {part for secret in whole for part in secret.split()}
    passwords = {password for part in parts if "://" in part and (password := urlsplit(part).password)}
    return whole | parts | passwords | {unquote(password) for password in passwords}
