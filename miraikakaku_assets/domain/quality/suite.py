"""What a suite over stored rows is: a name, the asset it judges, and one row a rule."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from miraikakaku_assets.domain.market.instruments import Universe

SYMBOL_SHAPE = "symbol_shape"
"""Stands for the regular expression that the symbols of a universe follow."""


class Kind(StrEnum):
    """What a rule asks of its columns."""

    UNIQUE = "unique"
    """No two rows have the same values in all of them."""
    PRESENT = "present"
    """None of them is null or NaN."""
    BETWEEN = "between"
    """Each that is not null lies between the bounds."""
    ASCENDING = "ascending"
    """Each is at most the next one; rows in which two neighbours are null are left out."""
    EQUAL = "equal"
    """The first of each pair equals the second; both may be null."""
    IN_SET = "in_set"
    """Each that is not null is one of the values."""
    MATCHES = "matches"
    """Each that is not null matches the whole pattern."""


@dataclass(frozen=True)
class SuiteRule:
    """One rule over the rows of a batch.

    Attributes:
        name: Stored and printed as it is.
        sentence: What holds when it is kept, without its full stop.
        kind: What is asked.
        columns: Of the batch; for `Kind.EQUAL` the two of each pair one after the other.
        minimum: Least value of `Kind.BETWEEN`.
        maximum: Greatest value of it.
        is_strict: Whether the minimum itself is too small.
        values: Of `Kind.IN_SET`.
        pattern: Of `Kind.MATCHES`; `SYMBOL_SHAPE` takes the universe's.
    """

    name: str
    sentence: str
    kind: Kind
    columns: tuple[str, ...]
    minimum: float | None = None
    maximum: float | None = None
    is_strict: bool = False
    values: tuple[str | int, ...] = ()
    pattern: str = ""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Columns that are compared: neighbours of an ascending chain, or each pair of equals."""
        if self.kind is Kind.EQUAL:
            return list(zip(self.columns[::2], self.columns[1::2], strict=True))
        return list(pairwise(self.columns))

    def pattern_for(self, universe: Universe) -> str:
        """The regular expression, for the symbols of a universe where it is theirs."""
        return universe.symbol_shape if self.pattern == SYMBOL_SHAPE else self.pattern


@dataclass(frozen=True)
class Suite:
    """Rules over the rows of one batch: what a universe has stored up to a session.

    Attributes:
        name: Name of the check, and of the query that reads the batch.
        asset: Second part of the key of the asset that is judged.
        batch: Which rows are read, in words.
        key: Columns by which a row is named.
        rules: In the order in which they are reported.
        is_due: Whether a universe has such rows at all.
        is_required: Whether it is an error when there are none.
    """

    name: str
    asset: str
    batch: str
    key: tuple[str, ...]
    rules: tuple[SuiteRule, ...]
    is_due: Callable[[Universe], bool] = lambda _universe: True
    is_required: bool = False

    def rule(self, name: str) -> SuiteRule:
        """The rule of that name."""
        return next(rule for rule in self.rules if rule.name == name)

    @property
    def columns(self) -> list[str]:
        """Every column that the key and the rules read, each once."""
        named = (*self.key, *(column for rule in self.rules for column in rule.columns))
        return list(dict.fromkeys(named))
