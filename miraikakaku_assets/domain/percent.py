"""Shares as percentages: one rounding for every table, report, message and picture."""

UNKNOWN = "–"
"""Shown where there is no share."""


def in_percent(share: float, digits: int = 2) -> float:
    """A share of 1 in percent, cut off behind some decimals, never rounded up.

    What is below a line is so shown below it, and 100 % is all of it: 995,976 of 995,977 bars are 99.99 %.

    Args:
        share: 0 or more, finite.
        digits: Decimals that are kept, 0 to 4.
    """
    # 0.57 * 10,000 is 5,699.999999999999 in floating point and is 57 % all the same.
    units = 10.0**digits
    return int(round(share * 100.0 * units, 9)) / units


def percent(share: float | None, digits: int = 2) -> str:
    """The same as text, e.g. ``99.24 %``; an unknown share as a dash."""
    return UNKNOWN if share is None else f"{in_percent(share, digits):.{digits}f} %"


def percent_ja(share: float | None, digits: int = 0) -> str:
    """The same as Japanese messages write it, e.g. ``99%``."""
    return UNKNOWN if share is None else f"{in_percent(share, digits):.{digits}f}%"
