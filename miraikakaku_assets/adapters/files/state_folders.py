"""Files below the state folder: published lists as they came in, JSON reports, and trained models."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from miraikakaku_assets.adapters.files.whole_file import whole_file
from miraikakaku_assets.application.ports import Publication
from miraikakaku_assets.domain.errors import BackupRefusedError, ConfigurationError
from miraikakaku_assets.domain.tokyo_time import TOKYO

_DIGITS = 12  # of a digest: enough to tell the lists of a lifetime apart
_LOOKED_AT = 30  # reports, a week of them


def write_whole(path: Path, content: bytes) -> Path:
    """Writes a file so that it is there whole or not at all, also when the process is killed.

    Raises:
        ConfigurationError: It cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as unfinished:
            unfinished.write_bytes(content)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror}); make room there or name another MIRAIKAKAKU_HOME"
        ) from error
    return path


class FolderFileStore:
    """Implements the port `FileStore` in folders of the state folder."""

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

    def save_master(self, universe: str, moment: datetime, content: bytes) -> Path:
        """Named for the moment (UTC)."""
        backups = self._home / "backups"
        folder = backups / f"{universe}_stocks"
        try:
            for private in (backups, folder):  # as every backup is
                private.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigurationError(f"{folder} cannot be written ({error.strerror})") from error
        return write_whole(folder / f"{moment:%Y%m%dT%H%M%S%fZ}.csv", content)

    def saved_master(self, universe: str, named: str) -> tuple[str, bytes]:
        """The newest by its name, or the one that is named."""
        folder = self._home / "backups" / f"{universe}_stocks"
        path = max(folder.glob("*.csv"), default=None) if named == "latest" else folder / named
        if path is None or not path.is_file():
            raise BackupRefusedError(named, "missing", f"there is no such copy of a stock master in {folder}")
        return path.name, path.read_bytes()


class FolderReportStore:
    """Implements the port `ReportStore` in ``reports/`` of the state folder."""

    def __init__(self, home: Path) -> None:
        self._home = home

    @property
    def _folder(self) -> Path:
        return self._home / "reports"

    def write(self, stem: str, moment: datetime, content: Mapping[str, object]) -> Path:
        """Writes ``<stem>_<YYYYmmdd_HHMMSS>.json`` (time in Tokyo) and returns its path.

        Raises:
            ConfigurationError: It cannot be written there.
        """
        text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
        return self._write(f"{_named(stem, moment)}.json", text)

    def write_page(self, stem: str, moment: datetime, html: str) -> Path:
        """Writes ``<stem>_<YYYYmmdd_HHMMSS>.html`` (time in Tokyo) and returns its path.

        Raises:
            ConfigurationError: It cannot be written there.
        """
        return self._write(f"{_named(stem, moment)}.html", html)

    def damaged(self, stem: str) -> list[str]:
        """Names of the newest documents of that stem that cannot be read as JSON.

        A file where the folder should be is moved aside as ``reports.damaged`` and named, too.
        """
        if not self._folder.is_dir():
            return self._moved_aside()
        newest = sorted(self._folder.glob(f"{stem}_*.json"), reverse=True)[:_LOOKED_AT]
        return [path.name for path in newest if not _is_readable(path)]

    def _moved_aside(self) -> list[str]:
        if not self._folder.is_file():
            return []
        aside = self._folder.with_suffix(".damaged")
        self._folder.replace(aside)
        return [f"{self._folder.name}, a file instead of a folder, moved to {aside.name}"]

    def _write(self, name: str, text: str) -> Path:
        self._moved_aside()
        return write_whole(self._folder / name, text.encode())


def _named(stem: str, moment: datetime) -> str:
    return f"{stem}_{moment.astimezone(TOKYO):%Y%m%d_%H%M%S}"


def _is_readable(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError):
        return False


class FolderModelStore:
    """Implements the port `ModelStore` in ``models/`` of the state folder."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "models"

    def keep(self, universe: str, model: str, content: bytes) -> tuple[str, str]:
        """Stores a file whole or not at all; returns its name below ``models/`` and its SHA-256.

        The same content has the same name and is written anew, which repairs a file that was damaged.

        Raises:
            ConfigurationError: It cannot be written there.
        """
        digest = hashlib.sha256(content).hexdigest()
        name = f"{universe}/{model}_{digest[:_DIGITS]}.bin"
        write_whole(self._folder / name, content)
        return name, digest

    def read(self, name: str, sha256: str) -> bytes:
        """A stored file.

        Raises:
            ConfigurationError: It is gone, or not what was stored: train again.
        """
        path = self._folder / name
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise ConfigurationError(f"The model {name!r} lies outside of {self._folder}; train it again")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"The model {path} cannot be read ({error.strerror}); train it again"
            ) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ConfigurationError(f"The model {path} is not the one that was stored; train it again")
        return content
