"""What became of rules, and the rows that break one, the worst first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import polars as pl

from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.quality.suite import Kind, Suite, SuiteRule

WORST = 20
"""Exceptions that are named with every rule; a query lists all."""


class State(StrEnum):
    """What became of a rule."""

    PASSED = "passed"
    FAILED = "failed"
    EMPTY = "empty"
    """There are no rows, and there need not be any."""
    TRAINING = "training"
    """Too little is known for a judgement yet."""
    EXPECTED = "expected"
    """The day was announced as an unusual one: it is not judged."""


@dataclass(frozen=True)
class Exceptional:
    """A row, bar or day that breaks a rule.

    Attributes:
        key: What names it.
        value: What it has, in words.
    """

    key: str
    value: str


@dataclass(frozen=True)
class RuleResult:
    """What became of one rule in one batch.

    Attributes:
        suite: Name of the suite, or of what else was looked at.
        rule: Name of the rule.
        asset: Second part of the key of the asset that is judged.
        sentence: What holds when it is kept.
        state: What became of it.
        rows: Rows, series or days that were judged.
        exceptions: How many of them break it.
        tolerated: Up to how many may.
        worst: Up to `WORST` of them, the worst first.
        query: SQL that lists all of them; empty where there is nothing to list.
        value: What was measured, where one number is judged.
        low: Least usual value of it.
        high: Greatest usual value of it.
        note: What else there is to say.
    """

    suite: str
    rule: str
    asset: str
    sentence: str
    state: State
    rows: int
    exceptions: int = 0
    tolerated: int = 0
    worst: tuple[Exceptional, ...] = ()
    query: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def failed(self) -> bool:
        """Whether it counts as broken."""
        return self.state is State.FAILED


@dataclass(frozen=True)
class QualityReport:
    """What a check of a universe's stored data has found.

    Attributes:
        universe: Whose.
        batch: Session up to which was looked (exchange date).
        results: Of every rule.
    """

    universe: Universe
    batch: date
    results: tuple[RuleResult, ...]

    def of(self, suite: str) -> list[RuleResult]:
        """The results of one suite."""
        return [result for result in self.results if result.suite == suite]


def worst_rows(rule: SuiteRule, suite: Suite, broken: pl.DataFrame) -> tuple[Exceptional, ...]:
    """The worst of the rows that break a rule.

    Args:
        rule: Which.
        suite: Whose key names a row.
        broken: Those rows, all columns of the suite.
    """
    columns = list(dict.fromkeys(rule.columns))
    ranked = broken.with_columns(_distance=_distance(rule)).sort(
        pl.col("_distance"), *suite.key, descending=[True, *(False for _ in suite.key)], nulls_last=False
    )
    return tuple(
        Exceptional(
            " ".join(_shown(row[name]) for name in suite.key),
            ", ".join(f"{name} {_shown(row[name])}" for name in columns),
        )
        for row in ranked.head(WORST).iter_rows(named=True)
    )


def _distance(rule: SuiteRule) -> pl.Expr:
    """How far a row is from keeping a rule; null (the worst) where it cannot be said."""
    beyond: list[pl.Expr] = []
    if rule.kind is Kind.BETWEEN:
        for name in rule.columns:
            column = pl.col(name).cast(pl.Float64)
            beyond += [rule.minimum - column] if rule.minimum is not None else []
            beyond += [column - rule.maximum] if rule.maximum is not None else []
    if rule.kind is Kind.ASCENDING:
        beyond = [pl.col(lower).cast(pl.Float64) - pl.col(higher) for lower, higher in rule.pairs]
    return pl.max_horizontal(beyond) if beyond else pl.lit(0.0)


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value)


def in_words(results: Sequence[RuleResult]) -> str:
    """What a check says of its rules: those that are broken, or that all are kept."""
    broken = [result for result in results if result.failed]
    notes = [result.note for result in results if result.note and result not in broken]
    if broken:
        return "; ".join(
            f"{result.rule}: {result.note or f'{result.exceptions:,} of {result.rows:,} do not keep it'}"
            for result in broken
        )
    if all(result.state is State.EMPTY for result in results):
        return "Nothing is stored yet."
    kept = f"{len(results)} rules are kept" if len(results) != 1 else "The rule is kept"
    return f"{kept}{': ' + '; '.join(notes) if notes else ''}."
