"""Use case: fetch, validate and store the bars of many symbols; account for every row."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime

from miraikakaku_assets.application.collection.judge_delivery import Judge
from miraikakaku_assets.application.collection.keep_scale import ScaleKeeper
from miraikakaku_assets.application.collection.outcomes import MarketFacts, outcomes_of, without_padding
from miraikakaku_assets.application.collection.prefetch import one_ahead
from miraikakaku_assets.application.collection.refetch_restated import pull_rescaled_again
from miraikakaku_assets.application.collection.report import CollectionReport
from miraikakaku_assets.application.collection.request import CollectionPorts, CollectionRequest
from miraikakaku_assets.application.collection.windows import bar_requests, complete_from
from miraikakaku_assets.application.ports import (
    CANCELLED,
    BarRequest,
    BatchEnd,
    Collected,
    Delivery,
    Listener,
    OwnClaims,
    SymbolOutcome,
)
from miraikakaku_assets.domain.bars.actions import ValidatedActions
from miraikakaku_assets.domain.bars.restatement import Rescaling
from miraikakaku_assets.domain.bars.validation import ValidatedBars
from miraikakaku_assets.domain.errors import MiraikakakuError, SourcePausedError, WorkHeldError
from miraikakaku_assets.domain.market.instruments import Instrument, Timeframe
from miraikakaku_assets.domain.words import counted


def collect_prices(
    request: CollectionRequest, ports: CollectionPorts, listener: Listener
) -> CollectionReport:
    """Collects bars; each delivery of the source is one transaction, told to `listener` when done.

    A symbol that fails never holds up the others: it is in the report with its error. Killed at any moment,
    the same call again ends with the same table contents. Symbols that another collection of the same window is
    fetching at that moment are left to it, and what it makes of them is reported; if it dies, they are fetched here.

    Raises:
        DependencyUnavailableError: The source or the database as a whole cannot be reached.
        SourcePausedError: The source refuses us; the batch is parked as ``paused`` until it may be asked again.
        InputFileError: An archive as a whole is not readable.
        WorkHeldError: It was asked to end before the next symbols; it can be gone on with.
    """
    batch = ports.ledger.begin(request.new_batch(ports.source.name))
    report = CollectionReport(batch)
    try:
        with ports.claims.opened(batch) if ports.claims else nullcontext() as claims:
            for outcomes, underway in _Collection(
                request, ports, report, claims if request.shares else None
            ).run():
                ports.ledger.add(batch, outcomes, underway)
                report.add(outcomes)
                listener(outcomes)
                if ports.hold is not None:
                    ports.hold()
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
    if isinstance(error, WorkHeldError):
        return (
            BatchEnd("failed", str(error), CANCELLED)
            if error.is_cancelled
            else BatchEnd("paused", str(error))
        )
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
    claims: OwnClaims | None = None
    requests: dict[str, BarRequest] = field(default_factory=dict)
    bare: frozenset[str] = frozenset()
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        # Built once: a set per delivery would make the cost of a symbol grow with the market.
        self.known = frozenset(self.request.known)
        self.judge = Judge(self.request.universe, self.request.timeframe, self.known, self.ports.store)
        is_dated = self.ports.source.is_fixed and self.request.timeframe is Timeframe.D1
        self.on_scale = ScaleKeeper(self.request.universe, self.ports.store) if is_dated else None
        self.absent = frozenset(
            instrument.symbol for instrument in self.request.instruments if instrument.may_be_absent
        )

    def run(self) -> Iterator[tuple[Sequence[SymbolOutcome], Sequence[str]]]:
        """Yields the outcomes of each delivery once it is stored, and the symbols that are being fetched."""
        request = self.request
        if request.settled:
            yield request.settled, ()
        if self.claims is None:
            yield from self._stored(self._fetched(request.instruments))
        else:
            yield from self._shared(self.claims)
        if request.whole_market:
            yield from self._stored(self._unrequested())

    def _shared(self, claims: OwnClaims) -> Iterator[tuple[Sequence[SymbolOutcome], Sequence[str]]]:
        """Fetches what no other collection does; takes over what others have done, and what they leave undone."""
        left = {instrument.symbol: instrument for instrument in self.request.instruments}
        while left:
            share = claims.share_out(list(left), wait=self.request.waits)
            if share.done:
                yield [SymbolOutcome(symbol, verdict) for symbol, verdict in share.done.items()], ()
            if share.mine:
                yield from self._stored(self._fetched([left[symbol] for symbol in share.mine]))
            left = {symbol: instrument for symbol, instrument in left.items() if symbol in share.underway}
            if left and not self.request.waits:
                yield [SymbolOutcome(symbol, "underway") for symbol in left], ()
                return

    def _stored(self, fetched: Iterator[Delivery]) -> Iterator[tuple[Sequence[SymbolOutcome], Sequence[str]]]:
        # The next delivery is read and validated while this one is written: their symbols are different, and
        # both sides leave Python alone (a year of the TSE: 3.2 s instead of 3.7).
        self.stopping = threading.Event()
        with closing(one_ahead(self._checked(fetched))) as deliveries:
            try:
                for checked in deliveries:
                    yield self._store(checked), checked.delivery.underway
            finally:
                self.stopping.set()  # whatever the source still waits for, nobody does any more

    def _checked(self, deliveries: Iterator[Delivery]) -> Iterator[_Checked]:
        for delivery in deliveries:
            now = self.ports.clock()
            kept = delivery if self.on_scale is None else self.on_scale(delivery)
            whole, rescaled = pull_rescaled_again(
                kept, self.requests, self.request, self.ports, self.stopping
            )
            validated, actions = self.judge(whole, now, rescaled)
            yield _Checked(whole, validated, actions, rescaled, now)

    def _fetched(self, instruments: Sequence[Instrument]) -> Iterator[Delivery]:
        request, source = replace(self.request, instruments=instruments), self.ports.source
        requests, self.bare = bar_requests(
            request, self.ports.store, self.ports.clock(), is_fixed=source.is_fixed
        )
        self.requests = {bar_request.symbol: bar_request for bar_request in requests}
        yield from source.deliver(request.universe, request.timeframe, requests, self.stopping)

    def _unrequested(self) -> Iterator[Delivery]:
        """Rows of symbols that were not asked for, where the source holds a fixed set."""
        requested = frozenset(instrument.symbol for instrument in self.request.instruments)
        yield from self.ports.source.unrequested(self.request.universe, requested)

    def _store(self, checked: _Checked) -> list[SymbolOutcome]:
        delivery, request, source = checked.delivery, self.request, self.ports.source
        bars, padding = without_padding(checked.validated)
        in_delivery = {*delivery.symbols, *delivery.bars["symbol"].unique().to_list()}
        ids = {symbol: request.known[symbol] for symbol in in_delivery if symbol in request.known}
        answered = [self.requests[symbol] for symbol in delivery.symbols if symbol in self.requests]
        delivered = set(bars.accepted["symbol"].unique().to_list())
        collected = Collected(
            complete_from={} if source.is_fixed else complete_from(answered, delivered),
            rescaled=checked.rescaled,
            actions=checked.actions,
            channels=self.ports.channels,
        )
        named = delivery.source or source.name
        written = self.ports.store.write(request.timeframe, ids, bars, named, checked.now, collected)
        self.report.refuse(bars.refused, padding, checked.actions)
        self.report.count_actions(checked.actions, ids)
        self.report.note_bases(delivery)
        return outcomes_of(
            delivery,
            bars,
            written,
            padding,
            MarketFacts(
                self.requests,
                self.known,
                self.absent,
                self.bare,
                whole_history=request.since is None and request.until is None,
            ),
            checked.rescaled,
        )
