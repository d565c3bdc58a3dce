"""What an HTTP answer says about a channel. No explanation quotes an address or a body: both may hold a token."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from miraikakaku_assets.application.ports.notices import Answer, Verdict

_TOO_MANY = 429
_UNFIT = frozenset({400, 413, 415, 422})
_BUSY = frozenset({408, 425})
_FIRST_ERROR, _FIRST_SERVER_ERROR = 300, 500
_LEAST_PAUSE = 1.0  # seconds after a 429 that names no time or none worth the name


def judged(status: int, headers: Mapping[str, str], body: bytes, setting: str) -> Answer:
    """The verdict of one HTTP answer.

    Args:
        status: HTTP status; redirects are not followed, so they count as a wrong address.
        headers: With case-insensitive names.
        body: Discord writes the seconds to wait into it, more exactly than into the header.
        setting: Name of the setting that holds the address.
    """
    if status < _FIRST_ERROR:
        return Answer(Verdict.DELIVERED, wait=_until_reset(headers))
    wait = _requested_wait(headers, body)
    if status == _TOO_MANY:
        return Answer(Verdict.LATER, "HTTP 429: too many messages; it is left alone as long as it asks", wait)
    if status >= _FIRST_SERVER_ERROR or status in _BUSY:
        return Answer(Verdict.LATER, f"HTTP {status}: it has trouble of its own", wait)
    if status in _UNFIT:
        return Answer(Verdict.UNFIT, f"HTTP {status}: it does not take this message")
    return Answer(Verdict.CLOSED, f"HTTP {status}: it refuses every message; correct {setting}")


def _requested_wait(headers: Mapping[str, str], body: bytes) -> float | None:
    named = [seconds for seconds in (_retry_after(headers), _in_body(body)) if seconds is not None]
    return max(_LEAST_PAUSE, *named) if named else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, or a moment by the clock of whoever names it: ours may be minutes off."""
    value = headers.get("Retry-After", "")
    try:
        return float(value)
    except ValueError:
        moment = _moment(value)
    if moment is None:
        return None
    return (moment - (_moment(headers.get("Date", "")) or datetime.now(UTC))).total_seconds()


def _moment(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _in_body(body: bytes) -> float | None:
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    value = answer.get("retry_after") if isinstance(answer, dict) else None
    return float(value) if isinstance(value, int | float) else None


def _until_reset(headers: Mapping[str, str]) -> float | None:
    """Seconds of silence Discord asks for in advance: none is left of what it takes at once."""
    if headers.get("X-RateLimiter-Remaining") != "0":
        return None
    try:
        return float(headers.get("X-RateLimiter-Reset-After", ""))
    except ValueError:
        return None
