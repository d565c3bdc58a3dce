"""What a pattern is: conditions on four timeframes, a direction, a priority and, mostly, a mirror."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

import polars as pl

from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.patterns.features import FEATURES, Feature


class Direction(StrEnum):
    """Where a signal points; a neutral one says that something is being decided."""

    SELL = "SELL"
    BUY = "BUY"
    NEUTRAL = "NEUTRAL"

    @property
    def opposite(self) -> "Direction":
        """The direction in the mirror."""
        return {Direction.SELL: Direction.BUY, Direction.BUY: Direction.SELL}.get(self, self)


class Priority(StrEnum):
    """How soon a signal is sent."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"

    @property
    def notified_after(self) -> timedelta:
        """Delay between the moment a signal is known and its notification."""
        return {
            Priority.HIGH: timedelta(0),
            Priority.MEDIUM: timedelta(seconds=300),
            Priority.LOW: timedelta(seconds=600),
        }[self]


Conditions = Mapping[Timeframe, pl.Expr]
"""What must hold on the newest closed bar of each timeframe; expressions over `FEATURES` alone. A timeframe that is
not named is not asked."""


@dataclass(frozen=True)
class Pattern:
    """One side of a pattern.

    Attributes:
        number: As people call it, ``1`` to ``6`` and ``2-2``; both sides of a pattern share it, except 2 and 2-2.
        name: Short English name, e.g. ``reversal``.
        name_ja: What a notification calls it.
        priority: How soon it is sent.
        direction: Where it points.
        any_of: Ways to be true, most telling first; in each, all conditions must hold.
        take_profit_pips: Distance from the price at the signal to take profit at, with its sign, in pips of
            USD/JPY (0.01 JPY per USD) and for that pair only; None for none.
        stop_pips: The same for the stop.
        is_mirrored: Whether the conditions are meant for mirrored bars.
    """

    number: str
    name: str
    name_ja: str
    priority: Priority
    direction: Direction
    any_of: tuple[Conditions, ...]
    take_profit_pips: int | None = None
    stop_pips: int | None = None
    is_mirrored: bool = False

    def mirror(
        self, number: str | None = None, name: str | None = None, name_ja: str | None = None
    ) -> "Pattern":
        """The other side: the same conditions on mirrored bars, under its own name if it has one."""
        return replace(
            self,
            number=number or self.number,
            name=name or self.name,
            name_ja=name_ja or self.name_ja,
            direction=self.direction.opposite,
            take_profit_pips=None if self.take_profit_pips is None else -self.take_profit_pips,
            stop_pips=None if self.stop_pips is None else -self.stop_pips,
            is_mirrored=not self.is_mirrored,
        )


@dataclass(frozen=True)
class Definition:
    """A set of patterns under one name.

    Attributes:
        name: What a stored signal is marked with, e.g. ``v2``.
        patterns: All sides of all patterns.
        features: What the columns in their conditions mean.
    """

    name: str
    patterns: tuple[Pattern, ...]
    features: Mapping[str, Feature] = field(default_factory=lambda: FEATURES)

    def names_read(self, timeframe: Timeframe) -> list[str]:
        """Names of the features that the conditions on a timeframe read, ascending."""
        names: set[str] = set()
        for pattern in self.patterns:
            for conditions in pattern.any_of:
                if timeframe in conditions:
                    names.update(conditions[timeframe].meta.root_names())
        return sorted(names)
