"""Ports of the files that a bulk job leaves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

import polars as pl


@dataclass(frozen=True)
class ResultFile:
    """A file of a bulk job.

    Attributes:
        name: Below the folder of results.
        universe: Whose bars are in it.
        timeframe: Of the bars.
        rows: How many.
        size_bytes: Of the file.
        sha256: Of its content, in hex.
    """

    name: str
    universe: str
    timeframe: str
    rows: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class WantedResults:
    """What the files of a job have to hold.

    Attributes:
        symbols: Universe → symbols.
        timeframe: Of the bars.
        since: First session; None for all that is stored.
    """

    symbols: Mapping[str, Sequence[str]]
    timeframe: str
    since: date | None


class ResultBooks(Protocol):
    """Which files jobs have."""

    def wanted_results(self, job_id: str) -> WantedResults | None:
        """What its files have to hold; None if they are complete, or there is no such job."""

    def note_results(self, job_id: str, files: Sequence[ResultFile]) -> None:
        """Notes in one transaction that its files are complete; done twice, the second holds."""

    def without_results(self, limit: int, within: timedelta) -> list[str]:
        """Jobs that ended within a span up to now and have no files yet, oldest first."""


class ResultFolder(Protocol):
    """Where the files lie."""

    def write(self, name: str, tables: Iterable[pl.DataFrame]) -> tuple[int, int, str]:
        """Writes tables of one schema as a Parquet file, whole or not at all; returns rows, bytes and SHA-256.

        Raises:
            ConfigurationError: It cannot be written there.
        """
