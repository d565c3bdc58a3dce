"""Which alerts a silence or an expectation is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol

from miraikakaku_assets.domain.alerting.levels import LEVEL_OF, Level
from miraikakaku_assets.domain.errors import ConfigurationError

_FIELDS = ("key", "severity", "universe", "symbol")
_ALLOWED = "a pattern of keys like cycle/fx/*, severity=high, universe=fx, symbol=7203.T"


class Matchable(Protocol):
    """What a matcher looks at."""

    @property
    def key(self) -> str:
        """Key of the alert."""

    @property
    def level(self) -> Level:
        """Its level."""

    @property
    def universe(self) -> str | None:
        """Whom it concerns, if only one."""

    @property
    def symbol(self) -> str | None:
        """What it concerns, if only one."""


@dataclass(frozen=True)
class Matcher:
    """Conditions that an alert has to meet, all of them; None is met by every alert.

    Attributes:
        key: Pattern of keys as of `fnmatch.fnmatchcase`.
        level: Level.
        universe: Name of a universe.
        symbol: Symbol.
    """

    key: str | None = None
    level: Level | None = None
    universe: str | None = None
    symbol: str | None = None

    def matches(self, alert: Matchable) -> bool:
        """Whether an alert meets all conditions."""
        return (
            (self.key is None or fnmatchcase(alert.key, self.key))
            and (self.level is None or alert.level is self.level)
            and (self.universe is None or alert.universe == self.universe)
            and (self.symbol is None or alert.symbol == self.symbol)
        )

    def __str__(self) -> str:
        parts = (self.key, self.level, self.universe, self.symbol)
        named = [f"{name}={part}" for name, part in zip(_FIELDS, parts, strict=True) if part is not None]
        return " ".join(named)


def parse_matcher(words: Sequence[str]) -> Matcher:
    """Reads conditions such as ``cycle/fx/*``, ``severity=high``, ``universe=fx`` or ``symbol=7203.T``.

    Args:
        words: One condition each; a word without a field's name is a pattern of keys.

    Raises:
        ConfigurationError: A condition is empty, named twice or of a field that there is not.
    """
    given: dict[str, str] = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or "/" in name:  # a key may hold a symbol like USDJPY=X
            name, value = "key", word
        if name not in _FIELDS or not value.strip():
            raise ConfigurationError(f"{word!r} is no matcher; allowed: {_ALLOWED}")
        if name in given:
            raise ConfigurationError(
                f"{name} is matched twice ({given[name]}, {value}); make a silence of each"
            )
        given[name] = value.strip()
    if not given:
        raise ConfigurationError(f"a matcher is missing; allowed: {_ALLOWED}; '*' matches every alert")
    severity = given.get("severity")
    level = None if severity is None else parse_level(severity)
    return Matcher(given.get("key"), level, given.get("universe"), given.get("symbol"))


def parse_level(word: str) -> Level:
    """Reads a level, which may be written as the severity it is stored as.

    Raises:
        ConfigurationError: It is neither.
    """
    if word.upper() in LEVEL_OF:
        return LEVEL_OF[word.upper()]
    try:
        return Level(word.lower())
    except ValueError:
        allowed = ", ".join([*Level, *LEVEL_OF])
        raise ConfigurationError(f"severity {word!r} does not exist; allowed: {allowed}") from None
