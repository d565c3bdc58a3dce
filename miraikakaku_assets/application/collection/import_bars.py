"""Use case: take bars from files into the store, with the same validation as any other delivery."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from miraikakaku_assets.application.collection.collect_prices import collect_prices
from miraikakaku_assets.application.collection.judge_delivery import Judge
from miraikakaku_assets.application.collection.keep_scale import ScaleKeeper
from miraikakaku_assets.application.collection.outcomes import without_padding
from miraikakaku_assets.application.collection.plan import plan_collection
from miraikakaku_assets.application.collection.report import CollectionReport
from miraikakaku_assets.application.collection.request import CollectionPorts, CollectionRequest
from miraikakaku_assets.application.ports import Listener, MasterStore
from miraikakaku_assets.domain.bars.file_basis import BASIS_SENTENCES
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.words import counted

_SHOWN = 3


@dataclass(frozen=True)
class ImportRequest:
    """What is imported.

    Attributes:
        name: The file or folder as the user named it, for messages.
        strict: Refuse everything when a single row is refused.
        named: Symbols that the settings name, of a universe without a published list: they are known from here on.
    """

    universe: Universe
    timeframe: Timeframe
    name: str
    strict: bool = False
    named: Sequence[str] = ()


def import_bars(
    request: ImportRequest, ports: CollectionPorts, masters: MasterStore, listener: Listener
) -> CollectionReport:
    """Imports every row of an archive; rows that fail a rule go to quarantine, stored bars stay.

    Raises:
        InputFileError: A file is not readable, is of a symbol that nobody knows, or, when strict, a row fails a rule.
        WorkFellShortError: There is no stock master yet.
    """
    if request.named:
        masters.ensure_named(request.universe, request.named, ports.clock())
    plan_collection(request.universe, None, masters, ports.source)
    held = set(ports.source.symbols(request.universe))
    known = masters.known_symbols(request.universe)
    _require_known_name(request, held, known)
    if request.strict:
        _require_faultless(request, ports, known)
    collection = CollectionRequest(
        universe=request.universe,
        timeframe=request.timeframe,
        instruments=masters.instruments(request.universe, sorted(held & set(known))),
        known=known,
        history_start=date.min,
        since=date.min,
        whole_market=True,
        batch_type="import",
        shares=False,
    )
    return collect_prices(collection, ports, listener)


def _require_known_name(request: ImportRequest, held: Collection[str], known: Collection[str]) -> None:
    """A file without a symbol column is of the symbol it is called: all its rows would lie in quarantine for its name.

    Raises:
        InputFileError: Its only symbol is its name, and no known one.
    """
    stem = Path(request.name).stem
    for symbol in held:
        if len(held) == 1 and symbol not in known and stem and symbol.startswith(stem):
            explanation = (
                f"its name stands for {symbol}, which is in no stock master of {request.universe.name}; say whose bars "
                "they are with --symbol; nothing was imported"
            )
            raise InputFileError(request.name, "unknown_symbol", explanation)


def _require_faultless(request: ImportRequest, ports: CollectionPorts, known: Collection[str]) -> None:
    """Names the first refused row of the file, whatever its symbol.

    Raises:
        InputFileError: There is one.
    """
    on_scale = ScaleKeeper(request.universe, ports.store) if request.timeframe is Timeframe.D1 else None
    judge = Judge(request.universe, request.timeframe, frozenset(known), ports.store)
    first = None
    for delivery in ports.source.unrequested(request.universe, frozenset()):
        kept = delivery if on_scale is None else on_scale(delivery)
        judged, _ = without_padding(judge(kept, ports.clock())[0])
        for row in judged.refused.sort("row").head(1).iter_rows(named=True):
            first = row if first is None or row["row"] < first["row"] else first
    if first is not None:
        explanation = f"{first['symbol']} {first['session']}: {first['detail']}; nothing was imported"
        raise InputFileError(request.name, first["rule"], explanation, first["row"])


def refusal_sentences(name: str, report: CollectionReport) -> Sequence[str]:
    """One sentence per rule that refused rows: file, first row, rule and how many."""
    sentences = []
    for rule, example in report.examples.items():
        sentences.append(
            f"{name}, row {example.row}: {example.symbol} {example.session}: {example.detail} "
            f"[rule {rule}; {counted(report.rules[rule], 'row')} in quarantine]"
        )
    return sentences


def basis_sentences(report: CollectionReport) -> Sequence[str]:
    """What the prices of the files were where they were not the quoted ones, and what was done about it."""
    sentences = []
    for basis, symbols in sorted(report.bases.items()):
        shown, left = ", ".join(sorted(symbols)[:_SHOWN]), len(symbols) - _SHOWN
        more = f" and {left:,} other{'s' if left > 1 else ''}" if left > 0 else ""
        sentences.append(f"{shown}{more}: {BASIS_SENTENCES[basis]}")
    return sentences
