"""Account of one collection, row by row and symbol by symbol."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from miraikakaku_assets.application.ports import SymbolOutcome, Withdrawal
from miraikakaku_assets.domain.bars.actions import ValidatedActions


@dataclass(frozen=True)
class RefusedRow:
    """One refused row, as an example for its rule."""

    symbol: str
    session: date
    row: int
    detail: str


@dataclass
class CollectionReport:
    """Account of one collection. ``rows_read`` is the sum of the four row counts below it.

    Attributes:
        batch: Number in ``batch_executions``.
        rules: Quarantined rows by rule.
        examples: The first refused row of each rule.
        reconsidered: Bars that were not delivered and were let out of quarantine, or got another flag.
        withdrawn: Bars that were stored and are refused now.
        requests: HTTP requests or files it took.
        padding: Empty rows of breaks and auctions, which are no bars and not among ``rows_read``.
        doubtful_actions: Refused and flagged dividends and splits by rule.
        failures: Symbol → error sentence.
        without_bars: Symbol → verdict, of those that were served and of which there is no single bar.
    """

    batch: int
    symbols: int = 0
    succeeded: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    without_bars: dict[str, str] = field(default_factory=dict)
    verdicts: Counter[str] = field(default_factory=Counter)
    rows_read: int = 0
    inserted: int = 0
    restated: int = 0
    unchanged: int = 0
    quarantined: int = 0
    flagged: int = 0
    requests: int = 0
    padding: int = 0
    doubtful_actions: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    examples: dict[str, RefusedRow] = field(default_factory=dict)
    reconsidered: int = 0
    withdrawn: list[Withdrawal] = field(default_factory=list)

    def refuse(self, refused: pl.DataFrame, padding: pl.DataFrame, actions: ValidatedActions) -> None:
        """Counts refused rows by rule and keeps an example of each; counts what is doubtful beside them."""
        self.padding += padding.height
        for doubtful in (actions.refused, actions.flagged):
            self.doubtful_actions.update(doubtful["rule"].to_list())
        for rule, rows in refused["rule"].value_counts().sort("rule").iter_rows():
            self.rules[rule] += rows
            if rule not in self.examples:
                row = refused.filter(pl.col("rule") == rule).sort("row").row(0, named=True)
                self.examples[rule] = RefusedRow(row["symbol"], row["session"], row["row"], row["detail"])

    @property
    def balanced(self) -> bool:
        """Whether every row read is accounted for."""
        return self.rows_read == self.inserted + self.restated + self.unchanged + self.quarantined

    def add(self, outcomes: Sequence[SymbolOutcome]) -> None:
        """Adds outcomes; symbols nobody asked for count with their rows only."""
        for outcome in outcomes:
            self.verdicts[outcome.verdict] += 1
            self.symbols += outcome.requested
            self.succeeded += outcome.requested and not outcome.failed
            if outcome.error is not None:
                self.failures[outcome.symbol] = str(outcome.error)
            if outcome.requested and outcome.without_bars:
                self.without_bars[outcome.symbol] = outcome.verdict
            self.rows_read += outcome.rows_read
            self.inserted += outcome.inserted
            self.restated += outcome.restated
            self.unchanged += outcome.unchanged
            self.quarantined += outcome.quarantined
            self.flagged += outcome.flagged
            self.reconsidered += outcome.reconsidered
            self.withdrawn += outcome.withdrawn
            self.requests += outcome.calls.requests
