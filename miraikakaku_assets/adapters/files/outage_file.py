"""What a watcher remembers while the database is out of reach, in a file of the state folder."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from miraikakaku_assets.adapters.files.state_folders import write_whole
from miraikakaku_assets.application.ports.operations.watching import Outage
from miraikakaku_assets.domain.errors import ConfigurationError


class OutageFile:
    """Implements the port `OutageMemory` in ``watch.json`` of the state folder."""

    def __init__(self, home: Path) -> None:
        self._path = home / "watch.json"

    def read(self) -> Outage | None:
        """The outage that goes on; None when the database answered the last time, or the file is unreadable."""
        outage = self._content().get("outage")
        try:
            return outage and Outage(
                datetime.fromisoformat(outage["since"]),
                str(outage["reason"]),
                tuple(map(str, outage["told"])),
            )
        except (KeyError, TypeError, ValueError):
            return None

    def write(self, outage: Outage | None) -> None:
        """Remembers it, or that it is over.

        Raises:
            ConfigurationError: The file cannot be written.
        """
        shown = outage and {
            "since": outage.since.isoformat(),
            "reason": outage.reason,
            "told": list(outage.told),
        }
        if shown != self._content().get("outage"):
            self._replace({"outage": shown})

    def is_demo(self) -> bool:
        """Whether the database, when it last answered, was a demo's."""
        return self._content().get("demo") is True

    def note_demo(self, *, is_demo: bool) -> None:
        """Remembers whose database it is.

        Raises:
            ConfigurationError: The file cannot be written.
        """
        if is_demo != self.is_demo():
            self._replace({"demo": is_demo})

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else watches this folder; the lock ends with its process.

        Raises:
            ConfigurationError: The folder cannot be written to.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = self._path.with_suffix(".lock").open("w")
        except OSError as error:
            raise ConfigurationError(
                f"{self._path.parent} cannot be written ({error.strerror}); name another MIRAIKAKAKU_HOME"
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def _replace(self, changed: dict[str, Any]) -> None:
        content = json.dumps({**self._content(), **changed}, ensure_ascii=False, indent=2) + "\n"
        write_whole(self._path, content.encode())

    def _content(self) -> dict[str, Any]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}
