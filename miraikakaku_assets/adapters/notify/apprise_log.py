"""Apprise's log, which is read and never shown.

Why a service refused is said there only, by code; but its lines quote addresses, tokens and log-in names, and below it
urllib3 quotes paths. So the codes are taken out, and every line is dropped before a handler sees it.
"""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_HTTP = re.compile(r"error=(\d{3})\b")
_SMTP = re.compile(r"\(([2-5]\d\d), b")
_REFUSED = re.compile(r"was refused: ([45]\d\d)\b")


@dataclass
class Codes:
    """What a service answered, oldest first."""

    http: list[int] = field(default_factory=list)
    smtp: list[int] = field(default_factory=list)


class _Sending(threading.local):
    """One thread serves one channel."""

    codes: Codes | None = None


_sending = _Sending()


def _taken(record: logging.LogRecord) -> bool:
    codes = _sending.codes
    if codes is not None:
        line = record.getMessage()
        codes.http += [int(code) for code in _HTTP.findall(line)]
        codes.smtp += [int(code) for code in (*_SMTP.findall(line), *_REFUSED.findall(line))]
    return False


def _not_while_sending(_: logging.LogRecord) -> bool:
    return _sending.codes is None


@contextmanager
def recorded_codes() -> Iterator[Codes]:
    """The codes of what this thread sends in the block."""
    _sending.codes = Codes()
    try:
        yield _sending.codes
    finally:
        _sending.codes = None


_apprise = logging.getLogger("apprise")
_apprise.setLevel(logging.DEBUG)  # whatever level is set elsewhere: SMTP codes are in its DEBUG lines
_apprise.addFilter(_taken)
logging.getLogger("urllib3.connectionpool").addFilter(_not_while_sending)
