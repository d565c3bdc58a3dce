"""The frame of a drill: one damage after the other is done, noticed, told once, repaired and over.

The frame knows nothing of what a damage is. Where nobody notices one within its clock, or people are told twice or of
something else, the drill fails and says so.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Generic, Protocol, TypeVar

STEP = timedelta(minutes=1)
"""How often watchers look, and how far the clock goes on at a time."""
_HELD = 5  # steps for which a damage stands after people were told: whoever tells twice does it then
_SETTLING = 30  # steps for a repaired installation: the next look and the longest quiet time of one return
_NOTHING = timedelta(0)


@dataclass(frozen=True)
class Told:
    """Something that people were told of an alert.

    Attributes:
        key: Of the alert.
        is_over: Whether they were told that it is over.
        at: By the drill's clock.
    """

    key: str
    at: datetime
    is_over: bool = field(default=False, kw_only=True)


class Site(Protocol):
    """The installation that is damaged."""

    def now(self) -> datetime:
        """The drill's clock."""

    def step(self) -> None:
        """Goes on by `STEP`; then everybody who watches or delivers has a turn."""

    def told(self) -> Sequence[Told]:
        """What has arrived at the receiver, in its order."""

    def standing(self) -> Sequence[str]:
        """Keys of the alerts that are not over; empty while the database is out of reach."""


SiteT = TypeVar("SiteT", bound=Site)


def _no_trouble(_: Site) -> str:
    return ""


def _nothing(_: Site) -> None:
    return None


@dataclass(frozen=True)
class Damage(Generic[SiteT]):
    """A damage, who notices it, and how it is mended.

    Attributes:
        name: To choose it by.
        title: What is done.
        clock: Within how long people have to be told.
        alerts: Patterns of the keys of the alerts by which they are told; each is told once, and nothing else is.
        damage: Does it.
        repair: The documented step.
        step: The step in words, as docs/operations.md has it.
        look: What finds it, where it is not the watch itself: a check that a schedule makes.
        every: How often that schedule does; a damage may have to wait so long for the next look.
        is_real: Whether what is damaged is a process, so that the damage takes real time.
        verify: What is still wrong after the repair, in words; empty when nothing is.
    """

    name: str
    title: str
    clock: timedelta
    alerts: tuple[str, ...]
    damage: Callable[[SiteT], None]
    repair: Callable[[SiteT], None]
    step: str
    look: Callable[[SiteT], None] = _nothing
    every: timedelta = _NOTHING
    is_real: bool = False
    verify: Callable[[SiteT], str] = _no_trouble


@dataclass
class Outcome:
    """What came of a damage.

    Attributes:
        name: Of the damage.
        title: What was done.
        clock: Within how long it had to be told.
        alerts: Keys of which people were told.
        step: The documented step by which it was repaired.
        is_real: Whether real processes were stopped.
        noticed: From the damage until people were told, at worst: the longest wait for the next look, and what was
            measured by the drill's clock; None if they were not.
        over: From the repair until they were told that it is over; None if they were not.
        seconds: Real time of the whole.
        problems: What was not as it has to be; empty when all of it was.
    """

    name: str
    title: str
    clock: timedelta
    step: str
    is_real: bool
    alerts: tuple[str, ...] = ()
    noticed: timedelta | None = None
    over: timedelta | None = None
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


def run_drill(
    damages: Sequence[Damage[SiteT]], site: SiteT, at: Callable[[int, str], object] = lambda *_: None
) -> Iterator[Outcome]:
    """Does every damage in turn.

    Args:
        damages: In their order.
        site: Is healthy, or the first damage fails.
        at: Is told how many are done and which is at work.
    """
    for number, damage in enumerate(damages):
        at(number, damage.title)
        outcome = Outcome(damage.name, damage.title, damage.clock, damage.step, damage.is_real)
        begun = time.monotonic()
        try:
            _Exercise(damage, site, outcome).run()
        except Exception as error:  # noqa: BLE001 - the others are still to be done, and this one has failed
            outcome.problems.append(f"broke off: {type(error).__name__}: {str(error).splitlines()[0]}")
        outcome.seconds = time.monotonic() - begun
        yield outcome


class _Exercise(Generic[SiteT]):
    """One damage from a healthy installation to a healthy installation."""

    def __init__(self, damage: Damage[SiteT], site: SiteT, outcome: Outcome) -> None:
        self._damage = damage
        self._site = site
        self._outcome = outcome
        self._next_look = site.now()
        self._told_before = 0

    def run(self) -> None:
        damage, site, problems = self._damage, self._site, self._outcome.problems
        if not self._settles():
            problems.append(f"not healthy before: {', '.join(site.standing())}")
            return
        self._told_before = len(site.told())
        begun = self._next_look = site.now()
        damage.damage(site)
        if self._steps(lambda: self._is_told(over=False), begun + damage.clock - damage.every):
            self._outcome.noticed = damage.every + site.now() - begun
        else:
            problems.append(f"not told within its clock; standing: {', '.join(site.standing()) or 'nothing'}")
        self._steps(lambda: False, site.now() + _HELD * STEP)
        repaired = self._next_look = site.now()
        damage.repair(site)
        if self._steps(lambda: self._is_told(over=True) and not site.standing(), repaired + _SETTLING * STEP):
            self._outcome.over = site.now() - repaired
        else:
            problems.append(f"not over after the repair; standing: {', '.join(site.standing()) or 'nothing'}")
        self._steps(lambda: False, site.now() + _HELD * STEP)
        self._count()
        trouble = damage.verify(site)
        if trouble:
            problems.append(trouble)

    def _settles(self) -> bool:
        end = self._site.now() + _SETTLING * STEP
        while self._site.standing() and self._site.now() < end:
            self._site.step()
        return not self._site.standing()

    def _steps(self, is_done: Callable[[], bool], until: datetime) -> bool:
        """Goes on until something holds, at most until a moment; the look is repeated as its schedule would."""
        while True:
            if self._site.now() >= self._next_look:
                self._damage.look(self._site)
                self._next_look = self._site.now() + max(self._damage.every, STEP)
            self._site.step()
            if is_done():
                return True
            if self._site.now() >= until:
                return False

    def _since(self) -> Sequence[Told]:
        return self._site.told()[self._told_before :]

    def _is_told(self, *, over: bool) -> bool:
        keys = [message.key for message in self._since() if message.is_over is over]
        return all(any(fnmatchcase(key, pattern) for key in keys) for pattern in self._damage.alerts)

    def _count(self) -> None:
        outcome, messages = self._outcome, self._since()
        outcome.alerts = tuple(dict.fromkeys(each.key for each in messages))
        for key in outcome.alerts:
            if not any(fnmatchcase(key, pattern) for pattern in self._damage.alerts):
                outcome.problems.append(f"told of {key}, too")
            for over, word in ((False, "it stands"), (True, "it is over")):
                count = sum(each.key == key and each.is_over is over for each in messages)
                if count != 1:
                    outcome.problems.append(f"told {count} times that {word}: {key}")
