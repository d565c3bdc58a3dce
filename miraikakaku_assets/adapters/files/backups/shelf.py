"""Backups as folders: ``<name>/{manifest.json, database/, models/, cold/, settings.env}``.

What is being written lies in a folder with a leading dot and ``.unfinished``, which never counts. Renaming it is what
makes a backup of it.
"""

import fcntl
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from miraikakaku_assets.adapters.files.backups.compression import compress, unpack
from miraikakaku_assets.adapters.files.backups.manifests import (
    DIGEST,
    MANIFEST,
    read_manifest,
    write_manifest,
)
from miraikakaku_assets.adapters.files.whole_file import whole_file
from miraikakaku_assets.application.ports.operations.backups import (
    Manifest,
    StoredBackup,
    StoredFile,
    UnreadableBackup,
)
from miraikakaku_assets.application.ports.operations.cold import FileFigures
from miraikakaku_assets.domain.errors import BackupError, BackupRefusedError, DependencyUnavailableError

DATABASE, MODELS, COLD, SETTINGS = "database", "models", "cold", "settings.env"
LATEST = "latest"
_UNFINISHED, _LEAVING, _UNPACKED = ".unfinished", ".leaving", ".unpacked"
_THREADS = 2
_MIB = 1 << 20


class FolderBackups:
    """Implements the port `BackupShelf`.

    Args:
        folder: Where backups lie.
        home: State folder, whose models and cold files are copied.
    """

    def __init__(self, folder: Path, home: Path) -> None:
        self._folder = folder
        self._models = home / "models"
        self._cold = home / "cold"

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """A lock on the folder; what a killed writer has left is removed."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.fdopen(os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600), "w")
        except OSError as error:
            raise BackupError(f"Backups cannot be written to {self._folder} ({error.strerror})") from error
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BackupError(
                    f"Another backup or restore works in {self._folder}; repeat when it has ended"
                ) from error
            for left in self._folder.iterdir():
                if left.name.startswith(".") and left.suffix in {_UNFINISHED, _LEAVING, _UNPACKED}:
                    shutil.rmtree(left, ignore_errors=True)
            yield

    @contextmanager
    def begin(self, name: str, needed: int) -> Iterator[Path]:
        """A private folder; room is asked for first."""
        free = shutil.disk_usage(self._folder).free
        if free < needed:
            raise DependencyUnavailableError(
                f"disk full: the backup needs about {needed // _MIB:,} MiB in {self._folder}, and {free // _MIB:,} MiB "
                "are free; make room there, or name another folder with --out"
            )
        unfinished = self._folder / f".{name}-{uuid.uuid4().hex[:8]}{_UNFINISHED}"
        unfinished.mkdir(mode=0o700)
        try:
            yield unfinished
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def compress(self, unfinished: Path) -> None:
        """Each table's file becomes a Zstandard one, is read back and compared."""
        files = sorted((unfinished / DATABASE).glob("*.dat"), key=lambda file: -file.stat().st_size)
        with ThreadPoolExecutor(_THREADS) as threads:
            list(threads.map(compress, files))

    def add_models(self, unfinished: Path) -> None:
        """Copies ``models/`` below the state folder, files only."""
        for file in _files(self._models):
            target = unfinished / MODELS / file.relative_to(self._models)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(file, target)
            except FileNotFoundError:  # replaced by a newer one meanwhile
                target.unlink(missing_ok=True)

    def add_cold(self, unfinished: Path) -> None:
        """Copies ``cold/`` below the state folder; what an earlier backup holds whole is another name of its file.

        Cold files are never written again, so that thirty backups need the room of one. A link to the file in use would
        be damaged together with it.
        """
        earlier = [backup.folder / COLD for backup in self.listed()]
        for file in _files(self._cold):
            name = file.relative_to(self._cold)
            target = unfinished / COLD / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                in_use = _stored(file)
                same = (folder / name for folder in earlier if (folder / name).is_file())
                whole = next((path for path in same if _stored(path) == in_use), None)
                if whole is None:
                    shutil.copyfile(file, target)
                else:
                    _link(whole, target)
            except FileNotFoundError:  # nobody reads it any more
                target.unlink(missing_ok=True)

    def cold_trouble(self, unfinished: Path, needed: Sequence[FileFigures]) -> str:
        """Compares sizes and digests; the first file that differs is named."""

        def trouble(figures: FileFigures) -> str:
            path = unfinished / COLD / figures.path
            if not path.is_file():
                return f"the cold file {figures.path} is missing"
            stored = _stored(path)
            is_whole = (stored.bytes, stored.sha256) == (figures.bytes, figures.sha256)
            return "" if is_whole else f"the cold file {figures.path} is not the one that was written"

        with ThreadPoolExecutor(_THREADS) as threads:
            return next(filter(None, threads.map(trouble, needed)), "")

    def add_settings(self, unfinished: Path, settings: Mapping[str, str]) -> None:
        """Lines as in ``.env``."""
        (unfinished / SETTINGS).write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def place(self, unfinished: Path, manifest: Manifest) -> StoredBackup:
        """Everything reaches the disk before the folder gets its name."""
        paths = list(_files(unfinished))
        with ThreadPoolExecutor(_THREADS) as threads:
            stored = list(threads.map(_stored, paths))
        files = {str(path.relative_to(unfinished)): file for path, file in zip(paths, stored, strict=True)}
        complete = replace(manifest, files=files)
        write_manifest(unfinished, complete)
        for folder in (unfinished, *(path for path in unfinished.rglob("*") if path.is_dir())):
            _sync(folder)
        for file in (unfinished / MANIFEST, unfinished / DIGEST):
            _sync(file)
        target = self._folder / manifest.name
        unfinished.rename(target)
        _sync(self._folder)
        return StoredBackup(target, complete)

    def listed(self) -> list[StoredBackup]:
        """By name, which begins with the moment."""
        return [read for read in self._read() if isinstance(read, StoredBackup)]

    def unreadable(self) -> list[UnreadableBackup]:
        """Folders that have a manifest, or should."""
        return [read for read in self._read() if isinstance(read, UnreadableBackup)]

    def _read(self) -> list[StoredBackup | UnreadableBackup]:
        if not self._folder.exists():
            return []
        folders = [path for path in self._folder.iterdir() if path.is_dir() and _is_backup(path)]
        return [_read(folder) for folder in sorted(folders, key=lambda path: path.name, reverse=True)]

    def opened(self, named: str) -> StoredBackup:
        """Reads every byte: an altered or missing file is named before anything is touched."""
        folder = self._named(named)
        manifest = read_manifest(folder)
        self.require_sizes(StoredBackup(folder, manifest))
        names = sorted(manifest.files)
        with ThreadPoolExecutor(_THREADS) as threads:
            files = threads.map(lambda name: _stored(folder / name), names)
        for name, file in zip(names, files, strict=True):
            if file.sha256 != manifest.files[name].sha256:
                raise BackupRefusedError(folder.name, "altered", f"its file {name} is not what was written")
        return StoredBackup(folder, manifest)

    def require_sizes(self, backup: StoredBackup) -> None:
        """Missing files first."""
        folder, files = backup.folder, backup.manifest.files
        for name in sorted(files):
            if not (folder / name).is_file():
                raise BackupRefusedError(folder.name, "truncated", f"its file {name} is missing")
        for name in sorted(files):
            size, recorded = (folder / name).stat().st_size, files[name].bytes
            if size != recorded:
                rule = "truncated" if size < recorded else "altered"
                raise BackupRefusedError(
                    folder.name, rule, f"its file {name} has {size:,} bytes instead of {recorded:,}"
                )

    @contextmanager
    def unpacked(self, backup: StoredBackup) -> Iterator[Path]:
        """Uncompressed, beside the backups."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = self._folder / f".{backup.folder.name}-{uuid.uuid4().hex[:8]}{_UNPACKED}"
        folder.mkdir(mode=0o700)
        try:
            with ThreadPoolExecutor(_THREADS) as threads:
                list(threads.map(lambda file: unpack(file, folder), _files(backup.folder / DATABASE)))
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def return_models(self, backup: StoredBackup) -> int:
        """Each file is there whole or not at all."""
        count = 0
        for file in _files(backup.folder / MODELS):
            target = self._models / file.relative_to(backup.folder / MODELS)
            target.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(target) as unfinished:
                shutil.copyfile(file, unfinished)
            count += 1
        return count

    def return_cold(self, backup: StoredBackup) -> int:
        """Those that are there with the same digest stay; each of the others is there whole or not at all."""
        count = 0
        for file in _files(backup.folder / COLD):
            target = self._cold / file.relative_to(backup.folder / COLD)
            recorded = backup.manifest.files[str(file.relative_to(backup.folder))]
            if target.is_file() and _stored(target) == recorded:
                continue
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with whole_file(target) as unfinished:
                shutil.copyfile(file, unfinished)
            count += 1
        return count

    def remove(self, backup: StoredBackup) -> None:
        """Takes its name first."""
        leaving = self._folder / f".{backup.folder.name}-{uuid.uuid4().hex[:8]}{_LEAVING}"
        backup.folder.rename(leaving)
        shutil.rmtree(leaving, ignore_errors=True)

    def _named(self, named: str) -> Path:
        if named == LATEST:
            good = [backup for backup in self.listed() if backup.manifest.verified_at]
            if not good:
                raise BackupRefusedError(LATEST, "missing", f"there is no verified backup in {self._folder}")
            return good[0].folder
        for folder in (self._folder / named, Path(named).expanduser()):
            if folder.is_dir():
                return folder.resolve()
            if folder.name == MANIFEST and folder.is_file():
                return folder.parent.resolve()
        raise BackupRefusedError(
            named,
            "missing",
            f"there is no such folder, here or in {self._folder}; `miraikakaku backups` lists them",
        )


def _read(folder: Path) -> StoredBackup | UnreadableBackup:
    try:
        return StoredBackup(folder, read_manifest(folder))
    except BackupRefusedError as error:
        return UnreadableBackup(folder, str(error))


def _is_backup(folder: Path) -> bool:
    return not folder.name.startswith(".") and ((folder / MANIFEST).exists() or (folder / DATABASE).is_dir())


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))


def _link(file: Path, target: Path) -> None:
    """Another name of a file, or a copy where the disk or the file system has no such thing."""
    try:
        os.link(file, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(file, target)


def _stored(path: Path) -> StoredFile:
    """Size and digest of a file, which is on the disk afterwards."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    return StoredFile(path.stat().st_size, digest)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
