"""Up to where a watcher has read, and since when it has been at it."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_LOOK = timedelta(days=1)
"""How far back a watcher looks that has never looked."""
_PAUSE = timedelta(minutes=20)  # longer without a round, and the machine or the watcher was off


@dataclass(frozen=True)
class Position:
    """What a watcher notes between its rounds; moments by the machine's clock.

    Attributes:
        runs_until: Ended runs have been read up to here.
        read_at: When its last round was.
        watching_since: Since when its rounds have followed each other.
    """

    runs_until: datetime
    read_at: datetime
    watching_since: datetime

    def next(self, runs_until: datetime, now: datetime) -> "Position":
        """The position after the round of this moment."""
        return Position(runs_until, now, self.watching_since)

    def as_text(self) -> str:
        """As it is stored."""
        return json.dumps({name: getattr(self, name).isoformat() for name in self.__dataclass_fields__})


def position_at(text: str | None, now: datetime) -> Position:
    """The position of a round that begins now.

    Args:
        text: As it was stored after the round before; None if there was none.
        now: By the machine's clock.
    """
    if text is None:
        return Position(now - FIRST_LOOK, now, now)
    stored = Position(**{name: datetime.fromisoformat(value) for name, value in json.loads(text).items()})
    paused = not timedelta(0) <= now - stored.read_at <= _PAUSE  # a clock that was set back counts, too
    return Position(stored.runs_until, now, now if paused else stored.watching_since)
