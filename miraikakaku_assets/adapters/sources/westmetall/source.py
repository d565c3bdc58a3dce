"""Asks Westmetall for its page, politely, and reads it.

One page holds every day since 2008: a collection is one request. It is sent at a rate of its own, repeated while its
failure is temporary, and reported to the rate limit, which all processes of an installation share.
"""

import random
import threading
from dataclasses import dataclass
from datetime import date

from miraikakaku_assets.adapters.sources.http import BoundedBody, too_large
from miraikakaku_assets.adapters.sources.official_prices import official_quotes, since_of
from miraikakaku_assets.adapters.sources.westmetall.page import table_of
from miraikakaku_assets.application.ports.copper import QuoteDelivery
from miraikakaku_assets.application.ports.rate_limit import Outcome, RateLimiter, Slot
from miraikakaku_assets.application.ports.redact_url import shown
from miraikakaku_assets.domain.errors import DependencyUnavailableError

REQUESTS_PER_SECOND, BURST = 0.5, 2
"""A page for people: nobody asks it more than once in two seconds."""
_SHORTEST_JITTER, _LONGEST_JITTER = 0.8, 1.2
_LONGEST_PAUSE = 300.0
_MOST_BYTES = 8 << 20  # the page of 18 years has 1 MB
_TOO_MANY, _SERVER_ERROR, _CLIENT_ERROR = 429, 500, 400


@dataclass(frozen=True)
class PageOptions:
    """How the page is asked for.

    Attributes:
        url: Its address.
        timeout: Seconds for one request.
        retries: Further attempts after a temporary failure.
        delay: Seconds before the first of them.
        multiplier: Growth of the delay from one attempt to the next.
    """

    url: str
    timeout: float
    retries: int
    delay: float
    multiplier: float


class _TemporaryTroubleError(Exception):
    """An attempt that may succeed later."""

    def __init__(self, explanation: str, retry_after: float | None = None) -> None:
        super().__init__(explanation)
        self.retry_after = retry_after


class WestmetallQuotes:
    """Implements the port `QuoteSource`.

    Args:
        options: How the page is asked for.
        limit: Taken before every request, and told what became of it.
    """

    name = "westmetall"

    def __init__(self, options: PageOptions, limit: RateLimiter) -> None:
        self._options = options
        self._limit = limit

    def deliver(self, since: date | None, stopping: threading.Event | None = None) -> QuoteDelivery:
        """Cash, three months and stock; see `QuoteSource`."""
        content, requests = self._page(stopping or threading.Event())
        quotes, stocks = official_quotes(table_of(content, shown(self._options.url)))
        return QuoteDelivery(self.name, since_of(quotes, since), since_of(stocks, since), requests)

    def _page(self, stopping: threading.Event) -> tuple[bytes, int]:
        options, delay = self._options, self._options.delay
        for attempt in range(1, options.retries + 2):
            try:
                return self._attempt(stopping), attempt
            except _TemporaryTroubleError as trouble:
                last = attempt > options.retries or stopping.is_set()
                if last or (trouble.retry_after or 0) > _LONGEST_PAUSE:
                    raise DependencyUnavailableError(
                        f"Westmetall at {shown(options.url)} does not serve its page: {trouble}; try again later, or "
                        "name a folder of files as COPPER_DROP_DIR with LME_PRICE_SOURCE=files"
                    ) from trouble
                pause = delay * random.uniform(_SHORTEST_JITTER, _LONGEST_JITTER)  # noqa: S311 - no secret
                stopping.wait(max(min(pause, _LONGEST_PAUSE), trouble.retry_after or 0.0))
                delay *= options.multiplier
        raise AssertionError  # the loop returns or raises

    def _attempt(self, stopping: threading.Event) -> bytes:
        slot = self._limit.take(stopping.wait)
        if stopping.is_set():
            self._limit.report(slot, Outcome.UNSENT)
            raise _TemporaryTroubleError("the collection was ended before its turn")
        try:
            content = self._sent(slot)
        except _TemporaryTroubleError as trouble:
            if trouble.retry_after is None:
                self._limit.report(slot, Outcome.REFUSED, reason=str(trouble))
            raise
        self._limit.report(slot, Outcome.SERVED)
        return content

    def _sent(self, slot: Slot) -> bytes:
        from curl_cffi import requests
        from curl_cffi.requests.exceptions import RequestException, Timeout

        options, body = self._options, BoundedBody(_MOST_BYTES)
        try:
            answer = requests.get(
                options.url, timeout=options.timeout, impersonate="chrome", content_callback=body.take
            )
        except Timeout as error:
            raise _TemporaryTroubleError(f"no answer within {options.timeout:g} s") from error
        except RequestException as error:
            if body.is_too_long:
                self._limit.report(slot, Outcome.SERVED)
                raise too_large(shown(options.url), _MOST_BYTES) from None
            raise _TemporaryTroubleError(f"the connection failed ({type(error).__name__})") from error
        if answer.status_code == _TOO_MANY:
            seconds = str(answer.headers.get("Retry-After") or "")
            wait = float(seconds) if seconds.isascii() and seconds.isdecimal() else None
            reason = "it limits our requests (HTTP 429)"
            self._limit.report(slot, Outcome.RATE_LIMITED, retry_after=wait, reason=reason)
            raise _TemporaryTroubleError(reason, wait or 0.0)
        if answer.status_code >= _SERVER_ERROR:
            raise _TemporaryTroubleError(f"it answers HTTP {answer.status_code}")
        if answer.status_code >= _CLIENT_ERROR:
            self._limit.report(slot, Outcome.SERVED)
            raise DependencyUnavailableError(
                f"Westmetall at {shown(options.url)} answers HTTP {answer.status_code}; correct WESTMETALL_URL"
            )
        return body.content
