"""Account of one collection, row by row and symbol by symbol."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from miraikakaku_assets.application.ports import Delivery, SymbolOutcome, Withdrawal
from miraikakaku_assets.application.ports.withdrawals import named
from miraikakaku_assets.application.stage_reports import PriceTotals
from miraikakaku_assets.domain.bars.actions import ValidatedActions
from miraikakaku_assets.domain.bars.file_basis import FileBasis

WORST = 20
"""Symbols that are named beside a count."""
_SHOWN_FAILURES = 3  # for whoever does not look further


@dataclass(frozen=True)
class RefusedRow:
    """One refused row, as an example for its rule."""

    symbol: str
    session: date
    row: int
    detail: str


@dataclass
class ActionCount:
    """Dividends or splits of a collection.

    Attributes:
        read: What came, of symbols of the master.
        stored: What is stored now, new or not: each ex-date once.
        flagged: Stored ones that are doubtful and adjust no price.
        refused: What is in quarantine instead.
    """

    read: int = 0
    stored: int = 0
    flagged: int = 0
    refused: int = 0


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
        actions: Dividends and splits by kind.
        bases: Symbols of files whose prices were not the quoted ones, by what they were.
        dividends_undone: Dividends that were taken out of the prices of such files.
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
    actions: dict[str, ActionCount] = field(default_factory=dict)
    bases: dict[FileBasis, list[str]] = field(default_factory=dict)
    dividends_undone: int = 0
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

    def count_actions(self, actions: ValidatedActions, known: Collection[str]) -> None:
        """Counts the dividends and splits of a delivery, of symbols that are known."""
        if (
            actions.accepted.is_empty() and actions.refused.is_empty()
        ):  # as in all answers of a five-minute cycle
            return
        mine = pl.col("symbol").is_in(sorted(known))
        accepted, refused = actions.accepted.filter(mine), actions.refused.filter(mine)
        stored = accepted.unique(["symbol", "ex_date", "kind"])
        flagged = actions.flagged.filter(mine).unique(["symbol", "ex_date", "kind"])
        for kind in sorted({*accepted["kind"], *refused["kind"]}):
            of_kind = pl.col("kind") == kind
            account = self.actions.setdefault(kind, ActionCount())
            account.read += accepted.filter(of_kind).height + refused.filter(of_kind).height
            account.stored += stored.filter(of_kind).height
            account.flagged += flagged.filter(of_kind).height
            account.refused += refused.filter(of_kind).height

    def note_bases(self, delivery: Delivery) -> None:
        """Remembers which prices of a file were not the quoted ones."""
        if delivery.bases.is_empty():
            return
        stored = delivery.bases.filter(pl.col("symbol").is_in(delivery.symbols))
        self.dividends_undone += int(stored["dividends"].sum())
        for symbol, basis, _ in stored.filter(pl.col("basis") != FileBasis.QUOTED.value).iter_rows():
            self.bases.setdefault(FileBasis(basis), []).append(symbol)

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

    def totals(self) -> PriceTotals:
        """The counts, with the first of the symbols that failed or have no bar."""
        bare = dict(sorted(self.without_bars.items())[:WORST])
        failures = dict(sorted(self.failures.items())[:_SHOWN_FAILURES])
        return PriceTotals(
            symbols=self.symbols,
            requests=self.requests,
            failed_symbols=len(self.failures),
            symbols_without_bars=len(self.without_bars),
            rows_read=self.rows_read,
            inserted=self.inserted,
            restated=self.restated,
            unchanged=self.unchanged,
            quarantined=self.quarantined,
            flagged=self.flagged,
            reconsidered=self.reconsidered,
            withdrawn=len(self.withdrawn),
            withdrawn_bars=named(self.withdrawn),
            padding=self.padding,
            quarantined_by_rule=dict(self.rules),
            doubtful_actions=dict(self.doubtful_actions),
            price_basis={basis.value: len(symbols) for basis, symbols in self.bases.items()},
            verdicts=dict(self.verdicts),
            batch=self.batch,
            first_without_bars=bare or None,
            first_failures=failures or None,
        )
