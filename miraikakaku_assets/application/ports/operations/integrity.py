"""Ports of the search for damage in a database, and the account of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class IntegrityReport:
    """What a search for damage has found.

    Attributes:
        checked_at: UTC.
        method: ``amcheck``, or ``read_all`` where the server has no such extension.
        checksums: Whether the server writes checksums of its pages.
        checksum_failures: Pages with a wrong one since its statistics began.
        relations: Tables, indexes and cold files that were looked at.
        seconds: Wall time.
        damaged: Relation or cold file → what is wrong with it.
    """

    checked_at: datetime
    method: str
    checksums: bool
    checksum_failures: int
    relations: int
    seconds: float
    damaged: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return not self.damaged and not self.checksum_failures


class IntegrityCheck(Protocol):
    """Looks for damage in the database."""

    def check(self, now: datetime) -> IntegrityReport:
        """Reads every table and index."""


class IntegrityStore(Protocol):
    """Account of the searches for damage."""

    def save(self, report: IntegrityReport) -> None:
        """Stores one; the same moment twice is one."""

    def newest(self) -> IntegrityReport | None:
        """The newest one; None before the first."""
