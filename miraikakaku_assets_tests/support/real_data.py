"""Real market data, which are not in the repository: where they lie, and how many tests a run had for them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from miraikakaku_assets.domain import words

MARK = "real_data"
"""Of every test that asks for the fixture of that name."""


def folder() -> Path:
    """Where real data lie, or would lie."""
    named = os.environ.get("MIRAIKAKAKU_REAL_DATA")
    return Path(named) if named else Path(__file__).resolve().parents[3] / "shared" / "data"


def missing() -> str | None:
    """Why tests of real data are skipped; None where there are real data."""
    there = (folder() / "README.md").exists()
    return None if there else f"no real market data at {folder()}; set MIRAIKAKAKU_REAL_DATA"


def counted(stats: Mapping[str, Sequence[object]]) -> str | None:
    """How many tests of real data ran or were skipped, in one line; None for a run without any.

    Args:
        stats: Outcome → reports, as pytest's terminal reporter collects them.
    """
    ended = [
        report
        for reports in stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and MARK in report.keywords
    ]
    skipped = {report.nodeid for report in ended if report.skipped}
    ran = {report.nodeid for report in ended} - skipped
    if skipped:
        return f"real market data: {words.counted(len(skipped), 'test')} skipped: {missing()}"
    return f"real market data: {words.counted(len(ran), 'test')} ran" if ran else None
