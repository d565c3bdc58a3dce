"""Use case: the bars that a bulk job was asked for become files, one of each universe."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from miraikakaku_assets.application.ports.prices import BarReader
from miraikakaku_assets.application.ports.results import ResultBooks, ResultFile, ResultFolder
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe, universe

_AT_ONCE = 500
"""Symbols of one row group: a year of their daily bars takes 10 MB."""
_TRIED = 5  # jobs a look; the files of one of the whole market take some seconds


@dataclass(frozen=True)
class ResultPorts:
    """What the use case needs.

    Attributes:
        books: Which files jobs have.
        folder: Where they lie.
        bars: The stored bars.
    """

    books: ResultBooks
    folder: ResultFolder
    bars: BarReader


def write_results(job_id: str, ports: ResultPorts) -> Sequence[ResultFile]:
    """Writes the files of a job that has none yet; killed anywhere, the same again does it all.

    Raises:
        ConfigurationError: They cannot be written.
    """
    wanted = ports.books.wanted_results(job_id)
    if wanted is None:
        return ()
    timeframe = Timeframe(wanted.timeframe)
    files = []
    for name, symbols in wanted.symbols.items():
        file = f"{job_id}.{name}.{timeframe}.parquet"
        tables = _tables(universe(name), timeframe, symbols, wanted.since, ports.bars)
        files.append(ResultFile(file, name, timeframe.value, *ports.folder.write(file, tables)))
    ports.books.note_results(job_id, files)
    return files


def write_missing_results(ports: ResultPorts, kept: timedelta) -> Mapping[str, str]:
    """Writes the files of the oldest ended job that has none: its run died before, or it was cancelled.

    A job whose files cannot be written does not hold up those behind it. Jobs that ended longer ago than files are kept
    would lose them at once, and get none.

    Args:
        ports: What it needs.
        kept: How long files are kept.

    Returns:
        Job → why its files could not be written.
    """
    failures = {}
    for job_id in ports.books.without_results(_TRIED, kept):
        try:
            write_results(job_id, ports)
        except MiraikakakuError as error:
            failures[job_id] = str(error)
        else:
            break
    return failures


def _tables(
    market: Universe, timeframe: Timeframe, symbols: Sequence[str], since: date | None, bars: BarReader
) -> Iterator[pl.DataFrame]:
    for first in range(0, max(len(symbols), 1), _AT_ONCE):
        yield bars.read(market, timeframe, sorted(symbols)[first : first + _AT_ONCE], since)
