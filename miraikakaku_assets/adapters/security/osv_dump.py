"""OSV's dump of PyPI's advisories: a zip with a JSON document per advisory, read without unpacking it."""

import json
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from miraikakaku_assets.application.ports.operations.security import AdvisoryDump
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets.domain.security.advisories import (
    ECOSYSTEM,
    Advisory,
    UnreadableAdvisoryError,
    advisories_of,
    modified_at,
)

_MOST_BYTES = 8 * 2**20
"""Of a document; the largest of PyPI's, with every version of a package listed, has less than 1 MiB."""
_MOST_DOCUMENTS = 1_000_000
_TELLTALE = ECOSYSTEM.encode()


def newest_dump(folder: Path) -> Path | None:
    """The zip in a drop folder that was put there last; None if there is none."""
    dumps = [path for path in folder.glob("*.zip") if path.is_file()]
    return max(dumps, key=lambda path: (path.stat().st_mtime, path.name), default=None)


def read_dump(path: Path, packages: Collection[str]) -> AdvisoryDump:
    """Reads what a dump says about some packages.

    Args:
        path: The zip, e.g. ``all.zip`` of OSV's PyPI.
        packages: Canonical names.

    Raises:
        InputFileError: It is no zip (or not yet, while it is being copied), or holds no advisory of PyPI.
    """
    names = frozenset(packages)
    advisories, newest, documents, unreadable, ours = list[Advisory](), None, 0, 0, 0
    for content in _documents(path):
        documents += 1
        try:
            document = _parsed(content)
            changed = modified_at(document)
            # Two of three documents are about no package that is looked for: their form is not looked at any closer.
            if _TELLTALE in content:
                ours += 1
                advisories += advisories_of(document, names)
        except UnreadableAdvisoryError:
            unreadable += 1
            continue
        newest = changed if newest is None else max(newest, changed)
    if newest is None or not ours:
        raise InputFileError(
            str(path),
            "no_advisories",
            "there is no advisory of PyPI in it; it has to be OSV's dump of PyPI, all.zip",
        )
    return AdvisoryDump(path.name, tuple(advisories), newest, documents, unreadable)


def _documents(path: Path) -> Iterator[bytes]:
    """Every JSON file of the zip; one that is larger than any advisory, or does not unpack, as no bytes."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename.endswith(".json")]
            if len(entries) > _MOST_DOCUMENTS:
                raise InputFileError(
                    str(path), "too_many_documents", f"it holds more than {_MOST_DOCUMENTS:,} documents"
                )
            for entry in entries:
                yield _unpacked(archive, entry)
    except (zipfile.BadZipFile, OSError) as error:
        raise InputFileError(
            str(path), "not_a_zip", "it is no zip, or it is not complete; copy it anew"
        ) from error


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.file_size > _MOST_BYTES:
        return b""
    try:
        with archive.open(entry) as file:
            content = file.read(_MOST_BYTES + 1)  # what the directory says of its size may be untrue
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError):
        return b""
    return content if len(content) <= _MOST_BYTES else b""


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnreadableAdvisoryError("it is no JSON") from error
    if not isinstance(document, dict):
        raise UnreadableAdvisoryError("it is no JSON object")
    return document
