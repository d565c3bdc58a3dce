"""Ports of the written account: what a collection has done, and what coverage is computed from."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol, TypeVar

import polars as pl

from miraikakaku_assets.application.ports.prices import NO_CALLS, BarRequest, Calls, Withdrawal
from miraikakaku_assets.application.stage_reports import StageReport
from miraikakaku_assets.domain.bars.restatement import Rescaling
from miraikakaku_assets.domain.coverage.gaps import Holdings
from miraikakaku_assets.domain.coverage.report import CoverageFindings
from miraikakaku_assets.domain.errors import SymbolError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

R = TypeVar("R", bound=StageReport)

WITHOUT_BARS = ("never_delivered", "none_in_window", "all_refused", "not_on_source")
"""Verdicts of served symbols of which there is no single bar: they count as done in no attempt, and are asked again."""


@dataclass(frozen=True)
class SymbolOutcome:
    """What happened to one symbol in one collection.

    ``rows_read = inserted + restated + unchanged + quarantined`` always holds.

    Attributes:
        verdict: ``ok`` (new or restated bars), ``no_new_data``, ``never_delivered`` (asked for its whole history,
            the source has sent no bar of it, now or ever), ``none_in_window`` (there is no bar of it, and the window
            asked for has none), ``all_refused`` (there is no bar of it, and what came now was refused), ``reused``
            (an attempt that did not end had collected it already, or another collection at the same time has),
            ``underway`` (another collection is at it, and this one does not wait), or the error's kind; for symbols
            nobody asked for, ``delisted`` (in the master, no longer listed) or ``not_in_master``.
        requested: Whether the collection was asked for it.
        error: The error that kept the symbol from being served, if any.
        first: First accepted session of this collection.
        last: Last accepted session of this collection.
        asked: First and last session asked for; None where nothing was.
        calls: What it took at the source.
        rescaled: A stored history that the source has restated as a whole, and that was pulled again.
        reconsidered: Bars that were not in the delivery and that it let out of quarantine, or gave another flag.
        withdrawn: Bars that were stored and are refused now.
    """

    symbol: str
    verdict: str
    rows_read: int = 0
    inserted: int = 0
    restated: int = 0
    unchanged: int = 0
    quarantined: int = 0
    flagged: int = 0
    first: date | None = None
    last: date | None = None
    error: SymbolError | None = None
    requested: bool = True
    asked: BarRequest | None = None
    calls: Calls = NO_CALLS
    rescaled: Rescaling | None = None
    reconsidered: int = 0
    withdrawn: tuple[Withdrawal, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the symbol could not be served."""
        return self.error is not None

    @property
    def without_bars(self) -> bool:
        """Whether it was served, or need not be, and there is no single bar of it."""
        return not self.failed and self.verdict in WITHOUT_BARS


CANCELLED = "cancelled"
"""Error class of a collection that somebody has stopped; the specification has no status of its own for it."""


class Listener(Protocol):
    """Called with the outcomes of a collection, right after they were committed."""

    def __call__(self, outcomes: Sequence[SymbolOutcome], /) -> None:
        """Takes the outcomes of one committed delivery."""


@dataclass(frozen=True)
class NewBatch:
    """A collection that is about to begin.

    Attributes:
        total: Symbols it is asked for.
        settled: Those of them whose outcome is known before anything is fetched.
        batch_type: ``all_stocks`` or ``partial``.
        run_id: Run that does it.
        since: First session asked for, None to go on where the stored bars end.
        until: Last session asked for, None for everything up to now.
        scope: Fingerprint of the symbols, the same for the same ones.
    """

    universe: Universe
    timeframe: Timeframe
    source: str
    total: int
    settled: int = 0
    batch_type: str = "partial"
    run_id: str | None = None
    since: date | None = None
    until: date | None = None
    scope: str = ""


@dataclass(frozen=True)
class BatchEnd:
    """How a collection ended.

    Attributes:
        status: ``completed``, ``failed`` or ``paused``.
        error_message: Why not everything was done, in one sentence.
        error_class: ``system`` when it was stopped by more than one symbol's trouble, `CANCELLED` when by somebody.
        resume_at: When a paused one may go on.
    """

    status: str
    error_message: str | None = None
    error_class: str | None = None
    resume_at: datetime | None = None


class Ledger(Protocol):
    """Written account of collections, kept as the work goes on.

    Tables ``batch_executions``, ``batch_execution_details``, ``data_collection_log`` and ``run_progress``.
    """

    def begin(self, new: NewBatch) -> int:
        """Opens a batch and returns its number; closes those whose process has ended."""

    def add(self, batch: int, outcomes: Sequence[SymbolOutcome], underway: Sequence[str] = ()) -> None:
        """Adds outcomes to the batch, moves its counters and its progress, in one transaction.

        Args:
            batch: Its number.
            outcomes: Of one committed delivery.
            underway: Symbols that are being fetched now.
        """

    def end(self, batch: int, end: BatchEnd) -> None:
        """Closes the batch."""

    def done_before(self, like: NewBatch, moment: datetime) -> frozenset[str]:
        """Symbols whose newest batch of this window since `moment` collected them and has not ended completed."""


@dataclass(frozen=True)
class Share:
    """How the symbols of a collection are divided between it and others of the same request that are at work.

    Attributes:
        mine: To be fetched by this one now; nobody else does.
        done: Symbol → verdict, of those that another has collected since this one first saw it at work on them.
        underway: Being fetched by others.
    """

    mine: Sequence[str]
    done: Mapping[str, str]
    underway: AbstractSet[str]


class OwnClaims(Protocol):
    """What one collection has claimed."""

    def share_out(self, symbols: Sequence[str], *, wait: bool) -> Share:
        """Claims what nobody else fetches; says what others have done meanwhile and what they still fetch.

        What is claimed has to be fetched before this is called again, or two that wait for each other wait for ever.

        Args:
            symbols: Those that are not done.
            wait: Return only when something is `mine` or `done`.
        """


class Claims(Protocol):
    """Which collection at work fetches which symbol, so that no two ask a source for the same."""

    def opened(self, batch: int) -> AbstractContextManager[OwnClaims]:
        """What a batch claims, until it ends; of one whose process is gone nothing is claimed any more."""


class StageReports(Protocol):
    """What runs have reported of their stages, by run id: table ``stage_reports``."""

    def save(self, run_id: str, universe: Universe, report: StageReport) -> None:
        """Stores what a run reports of a universe's stage, instead of what it may have reported before."""

    def read(self, run_id: str, universe: Universe, kind: type[R]) -> R | None:
        """The report of that type; None where the run came to none."""

    def prune(self, before: datetime) -> int:
        """Removes what was stored before a moment (UTC); says how many reports."""


class CoverageStore(Protocol):
    """What coverage is computed from and where it is written."""

    def holdings(
        self,
        universe: Universe,
        timeframe: Timeframe,
        first: date,
        last: date,
        symbols: Sequence[str] | None = None,
    ) -> Holdings | None:
        """Active issues and what is stored and refused of them between two dates; None without a master.

        Args:
            universe: Whose issues.
            timeframe: Collected timeframe.
            first: First day of the window.
            last: Last day of the window.
            symbols: Only these issues; None stands for all.
        """

    def save(self, findings: CoverageFindings, report_file: str) -> None:
        """Replaces gaps, freshness and days of the universe and adds the report, in one transaction."""

    def newest_gaps(
        self, universe: Universe, timeframe: Timeframe
    ) -> tuple[pl.DataFrame, Sequence[date], datetime | None]:
        """Gaps of the newest check (schema `GAPS`), the sessions of its window, and when it was (UTC)."""

    def given_up(self, universe: Universe, timeframe: Timeframe) -> pl.DataFrame:
        """Columns ``instrument_id``, ``first_session``, ``last_session`` of gaps that repairs have given up."""

    def fruitless_repairs(self, universe: Universe, timeframe: Timeframe) -> Mapping[tuple[int, date], int]:
        """Instrument and first session of a gap → repairs of it that brought nothing."""

    def save_repair(
        self, run_id: str, timeframe: Timeframe, results: pl.DataFrame, repaired_at: datetime
    ) -> None:
        """Keeps what came of a repair (schema `RESULTS`), instead of what the run may have kept before."""


class ReportStore(Protocol):
    """Folder of JSON reports for people and scripts."""

    def write(self, stem: str, moment: datetime, content: Mapping[str, object]) -> Path:
        """Writes ``<stem>_<YYYYmmdd_HHMMSS>.json`` and returns its path."""
