"""The last line of a test run says whether real data were there; skipped tests do not show among thousands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from miraikakaku_assets_tests.support import real_data

TESTED = Path(__file__).parent / "test_daily_stamps.py"


def last_line(real: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", str(TESTED), *arguments]
    environment = os.environ | {"MIRAIKAKAKU_REAL_DATA": str(real)}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return ended.stdout.splitlines()[-1]


@pytest.mark.slow
def test_tests_that_workers_skip_are_counted_with_the_reason(tmp_path: Path) -> None:
    line = last_line(tmp_path, "-n", "1")

    assert (
        line
        == f"real market data: 1 test skipped: no real market data at {tmp_path}; set MIRAIKAKAKU_REAL_DATA"
    )


def test_tests_that_ran_are_counted_once() -> None:
    def report(name: str, when: str, outcome: str, **keywords: int) -> pytest.TestReport:
        return pytest.TestReport(name, ("", 0, ""), keywords, outcome, None, when)  # type: ignore[arg-type]

    real = {real_data.MARK: 1}
    stats: dict[str, list[object]] = {
        "": [report("a", "setup", "passed", **real), report("a", "teardown", "passed", **real)],
        "passed": [report("a", "call", "passed", **real), report("b", "call", "passed")],
        "failed": [report("c", "call", "failed", **real)],
        "warnings": [object()],
    }

    assert real_data.counted(stats) == "real market data: 2 tests ran"
    assert real_data.counted({"passed": [report("b", "call", "passed")]}) is None
