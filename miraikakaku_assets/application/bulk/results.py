"""Use case: the bars that a bulk job was asked for become files, one of each universe."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from miraikakaku_assets.application.ports.results import ResultBooks, ResultFile, ResultFolder
from miraikakaku_assets.domain.market.instruments import Timeframe, Universe, universe

_AT_ONCE = 500
"""Symbols of one row group: a year of their daily bars takes 10 MB."""


class _Bars(Protocol):
    def read(
        self,
        universe: Universe,
        timeframe: Timeframe,
        symbols: Sequence[str] | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> pl.DataFrame: ...


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
    bars: _Bars


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


def _tables(
    market: Universe, timeframe: Timeframe, symbols: Sequence[str], since: date | None, bars: _Bars
) -> Iterator[pl.DataFrame]:
    for first in range(0, max(len(symbols), 1), _AT_ONCE):
        yield bars.read(market, timeframe, sorted(symbols)[first : first + _AT_ONCE], since)
