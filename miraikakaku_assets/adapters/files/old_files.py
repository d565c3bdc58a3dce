"""Files below the state folder that have had their time."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from miraikakaku_assets.application.ports.operations.maintenance import LOGS, MASTERS, REPORTS, RESULTS


class FolderOldFiles:
    """Implements the port `OldFiles`."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def older(self, kind: str, before: datetime) -> list[Path]:
        """By the time of the last change; the newest file of each folder stays, it may be the only one there is.

        Results of jobs all leave: what is in them is in the database.
        """
        old = []
        staying = 0 if kind == RESULTS else 1
        for folder in self._folders(kind):
            files = sorted(_plain_files(folder), key=lambda path: path.stat().st_mtime)
            old += [
                path for path in files[: len(files) - staying] if path.stat().st_mtime < before.timestamp()
            ]
        return old

    def unnamed_models(self, named: Iterable[str], before: datetime) -> list[Path]:
        """By the time of the last change."""
        folder, kept = self._home / "models", set(named)
        return [
            path
            for path in sorted(folder.rglob("*.bin"))
            if str(path.relative_to(folder)) not in kept and path.stat().st_mtime < before.timestamp()
        ]

    def remove(self, files: Iterable[Path]) -> int:
        """One that somebody has removed meanwhile is not counted."""
        count = 0
        for path in files:
            try:
                path.unlink()
            except FileNotFoundError:
                continue
            count += 1
        return count

    def _folders(self, kind: str) -> list[Path]:
        folders = {
            REPORTS: [self._home / "reports"],
            LOGS: [self._home / "logs"],
            RESULTS: [self._home / "results"],
            MASTERS: sorted((self._home / "backups").glob("*_stocks")),
        }
        return [folder for folder in folders[kind] if folder.is_dir()]


def _plain_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
