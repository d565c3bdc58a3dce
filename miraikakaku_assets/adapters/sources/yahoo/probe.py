"""The smallest question to Yahoo: the last five daily bars of one symbol, in one request."""

import json
import math
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

from miraikakaku_assets.adapters.sources.yahoo.session import RetryPolicy, YahooSession
from miraikakaku_assets.application.ports.probes import ProbeAnswer
from miraikakaku_assets.application.ports.rate_limit import RateLimiter
from miraikakaku_assets.domain.errors import SymbolError, TemporarySymbolError

_QUESTION = {"range": "5d", "interval": "1d"}


class YahooProbe:
    """Implements the port `ProbedSource` over the session and the rate limit that collections use.

    yfinance is left out: it is the source that is looked at, and it would cost two seconds to load.

    Args:
        base_url: Scheme and host.
        retry_policy: Timeouts; a probe is never repeated, because a repetition would hide what it looks for.
        limit: Rate limit of all requests.
        stopping: Set by the owner to end waits early.
    """

    name = "yahoo"

    def __init__(
        self,
        base_url: str,
        retry_policy: RetryPolicy,
        limit: RateLimiter,
        stopping: threading.Event | None = None,
    ) -> None:
        self._session = YahooSession(
            base_url, limit, replace(retry_policy, retries=0), stopping or threading.Event()
        )

    @property
    def clock_skew_seconds(self) -> float | None:
        """Yahoo's clock minus ours, if they were found minutes apart."""
        return self._session.clock_skew_seconds

    def probe(self, symbol: str) -> ProbeAnswer:
        """Asks once.

        Raises:
            SourcePausedError: Nobody asks Yahoo for now.
            DependencyUnavailableError: The database behind the rate limit cannot be reached.
        """
        newest: date | None = None
        trouble: SymbolError | None = None
        try:
            answer = self._session.get(
                f"https://query2.finance.yahoo.com/v8/finance/chart/{quote(symbol)}", params=_QUESTION
            )
            newest = newest_session(answer.content, symbol)
        except SymbolError as error:
            trouble = error
        calls = self._session.account(symbol)
        return ProbeAnswer(newest, calls.seconds if calls.requests else None, calls.requests, trouble)

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()


def newest_session(body: bytes, symbol: str) -> date | None:
    """Exchange date of the newest bar that has a price; None without any.

    Raises:
        TemporarySymbolError: The body does not have Yahoo's form.
    """
    try:
        results = json.loads(body)["chart"]["result"] or []
        dates = [_date(stamp, result) for result in results for stamp in _priced(result)]
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        OverflowError,
        OSError,
        RecursionError,
    ) as error:
        explanation = f"the answer does not have Yahoo's form ({type(error).__name__})"
        raise TemporarySymbolError(symbol, "unreadable_answer", explanation) from error
    return max(dates, default=None)


def _priced(result: Any) -> list[int]:
    stamps = result.get("timestamp") or []
    closes = result["indicators"]["quote"][0].get("close") or []
    return [
        stamp
        for stamp, close in zip(stamps, closes, strict=True)
        if close is not None and math.isfinite(close) and close > 0
    ]


def _date(stamp: int, result: Any) -> date:
    return datetime.fromtimestamp(stamp + result["meta"].get("gmtoffset", 0), UTC).date()
