"""Which channels are told of what, as one line of settings says it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from miraikakaku_assets.domain.alerting.levels import LAST_ESCALATION, Level
from miraikakaku_assets.domain.errors import ConfigurationError

DIGEST, NOBODY, MAIL = "digest", "none", "email"
MAIL_KINDS = ("collection", "forecast", "schedule", "service")
"""Kinds of which e-mail gets what is not critical, too: collections, accuracy, processes that stopped."""

KINDS = frozenset(
    {
        *(
            "backup",
            "check",
            "collection",
            "coverage",
            "curve",
            "cycle",
            "database",
            "disk",
            "forecast",
            "master",
            "pattern",
        ),
        *("run", "schedule", "security", "service", "source", "system", "tick", "withdrawn"),
    }
)
"""Kinds of alerts, the first part of their keys, that a route may be given for."""

_ESCALATIONS = {f"L{number}": number for number in range(2, LAST_ESCALATION + 1)}


@dataclass(frozen=True)
class Routes:
    """Which channels are told of what.

    Attributes:
        levels: Level → channels that get single messages.
        digest: Channels that get the daily digest.
        in_digest: Levels whose alerts are told in the digest.
        escalations: Level of escalation → channels told when it is reached.
        kinds: Kind → channels instead of those of the level.
        additions: Kind → channels besides those of the level, for levels that are told in single messages.
    """

    levels: Mapping[Level, tuple[str, ...]]
    digest: tuple[str, ...] = ()
    in_digest: frozenset[Level] = frozenset({Level.LOW})
    escalations: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    additions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def channels(self, level: Level, kind: str, escalation: int = 1) -> tuple[str, ...]:
        """Channels that are told when an alert stands; those of the levels of escalation it begins above, too."""
        named = list(self.kinds[kind] if kind in self.kinds else self._of_level(level, kind))
        for number in range(2, escalation + 1):
            named += self.escalations.get(number, ())
        return tuple(dict.fromkeys(named))

    def channels_of_event(self, level: Level, kind: str) -> tuple[str, ...]:
        """Channels that are told of an event at once: news of a low level is worth nothing in a digest."""
        if kind not in self.kinds and level in self.in_digest:
            return tuple(dict.fromkeys((*self.levels.get(level, ()), *self.digest)))
        return self.channels(level, kind)

    def is_in_digest(self, level: Level, kind: str) -> bool:
        """Whether alerts wait for the digest."""
        return level in self.in_digest and kind not in self.kinds

    def _of_level(self, level: Level, kind: str) -> tuple[str, ...]:
        if level in self.in_digest:
            return self.digest
        return (*self.levels.get(level, ()), *self.additions.get(kind, ()))


def parse_routes(text: str, channels: Collection[str]) -> Routes:
    """Reads routes such as ``high=discord,email medium=discord low=digest L2=email collection=+email``.

    Args:
        text: Blanks between routes, commas between channels. On the left a level, ``digest``, ``L2``, ``L3`` or a kind;
            on the right channels, patterns of them (``email*``), ``digest`` (of levels only) or ``none``. A ``+``
            before the channels of a kind adds them to those of the level. What is not named keeps its default: high
            goes to every channel, medium and the digest to all but e-mail, low into the digest.
        channels: Names of those that are set up.

    Raises:
        ConfigurationError: A name is not allowed; the message says which are.
    """
    named: dict[str, str] = {}
    for route in text.split():
        name, separator, targets = route.partition("=")
        if not separator or not targets:
            raise ConfigurationError(f"{route!r} is no route like high=discord,email")
        if name in named:
            raise ConfigurationError(f"{name} has two routes")
        if name not in {*Level, DIGEST, *_ESCALATIONS} and name not in KINDS:
            allowed = ", ".join([*Level, DIGEST, *_ESCALATIONS, *sorted(KINDS)])
            raise ConfigurationError(f"{name!r} is nothing that has a route; allowed: {allowed}")
        if targets.startswith("+") and name not in KINDS:
            raise ConfigurationError(f"{route!r}: a + adds channels to a kind; name all channels of {name}")
        named[name] = targets
    return _routes(named, tuple(channels))


def _routes(named: Mapping[str, str], channels: tuple[str, ...]) -> Routes:
    without_mail = tuple(name for name in channels if not name.startswith(MAIL))
    mail = tuple(name for name in channels if name.startswith(MAIL))
    levels = {Level.HIGH: channels, Level.MEDIUM: without_mail, Level.LOW: ()}
    in_digest = {Level.LOW}
    escalations: dict[int, tuple[str, ...]] = {}
    kinds: dict[str, tuple[str, ...]] = {}
    additions = dict.fromkeys(MAIL_KINDS, mail)
    digest = without_mail
    for name, text in named.items():
        targets = [target for target in text.removeprefix("+").split(",") if target]
        if name in set(Level):
            in_digest.discard(Level(name))
            if DIGEST in targets:
                in_digest.add(Level(name))
            levels[Level(name)] = _matching(name, [each for each in targets if each != DIGEST], channels)
            continue
        chosen = _matching(name, targets, channels)
        if name == DIGEST:
            digest = chosen
        elif name in _ESCALATIONS:
            escalations[_ESCALATIONS[name]] = chosen
        elif text.startswith("+"):
            additions[name] = chosen
        else:
            kinds[name] = chosen
    return Routes(levels, digest, frozenset(in_digest), escalations, kinds, additions)


def _matching(name: str, targets: Iterable[str], channels: tuple[str, ...]) -> tuple[str, ...]:
    chosen = list[str]()
    for target in targets:
        if target == NOBODY:
            continue
        matching = [channel for channel in channels if fnmatchcase(channel, target)]
        if not matching:
            allowed = ", ".join([*channels, DIGEST, NOBODY] if name in set(Level) else [*channels, NOBODY])
            raise ConfigurationError(f"{name} names {target}, which is not set up; allowed: {allowed}")
        chosen += matching
    return tuple(dict.fromkeys(chosen))
