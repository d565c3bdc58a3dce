"""A window of exchange dates as people write it."""

from datetime import date

from miraikakaku_assets.domain.errors import ConfigurationError

Window = tuple[date | None, date | None]
"""First and last day, both included; None leaves that end open."""


def read_window(since: str | None, until: str | None, prefix: str = "") -> Window:
    """The dates that are written, None for an empty one.

    Args:
        since: First day, ``YYYY-MM-DD``.
        until: Last day, ``YYYY-MM-DD``.
        prefix: What stands before the names in messages, e.g. ``--`` for options.

    Raises:
        ConfigurationError: One is no date, or the first is after the last.
    """
    first, last = read_day(f"{prefix}since", since), read_day(f"{prefix}until", until)
    if first and last and first > last:
        raise ConfigurationError(f"{prefix}since {since} is after {prefix}until {until}")
    return first, last


def read_day(name: str, value: str | None) -> date | None:
    """The date that is written, None for an empty one.

    Args:
        name: Of the option, for the message.
        value: ``YYYY-MM-DD``.

    Raises:
        ConfigurationError: It is no date.
    """
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise ConfigurationError(f"{name} {value!r} is not a date like 2025-01-06") from None
