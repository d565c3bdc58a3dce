"""How a collection shows itself in Dagster: one materialization per symbol, progress, and an honest end.

Shared by the partitioned asset and by the op job for scattered symbols, so that both leave the same events.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import dagster as dg

from miraikakaku_assets.application.collection.collect_prices import collect_prices
from miraikakaku_assets.application.collection.plan import plan_collection
from miraikakaku_assets.application.collection.report import WORST, CollectionReport
from miraikakaku_assets.application.collection.request import CollectionPorts, CollectionRequest
from miraikakaku_assets.application.collection.windows import collected_since
from miraikakaku_assets.application.commands import CollectCommand
from miraikakaku_assets.application.ports import SymbolOutcome
from miraikakaku_assets.application.ports.notices import WITHDRAWN, Severity
from miraikakaku_assets.application.ports.withdrawals import named
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import (
    ConfigurationError,
    MiraikakakuError,
    WorkFellShortError,
    WorkHeldError,
)
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.words import counted, the_rest
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.instance.batched_events import log_materializations
from miraikakaku_assets.orchestration.instance.orphaned_runs import close_abandoned
from miraikakaku_assets.orchestration.stage_reports import Context, as_metadata, hand_back

CHARTED_SYMBOLS = 10
"""Runs of up to this many symbols carry a chart each (50 ms and 20 KB apiece)."""
_OBSERVED_STEPS = 10  # an observation after every tenth of the work
_MAY_BE_BARE, _FEW = 0.05, 20
"""Share (or number) of symbols that may be without any bar: 85 of 4,178 TSE issues had none in 2025."""


def collect_in_run(
    context: Context,
    ports: Ports,
    universe: Universe,
    command: CollectCommand,
    asset_key: dg.AssetKey,
    *,
    brief: bool = False,
    hold: Callable[[], None] | None = None,
) -> tuple[CollectionReport, dg.Failure | None]:
    """Does a collection inside a Dagster step.

    Every symbol of the run ends as a materialization, as a failure, or as one without a single bar, which must not
    look as if it had some: its key stays missing and the totals name it. A run of few symbols carries a chart each. A
    brief one, of which there are hundreds a day, carries none, says nothing of symbols without a new bar and hands no
    report back; it must not be a run of partition keys. One that may be held looks between small deliveries whether it
    has to end (`WorkHeldError`).

    Returns:
        What was done, and why the step has to fail once everything else in it is done: some symbols failed (their
        errors are in its metadata). None if all went well.

    Raises:
        dg.Failure: Nothing could be done at all, or not to the end.
        WorkHeldError: It was asked to end before the next symbols.
    """
    try:
        close_abandoned(context.instance, ports)
        ports.sources.admit_prices()
        request = _request(context.run.run_id, ports, universe, command)
        # A cycle has minutes: what another collection is at comes with the next one.
        request = replace(request, waits=not brief)
        total = len(request.instruments) + len(request.settled)
        listener = _RunListener(context, ports, universe, command.timeframe, asset_key, total, brief)
        channels = ports.notices.event_channels(Severity.WARNING, WITHDRAWN)
        source = ports.sources.prices if hold is None else ports.sources.prompt_prices
        collection = CollectionPorts(
            source,
            ports.stores.bars,
            ports.stores.ledger,
            ports.clock,
            ports.stores.claims,
            channels=channels,
            hold=hold,
        )
        report = collect_prices(request, collection, listener)
    except WorkHeldError:
        raise
    except MiraikakakuError as error:
        raise failure(error) from error
    totals = report.totals()
    metadata = as_metadata(totals) if brief else hand_back(context, ports, universe, totals)
    context.log_event(dg.AssetObservation(asset_key, metadata=metadata))
    if report.without_bars:
        context.log.warning("There is no bar of %s", _named(report.without_bars))
    if not report.balanced:
        raise dg.Failure(f"The rows of batch {report.batch} do not add up: {metadata}", allow_retries=False)
    return report, _shortfall(report)


def _request(run_id: str, ports: Ports, universe: Universe, command: CollectCommand) -> CollectionRequest:
    since, timeframe = command.since, command.timeframe
    today = ports.clock().astimezone(ZoneInfo(universe.time_zone)).date()
    if since is not None and since > today:
        raise ConfigurationError(f"since {since} has not come yet: it is {today} in {universe.time_zone}")
    if not universe.has_master:
        named = ports.settings.named_symbols(universe.name)
        ports.stores.masters.ensure_named(universe, named, ports.clock())
    new = CollectionRequest(
        universe=universe,
        timeframe=timeframe,
        instruments=(),
        known=ports.stores.masters.known_symbols(universe),
        history_start=ports.sources.history_start(universe, timeframe),
        since=since,
        until=command.until,
        restatement_sessions=ports.settings.restatement_sessions,
        run_id=run_id,
        windows=command.windows,
    )
    done: frozenset[str] = frozenset()
    if not command.full_refresh:
        moment = collected_since(universe, timeframe, ports.clock())
        done = ports.stores.ledger.done_before(new.new_batch(ports.sources.prices.name), moment)
    instruments, settled, whole = plan_collection(
        universe, command.symbols, ports.stores.masters, ports.sources.prices, done
    )
    if not instruments and not settled:
        raise WorkFellShortError(
            f"No symbol of {universe.name} was asked for, so nothing was collected; name some, or repeat it"
        )
    return replace(
        new,
        instruments=instruments,
        settled=settled,
        whole_market=whole,
        batch_type="all_stocks" if whole else "partial",
    )


@dataclass
class _RunListener:
    """Turns committed outcomes into events of the run."""

    context: Context
    ports: Ports
    universe: Universe
    timeframe: Timeframe
    key: dg.AssetKey
    total: int
    brief: bool
    done: int = 0
    failed: int = 0
    observed: int = 0

    def __call__(self, outcomes: Sequence[SymbolOutcome]) -> None:
        mine = [outcome for outcome in outcomes if outcome.requested]
        stored = [outcome for outcome in mine if not outcome.failed and not outcome.without_bars]
        logged = [outcome for outcome in stored if outcome.verdict == "ok" or not self.brief]
        log_materializations(self.context, [self._event(outcome) for outcome in logged])
        self.done += len(mine)
        self.failed += sum(outcome.failed for outcome in mine)
        tenth = self.done * _OBSERVED_STEPS // max(self.total, 1)
        if self.total > CHARTED_SYMBOLS and tenth > self.observed:
            self.observed = tenth
            progress = {"done": self.done, "total": self.total, "failed": self.failed}
            self.context.log_event(dg.AssetObservation(self.key, metadata=progress))
            self.context.log.info("%d of %d symbols, %d failed", self.done, self.total, self.failed)

    def _event(self, outcome: SymbolOutcome) -> dg.AssetMaterialization:
        metadata: dict[str, object] = {
            "status": outcome.verdict,
            "inserted": outcome.inserted,
            "restated": outcome.restated,
            "unchanged": outcome.unchanged,
            "quarantined": outcome.quarantined,
        }
        if outcome.rescaled is not None:
            metadata["restated_history"] = str(outcome.rescaled)
        if outcome.reconsidered:
            metadata["reconsidered"] = outcome.reconsidered
        if outcome.withdrawn:
            metadata["withdrawn_bars"] = named(outcome.withdrawn)
        if outcome.last is not None:
            metadata |= {"first_session": str(outcome.first), "last_session": str(outcome.last)}
        if not self.brief and self.total <= CHARTED_SYMBOLS and outcome.last is not None:
            metadata["chart"] = self._chart(outcome.symbol)
        return dg.AssetMaterialization(self.key, partition=outcome.symbol, metadata=metadata)  # type: ignore[arg-type]

    def _chart(self, symbol: str) -> dg.MarkdownMetadataValue:
        from miraikakaku_assets.adapters.charts.png import as_markdown, price_chart

        bars = self.ports.stores.bars.read(self.universe, self.timeframe, [symbol])
        picture = price_chart(bars, symbol, f"{self.universe.priced_in(symbol)[1]}, raw")
        return dg.MetadataValue.md(as_markdown(picture, f"{symbol}, last 250 bars"))


def _shortfall(report: CollectionReport) -> dg.Failure | None:
    bare = report.verdicts["never_delivered"] + report.verdicts["all_refused"]
    requested = report.symbols - report.verdicts["reused"]
    where = f"see batch {report.batch} in batch_execution_details"
    if bare > max(_MAY_BE_BARE * requested, _FEW):
        return dg.Failure(
            f"Of {bare:,} of {counted(requested, 'symbol')} the source has never sent a bar that could be stored: it "
            f"is not itself, or the symbols are not its own{the_rest(requested - bare, 'stored')}; {where}",
            allow_retries=False,
        )
    if report.failures:
        worst = dict(sorted(report.failures.items())[:WORST])
        return dg.Failure(
            f"{len(report.failures):,} of {counted(report.symbols, 'symbol')} failed"
            f"{the_rest(report.symbols - len(report.failures), 'stored')}; {where}",
            metadata={"failed_symbols": len(report.failures), "first_failures": dg.MetadataValue.json(worst)},
            allow_retries=False,
        )
    return None


def _named(without_bars: Mapping[str, str]) -> str:
    """The symbols by verdict, the first of each by name."""
    parts = []
    for verdict in sorted(set(without_bars.values())):
        names = sorted(symbol for symbol, theirs in without_bars.items() if theirs == verdict)
        more = f" and {len(names) - WORST:,} more" if len(names) > WORST else ""
        parts.append(f"{', '.join(names[:WORST])}{more} ({verdict})")
    return "; ".join(parts)
