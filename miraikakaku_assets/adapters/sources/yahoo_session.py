"""The HTTP session that yfinance is given: base URL, rate limit, retries and error types live here only.

yfinance answers every HTTP error with a change of cookie strategy and up to seven further requests, so an
error never reaches it: this session raises the project's own type instead. It also asks for a cookie and a
crumb before the first chart; charts need neither, so those questions are answered here without a request.
"""

import random
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from curl_cffi import requests
from curl_cffi.requests.exceptions import ConnectionError as CurlConnectionError
from curl_cffi.requests.exceptions import RequestException, Timeout

from miraikakaku_assets.domain.errors import PermanentSymbolError, SymbolError, TemporarySymbolError

_CHART = "/v8/finance/chart/"
_ECHO = re.compile(rb'"symbol"\s*:\s*"([^"]+)"')
_ERROR = re.compile(rb'"error"\s*:\s*\{\s*"code"\s*:\s*"([^"]+)"')
_SHORTEST_JITTER, _LONGEST_JITTER = 0.8, 1.2

_STATUS: dict[int, tuple[str, str]] = {
    400: ("bad_request", "Yahoo does not understand the request"),
    401: ("refused", "Yahoo refuses the request"),
    403: ("refused", "Yahoo refuses the request"),
    404: ("not_on_source", "Yahoo has no data under this symbol"),
    422: ("out_of_range", "the window lies outside what Yahoo serves"),
}


class RateLimit(Protocol):
    """Hands out request slots; see `PostgresRateLimit`."""

    def take(self, wait: Callable[[float], object]) -> None:
        """Takes the next slot and waits for it."""


@dataclass(frozen=True)
class Politeness:
    """How a request is repeated.

    Attributes:
        timeout: Seconds for one request.
        retries: Further attempts after a temporary failure.
        delay: Seconds before the first of them.
        multiplier: Growth of the delay from one attempt to the next.
        longest: Cap of any wait, also of a ``Retry-After``.
    """

    timeout: float
    retries: int
    delay: float
    multiplier: float
    longest: float = 300.0


class YahooSession(requests.Session[requests.Response]):
    """A curl_cffi session that speaks to one base URL, politely, and raises typed errors.

    Args:
        base_url: Scheme and host that replace Yahoo's in every request.
        limit: Rate limit taken before every request that leaves.
        politeness: Timeouts and retries.
        stopping: Set by the owner to end waits early.
    """

    def __init__(
        self, base_url: str, limit: RateLimit, politeness: Politeness, stopping: threading.Event
    ) -> None:
        super().__init__(impersonate="chrome")
        self._base_url = base_url.rstrip("/")
        self._limit = limit
        self._politeness = politeness
        self._stopping = stopping
        self._counting = threading.Lock()
        self.requests_sent = 0

    def request(self, method: str, url: str, *args: Any, **options: Any) -> requests.Response:
        """Sends one chart request, repeated while its failure is temporary.

        Raises:
            PermanentSymbolError: Yahoo will not serve this symbol or window.
            TemporarySymbolError: It failed temporarily, also after all retries.
        """
        path = urlsplit(url).path
        if not path.startswith(_CHART):
            return _nothing(url)
        symbol = unquote(path.removeprefix(_CHART))
        options["timeout"] = self._politeness.timeout
        delay = self._politeness.delay
        for attempts_left in range(self._politeness.retries, -1, -1):
            try:
                return self._attempt(method, self._base_url + path, symbol, args, options)
            except TemporarySymbolError as error:
                if attempts_left == 0 or self._stopping.is_set():
                    raise
                self._stopping.wait(min(_pause(error, delay), self._politeness.longest))
                delay *= self._politeness.multiplier
        raise AssertionError  # the loop returns or raises

    def _attempt(
        self, method: str, url: str, symbol: str, args: tuple[Any, ...], options: dict[str, Any]
    ) -> requests.Response:
        self._limit.take(self._stopping.wait)
        if self._stopping.is_set():  # the slot was not waited for
            raise TemporarySymbolError(symbol, "stopped", "the collection was ended before its turn")
        with self._counting:
            self.requests_sent += 1
        try:
            answer: requests.Response = super().request(method, url, *args, **options)  # type: ignore[arg-type]
        except Timeout as error:
            seconds = f"{self._politeness.timeout:g} s"
            raise TemporarySymbolError(symbol, "timeout", f"no answer within {seconds}") from error
        except CurlConnectionError as error:
            raise TemporarySymbolError(symbol, "unreachable", "the connection failed") from error
        except RequestException as error:
            raise TemporarySymbolError(symbol, "unreadable_answer", "the answer broke off") from error
        trouble = _error_of(answer, symbol)
        if trouble is not None:
            raise trouble
        return answer


def _error_of(answer: requests.Response, symbol: str) -> SymbolError | None:
    status = answer.status_code
    if status == 429:  # noqa: PLR2004
        return TemporarySymbolError(
            symbol, "rate_limited", "Yahoo limits our requests (HTTP 429)", _retry_after(answer)
        )
    if status >= 500:  # noqa: PLR2004
        return TemporarySymbolError(
            symbol, "server_error", f"Yahoo answers HTTP {status}", _retry_after(answer)
        )
    if status >= 400:  # noqa: PLR2004
        kind, sentence = _STATUS.get(status, ("bad_request", "Yahoo refuses the request"))
        return PermanentSymbolError(symbol, kind, f"{sentence} (HTTP {status})")
    return _unreadable(answer.content.strip(), symbol)


def _unreadable(body: bytes, symbol: str) -> SymbolError | None:
    """Trouble behind a status 200: another format, a body cut short, or another symbol's bars."""
    if not body.startswith(b"{"):
        return TemporarySymbolError(symbol, "unreadable_answer", "the answer is no JSON (an HTML page?)")
    if not body.endswith(b"}"):
        return TemporarySymbolError(symbol, "unreadable_answer", "the answer was cut short")
    named = _ERROR.search(body)
    if named is not None:  # yfinance would take it for an empty window
        if named.group(1) == b"Not Found":
            return PermanentSymbolError(symbol, "not_on_source", _STATUS[404][1])
        return TemporarySymbolError(
            symbol, "unreadable_answer", f"the answer is the error {named.group(1).decode(errors='replace')}"
        )
    echo = _ECHO.search(body)
    if echo is not None and echo.group(1).decode().upper() != symbol.upper():
        return TemporarySymbolError(symbol, "wrong_symbol", f"the answer is about {echo.group(1).decode()}")
    return None


def _retry_after(answer: requests.Response) -> float | None:
    """Seconds of a ``Retry-After`` header; its date form and nonsense count as absent."""
    value = str(answer.headers.get("Retry-After") or "")
    return float(value) if value.isdecimal() else None


def _nothing(url: str) -> requests.Response:
    """An empty answer that never left the machine."""
    answer = requests.Response()
    answer.url = url
    answer.status_code = 200
    answer.content = b""
    return answer


def _pause(error: TemporarySymbolError, delay: float) -> float:
    """Seconds before the next attempt, spread by chance; never less than the source asked for."""
    if error.retry_after is not None:
        return error.retry_after * random.uniform(1, _LONGEST_JITTER)  # noqa: S311 - no secret
    return delay * random.uniform(_SHORTEST_JITTER, _LONGEST_JITTER)  # noqa: S311
