"""Ports of maintenance: rows and files that have had their time."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

LEDGER, CYCLES, ALERTS, PROBES, JOBS = "ledger", "cycles", "alerts", "probes", "jobs"
ROWS = (JOBS, LEDGER, CYCLES, ALERTS, PROBES)
"""Kinds of rows that leave after a while."""
REPORTS, LOGS, MASTERS, RESULTS = "reports", "logs", "masters", "results"
FILES = (REPORTS, LOGS, MASTERS, RESULTS)
"""Kinds of files that do."""


class OldRows(Protocol):
    """Rows that leave; what the days they are of came to stays as daily figures."""

    def count(self, kind: str, before: datetime) -> int:
        """How many rows of a kind would leave."""

    def prune(self, kind: str, before: datetime) -> Iterator[int]:
        """Removes rows of a kind, a small transaction at a time; yields how many each took.

        The daily figures are in the same transaction, so whoever is killed in between has counted no row twice.
        """

    def vacuum(self) -> Iterator[str]:
        """Vacuums and analyses every table of the data schema; yields each by name when it is done."""

    def tables(self) -> int:
        """How many there are."""

    def newest_models(self) -> Iterable[str]:
        """Files below ``models/`` that the newest training of each model names, and those of forecasts in use."""


class OldFiles(Protocol):
    """Files below the state folder that leave."""

    def older(self, kind: str, before: datetime) -> list[Path]:
        """Files of a kind that were last written before a moment.

        The newest of each of its folders stays, unless they are results of jobs.
        """

    def unnamed_models(self, named: Iterable[str], before: datetime) -> list[Path]:
        """Files of models that are not named, and were last written before a moment."""

    def remove(self, files: Iterable[Path]) -> int:
        """Removes them and says how many were there."""
