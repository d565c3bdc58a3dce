"""A log file of JSON lines that several processes write at once, rotated by size and age.

A lock on a file beside it keeps a rotation apart from writers; each line is one write at the end of the file, so none
is torn. Old files are named for the moment of their rotation and leave with the maintenance (LOG_RETENTION_DAYS).
"""

import fcntl
import json
import logging
import os
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

LARGEST = 10 * 1024 * 1024
"""Bytes."""
OLDEST = timedelta(days=7)
FIELDS = ("batch", "worker", "symbol", "action", "status", "duration_ms", "records", "error", "retry")
"""What a line may carry beside ``ts``, ``level``, ``logger`` and ``message``."""
_STAMP = len('{"ts": "2026-11-30T12:00:00.000000+00:00"')


class JsonLineFormatter(logging.Formatter):
    """One JSON object a record; secrets are replaced by three stars wherever they stand.

    Args:
        secrets: What must not be written.
    """

    def __init__(self, secrets: Collection[str]) -> None:
        super().__init__()
        # In the file a secret stands as JSON writes it.
        self._secrets = sorted(
            {json.dumps(secret, ensure_ascii=False)[1:-1] for secret in secrets if secret},
            key=len,
            reverse=True,
        )

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        error = self.formatException(record.exc_info) if record.exc_info else None
        document: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname,
            **{name: getattr(record, name, None) for name in FIELDS},
            "logger": record.name,
            "message": record.getMessage(),
        }
        if error and document["error"] is None:
            document["error"] = error
        line = json.dumps(document, ensure_ascii=False, default=str)
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return line


class JsonLineHandler(logging.Handler):
    """Appends records to a file.

    Args:
        path: The file.
        formatter: Makes lines of records.
        largest: Bytes from which on it is rotated.
        oldest: Age of its first line from which on it is.
    """

    def __init__(
        self, path: Path, formatter: JsonLineFormatter, largest: int = LARGEST, oldest: timedelta = OLDEST
    ) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._path, self._largest, self._oldest = path, largest, oldest

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one line; trouble is told on standard error, as the standard library does, and ends nothing."""
        try:
            line = (self.format(record) + "\n").encode()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.with_name(f".{self._path.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._rotate(datetime.fromtimestamp(record.created, UTC), len(line))
                handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                try:
                    os.write(handle, line)
                finally:
                    os.close(handle)
        except Exception:  # noqa: BLE001 - the standard library's way: a log must not end what it is about
            self.handleError(record)

    def _rotate(self, now: datetime, coming: int) -> None:
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return
        if not size:
            return
        if size + coming <= self._largest and now - self._began(now) <= self._oldest:
            return
        stem, number = f"{self._path.stem}-{now:%Y%m%dT%H%M%SZ}", 0
        while (target := self._path.with_name(f"{stem}-{number}{self._path.suffix}")).exists():
            number += 1
        self._path.rename(target)

    def _began(self, now: datetime) -> datetime:
        with self._path.open() as file:
            return _first_moment(file, now)


def _first_moment(file: TextIO, now: datetime) -> datetime:
    head = file.read(_STAMP)
    try:
        return datetime.fromisoformat(head.split('"')[3])
    except (IndexError, ValueError):  # not ours, or cut short by a full disk
        return now
