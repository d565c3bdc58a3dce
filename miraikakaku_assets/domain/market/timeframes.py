"""Lengths of bars."""

from enum import StrEnum

from miraikakaku_assets.domain.errors import ConfigurationError


class Timeframe(StrEnum):
    """Length of a bar; the value is the spelling used in tables and commands."""

    M5 = "5m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"
    W1 = "1w"
    MO1 = "1mo"


COLLECTED_TIMEFRAMES = (Timeframe.D1, Timeframe.M5)
"""What is collected from a source; the other timeframes are aggregated."""


def timeframe(name: str) -> Timeframe:
    """The timeframe of that spelling.

    Raises:
        ConfigurationError: There is no such timeframe.
    """
    try:
        return Timeframe(name)
    except ValueError:
        known = ", ".join(Timeframe)
        raise ConfigurationError(f"Timeframe {name!r} does not exist; choose from: {known}") from None
