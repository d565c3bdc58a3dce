"""Ports of the stock masters: published lists, where they are kept, and the master itself."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Protocol

from miraikakaku_assets.domain.market.instruments import Instrument, Universe
from miraikakaku_assets.domain.market.master import KnownIssue, MasterDiff, StockList


@dataclass(frozen=True)
class PublishedFile:
    """Bytes of a list as they came in, kept as they are.

    Attributes:
        name: URL (without credentials) or path, for messages.
        content: The bytes.
        part: Which file of its publication it is, e.g. ``nasdaqlisted.txt``; nothing when it is the only one.
    """

    name: str
    content: bytes
    part: str = ""

    @cached_property
    def sha256(self) -> str:
        """Digest of the bytes."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Publication:
    """The files that make one list together: one of JPX, two or three of the US exchanges.

    Attributes:
        files: At least one.
    """

    files: tuple[PublishedFile, ...]

    @cached_property
    def sha256(self) -> str:
        """Digest of the only file, or of the digests of all in their order."""
        if len(self.files) == 1:
            return self.files[0].sha256
        return hashlib.sha256("".join(file.sha256 for file in self.files).encode()).hexdigest()

    def part(self, name: str) -> PublishedFile | None:
        """The file of that part, if the publication has it."""
        return next((file for file in self.files if file.part == name), None)


class MasterSource(Protocol):
    """What an exchange publishes about its listings."""

    @property
    def locations(self) -> tuple[str, ...]:
        """Where it is published, URLs or files, with what they carry of credentials."""

    def fetch(self, location: str | None) -> Publication:
        """Reads the publication from where it is published (None), or from another URL, file or folder.

        Raises:
            DependencyUnavailableError: A URL cannot be reached, or answers with a refusal.
            InputFileError: A file does not exist or is empty.
        """

    def parse(self, publication: Publication) -> StockList:
        """Reads the list out of the files.

        Raises:
            InputFileError: A file is not what it should be; names the rule and, where it applies, the row.
        """


class FileStore(Protocol):
    """Keeps publications: those in force and those in quarantine."""

    def keep(self, kind: str, publication: Publication, label: str) -> Path:
        """Stores the bytes once under ``kind`` (``masters`` or ``quarantine``); returns the file or folder.

        What is returned can be given to `MasterSource.fetch` again.
        """

    def save_master(self, universe: str, moment: datetime, content: bytes) -> Path:
        """Keeps a copy of a stock master below ``backups/<universe>_stocks/`` and returns the file."""

    def saved_master(self, universe: str, named: str) -> tuple[str, bytes]:
        """Name and content of a copy, by name, path or ``latest``.

        Raises:
            BackupRefusedError: There is none.
        """


@dataclass(frozen=True)
class MasterUpdate:
    """One line of the update history (table ``stock_master_updates``)."""

    universe: str
    update_type: str
    status: str
    source: str
    started_at: datetime
    completed_at: datetime
    total_stocks: int = 0
    added_stocks: int = 0
    updated_stocks: int = 0
    removed_stocks: int = 0
    returned_stocks: int = 0
    unchanged_stocks: int = 0
    list_date: date | None = None
    sha256: str | None = None
    stored_file: str | None = None
    rule: str | None = None
    error_message: str | None = None
    accepted_mass_change: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    """Lines left out and disagreements between sources, by reason."""


class MasterStore(Protocol):
    """The stock master and the history of its updates."""

    def exclusive(self, universe: Universe) -> AbstractContextManager[None]:
        """One update of a universe at a time: a list is put into force against the master it was compared with."""

    def known(self, universe: Universe) -> Mapping[str, KnownIssue]:
        """The master by exchange code, inactive issues included."""

    def saved(self, universe: Universe) -> bytes | None:
        """The whole master as CSV, None before the first list."""

    def put_back(self, universe: Universe, content: bytes, update: MasterUpdate) -> int:
        """Puts a saved master into force in one transaction and records the update; says how many issues it has.

        Issues that came later are delisted, not removed: their bars stay.

        Raises:
            ValueError: It is no saved master of this universe.
        """

    def last_list_date(self, universe: Universe) -> date | None:
        """Date of the list in force, None before the first."""

    def apply(self, universe: Universe, new: StockList, diff: MasterDiff, update: MasterUpdate) -> None:
        """Puts a list into force and records the update, all or nothing."""

    def record(self, update: MasterUpdate) -> None:
        """Records an update that put nothing into force."""

    def instruments(self, universe: Universe, symbols: Sequence[str] | None = None) -> list[Instrument]:
        """Instruments of active issues, sorted by symbol; those of `symbols` even when inactive."""

    def known_symbols(self, universe: Universe) -> Mapping[str, int]:
        """Symbol → instrument id of all issues ever listed, active or not."""

    def newest_update(self, universe: Universe) -> int | None:
        """Number of the update that put the list in force into force; another one after every change."""

    def ensure_named(
        self, universe: Universe, symbols: Sequence[str], moment: datetime
    ) -> MasterUpdate | None:
        """Makes the named symbols the listed ones of a universe that no exchange publishes a list of.

        Args:
            universe: Whose instruments, e.g. fx.
            symbols: What they name; those no longer named become inactive and keep their history.
            moment: Time of the change; its date in the universe's zone is the list date.

        Returns:
            The line added to the history, None when nothing changed.

        Raises:
            ConfigurationError: A symbol is not written as this universe writes them.
        """
