"""Installed packages, what pip-audit's service knows of them, and the newest dump of advisories."""

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from miraikakaku_assets.adapters.security.osv_dump import newest_dump, read_dump
from miraikakaku_assets.application.ports.operations.security import AdvisoryDump, OnlineAudit
from miraikakaku_assets.domain.errors import InputFileError
from miraikakaku_assets.domain.security.vulnerabilities import Vulnerability

OURSELVES = "miraikakaku-assets"
PIP_AUDIT = (
    sys.executable, "-m", "pip_audit", "--local", "--format", "json", "--progress-spinner", "off",
    "--desc", "on", "--aliases", "on", "--timeout", "10",
)  # fmt: skip


@dataclass(frozen=True)
class InstalledPackages:
    """Implements the port `PackageAudit` for the environment that this program runs in.

    Attributes:
        drop_folder: Where dumps are put.
        dump_file: A dump that was named; None for the newest in the folder.
        command: What asks the online service; empty for nothing.
        patience: Seconds until it is given up: offline, every package waits for its own time-out.
    """

    drop_folder: Path
    dump_file: Path | None = None
    command: Sequence[str] = PIP_AUDIT
    patience: float = 180.0

    def installed(self) -> Mapping[str, str]:
        """Canonical name → version; this program itself is left out."""
        packages = {
            str(canonicalize_name(distribution.metadata["Name"])): distribution.version
            for distribution in importlib.metadata.distributions()
            if distribution.metadata["Name"]
        }
        packages.pop(OURSELVES, None)
        return dict(sorted(packages.items()))

    def online(self) -> OnlineAudit:
        """Asks the service; never raises because of what it does."""
        if not self.command:
            return OnlineAudit(trouble="it is turned off")
        try:
            ended = subprocess.run(  # noqa: S603 - our own interpreter and arguments
                self.command,
                capture_output=True,
                text=True,
                timeout=self.patience,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            return OnlineAudit(trouble=f"it did not end within {self.patience:.0f} s")
        except OSError as error:
            return OnlineAudit(trouble=f"it cannot be started ({error.strerror})")
        try:
            return _read(json.loads(ended.stdout))
        except (ValueError, KeyError, TypeError, AttributeError):
            return OnlineAudit(trouble=_why(ended.stderr) if ended.returncode else "its answer is no report")

    def dump(self, packages: Collection[str]) -> AdvisoryDump | None:
        """The newest dump in the drop folder, or the one that was named; None if there is none.

        Raises:
            InputFileError: It is no dump of PyPI's advisories, or the file that was named is not there.
        """
        if self.dump_file is not None:
            if not self.dump_file.is_file():
                raise InputFileError(
                    str(self.dump_file), "no_file", "OSV_DUMP names a file that is not there"
                )
            return read_dump(self.dump_file, packages)
        path = newest_dump(self.drop_folder)
        return None if path is None else read_dump(path, packages)


def _read(report: Mapping[str, Any]) -> OnlineAudit:
    """pip-audit's JSON; packages that it has skipped were not audited, although it ends with 0."""
    answered = [package for package in report["dependencies"] if "skip_reason" not in package]
    known = tuple(
        Vulnerability(
            package=str(canonicalize_name(package["name"])),
            version=package["version"],
            ids=frozenset({vulnerability["id"], *(vulnerability.get("aliases") or ())}),
            summary=_one_line(vulnerability.get("description") or ""),
            fixed=next(iter(vulnerability.get("fix_versions") or ()), None),
        )
        for package in answered
        for vulnerability in package["vulns"]
    )
    audited = frozenset(str(canonicalize_name(package["name"])) for package in answered)
    trouble = "" if audited else "its service knows none of the packages: it is not PyPI's, or out of reach"
    return OnlineAudit(audited, known, trouble)


def _one_line(text: str, most: int = 160) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def _why(stderr: str) -> str:
    """The end of what it says, in one line and without an address that may carry a password."""
    lines = [line for line in stderr.strip().splitlines() if line.strip()]
    if not lines:
        return "it failed without a word"
    if "No module named pip_audit" in stderr:
        return "it is not installed (`pip install 'miraikakaku-assets[security]'`)"
    last = " ".join(word for word in lines[-1].split() if "://" not in word)
    return f"it failed: {_one_line(last)}"
