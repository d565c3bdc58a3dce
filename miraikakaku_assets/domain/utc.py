"""Moments in UTC, in which they are stored."""

from datetime import UTC, datetime
from typing import overload


@overload
def in_utc(moment: datetime) -> datetime: ...
@overload
def in_utc(moment: None) -> None: ...
@overload
def in_utc(moment: datetime | None) -> datetime | None: ...
def in_utc(moment: datetime | None) -> datetime | None:
    """The same moment in UTC, as a row of a database has it in the zone of its session; None stays None."""
    return None if moment is None else moment.astimezone(UTC)
