"""Use case: fetch, validate and store the bars of many symbols; account for every row."""

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from miraikakaku_assets.application.ports import (
    BarRequest,
    BarStore,
    Clock,
    Delivery,
    Ledger,
    Listener,
    MasterStore,
    PriceSource,
    SymbolOutcome,
)
from miraikakaku_assets.domain.bars.validation import DailyContext, ValidatedBars, validate_daily
from miraikakaku_assets.domain.errors import PermanentSymbolError, WorkFellShortError
from miraikakaku_assets.domain.market.instruments import Instrument, Timeframe, Universe
from miraikakaku_assets.domain.market.sessions import sessions_back


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
        failures: Symbol → error sentence.
    """

    batch: int
    symbols: int = 0
    succeeded: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    verdicts: Counter[str] = field(default_factory=Counter)
    rows_read: int = 0
    inserted: int = 0
    restated: int = 0
    unchanged: int = 0
    quarantined: int = 0
    flagged: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    examples: dict[str, RefusedRow] = field(default_factory=dict)

    def refuse(self, refused: pl.DataFrame) -> None:
        """Counts refused rows by rule and keeps an example of each."""
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
            self.rows_read += outcome.rows_read
            self.inserted += outcome.inserted
            self.restated += outcome.restated
            self.unchanged += outcome.unchanged
            self.quarantined += outcome.quarantined
            self.flagged += outcome.flagged


def plan_collection(
    universe: Universe, symbols: Sequence[str] | None, masters: MasterStore, source: PriceSource
) -> tuple[list[Instrument], list[SymbolOutcome], bool]:
    """Sorts the symbols a collection is asked for by what the master says of them.

    Args:
        universe: Where the symbols belong.
        symbols: Yahoo symbols; None stands for every listed issue.
        masters: The stock master.
        source: Asked for delisted issues, too, if it holds a fixed set of rows.

    Returns:
        Instruments to fetch, outcomes that need no fetching, and whether this is the whole market.

    Raises:
        WorkFellShortError: There is no stock master yet.
    """
    listed = masters.instruments(universe)
    if not listed:
        raise WorkFellShortError(
            f"There is no stock master of {universe.name} yet, so nothing can be collected; "
            f"run `miraikakaku master update --universe {universe.name}` first"
        )
    if symbols is None:
        return listed, [], True
    found = masters.instruments(universe, symbols)
    known = {instrument.symbol for instrument in found}
    settled = [
        SymbolOutcome(instrument.symbol, "delisted")
        for instrument in found
        if not instrument.is_active and not source.is_fixed
    ]
    for symbol in dict.fromkeys(symbols):
        if symbol not in known:
            explanation = f"it is in no stock master of {universe.name}; correct it or update the master"
            settled.append(
                SymbolOutcome(
                    symbol, "not_in_master", error=PermanentSymbolError(symbol, "not_in_master", explanation)
                )
            )
    fetched = [instrument for instrument in found if instrument.is_active or source.is_fixed]
    return fetched, settled, {instrument.symbol for instrument in listed} <= known


@dataclass(frozen=True)
class CollectionPorts:
    """What a collection works with."""

    source: PriceSource
    store: BarStore
    ledger: Ledger
    clock: Clock


@dataclass(frozen=True)
class CollectionRequest:
    """What a collection is asked for.

    Attributes:
        instruments: Whose bars are fetched.
        settled: Outcomes that are known without fetching (delisted, unknown symbols).
        since: First session, or None to go on where the stored bars end, minus the restatement window.
        until: Last session, or None for everything up to now.
        known: Symbol → instrument id of the whole master, delisted issues included.
        whole_market: Also account for rows nobody asked for, where the source holds a fixed set.
        history_start: First day asked for when a symbol has no bars yet.
        restatement_sessions: Newest stored sessions that are asked for again.
        batch_type: ``all_stocks`` or ``partial``.
        run_id: Dagster run that does it.
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


def collect_prices(
    request: CollectionRequest, ports: CollectionPorts, listener: Listener
) -> CollectionReport:
    """Collects daily bars; each delivery of the source is one transaction, told to `listener` when done.

    A symbol that fails never holds up the others: it is in the report with its error. Killed at any moment,
    the same call again ends with the same table contents.

    Raises:
        DependencyUnavailableError: The source or the database as a whole cannot be reached.
        InputFileError: An archive as a whole is not readable.
    """
    total = len(request.instruments) + len(request.settled)
    name = ports.source.name
    batch = ports.ledger.begin(
        request.universe, request.timeframe, name, total, request.batch_type, request.run_id
    )
    report = CollectionReport(batch)
    try:
        for outcomes in _outcomes_of_all(request, ports, report):
            ports.ledger.add(batch, outcomes)
            report.add(outcomes)
            listener(outcomes)
    except BaseException as error:
        ports.ledger.end(batch, "failed", f"{type(error).__name__}: {error}")
        raise
    ports.ledger.end(batch, "failed" if report.failures else "completed", _summary(report))
    return report


def _outcomes_of_all(
    request: CollectionRequest, ports: CollectionPorts, report: CollectionReport
) -> Iterator[Sequence[SymbolOutcome]]:
    if request.settled:
        yield request.settled
    for delivery in _deliveries(request, ports):
        yield _store(delivery, request, ports, report)


def _summary(report: CollectionReport) -> str | None:
    if not report.failures:
        return None
    return f"{len(report.failures)} of {report.symbols} symbols failed"


def _deliveries(request: CollectionRequest, ports: CollectionPorts) -> Iterator[Delivery]:
    requests = _bar_requests(request, ports)
    yield from ports.source.deliver(request.universe, request.timeframe, requests)
    if request.whole_market:
        rest = ports.source.unrequested(request.universe, frozenset(wanted.symbol for wanted in requests))
        if rest is not None:
            yield rest


def _bar_requests(request: CollectionRequest, ports: CollectionPorts) -> list[BarRequest]:
    today = ports.clock().date()
    until = request.until or date.max
    newest: Mapping[str, date] = {}
    if request.since is None:
        newest = ports.store.newest_sessions(request.universe, request.timeframe)
    window_starts = {
        day: sessions_back(request.universe.calendar, min(day, today), request.restatement_sessions - 1)
        for day in set(newest.values())
    }
    return [
        BarRequest(
            instrument.symbol,
            request.since
            or window_starts.get(newest.get(instrument.symbol, date.min), request.history_start),
            until,
        )
        for instrument in request.instruments
    ]


def _store(
    delivery: Delivery,
    request: CollectionRequest,
    ports: CollectionPorts,
    report: CollectionReport,
) -> list[SymbolOutcome]:
    now = ports.clock()
    validated = _validate(delivery, request, ports, now)
    counts = ports.store.write(
        request.timeframe, request.known, validated, delivery.actions, ports.source.name, now
    ).counts
    report.refuse(validated.refused)
    return _outcomes(delivery, validated, counts, request)


def _validate(
    delivery: Delivery, request: CollectionRequest, ports: CollectionPorts, now: datetime
) -> ValidatedBars:
    first = dict(delivery.bars.group_by("symbol").agg(pl.col("session").min()).iter_rows())
    context = DailyContext(
        universe=request.universe,
        now=now,
        known_symbols=frozenset(request.known),
        previous=ports.store.previous_closes(request.universe, request.timeframe, first),
        actions=delivery.actions,
    )
    return validate_daily(delivery.bars, context)


def _outcomes(
    delivery: Delivery, validated: ValidatedBars, counts: pl.DataFrame, request: CollectionRequest
) -> list[SymbolOutcome]:
    accepted = validated.accepted.group_by("symbol").agg(
        first=pl.col("session").min(),
        last=pl.col("session").max(),
        flagged=pl.col("flag").is_not_null().sum(),
    )
    refused = validated.refused.group_by("symbol").agg(quarantined=pl.len())
    rows = (
        pl.DataFrame({"symbol": delivery.symbols}, schema={"symbol": pl.String})
        .join(accepted, on="symbol", how="left")
        .join(refused, on="symbol", how="left")
        .join(counts, on="symbol", how="left")
        .join(delivery.bars.group_by("symbol").len("read"), on="symbol", how="left")
        .with_columns(
            pl.col("read", "flagged", "quarantined", "inserted", "restated", "unchanged").fill_null(0)
        )
    )
    requested = {instrument.symbol for instrument in request.instruments}
    outcomes = [
        SymbolOutcome(
            symbol=row["symbol"],
            verdict=_verdict(row, requested, request.known),
            rows_read=row["read"],
            inserted=row["inserted"],
            restated=row["restated"],
            unchanged=row["unchanged"],
            quarantined=row["quarantined"],
            flagged=row["flagged"],
            first=row["first"],
            last=row["last"],
            requested=row["symbol"] in requested,
        )
        for row in rows.iter_rows(named=True)
    ]
    absent = {instrument.symbol for instrument in request.instruments if instrument.may_be_absent}
    for symbol, error in delivery.failures.items():
        expected = error.kind == "not_on_source" and symbol in absent
        outcomes.append(SymbolOutcome(symbol, error.kind, error=None if expected else error))
    return outcomes


def _verdict(row: Mapping[str, Any], requested: Container[str], known: Container[str]) -> str:
    if row["symbol"] not in requested:
        return "delisted" if row["symbol"] in known else "not_in_master"
    return "ok" if row["inserted"] + row["restated"] else "no_new_data"
