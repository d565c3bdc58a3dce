"""Ports of cold storage: bars that lie in files beside the database."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import polars as pl

from miraikakaku_assets.domain.market.instruments import Timeframe, Universe

SCHEMA_VERSION = 1
"""Version of the columns of a cold file; a program reads those up to its own."""


@dataclass(frozen=True)
class ColdPart:
    """Bars that leave together: one month (UTC) of some instruments.

    Attributes:
        universe: Name of their universe.
        timeframe: Of the bars.
        month: Its first day.
        instruments: Their numbers, ascending.
    """

    universe: str
    timeframe: Timeframe
    month: date
    instruments: tuple[int, ...]


@dataclass(frozen=True)
class FileFigures:
    """What a file is recognised by.

    Attributes:
        path: Below the folder of cold files.
        bytes: Its size.
        sha256: Of its content.
        schema_version: Of its columns.
    """

    path: str
    bytes: int
    sha256: str
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class ColdFile:
    """A file of bars that are no longer in the database.

    Attributes:
        figures: What it is recognised by.
        universe: Name of the universe.
        timeframe: Of the bars.
        month: First day of the month (UTC) that they begin in.
        rows: Bars in it.
        digest: Sum of the hashes of its rows, as of `TableFigures`.
        rows_in_force: Bars that are read from it; those of instruments that came back are not.
        instruments: Instruments in force.
        moved_at: When it took their place (UTC).
    """

    figures: FileFigures
    universe: str
    timeframe: Timeframe
    month: date
    rows: int
    digest: str
    rows_in_force: int
    instruments: int
    moved_at: datetime


class ColdFiles(Protocol):
    """The folder of cold files. A file never changes: its name carries its digest."""

    @property
    def folder(self) -> Path:
        """Where they lie."""

    def write(self, part: ColdPart, rows: pl.DataFrame, digest: str, *, is_simulated: bool) -> FileFigures:
        """Writes bars and a manifest beside them, durably; the same bars give the same file.

        Args:
            part: What they are.
            rows: Sorted by instrument and time.
            digest: Sum of the hashes of the rows.
            is_simulated: Whether their prices were made up.

        Raises:
            DependencyUnavailableError: It cannot be written there.
        """

    def read(self, file: FileFigures, instruments: Collection[int] | None = None) -> pl.LazyFrame:
        """The bars of a file, of some instruments; it is compared with its digest when this process first opens it.

        Raises:
            ColdFileError: It is missing, altered or of a newer program.
        """

    def check(self, file: FileFigures) -> None:
        """Reads every byte of a file.

        Raises:
            ColdFileError: It is missing or altered.
        """

    def unknown(self, known: Collection[str], before: datetime) -> list[Path]:
        """Files that no path of `known` names and that are older than a moment, manifests included."""


class ColdStore(Protocol):
    """Which bars lie in which file, and their way there and back."""

    def due(self, universe: Universe, timeframe: Timeframe, before: datetime) -> Sequence[ColdPart]:
        """What is to leave: months that are over before a moment (UTC), the oldest first.

        The month of an instrument's newest final bar stays, and all later ones: what asks for the newest bar never
        meets a file.
        """

    def move(self, part: ColdPart, now: datetime) -> ColdFile | None:
        """Puts bars into a file, compares it, and takes them out of the database in the transaction that names it.

        Args:
            part: Which bars.
            now: The moment (UTC).

        Returns:
            The file; None where nothing is left to move.

        Raises:
            ColdFileError: What was written is not what is stored; nothing has moved.
        """

    def in_force(self) -> Sequence[ColdFile]:
        """All files that bars are read from, by path."""

    def restore(self, file: ColdFile, now: datetime) -> int:
        """Puts the bars of a file back into the database in one transaction; says how many.

        Raises:
            ColdFileError: The file is missing or altered; nothing has moved.
        """

    def trouble(self, file: ColdFile) -> str:
        """What is wrong with a file, every byte of it read; empty where nothing is."""

    def known_paths(self, before: datetime) -> frozenset[str]:
        """Files in force, and those that were in force at or after a moment (UTC)."""

    def forget(self, before: datetime) -> None:
        """Forgets files that were let go before a moment (UTC)."""
