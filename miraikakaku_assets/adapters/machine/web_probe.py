"""How long a service takes to answer HTTP."""

import http.client
import time
from urllib.parse import urlsplit

from miraikakaku_assets.application.ports.operations.system import Measurement

PATIENCE_SECONDS = 10.0
"""Twice what counts as dangerous: after that it is no slow answer any more."""


class HttpProbe:
    """Implements the port `WebProbe`; goes straight to the address, whatever proxy the environment names.

    Args:
        patience_seconds: How long an answer is waited for.
    """

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience = patience_seconds

    def response(self, address: str, path: str) -> Measurement:
        """Seconds until the whole answer; `Measurement.failed` without one, or with one that is no success."""
        parts = urlsplit(address)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        began = time.monotonic()
        try:
            connection = kind(parts.hostname or "", parts.port, timeout=self._patience)
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
            finally:
                connection.close()
        except TimeoutError:
            return Measurement(None, f"no answer within {self._patience:g} s", failed=True)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Measurement(None, f"no answer ({type(error).__name__})", failed=True)
        seconds = time.monotonic() - began
        success = http.HTTPStatus.OK <= answer.status < http.HTTPStatus.BAD_REQUEST
        detail = "" if success else f"answers HTTP {answer.status}"
        return Measurement(seconds if success else None, detail, failed=not success)
