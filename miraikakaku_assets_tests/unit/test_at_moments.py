"""The clock that the suite is run by: what it shows, that it goes on, and that it is handed on."""

import os
import subprocess
import sys
from glob import glob
from pathlib import Path

import pytest

from miraikakaku_assets_tests.at_moments import MOMENTS
from miraikakaku_assets_tests.support.machine_clock import LIBRARY, clock_variables, handed_on
from miraikakaku_assets_tests.support.moments import NOW

SHOW = """
import subprocess, sys, time
from datetime import UTC, datetime
begun = time.monotonic()
time.sleep(0.2)
assert 0.2 <= time.monotonic() - begun
from miraikakaku_assets_tests.support.machine_clock import handed_on
print(datetime.now(UTC).isoformat())
print(subprocess.run(["date", "-u", "+%Y-%m-%d"], env=handed_on(), capture_output=True, text=True).stdout)
"""


@pytest.mark.skipif(not glob(LIBRARY), reason="libfaketime is not installed")  # noqa: PTH207 - an absolute pattern
@pytest.mark.skipif("FAKETIME" in os.environ, reason="this process lives at such a moment itself")
@pytest.mark.parametrize("name", ["leap-day", "saturday"])
def test_every_process_lives_at_the_moment(tmp_path: Path, name: str) -> None:
    moment = MOMENTS[name]
    assert moment is not None
    assert moment > NOW
    variables = clock_variables(moment, tmp_path)
    root = str(Path(__file__).resolve().parents[2])
    variables["PYTHONPATH"] += f"{os.pathsep}{root}"
    shown = subprocess.run(
        [sys.executable, "-c", SHOW], env=os.environ | variables, capture_output=True, text=True, check=True
    )
    first, second = shown.stdout.split()
    assert first.startswith(f"{moment:%Y-%m-%d}")
    assert second == f"{moment:%Y-%m-%d}"


def test_without_such_a_clock_nothing_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAKETIME", raising=False)
    monkeypatch.setenv("PYTHONPATH", "somewhere")
    assert handed_on() == {}
    monkeypatch.setenv("FAKETIME", "+100")
    assert handed_on()["PYTHONPATH"] == "somewhere"
