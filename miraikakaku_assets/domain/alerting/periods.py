"""Time spans and moments as people write them about silences."""

import re
from datetime import UTC, date, datetime, time, timedelta

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.tokyo_time import TOKYO

_PART = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def read_time_span(text: str, name: str) -> timedelta:
    """Reads ``30m``, ``2h``, ``1d12h``.

    Args:
        text: Numbers, each with s, m, h, d or w.
        name: Of the option, for the message.

    Raises:
        ConfigurationError: It is no time span, or none at all.
    """
    parts = _PART.findall(text)
    span = sum((timedelta(**{_UNITS[unit]: int(count)}) for count, unit in parts), timedelta(0))
    if "".join(count + unit for count, unit in parts) != text or span <= timedelta(0):
        raise ConfigurationError(f"{name} {text!r} is not a time span like 30m, 2h or 1d12h")
    return span


def read_moment(text: str, name: str, *, end_of_day: bool = False) -> datetime:
    """Reads a day or a moment, in Tokyo unless it names its zone.

    Args:
        text: ISO 8601: ``2022-04-28``, ``2022-04-28T09:00``, ``2022-04-28T00:00+00:00``.
        name: Of the option, for the message.
        end_of_day: Whether a day means its end.

    Returns:
        The moment in UTC.

    Raises:
        ConfigurationError: It is neither.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    try:
        if day is not None:
            local = datetime.combine(day + timedelta(days=int(end_of_day)), time(), TOKYO)
        else:
            local = datetime.fromisoformat(text)
            local = local.replace(tzinfo=TOKYO) if local.tzinfo is None else local
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ConfigurationError(
            f"{name} {text!r} is not a day or moment like 2022-04-28 or 2022-04-28T09:00+09:00"
        ) from None
