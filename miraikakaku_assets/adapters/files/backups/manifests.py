"""The manifest of a backup: one JSON file, with its own digest beside it."""

import hashlib
import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from miraikakaku_assets.application.ports.operations.backups import (
    FORMAT,
    BackupKind,
    Dump,
    Manifest,
    StoredFile,
    TableFigures,
)
from miraikakaku_assets.domain.errors import BackupRefusedError

MANIFEST, DIGEST = "manifest.json", "manifest.sha256"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes it with its digest."""
    text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1, default=_plain) + "\n"
    (folder / MANIFEST).write_text(text)
    (folder / DIGEST).write_text(hashlib.sha256(text.encode()).hexdigest() + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Reads it.

    Raises:
        BackupRefusedError: It is missing, altered, of a newer program, or none.
    """
    name = folder.name
    try:
        text, digest = (folder / MANIFEST).read_text(), (folder / DIGEST).read_text().strip()
    except FileNotFoundError as error:
        missing = Path(str(error.filename)).name
        raise BackupRefusedError(name, "not_a_backup", f"{folder} has no {missing}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BackupRefusedError(name, "altered", f"its {MANIFEST} cannot be read ({error})") from error
    if hashlib.sha256(text.encode()).hexdigest() != digest:
        raise BackupRefusedError(name, "altered", f"its {MANIFEST} is not the one that was written")
    try:
        document = json.loads(text)
        if int(document["format"]) > FORMAT:
            raise BackupRefusedError(
                name,
                "too_new",
                f"it has format {document['format']}, and this program reads none beyond {FORMAT}",
            )
        return _manifest(document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupRefusedError(name, "foreign", f"its {MANIFEST} is not one of this program") from error


def _manifest(document: dict[str, Any]) -> Manifest:
    dump = document["dump"]
    verified = document["verified_at"]
    return Manifest(
        format=document["format"],
        name=document["name"],
        kind=BackupKind(document["kind"]),
        program=document["program"],
        dump=Dump(
            datetime.fromisoformat(dump["taken_at"]),
            dump["server_version"],
            dump["revision"],
            {name: TableFigures(**figures) for name, figures in dump["tables"].items()},
            tuple(dump["roles"]),
            dump["dump_seconds"],
        ),
        started_at=datetime.fromisoformat(document["started_at"]),
        ended_at=datetime.fromisoformat(document["ended_at"]),
        verified_at=None if verified is None else datetime.fromisoformat(verified),
        unverified_because=document["unverified_because"],
        seconds=document["seconds"],
        files={name: StoredFile(**file) for name, file in document["files"].items()},
    )


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
