"""Use case: fetch, validate and store the bars of many symbols; account for every row."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from miraikakaku_assets.application.collection_outcomes import (
    MarketFacts,
    first_sessions,
    outcomes_of,
    without_padding,
)
from miraikakaku_assets.application.collection_report import CollectionReport
from miraikakaku_assets.application.collection_request import CollectionPorts, CollectionRequest
from miraikakaku_assets.application.collection_window import bar_requests, complete_from
from miraikakaku_assets.application.one_ahead import one_ahead
from miraikakaku_assets.application.ports import (
    CANCELLED,
    BarRequest,
    BatchEnd,
    Collected,
    Delivery,
    Listener,
    SymbolOutcome,
)
from miraikakaku_assets.application.pull_again import pull_rescaled_again
from miraikakaku_assets.domain.bars.actions import ValidatedActions, validate_actions
from miraikakaku_assets.domain.bars.intraday import IntradayContext, validate_intraday
from miraikakaku_assets.domain.bars.restatement import Rescaling
from miraikakaku_assets.domain.bars.validation import DailyContext, ValidatedBars, validate_daily
from miraikakaku_assets.domain.errors import MiraikakakuError, SourcePausedError
from miraikakaku_assets.domain.market.instruments import Timeframe
from miraikakaku_assets.domain.words import counted


def collect_prices(
    request: CollectionRequest, ports: CollectionPorts, listener: Listener
) -> CollectionReport:
    """Collects bars; each delivery of the source is one transaction, told to `listener` when done.

    A symbol that fails never holds up the others: it is in the report with its error. Killed at any moment,
    the same call again ends with the same table contents.

    Raises:
        DependencyUnavailableError: The source or the database as a whole cannot be reached.
        SourcePausedError: The source refuses us; the batch is parked as ``paused`` until it may be asked again.
        InputFileError: An archive as a whole is not readable.
    """
    batch = ports.ledger.begin(request.new_batch(ports.source.name))
    report = CollectionReport(batch)
    try:
        for outcomes, underway in _Collection(request, ports, report).run():
            ports.ledger.add(batch, outcomes, underway)
            report.add(outcomes)
            listener(outcomes)
    except BaseException as error:
        try:
            ports.ledger.end(batch, _broken_off(error))
        except Exception as unrecorded:  # noqa: BLE001 - the database is gone, too; what came first is raised
            error.add_note(f"The end of batch {batch} was not recorded: {unrecorded}")
        raise
    status = "failed" if report.failures else "completed"
    ports.ledger.end(batch, BatchEnd(status, _summary(report)))
    return report


def _broken_off(error: BaseException) -> BatchEnd:
    if isinstance(error, SourcePausedError):
        return BatchEnd("paused", str(error), resume_at=error.resume_at)
    if isinstance(error, MiraikakakuError):
        return BatchEnd("failed", str(error), "system")
    if isinstance(error, Exception):
        return BatchEnd("failed", f"{type(error).__name__}: {error}", "system")
    return BatchEnd(
        "failed", "it was stopped before its end; the same command goes on where it stopped", CANCELLED
    )


def _summary(report: CollectionReport) -> str | None:
    if not report.failures:
        return None
    return f"{len(report.failures):,} of {counted(report.symbols, 'symbol')} failed"


@dataclass(frozen=True)
class _Checked:
    """A delivery that may be stored."""

    delivery: Delivery
    validated: ValidatedBars
    actions: ValidatedActions
    rescaled: Mapping[str, Rescaling]
    now: datetime


@dataclass
class _Collection:
    """One collection at work."""

    request: CollectionRequest
    ports: CollectionPorts
    report: CollectionReport
    asked: dict[str, BarRequest] = field(default_factory=dict)
    bare: frozenset[str] = frozenset()
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        # Built once: a set per delivery would make the cost of a symbol grow with the market.
        self.known = frozenset(self.request.known)
        self.absent = frozenset(one.symbol for one in self.request.instruments if one.may_be_absent)

    def run(self) -> Iterator[tuple[Sequence[SymbolOutcome], Sequence[str]]]:
        """Yields the outcomes of each delivery once it is stored, and the symbols that are being fetched."""
        if self.request.settled:
            yield self.request.settled, ()
        # The next delivery is read and validated while this one is written: their symbols are different, and
        # both sides leave Python alone (a year of the TSE: 3.2 s instead of 3.7).
        with closing(one_ahead(self._checked())) as deliveries:
            try:
                for checked in deliveries:
                    yield self._store(checked), checked.delivery.underway
            finally:
                self.stopping.set()  # whatever the source still waits for, nobody does any more

    def _checked(self) -> Iterator[_Checked]:
        for delivery in self._deliveries():
            now = self.ports.clock()
            whole, rescaled = pull_rescaled_again(
                delivery, self.asked, self.request, self.ports, self.stopping
            )
            previous = self._previous(whole)
            validated = self._validate(whole, previous, now)
            actions = validate_actions(whole.actions, validated.accepted, previous)
            yield _Checked(whole, validated, actions, rescaled, now)

    def _deliveries(self) -> Iterator[Delivery]:
        request, source = self.request, self.ports.source
        requests, self.bare = bar_requests(
            request, self.ports.store, self.ports.clock(), is_fixed=source.is_fixed
        )
        self.asked = {one.symbol: one for one in requests}
        yield from source.deliver(request.universe, request.timeframe, requests, self.stopping)
        if request.whole_market:
            rest = source.unrequested(request.universe, frozenset(self.asked))
            if rest is not None:
                yield rest

    def _previous(self, delivery: Delivery) -> pl.DataFrame:
        """Close of the last stored bar before each symbol's first delivered one."""
        request = self.request
        first = first_sessions(delivery, request.universe, request.timeframe)
        return self.ports.store.previous_closes(request.universe, request.timeframe, first)

    def _validate(self, delivery: Delivery, previous: pl.DataFrame, now: datetime) -> ValidatedBars:
        universe = self.request.universe
        if self.request.timeframe is Timeframe.D1:
            return validate_daily(
                delivery.bars, DailyContext(universe, now, self.known, previous, delivery.actions)
            )
        return validate_intraday(delivery.bars, IntradayContext(universe, now, self.known, previous))

    def _store(self, checked: _Checked) -> list[SymbolOutcome]:
        delivery, request, source = checked.delivery, self.request, self.ports.source
        bars, padding = without_padding(checked.validated)
        named = {*delivery.symbols, *delivery.bars["symbol"].unique().to_list()}
        ids = {symbol: request.known[symbol] for symbol in named if symbol in request.known}
        asked = [self.asked[symbol] for symbol in delivery.symbols if symbol in self.asked]
        delivered = set(bars.accepted["symbol"].unique().to_list())
        collected = Collected(
            complete_from={} if source.is_fixed else complete_from(asked, delivered),
            rescaled=checked.rescaled,
            actions=checked.actions,
        )
        counts = self.ports.store.write(
            request.timeframe, ids, bars, source.name, checked.now, collected
        ).counts
        self.report.refuse(bars.refused, padding, checked.actions)
        return outcomes_of(
            delivery,
            bars,
            counts,
            padding,
            MarketFacts(self.asked, self.known, self.absent, self.bare),
            checked.rescaled,
        )
