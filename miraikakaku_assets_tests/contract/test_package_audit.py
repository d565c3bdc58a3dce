"""Dumps of advisories as files, and what pip-audit answers."""

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from miraikakaku_assets.adapters.security.osv_dump import read_dump
from miraikakaku_assets.adapters.security.package_audit import InstalledPackages
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets_tests.support.osv_documents import GHSA, MALICIOUS, PYSEC, dump_of

NPM = GHSA | {
    "affected": [{"package": {"name": "requests", "ecosystem": "npm"}}],
    "modified": "2026-11-29T00:00:00Z",
}


def test_a_dump_says_what_it_holds_about_what_is_installed(tmp_path: Path) -> None:
    path = dump_of(tmp_path / "all.zip", [GHSA, PYSEC, MALICIOUS], {"README.txt": b"not an advisory"})

    dump = read_dump(path, {"requests"})

    assert [advisory.id for advisory in dump.advisories] == ["GHSA-9wx4-h78v-vm56", "PYSEC-2024-60"]
    assert (dump.documents, dump.unreadable) == (3, 0)
    assert dump.newest == datetime(
        2026, 11, 22, tzinfo=UTC
    )  # of any document, also of one about something else


def test_documents_that_are_none_are_counted_and_the_others_read(tmp_path: Path) -> None:
    odd = {
        "a.json": b"{",
        "b.json": b"[1]",
        "c.json": b"{}",
        "d.json": b"\xff\xfe",
        "e.json": b"[" * 100_000,
        "f.json": b"PyPI" + b" " * (9 * 2**20),
        "g.json": json.dumps(GHSA | {"affected": "PyPI"}).encode(),
    }

    dump = read_dump(dump_of(tmp_path / "all.zip", [GHSA], odd), {"requests"})

    assert len(dump.advisories) == 1
    assert (dump.documents, dump.unreadable) == (8, 7)


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda path: path.write_bytes(b"<html>"), "not_a_zip"),
        (lambda path: dump_of(path, []), "no_advisories"),
        (lambda path: dump_of(path, [NPM]), "no_advisories"),
        (lambda path: path.write_bytes(dump_of(path, [GHSA] * 1).read_bytes()[:-40]), "not_a_zip"),
    ],
)
def test_what_is_no_dump_of_pypi_is_refused_by_name(
    tmp_path: Path, make: Callable[[Path], Any], rule: str
) -> None:
    path = tmp_path / "all.zip"
    make(path)

    with pytest.raises(InputFileError) as refused:
        read_dump(path, {"requests"})
    assert refused.value.rule == rule
    assert str(path) in str(refused.value)


def test_the_newest_dump_of_the_folder_is_read_unless_one_is_named(tmp_path: Path) -> None:
    packages = InstalledPackages(tmp_path)
    assert packages.dump({"requests"}) is None
    for age, name in ((200, "older.zip"), (100, "newer.zip")):
        path = dump_of(tmp_path / name, [GHSA])
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))

    newest = packages.dump({"requests"})
    named = InstalledPackages(tmp_path, tmp_path / "older.zip").dump({"requests"})

    assert newest is not None
    assert named is not None
    assert (newest.name, named.name) == ("newer.zip", "older.zip")
    with pytest.raises(InputFileError, match="OSV_DUMP names a file that is not there"):
        InstalledPackages(tmp_path, tmp_path / "gone.zip").dump({"requests"})


def test_what_is_installed_is_named_as_the_index_does_and_we_are_not_among_it(tmp_path: Path) -> None:
    installed = InstalledPackages(tmp_path).installed()

    assert "miraikakaku-assets" not in installed
    assert {"dagster", "pydantic-core", "sqlalchemy"} <= set(installed)


def answering(tmp_path: Path, out: str, *, err: str = "", code: int = 0) -> InstalledPackages:
    """Packages whose online service is a program that answers like this."""
    script = f"import sys; sys.stdout.write({out!r}); sys.stderr.write({err!r}); sys.exit({code})"
    return InstalledPackages(tmp_path, command=(sys.executable, "-c", script))


REPORT = {
    "dependencies": [
        {
            "name": "requests",
            "version": "2.31.0",
            "vulns": [
                {
                    "id": "PYSEC-2024-60",
                    "fix_versions": ["2.32.0"],
                    "aliases": ["CVE-2024-35195"],
                    "description": "Two\nlines.",
                }
            ],
        },
        {"name": "NumPy", "version": "2.1.0", "vulns": []},
        {"name": "ours", "skip_reason": "Dependency not found on PyPI and could not be audited: ours (1.0)"},
    ],
    "fixes": [],
}


def test_pip_audit_exits_with_1_when_it_finds_something_and_is_read_all_the_same(tmp_path: Path) -> None:
    audit = answering(
        tmp_path, json.dumps(REPORT), code=1, err="Found 1 known vulnerability in 1 package"
    ).online()

    (found,) = audit.vulnerabilities
    assert audit.audited == {"requests", "numpy"}  # what it skips was not audited, although nothing was found
    assert (found.package, found.fixed, found.summary) == ("requests", "2.32.0", "Two lines.")
    assert found.ids == {"PYSEC-2024-60", "CVE-2024-35195"}
    assert audit.trouble == ""


def test_a_service_that_knows_no_package_has_not_cleared_them(tmp_path: Path) -> None:
    skipped = {"dependencies": REPORT["dependencies"][2:], "fixes": []}

    audit = answering(tmp_path, json.dumps(skipped), err="No known vulnerabilities found").online()

    assert audit.audited == frozenset()
    assert "knows none of the packages" in audit.trouble


@pytest.mark.parametrize(
    ("err", "code", "trouble"),
    [
        (
            "ERROR: cannot reach https://user:hunter2@mirror.example/simple today",
            1,
            "it failed: ERROR: cannot reach today",
        ),
        (
            "python: No module named pip_audit",
            1,
            "it is not installed (`pip install 'miraikakaku-assets[security]'`)",
        ),
        ("", 3, "it failed without a word"),
        ("", 0, "its answer is no report"),
    ],
)
def test_a_service_that_fails_says_why_without_an_address(
    tmp_path: Path, err: str, code: int, trouble: str
) -> None:
    assert answering(tmp_path, "", err=err, code=code).online().trouble == trouble


def test_a_service_that_hangs_is_given_up(tmp_path: Path) -> None:
    hanging = InstalledPackages(
        tmp_path, command=(sys.executable, "-c", "import time; time.sleep(600)"), patience=0.2
    )

    assert hanging.online().trouble == "it did not end within 0 s"
