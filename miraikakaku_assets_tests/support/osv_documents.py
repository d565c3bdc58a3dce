"""Advisories as OSV publishes them: the fields and forms of its schema, version 1.6."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

GHSA: dict[str, Any] = {
    "schema_version": "1.6.0",
    "id": "GHSA-9wx4-h78v-vm56",
    "modified": "2026-11-20T05:12:48.123456Z",
    "published": "2024-05-20T20:15:00Z",
    "aliases": ["CVE-2024-35195", "PYSEC-2024-60"],
    "related": [],
    "summary": "Requests `Session` object does not verify requests after making first request with verify=False",
    "details": "When making requests through a Requests `Session`, …",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:H/I:H/A:N"}],
    "affected": [
        {
            "package": {"name": "requests", "ecosystem": "PyPI", "purl": "pkg:pypi/requests"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.32.0"}]}],
            "versions": ["2.30.0", "2.31.0"],
            "database_specific": {"source": "advisory-database"},
        }
    ],
    "references": [{"type": "WEB", "url": "https://example.org/advisory"}],
    "database_specific": {"cwe_ids": ["CWE-670"], "github_reviewed": True, "severity": "MODERATE"},
}
PYSEC: dict[str, Any] = {
    "id": "PYSEC-2024-60",
    "modified": "2026-11-21T18:23:09.000000+00:00",
    "published": "2024-05-21T10:00:00Z",
    "aliases": ["CVE-2024-35195"],
    "details": "Requests does not verify\nafter a first request without.",
    "affected": [
        {
            "package": {"name": "Requests", "ecosystem": "PyPI"},
            "ranges": [
                {"type": "GIT", "repo": "https://example.org/requests", "events": [{"introduced": "0"}]},
                {"type": "ECOSYSTEM", "events": [{"fixed": "2.32.2"}, {"introduced": "0"}]},
            ],
        }
    ],
}
MALICIOUS: dict[str, Any] = {
    "schema_version": "1.5.0",
    "id": "MAL-2026-1234",
    "modified": "2026-11-22T00:00:00Z",
    "summary": "Malicious code in reqeusts (PyPI)",
    "affected": [{"package": {"name": "reqeusts", "ecosystem": "PyPI"}, "versions": ["1.0.0"]}],
    "database_specific": {"malicious-packages-origins": []},
}


def dump_of(
    path: Path, documents: Sequence[Mapping[str, Any]], extra: Mapping[str, bytes] | None = None
) -> Path:
    """A zip like ``all.zip``, with these documents and other files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, document in enumerate(documents):
            archive.writestr(f"{document.get('id', number)}.json", json.dumps(document))
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return path
