"""Use case: take bars from files into the store, with the same validation as any other delivery."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from miraikakaku_assets.application.collect_prices import collect_prices
from miraikakaku_assets.application.collection_report import CollectionReport
from miraikakaku_assets.application.collection_request import CollectionPorts, CollectionRequest
from miraikakaku_assets.application.judge_delivery import Judge
from miraikakaku_assets.application.plan_collection import plan_collection
from miraikakaku_assets.application.ports import Listener, MasterStore
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.words import counted


@dataclass(frozen=True)
class ImportRequest:
    """What is imported.

    Attributes:
        name: The file or folder as the user named it, for messages.
        strict: Refuse everything when a single row is refused.
    """

    universe: Universe
    timeframe: Timeframe
    name: str
    strict: bool = False


def import_bars(
    request: ImportRequest, ports: CollectionPorts, masters: MasterStore, listener: Listener
) -> CollectionReport:
    """Imports every row of an archive; rows that fail a rule go to quarantine, stored bars stay.

    Raises:
        InputFileError: A file is not readable, or, when strict, a row fails a rule.
        WorkFellShortError: There is no stock master yet.
    """
    plan_collection(request.universe, None, masters, ports.source)
    everything = ports.source.unrequested(request.universe, frozenset())
    held = set(everything.symbols) if everything else set()
    known = masters.known_symbols(request.universe)
    instruments = masters.instruments(request.universe, sorted(held & set(known)))
    if request.strict and everything is not None:
        judge = Judge(request.universe, request.timeframe, frozenset(known), ports.store)
        refused = judge(everything, ports.clock())[0].refused
        if not refused.is_empty():
            worst = refused.sort("row").row(0, named=True)
            explanation = f"{worst['symbol']} {worst['session']}: {worst['detail']}; nothing was imported"
            raise InputFileError(request.name, worst["rule"], explanation, worst["row"])
    collection = CollectionRequest(
        universe=request.universe,
        timeframe=request.timeframe,
        instruments=instruments,
        known=known,
        history_start=date.min,
        since=date.min,
        whole_market=True,
        batch_type="import",
    )
    return collect_prices(collection, ports, listener)


def refusal_sentences(name: str, report: CollectionReport) -> Sequence[str]:
    """One sentence per rule that refused rows: file, first row, rule and how many."""
    return [
        f"{name}, row {example.row}: {example.symbol} {example.session}: {example.detail} "
        f"[rule {rule}; {counted(report.rules[rule], 'row')} in quarantine]"
        for rule, example in report.examples.items()
    ]
