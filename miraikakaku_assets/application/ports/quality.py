"""What checks of stored data need from the outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from miraikakaku_assets.application.ports.prices import BarStore, Clock
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.quality.batch import Batch
from miraikakaku_assets.domain.quality.results import QualityReport
from miraikakaku_assets.domain.quality.suite import Suite, SuiteRule


class SuiteRunner(Protocol):
    """Evaluates suites over rows that were read."""

    def broken(self, suite: Suite, universe: Universe, rows: pl.DataFrame) -> Mapping[str, Sequence[int]]:
        """Rule → positions of the rows that break it, ascending; every rule of the suite is there.

        Raises:
            WorkFellShortError: A rule cannot be evaluated on these rows.
        """


class QualityStore(Protocol):
    """Batches that are judged, and what was found."""

    def rows(self, suite: Suite, batch: Batch) -> pl.DataFrame:
        """The rows of a suite's batch, sorted by its key."""

    def listing(self, suite: Suite, rule: SuiteRule, batch: Batch) -> str:
        """SQL that lists the rows of a batch that break a rule."""

    def counted(self, suite: Suite, batch: Batch) -> tuple[int, Mapping[str, int]]:
        """Rows of a batch, and rule → how many break it, counted by the database."""

    def series(self, universe: Universe, since: date, until: date) -> pl.DataFrame:
        """Stored final daily bars: ``symbol``, ``session``, ``open``, ``close``, ``volume``; sorted by both."""

    def totals(self, universe: Universe, timeframe: Timeframe, since: date, until: date) -> pl.DataFrame:
        """Per exchange date with final bars: ``session``, ``bars``, ``volume``, ``delay``.

        The delay is the median time in seconds from the start of a bar to its arrival.
        """

    def listed_findings(self, suite: str, rule: str, batch: Batch) -> str:
        """SQL that lists what `save` has stored of a rule."""

    def save(self, report: QualityReport, batch: Batch, findings: pl.DataFrame, keep_since: date) -> None:
        """Puts results and findings in the place of those of the same batch, and removes older ones.

        Args:
            report: Results of the rules.
            batch: What was judged.
            findings: Columns ``suite``, ``rule``, ``symbol``, ``session``, ``value``, ``detail``.
            keep_since: Batches before it go.
        """

    def expected_days(self, universe: Universe) -> Mapping[date, str]:
        """Days that were announced as unusual, each with its note."""

    def expect(self, universe: Universe, day: date, note: str) -> None:
        """Announces a day as unusual; doing it twice keeps the newer note."""


@dataclass(frozen=True)
class QualityPorts:
    """What a check needs.

    Attributes:
        store: Batches and results.
        bars: Holds corporate actions.
        runner: Evaluates suites.
        clock: Where the time comes from.
        retention_days: How long results are kept.
    """

    store: QualityStore
    bars: BarStore
    runner: SuiteRunner
    clock: Clock
    retention_days: int
