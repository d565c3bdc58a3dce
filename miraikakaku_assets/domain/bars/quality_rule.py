"""What a quality rule is: one object with its name, its sentence and its condition."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

import polars as pl

from miraikakaku_assets.domain.bars.frame import STORED_BARS, empty
from miraikakaku_assets.domain.market.instruments import Universe


@dataclass(frozen=True)
class BarContext:
    """What is known besides the bars of a delivery.

    Attributes:
        universe: Whose sessions, trading hours and price limits apply.
        now: The moment of the collection (UTC); later bars are refused, unfinished ones provisional.
        known_symbols: Symbols of the master; None skips the rule ``not_in_master``.
        stored: Stored bars around the delivery (schema `STORED_BARS`), of its symbols only.
        whole: Symbols whose whole stored history is in `stored`.
    """

    universe: Universe
    now: datetime
    known_symbols: frozenset[str] | None = None
    stored: pl.DataFrame = field(default_factory=lambda: empty(STORED_BARS))
    whole: frozenset[str] = frozenset()


class Check(Enum):
    """Where conditions are evaluated, and what a condition that is a function is called with."""

    DAILY = auto()  # a row of daily bars by itself: the delivery, its `BarContext`
    INTRADAY = auto()  # a row of 5-minute bars by itself: the same
    SAME_TIME = auto()  # rows of one session or slot: nothing
    FACTOR = auto()  # a move where no exchange limits it: the `Tolerance`
    LIMITS = auto()  # a move against the daily price limits: nothing


Condition = pl.Expr | Callable[..., pl.Expr | None]
"""Whether a row breaks the rule; a function says None where the rule does not apply."""


@dataclass(frozen=True)
class QualityRule:
    """A rule by which bars are refused.

    Attributes:
        name: Stored with what it refuses, and printed in reports.
        sentence: One sentence without its full stop.
        conditions: Where it is checked → what breaks it; empty for what the source or the store itself says.
        is_expected: Whether such rows come on every healthy day: no trouble, nothing to look into.
        contradicts_stored: Whether a stored bar equal to the refused one is withdrawn, too.
        takes_stretch: Of neighbours: whether the bars up to the move back are refused with it.
    """

    name: str
    sentence: str
    conditions: Mapping[Check, Condition] = field(default_factory=dict)
    is_expected: bool = False
    contradicts_stored: bool = False
    takes_stretch: bool = False

    @property
    def judges_neighbours(self) -> bool:
        """Whether it judges a bar by those around it: what it refuses is judged again when further ones come."""
        return Check.FACTOR in self.conditions or Check.LIMITS in self.conditions


def first_broken(rules: Iterable[QualityRule], check: Check, *known: object) -> pl.Expr:
    """Name of the first rule that a row breaks, null for none: one expression for all of them.

    Args:
        rules: In the order in which they are tried.
        check: Which conditions.
        known: What conditions that are functions are called with.
    """
    names = []
    for rule in rules:
        condition = rule.conditions.get(check)
        broken = condition(*known) if callable(condition) else condition
        if broken is not None:
            names.append(pl.when(broken).then(pl.lit(rule.name)))
    return pl.coalesce(names)
