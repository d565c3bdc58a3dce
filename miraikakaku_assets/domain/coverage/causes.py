"""Why a bar is missing: the causes, in the order in which they are tried, and what each says.

A cause is read from what was written down (refused rows, verdicts of collections, windows that were asked for), never
from what usually happens.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """Why an expected bar is missing.

    Attributes:
        name: Stored in ``coverage_gap_ranges`` and printed in reports.
        sentence: What it says.
        repairable: Whether asking the source again may bring the bar; `coverage repair` leaves the others alone.
    """

    name: str
    sentence: str
    repairable: bool = True


HALTED = Cause(
    "halted", "the source sent a row without a price and with a volume of 0: nobody traded", repairable=False
)
QUARANTINED = Cause("quarantined", "a bar came and was refused (see quarantined_bars)")
OUT_OF_RANGE = Cause(
    "out_of_range", "older than what the source serves of this timeframe: lost for good", repairable=False
)
NOT_ON_SOURCE = Cause(
    "not_on_source",
    "the source does not know the symbol, and there is no bar of it in the window",
    repairable=False,
)
RATE_LIMITED = Cause("rate_limited", "the newest collection was refused by the source's rate limit")
FETCH_FAILED = Cause("fetch_failed", "the newest collection of this issue failed")
NEVER_REQUESTED = Cause("never_requested", "no collection on record has asked the source for it")
NEVER_DELIVERED = Cause("never_delivered", "asked for, and the source has no bar of this issue in the window")
LISTED_LATER = Cause(
    "listed_later",
    "asked for, and the source's first bar is later: it was listed later than the list says, or its history at the "
    "source begins there",
    repairable=False,
)
AFTER_LAST_BAR = Cause(
    "after_last_bar", "asked for, and after the last bar: not delivered yet, or trading has ended"
)
SOURCE_HOLE = Cause("source_hole", "asked for, and between stored bars: the source left it out")

ORDERED = (
    HALTED,
    QUARANTINED,
    OUT_OF_RANGE,
    NOT_ON_SOURCE,
    RATE_LIMITED,
    FETCH_FAILED,
    NEVER_REQUESTED,
    NEVER_DELIVERED,
    LISTED_LATER,
    AFTER_LAST_BAR,
    SOURCE_HOLE,
)
"""All causes; the first that applies to a gap is its cause."""

CAUSES = {cause.name: cause.sentence for cause in ORDERED}
"""Cause → what it says."""

PERMANENT = tuple(cause.name for cause in ORDERED if not cause.repairable)
"""Causes of gaps that no further request will fill."""

WITHOUT_BARS = (NEVER_DELIVERED.name, NOT_ON_SOURCE.name)
"""Causes of issues that have no bar at all in the window."""
