"""Pings in the protocol of healthchecks.io, which other services speak, too.

``<address>/<name>`` is success, ``…/start`` and ``…/fail`` say the other two; the body is kept as the ping's log, and
``rid`` ties an end to its start. The address is a secret: whoever has it can keep the alarm silent.
"""

import time
from collections.abc import Callable
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from curl_cffi import requests

from miraikakaku_assets.application.ports.operations.pings import Signal

NAME = "{name}"
"""Where an address may say that the name belongs; without it the name is its last part."""
_PAUSES = (0.5, 1.5)  # seconds between attempts: a ping comes in time or not at all
_TIMEOUT = 5.0
_LONGEST = 10_000  # bytes of a body that every such service keeps
_TOO_MANY, _FIRST_ERROR, _FIRST_SERVER_ERROR = 429, 300, 500


class HealthcheckPings:
    """Implements the port `DeadMansSwitch`.

    Args:
        address: Of HEALTHCHECK_URL; empty for nobody.
        wait: Sleeps for some seconds.
    """

    def __init__(self, address: str, wait: Callable[[float], object] = time.sleep) -> None:
        self._address = address
        self._wait = wait
        self._pauses: tuple[float, ...] = _PAUSES

    def __repr__(self) -> str:
        return "HealthcheckPings(…)"

    @property
    def is_set(self) -> bool:
        """Whether there is an address."""
        return bool(self._address)

    def ping(self, name: str, signal: Signal, *, run_id: str | None = None, text: str = "") -> str | None:
        """Sends a ping, three times at most; once only after one that did not arrive, until another does."""
        if not self.is_set:
            return None
        address = ping_address(self._address, name, signal, run_id)
        body = text.encode()[-_LONGEST:]
        for pause in (*self._pauses, None):
            trouble, is_final = _sent(address, body)
            if trouble is None:
                self._pauses = _PAUSES
                return None
            if is_final or pause is None:
                break
            self._wait(pause)
        self._pauses = ()
        return f"the ping {signal} of {name} did not arrive: {trouble}"


def ping_address(address: str, name: str, signal: Signal, run_id: str | None) -> str:
    """Where a ping is sent.

    Args:
        address: Of HEALTHCHECK_URL, with `NAME` or without.
        name: Of the schedule; its slug has hyphens.
        signal: What is said.
        run_id: UUID of the run, if there is one.
    """
    slug = quote(name.lower().replace("_", "-"), safe="-")
    parts = urlsplit(address.replace(NAME, slug))
    path = parts.path.rstrip("/") + ("" if NAME in address else f"/{slug}")
    if signal is not Signal.SUCCESS:
        path += f"/{signal.value}"
    added = urlencode({"rid": run_id}) if run_id else ""
    return urlunsplit(parts._replace(path=path, query="&".join(filter(None, (parts.query, added)))))


def _sent(address: str, body: bytes) -> tuple[str | None, bool]:
    """What was wrong, and whether it is of no use to try again."""
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    try:
        answer = requests.post(address, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False)
    except requests.exceptions.RequestException as error:  # its text may quote the address
        return f"no answer ({type(error).__name__})", False
    if answer.status_code < _FIRST_ERROR:
        return None, True
    passes = answer.status_code == _TOO_MANY or answer.status_code >= _FIRST_SERVER_ERROR
    return f"HTTP {answer.status_code}" + ("" if passes else "; correct HEALTHCHECK_URL"), not passes
