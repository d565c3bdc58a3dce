"""Files of bars that left the database: ``cold/universe=jp/timeframe=5m/year=2025/05-1-200-<digest>.parquet``.

The name carries the digest of the bytes, so that a file is never written anew with something else in it: what another
transaction, a backup or an earlier moment of the database names stays what it was. Beside each lies its manifest.
"""

import hashlib
import json
import os
import threading
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

import polars as pl

from miraikakaku_assets.adapters.files.whole_file import whole_file
from miraikakaku_assets.application.ports.operations.cold import SCHEMA_VERSION, ColdPart, FileFigures
from miraikakaku_assets.domain.errors import ColdFileError, DependencyUnavailableError

_SHOWN_DIGITS = 16
_GROUP_ROWS = (
    50_000  # of which statistics are kept: what one instrument has in a year of Tokyo is three times that
)
_ADVICE = "bring it back from a backup (`miraikakaku restore`), then run `miraikakaku cold verify`"


class FolderColdFiles:
    """Implements the port `ColdFiles`.

    Args:
        home: State folder.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / "cold"
        self._compared: dict[str, tuple[int, int, int, str]] = {}

    def __reduce__(self) -> tuple[type["FolderColdFiles"], tuple[Path]]:
        """Another process compares the files itself."""
        return FolderColdFiles, (self._folder.parent,)

    @property
    def folder(self) -> Path:
        """``cold/`` of the state folder."""
        return self._folder

    def write(self, part: ColdPart, rows: pl.DataFrame, digest: str, *, is_simulated: bool) -> FileFigures:
        """Under a name that does not count, then under its own; the folders reach the disk as well."""
        below = Path(f"universe={part.universe}", f"timeframe={part.timeframe}", f"year={part.month.year}")
        try:
            _make_durable(self._folder, below)
            return self._write(part, rows, digest, below, is_simulated=is_simulated)
        except OSError as error:
            raise DependencyUnavailableError(
                f"Cold files cannot be written to {self._folder} ({error.strerror}); make room or correct its "
                "permissions, and run the same command again: nothing has moved"
            ) from error

    def read(self, file: FileFigures, instruments: Collection[int] | None = None) -> pl.LazyFrame:
        """Lazily: row groups of other instruments and times are left out by their statistics."""
        if file.schema_version > SCHEMA_VERSION:
            raise ColdFileError(
                file.path,
                "too_new",
                f"has columns of version {file.schema_version}, and this program reads none beyond {SCHEMA_VERSION}",
            )
        path = self._compare_once(file)
        rows = pl.scan_parquet(path, hive_partitioning=False, glob=False)
        return (
            rows if instruments is None else rows.filter(pl.col("instrument_id").is_in(sorted(instruments)))
        )

    def check(self, file: FileFigures) -> None:
        """Whatever this process has read of it before."""
        self._compared.pop(file.path, None)
        self._compare_once(file)

    def unknown(self, known: Collection[str], before: datetime) -> list[Path]:
        """By the time of their last change."""
        named = {self._folder / path for path in known}
        named |= {_manifest_of(path) for path in named}
        return [
            path
            for path in sorted(self._folder.rglob("*"))
            if path.is_file() and path not in named and path.stat().st_mtime < before.timestamp()
        ]

    def _write(
        self, part: ColdPart, rows: pl.DataFrame, digest: str, below: Path, *, is_simulated: bool
    ) -> FileFigures:
        folder = self._folder / below
        unfinished = folder / f".{os.getpid()}-{threading.get_ident()}.unfinished"
        try:
            rows.write_parquet(unfinished, compression="zstd", row_group_size=_GROUP_ROWS)
            with unfinished.open("rb+") as content:
                sha256 = hashlib.file_digest(content, "sha256").hexdigest()
                os.fsync(content.fileno())
            numbers = f"{part.instruments[0]}-{part.instruments[-1]}"
            path = folder / f"{part.month:%m}-{numbers}-{sha256[:_SHOWN_DIGITS]}.parquet"
            size = unfinished.stat().st_size
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        figures = FileFigures(str(below / path.name), size, sha256)
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "universe": part.universe,
            "timeframe": str(part.timeframe),
            "month": f"{part.month:%Y-%m}",
            "rows": rows.height,
            "instruments": rows["instrument_id"].n_unique(),
            "bytes": size,
            "sha256": sha256,
            "digest": digest,
            "prices": "simulated" if is_simulated else "real",
        }
        with whole_file(_manifest_of(path)) as beside:
            beside.write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        _sync(folder)
        return figures

    def _compare_once(self, file: FileFigures) -> Path:
        """The path of a file whose bytes are those that were written; each is read once by a process.

        Raises:
            ColdFileError: They are not, or it is missing.
        """
        path = self._folder / file.path
        try:
            state = path.stat()
            known = (state.st_ino, state.st_mtime_ns, state.st_size, file.sha256)
            if self._compared.get(file.path) == known:
                return path
            with path.open("rb") as content:
                sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        except FileNotFoundError as error:
            raise ColdFileError(file.path, "missing", f"is not in {self._folder}; {_ADVICE}") from error
        except OSError as error:
            raise ColdFileError(
                file.path,
                "altered",
                f"cannot be read ({error.strerror}); correct its permissions, or {_ADVICE}",
            ) from error
        if state.st_size != file.bytes or sha256 != file.sha256:
            raise ColdFileError(
                file.path,
                "altered",
                f"in {self._folder} is not the one that was written: {state.st_size:,} bytes, {file.bytes:,} then; "
                f"{_ADVICE}",
            )
        self._compared[file.path] = known
        return path


def _manifest_of(path: Path) -> Path:
    return path.with_suffix(".json")


def _make_durable(folder: Path, below: Path) -> None:
    """Makes folders one below the other; each name reaches the disk."""
    for part in (".", *below.parts):
        folder = folder / part
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _sync(folder.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
