"""Use case: make the bars of a folder of real data known to a clean database, the way any import does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from miraikakaku_assets.application.collection.import_bars import ImportRequest, import_bars
from miraikakaku_assets.application.collection.request import CollectionPorts
from miraikakaku_assets.application.ports import BarStore, Clock, FileStore, Ledger, MasterSource, MasterStore
from miraikakaku_assets.application.ports.evidence import EvaluationDatasets
from miraikakaku_assets.application.reference.update_master import update_master
from miraikakaku_assets.domain.errors import ConfigurationError, WorkFellShortError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.domain.words import counted

_MUST_BE_EMPTY = ("instruments", "price_bars", "daily_predictions")


@dataclass(frozen=True)
class DatasetPorts:
    """What taking the evidence needs.

    Attributes:
        evidence: The files.
        master_source: Universe → reader of what its exchanges publish.
        masters: Stock masters.
        shelf: Keeps the lists.
        bars: Where bars go.
        ledger: Account of the imports.
        clock: Where the time comes from.
    """

    evidence: EvaluationDatasets
    master_source: Callable[[Universe], MasterSource]
    masters: MasterStore
    shelf: FileStore
    bars: BarStore
    ledger: Ledger
    clock: Clock


@dataclass(frozen=True)
class Taken:
    """What came of the files of a universe.

    Attributes:
        lists: Published lists that were put into force.
        symbols: Symbols in the file.
        unlisted: Those that are in none of the lists; their bars are in quarantine.
        rows: Rows of the file.
        stored: Bars of them that are stored.
        quarantined: Rule → rows that it refused.
        first: First day on which at least half of the symbols have a bar.
        last: Last such day.
    """

    lists: int
    symbols: int
    unlisted: tuple[str, ...]
    rows: int
    stored: int
    quarantined: Mapping[str, int]
    first: date
    last: date


def require_clean(rows: Mapping[str, int]) -> None:
    """Refuses a database that holds anything the scoreboard would mix with its evidence.

    Args:
        rows: Table → how many rows it has.

    Raises:
        ConfigurationError: It is not clean.
    """
    held = {table: rows[table] for table in _MUST_BE_EMPTY if rows.get(table)}
    if held:
        named = ", ".join(f"{counted(count, 'row')} in {table}" for table, count in held.items())
        raise ConfigurationError(
            f"The scoreboard is made in a clean database, and this one has {named}; name another MIRAIKAKAKU_HOME or "
            "DATABASE_URL, or, in the state folder of an interrupted run, go on by --resume"
        )


def load_datasets(universe: Universe, ports: DatasetPorts) -> Taken:
    """Puts every published list into force, oldest first, and imports the bars.

    All lists are accepted: between two of them years may lie, and issues that have left since then are known by the
    older ones, so that the evidence is not only of those that are still there.

    Raises:
        ConfigurationError: The folder lacks a file.
        InputFileError: A file is not readable.
        WorkFellShortError: No bar was stored.
    """
    source = ports.evidence.bars(universe)
    held = source.symbols(universe)
    lists = ports.evidence.lists(universe)
    for location in lists:
        update_master(
            universe,
            location,
            source=ports.master_source(universe),
            store=ports.masters,
            shelf=ports.shelf,
            clock=ports.clock,
            accept_mass_change=True,
        )
    if not universe.has_master:
        ports.masters.ensure_named(universe, held, ports.clock())
    request = ImportRequest(universe, Timeframe.D1, source.name)
    collection = CollectionPorts(source, ports.bars, ports.ledger, ports.clock)
    report = import_bars(request, collection, ports.masters, lambda _outcomes: None)
    stored = report.inserted + report.restated + report.unchanged
    window = source.common_window(universe)
    if window is None or stored == 0:
        raise WorkFellShortError(f"The evidence of {universe.name} has no bar that could be stored")
    known = ports.masters.known_symbols(universe)
    unlisted = tuple(sorted(set(held) - set(known)))
    return Taken(len(lists), len(held), unlisted, report.rows_read, stored, dict(report.rules), *window)
