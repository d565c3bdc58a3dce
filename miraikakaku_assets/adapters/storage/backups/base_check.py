"""Checks a base backup against its manifest, as ``pg_verifybackup`` does: that of the server's wheel crashes at once.

Every file is there with the size and SHA-256 that the server has written down while it sent it, and the log that the
copy itself needs can be read from end to end.
"""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from miraikakaku_assets.adapters.storage.backups.programs import Programs
from miraikakaku_assets.domain.errors import BackupError

MANIFEST = "backup_manifest"
CHECKSUMS = "SHA256"
"""Algorithm that the base backup has to be made with."""
_OWN = frozenset({MANIFEST, "postgresql.auto.conf", "standby.signal", "recovery.signal"})
_THREADS = 2


def checked_base(data: Path, programs: Programs) -> dict[str, Any]:
    """Reads all of a base backup; returns its manifest.

    Args:
        data: Its data folder.
        programs: PostgreSQL's programs.

    Raises:
        BackupError: It is not what the server has sent.
    """
    text = (data / MANIFEST).read_bytes()
    manifest: dict[str, Any] = json.loads(text)
    signed, _, _ = text.rpartition(b'"Manifest-Checksum"')
    if hashlib.sha256(signed).hexdigest() != manifest["Manifest-Checksum"]:
        raise BackupError(f"The base backup is damaged: its {MANIFEST} is not the one that was written")
    listed = {_path(entry): entry for entry in manifest["Files"]}
    present = {str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()}
    present = {name for name in present if not name.startswith("pg_wal/")} - _OWN
    different = sorted(present ^ (listed.keys() - _OWN))
    if different:
        raise BackupError(
            f"The base backup is damaged: {different[0]} is missing or was not sent by the server"
        )
    with ThreadPoolExecutor(_THREADS) as threads:
        for name, is_whole in threads.map(
            lambda name: (name, _is_whole(data / name, listed[name])), sorted(listed)
        ):
            if not is_whole:
                raise BackupError(f"The base backup is damaged: {name} is not what the server has sent")
    for span in manifest["WAL-Ranges"]:
        ends = ("-s", span["Start-LSN"], "-e", span["End-LSN"])
        programs.run_on_files(
            "pg_waldump", "--quiet", "-p", str(data / "pg_wal"), "-t", str(span["Timeline"]), *ends
        )
    return manifest


def _path(entry: dict[str, Any]) -> str:
    return str(entry["Path"]) if "Path" in entry else bytes.fromhex(entry["Encoded-Path"]).decode()


def _is_whole(file: Path, entry: dict[str, Any]) -> bool:
    if file.stat().st_size != entry["Size"]:
        return False
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == str(entry["Checksum"])
