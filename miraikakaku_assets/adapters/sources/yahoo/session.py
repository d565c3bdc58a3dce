"""The HTTP session that yfinance is given: base URL, rate limit, retries and error types live here only.

yfinance answers every HTTP error with a change of cookie strategy and up to seven further requests, so an
error never reaches it: this session raises the project's own type instead. It also asks for a cookie and a
crumb before the first chart; charts need neither, so those questions are answered here without a request.

Every request is accounted to its symbol and reported to the rate limit, which all processes share: a refusal of
one slows down and, if Yahoo says so, stops them all.
"""

import logging
import random
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from curl_cffi import requests
from curl_cffi.requests.exceptions import ConnectionError as CurlConnectionError
from curl_cffi.requests.exceptions import RequestException, Timeout

from miraikakaku_assets.adapters.sources.http import BoundedBody
from miraikakaku_assets.adapters.sources.yahoo.responses import clock_skew, outcome_of, trouble_of
from miraikakaku_assets.application.ports import Calls
from miraikakaku_assets.application.ports.rate_limit import Outcome, RateLimiter
from miraikakaku_assets.domain.errors import TemporarySymbolError

_log = logging.getLogger(__name__)
_CHART = "/v8/finance/chart/"
_SHORTEST_JITTER, _LONGEST_JITTER = 0.8, 1.2


@dataclass(frozen=True)
class RetryPolicy:
    """How a request is repeated.

    Attributes:
        timeout: Seconds for one request.
        retries: Further attempts after a temporary failure.
        delay: Seconds before the first of them.
        multiplier: Growth of the delay from one attempt to the next.
        longest: Cap of this session's own waits; a longer ``Retry-After`` is the rate limit's to keep.
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
        limit: Rate limit taken before every request that leaves, and told what became of it.
        retry_policy: Timeouts and retries.
        stopping: Set by the owner to end waits early.

    Attributes:
        requests_sent: Requests that have left.
        clock_skew_seconds: Yahoo's clock minus ours, the first time they were minutes apart; None until then.
    """

    def __init__(
        self, base_url: str, limit: RateLimiter, retry_policy: RetryPolicy, stopping: threading.Event
    ) -> None:
        super().__init__(impersonate="chrome")
        self._base_url = base_url.rstrip("/")
        self._limit = limit
        self._retry_policy = retry_policy
        self._stopping = stopping
        self._counting = threading.Lock()
        self._calls: dict[str, Calls] = {}
        self.requests_sent = 0
        self.clock_skew_seconds: float | None = None

    def account(self, symbol: str) -> Calls:
        """What the symbol has taken since it was last asked about; retries are in it, our own waits are not."""
        with self._counting:
            return self._calls.pop(symbol.upper(), Calls())

    def request(self, method: str, url: str, *args: Any, **options: Any) -> requests.Response:
        """Sends one chart request, repeated while its failure is temporary.

        Raises:
            PermanentSymbolError: Yahoo will not serve this symbol or window.
            TemporarySymbolError: It failed temporarily, also after all retries, or the owner has stopped.
            SourcePausedError: Yahoo refuses everything; nobody asks it for now.
            DependencyUnavailableError: The database behind the rate limit cannot be reached.
        """
        path = urlsplit(url).path
        if not path.startswith(_CHART):
            return _nothing(url)
        symbol = unquote(path.removeprefix(_CHART))
        options["timeout"] = self._retry_policy.timeout
        delay = self._retry_policy.delay
        for attempts_left in range(self._retry_policy.retries, -1, -1):
            try:
                return self._attempt(method, self._base_url + path, symbol, args, options)
            except TemporarySymbolError as error:
                if attempts_left == 0 or self._stopping.is_set():
                    raise
                self._stopping.wait(_pause(error, delay, self._retry_policy.longest))
                delay *= self._retry_policy.multiplier
        raise AssertionError  # the loop returns or raises

    def _attempt(
        self, method: str, url: str, symbol: str, args: tuple[Any, ...], options: dict[str, Any]
    ) -> requests.Response:
        self._go_on(symbol)
        slot = self._limit.take(self._stopping.wait)
        try:
            self._go_on(symbol)  # or the slot was not waited for
        except TemporarySymbolError:
            self._limit.report(slot, Outcome.UNSENT)
            raise
        try:
            answer = self._send(method, url, symbol, args, options)
        except TemporarySymbolError as error:
            self._limit.report(slot, Outcome.REFUSED, reason=error.explanation)
            raise
        trouble = trouble_of(answer, symbol)
        self._limit.report(
            slot,
            outcome_of(trouble),
            retry_after=trouble.retry_after if isinstance(trouble, TemporarySymbolError) else None,
            reason=trouble.explanation if trouble else "",
        )
        if trouble is not None:
            raise trouble
        return answer

    def _go_on(self, symbol: str) -> None:
        if self._stopping.is_set():
            raise TemporarySymbolError(symbol, "stopped", "the collection was ended before its turn")

    def _send(
        self, method: str, url: str, symbol: str, args: tuple[Any, ...], options: dict[str, Any]
    ) -> requests.Response:
        began, body = time.perf_counter(), BoundedBody()
        options["content_callback"] = body.take
        try:
            answer: requests.Response = super().request(method, url, *args, **options)  # type: ignore[arg-type]
            answer.content = body.content
        except Timeout as error:
            seconds = f"{self._retry_policy.timeout:g} s"
            raise TemporarySymbolError(symbol, "timeout", f"no answer within {seconds}") from error
        except CurlConnectionError as error:
            raise TemporarySymbolError(symbol, "unreachable", "the connection failed") from error
        except RequestException as error:
            why = "the answer is longer than any chart" if body.is_too_long else "the answer broke off"
            raise TemporarySymbolError(symbol, "unreadable_answer", why) from error
        finally:
            self._note(symbol, time.perf_counter() - began)
        if self.clock_skew_seconds is None:
            self._compare_clocks(answer)
        return answer

    def _compare_clocks(self, answer: requests.Response) -> None:
        skew = clock_skew(answer, datetime.now(UTC))
        with self._counting:
            known = skew is None or self.clock_skew_seconds is not None
            self.clock_skew_seconds = self.clock_skew_seconds if known else skew
        if not known:
            _log.warning("Yahoo's clock is %+.0f s from ours; set this machine's clock right", skew)

    def _note(self, symbol: str, seconds: float) -> None:
        with self._counting:
            self.requests_sent += 1
            before = self._calls.get(symbol.upper(), Calls())
            self._calls[symbol.upper()] = Calls(before.requests + 1, before.seconds + seconds)


def _nothing(url: str) -> requests.Response:
    """An empty answer that never left the machine."""
    answer = requests.Response()
    answer.url = url
    answer.status_code = 200
    answer.content = b""
    return answer


def _pause(error: TemporarySymbolError, delay: float, longest: float) -> float:
    """Seconds before the next attempt, spread by chance; never less than the source asked for.

    What it asked for beyond `longest` is not slept through: the rate limit pauses the source.
    """
    wait = delay * random.uniform(_SHORTEST_JITTER, _LONGEST_JITTER)  # noqa: S311 - no secret
    if error.retry_after is None or error.retry_after > longest:
        return min(wait, longest)
    return error.retry_after + min(wait, delay / 2)
