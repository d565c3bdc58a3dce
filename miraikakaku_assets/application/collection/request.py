"""What a collection is asked for, and what it works with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from miraikakaku_assets.application.ports import (
    BarStore,
    Claims,
    Clock,
    Ledger,
    NewBatch,
    PriceSource,
    SymbolOutcome,
)
from miraikakaku_assets.domain.market.instruments import Instrument, Timeframe, Universe


@dataclass(frozen=True)
class CollectionPorts:
    """What a collection works with.

    Attributes:
        source: Where the bars come from.
        store: Where they go.
        ledger: The account of the collection.
        clock: Where the time comes from.
        channels: Names of the channels that are told when a stored bar is withdrawn.
        claims: Says that the collection is at work, and keeps two from fetching the same.
        hold: Called between deliveries; raises `WorkHeldError` where the collection has to end there.
    """

    source: PriceSource
    store: BarStore
    ledger: Ledger
    clock: Clock
    claims: Claims | None = None
    channels: tuple[str, ...] = ()
    hold: Callable[[], None] | None = None


@dataclass(frozen=True)
class CollectionRequest:
    """What a collection is asked for.

    Attributes:
        instruments: Whose bars are fetched.
        settled: Outcomes that are known without fetching (collected before, delisted, unknown symbols).
        since: First session, or None to go on where the stored bars end, minus the restatement window.
        until: Last session, or None for everything up to now.
        known: Symbol → instrument id of the whole master, delisted issues included.
        whole_market: Also account for rows nobody asked for, where the source holds a fixed set.
        history_start: First day asked for when a symbol has no bars yet.
        restatement_sessions: Newest stored sessions that are asked for again.
        batch_type: ``all_stocks`` or ``partial``.
        run_id: Run that does it.
        shares: Whether symbols that another collection is at are left to it; whoever imports reads a file of its own.
        windows: Symbol → its own first and last session, instead of `since` and `until`; symbols without are not
            asked for.
        waits: Whether it waits for symbols that another collection is at; if not, their verdict is ``underway``.
    """

    universe: Universe
    timeframe: Timeframe
    instruments: Sequence[Instrument]
    known: Mapping[str, int]
    history_start: date
    settled: Sequence[SymbolOutcome] = ()
    since: date | None = None
    until: date | None = None
    whole_market: bool = False
    restatement_sessions: int = 10
    batch_type: str = "partial"
    run_id: str | None = None
    shares: bool = True
    waits: bool = True
    windows: Mapping[str, tuple[date, date]] | None = None

    def new_batch(self, source: str) -> NewBatch:
        """The batch as the ledger knows it."""
        symbols = sorted(
            {instrument.symbol for instrument in self.instruments}
            | {outcome.symbol for outcome in self.settled}
        )
        return NewBatch(
            universe=self.universe,
            timeframe=self.timeframe,
            source=source,
            total=len(self.instruments) + len(self.settled),
            settled=len(self.settled),
            batch_type=self.batch_type,
            run_id=self.run_id,
            since=self.since,
            until=self.until,
            scope=sha256("\n".join(symbols).encode()).hexdigest(),
        )
