"""What an HTTP answer of Yahoo's means: nothing wrong, or one typed error; and what it says beside the bars."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from curl_cffi import requests

from miraikakaku_assets.application.ports.rate_limit import Outcome
from miraikakaku_assets.domain.errors import PermanentSymbolError, SymbolError, TemporarySymbolError

_ECHO = re.compile(rb'"symbol"\s*:\s*"([^"]+)"')
_ERROR = re.compile(rb'"error"\s*:\s*\{\s*"code"\s*:\s*"([^"]+)"')
_BARS = re.compile(rb'"timestamp"\s*:\s*\[\s*\d')
_ZONE = re.compile(rb'"exchangeTimezoneName"\s*:\s*"[^"]')
_NOTEWORTHY_SKEW = 300.0  # seconds; a running bar is mistaken for a final one when the clock is far off

_STATUS: dict[int, tuple[str, str]] = {
    400: ("bad_request", "Yahoo does not understand the request"),
    401: ("refused", "Yahoo refuses the request"),
    403: ("refused", "Yahoo refuses the request"),
    404: ("not_on_source", "Yahoo has no data under this symbol"),
    422: ("out_of_range", "the window lies outside what Yahoo serves"),
}


def trouble_of(answer: requests.Response, symbol: str) -> SymbolError | None:
    """The error an answer stands for, None when it can be read.

    Args:
        answer: Status, headers and body.
        symbol: Yahoo symbol that was asked for.
    """
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


def outcome_of(trouble: SymbolError | None) -> Outcome:
    """What an answer says about the source's health.

    A refused symbol (401, 403) is that symbol's end, but when everything is refused, it is we who are refused.
    """
    if trouble is None:
        return Outcome.SERVED
    if trouble.kind == "rate_limited":
        return Outcome.RATE_LIMITED
    if isinstance(trouble, TemporarySymbolError) or trouble.kind == "refused":
        return Outcome.REFUSED
    return Outcome.SERVED


def clock_skew(answer: requests.Response, now: datetime) -> float | None:
    """Seconds by which the source's clock is ahead of ours, if it is minutes; None when they agree.

    Args:
        answer: Its ``Date`` header says when it was made, ``Age`` how long a cache kept it since.
        now: Our clock.
    """
    age = str(answer.headers.get("Age") or "0")
    try:
        made = parsedate_to_datetime(str(answer.headers.get("Date") or ""))
    except (ValueError, OverflowError):  # its zone may be any number
        return None
    made = made if made.tzinfo else made.replace(tzinfo=UTC)
    skew = (made - now).total_seconds() + (float(age) if age.isascii() and age.isdecimal() else 0.0)
    return skew if abs(skew) > _NOTEWORTHY_SKEW else None


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
    return _another(body, symbol)


def _another(body: bytes, symbol: str) -> SymbolError | None:
    """Trouble of an answer that is whole: it is about another symbol, or nobody knows about which days."""
    echo = _ECHO.search(body)
    echoed = echo.group(1).decode(errors="replace") if echo is not None else symbol
    if echoed.upper() != symbol.upper():
        return TemporarySymbolError(symbol, "wrong_symbol", f"the answer is about {echoed}")
    if _BARS.search(body) and not _ZONE.search(body):
        return TemporarySymbolError(symbol, "unreadable_answer", "the answer does not name its time zone")
    return None


def _retry_after(answer: requests.Response) -> float | None:
    """Seconds of a ``Retry-After`` header; its date form and nonsense count as absent."""
    value = str(answer.headers.get("Retry-After") or "")
    return float(value) if value.isascii() and value.isdecimal() else None
