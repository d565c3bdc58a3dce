"""Periods in which nobody is told of alerts that match."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from miraikakaku_assets.domain.alerting.matchers import Matchable, Matcher


class SilenceKind(StrEnum):
    """Why nobody is told."""

    SILENCE = "silence"  # somebody knows, and wants to hear no more of it
    EXPECTED = "expected"  # it was announced: a holiday of the source, a day that is known to be odd


@dataclass(frozen=True)
class Silence:
    """A period in which nobody is told of alerts that match; moments in UTC.

    Attributes:
        id: Number.
        kind: Why.
        matcher: Which alerts.
        starts_at: From when on.
        ends_at: Until when, itself excluded; a silence that was lifted ends at that moment.
        note: Why, in somebody's words.
        created_at: When it was made.
    """

    id: int
    kind: SilenceKind
    matcher: Matcher
    starts_at: datetime
    ends_at: datetime
    note: str
    created_at: datetime

    def covers(self, alert: Matchable, moment: datetime) -> bool:
        """Whether it is in force at a moment and matches."""
        return self.starts_at <= moment < self.ends_at and self.matcher.matches(alert)


def covering(silences: Iterable[Silence], alert: Matchable, moment: datetime) -> Silence | None:
    """The one that covers an alert at a moment: what is expected before what is silenced, then what lasts longest."""
    matching = [silence for silence in silences if silence.covers(alert, moment)]
    return max(
        matching, key=lambda silence: (silence.kind is SilenceKind.EXPECTED, silence.ends_at), default=None
    )
