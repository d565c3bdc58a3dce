"""Use case: bars that are old enough leave the database for files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.operations.cold import ColdFile, ColdFiles, ColdPart, ColdStore
from miraikakaku_assets.application.work_progress import WorkProgress
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import UNIVERSES, Universe
from miraikakaku_assets.domain.operations.cold_months import COLD_TIMEFRAMES, cold_before


@dataclass(frozen=True)
class ColdPorts:
    """What cold storage needs.

    Attributes:
        store: Which bars lie in which file.
        files: The folder of the files.
        after_days: COLD_AFTER_DAYS; None: bars stay where they are.
        kept: How long files stay from which no bar is read any more.
        clock: Where the time comes from.
        work: Is told how far it is.
    """

    store: ColdStore
    files: ColdFiles
    after_days: int | None
    kept: timedelta
    clock: Clock
    work: WorkProgress


def due_parts(ports: ColdPorts, universes: Sequence[Universe] = ()) -> list[ColdPart]:
    """What is old enough to leave, the oldest months of a universe first.

    Args:
        ports: What it needs.
        universes: Which; none means all.

    Raises:
        ConfigurationError: COLD_AFTER_DAYS is unset.
    """
    if ports.after_days is None:
        raise ConfigurationError(
            "COLD_AFTER_DAYS is unset, so bars stay in the database; set it to move old ones"
        )
    before = cold_before(ports.clock(), ports.after_days)
    return [
        part
        for universe in universes or UNIVERSES.values()
        for timeframe in COLD_TIMEFRAMES
        for part in ports.store.due(universe, timeframe, before)
    ]


def move_bars(ports: ColdPorts, universes: Sequence[Universe] = ()) -> list[ColdFile]:
    """Moves what is old enough, one transaction a file; killed anywhere, the same again does the rest.

    Args:
        ports: What it needs.
        universes: Which; none means all.

    Returns:
        The files, in the order in which they were made.

    Raises:
        ConfigurationError: COLD_AFTER_DAYS is unset.
        ColdFileError: A file does not hold what was stored; what has not moved stays in the database.
        DependencyUnavailableError: Files cannot be written.
    """
    parts = due_parts(ports, universes)
    moved = []
    for number, part in enumerate(parts):
        ports.work.count(number, len(parts))
        file = ports.store.move(part, ports.clock())
        if file is not None:
            moved.append(file)
    ports.work.count(len(parts), len(parts))
    return moved


def leftovers(ports: ColdPorts) -> list[Path]:
    """Files that no bar is read from, and was not for as long as they are kept."""
    before = _forgotten_before(ports)
    return ports.files.unknown(ports.store.known_paths(before), before)


def forget_leftovers(ports: ColdPorts) -> None:
    """Forgets the files that `leftovers` has named."""
    ports.store.forget(_forgotten_before(ports))


def _forgotten_before(ports: ColdPorts) -> datetime:
    return ports.clock() - ports.kept
