"""Use case: bars come back into the database."""

from collections.abc import Sequence
from dataclasses import dataclass

from miraikakaku_assets.application.cold.move_bars import ColdPorts
from miraikakaku_assets.application.ports.operations.cold import ColdFile
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import Universe


@dataclass(frozen=True)
class RestoredBars:
    """What came back.

    Attributes:
        files: Files that no bar is read from any more.
        rows: Bars that are in the database again.
    """

    files: tuple[ColdFile, ...]
    rows: int


def chosen_files(
    ports: ColdPorts, universes: Sequence[Universe] = (), years: Sequence[int] = ()
) -> list[ColdFile]:
    """Files in force, by path.

    Args:
        ports: What it needs.
        universes: Which; none means all.
        years: Of the bars (UTC); none means all.
    """
    names = {universe.name for universe in universes}
    return [
        file
        for file in ports.store.in_force()
        if (not names or file.universe in names) and (not years or file.month.year in years)
    ]


def restore_bars(
    ports: ColdPorts, universes: Sequence[Universe] = (), years: Sequence[int] = ()
) -> RestoredBars:
    """Brings bars back, one transaction a file; killed anywhere, the same again does the rest.

    Args:
        ports: What it needs.
        universes: Which; none means all.
        years: Of the bars (UTC); none means all.

    Raises:
        ConfigurationError: No file is in force of those.
        ColdFileError: A file is missing or altered; its bars stay out of the database.
    """
    files = chosen_files(ports, universes, years)
    if not files:
        raise ConfigurationError(
            "No bars of those lie in cold files; `miraikakaku cold list` names what does"
        )
    rows = 0
    for number, file in enumerate(files):
        ports.work.count(number, len(files))
        rows += ports.store.restore(file, ports.clock())
    ports.work.count(len(files), len(files))
    return RestoredBars(tuple(files), rows)
