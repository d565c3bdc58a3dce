"""Files below the state folder: published lists as they came in, and JSON reports."""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from miraikakaku_assets.application.ports import Publication
from miraikakaku_assets.domain.errors import ConfigurationError

_DIGITS = 12  # of a digest: enough to tell the lists of a lifetime apart
_FILE_TIME_ZONE = ZoneInfo("Asia/Tokyo")  # people look for today's report by their own date


def write_whole(path: Path, content: bytes) -> Path:
    """Writes a file so that it is there whole or not at all, also when the process is killed.

    Raises:
        ConfigurationError: It cannot be written there.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")  # two processes may write it
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror}); make room there or name another MIRAIKAKAKU_HOME"
        ) from error
    return path


class FolderFileShelf:
    """Implements the port `FileShelf` in folders of the state folder."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def keep(self, kind: str, publication: Publication, label: str) -> Path:
        """Stores the bytes once; the digest in the name makes a second time a no-op.

        One file becomes a file; several become a folder of files, each with its digest before its name.
        """
        place = self._home / kind / f"{label}_{publication.sha256[:_DIGITS]}"
        if len(publication.files) == 1:
            (file,) = publication.files
            path = place.with_name(place.name + (Path(file.name).suffix or ".bin"))
            return path if path.exists() else write_whole(path, file.content)
        for file in publication.files:
            path = place / f"{file.sha256[:_DIGITS]}_{file.part}"
            if not path.exists():
                write_whole(path, file.content)
        return place


class FolderReportShelf:
    """Implements the port `ReportShelf` in ``reports/`` of the state folder."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def write(self, stem: str, moment: datetime, content: Mapping[str, object]) -> Path:
        """Writes ``<stem>_<YYYYmmdd_HHMMSS>.json`` (time in Tokyo) and returns its path."""
        name = f"{stem}_{moment.astimezone(_FILE_TIME_ZONE):%Y%m%d_%H%M%S}.json"
        text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
        return write_whole(self._home / "reports" / name, text.encode())
