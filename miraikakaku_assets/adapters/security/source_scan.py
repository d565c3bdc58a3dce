"""Weaknesses in the source of this program, as bandit sees them."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from miraikakaku_assets.domain.errors import DependencyUnavailableError
from miraikakaku_assets.domain.security.finding import Finding, Kind, Level

SKIPPED: Mapping[str, str] = {
    "B608": "SQL is put together from names of tables that are constants; values are always bound",
}
"""Tests of bandit that say nothing here, with the reason. There is no baseline: whatever else it finds is mended, or
marked where it stands with ``# nosec`` and the number of the test."""
_LEVELS = {"LOW": Level.LOW, "MEDIUM": Level.MEDIUM, "HIGH": Level.HIGH}
_PATIENCE = 600.0


def source_weaknesses(folder: Path) -> tuple[list[Finding], int]:
    """Findings of medium severity and above, and how many files were read.

    Args:
        folder: The package.

    Raises:
        DependencyUnavailableError: Bandit is not installed, or did not read every file.
    """
    command = [sys.executable, "-m", "bandit", "-r", str(folder), "-f", "json", "-q", "-ll"]
    command += ["--skip", ",".join(SKIPPED)]
    try:
        ended = subprocess.run(  # noqa: S603 - our own interpreter and arguments
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False, stdin=subprocess.DEVNULL
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise DependencyUnavailableError(
            f"bandit did not end ({type(error).__name__}); scan again"
        ) from error
    if "No module named bandit" in ended.stderr:
        raise DependencyUnavailableError(
            "bandit is not installed; `pip install 'miraikakaku-assets[security]'` brings it"
        )
    try:
        report = json.loads(ended.stdout)
        unread = [error["filename"] for error in report["errors"]]
        findings = [_finding(result, folder) for result in report["results"]]
        files = len(report["metrics"]) - 1  # the last one is the total
    except (ValueError, KeyError, TypeError) as error:
        raise DependencyUnavailableError("bandit's answer is no report; scan again") from error
    if unread:
        raise DependencyUnavailableError(
            f"bandit could not read {len(unread)} files, the first is {unread[0]}"
        )
    return findings, files


def _finding(result: Mapping[str, Any], folder: Path) -> Finding:
    file = Path(result["filename"])
    name = (
        file.relative_to(folder.parent).as_posix() if file.is_relative_to(folder.parent) else file.as_posix()
    )
    sentence = " ".join(str(result["issue_text"]).split())
    return Finding(
        Kind.CODE,
        f"{result['test_id']}_{result['test_name']}",
        name,
        _LEVELS[result["issue_severity"]],
        sentence,
        f"{name}:{result['line_number']}",
        f"mend it, or mark the line with `# nosec {result['test_id']}` and say why",
        {"confidence": result["issue_confidence"], "cwe": (result.get("issue_cwe") or {}).get("id")},
    )
