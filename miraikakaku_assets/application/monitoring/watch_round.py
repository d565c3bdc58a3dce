"""What a round of the watch from outside has come to."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class WatchRound:
    """One round.

    Attributes:
        standing: What is wrong now, each as one line.
        raised: Keys of alerts that did not stand before.
        resolved: Keys of alerts that are over.
        delivered: Channel → notifications that were sent because nobody else does.
        told: Channels that were told of an outage of the database.
        troubles: What did not arrive, and why.
        outage: Why the database is out of reach; None if it answers.
        is_daemon_dead: Whether the daemon is silent.
        sentence: What there is to say where nothing was watched.
    """

    standing: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    delivered: Mapping[str, int] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    outage: str | None = None
    is_daemon_dead: bool = False
    sentence: str = ""
