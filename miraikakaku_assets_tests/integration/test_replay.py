"""Real currency bars through the five-minute schedule, with kills and an outage: everything once, and told."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.replay import Plan, prepared, replay

pytestmark = pytest.mark.slow

BEGINS = datetime(2025, 7, 15, 3, 30, tzinfo=UTC)
"""A Tuesday of four signals: at 3:00 (found by the first cycle), at 3:40, at 9:00 and at 9:45. The webhook is down
from 7:30 to 9:30."""


def test_a_third_of_a_day_of_the_dollar_in_yen(real_data: Path, tmp_path: Path) -> None:
    plan = Plan(prepared(real_data, tmp_path / "archive"), BEGINS, days=1 / 3, kills=2)
    done = replay(plan, Console(file=io.StringIO()))
    assert done.problems == []
    assert done.ticks == 96
    assert len(done.killed) == 2
    assert (done.runs + len(done.killed), done.failed, done.skipped) == (96, 0, {})
    assert done.delivered == 4
    assert done.pictures >= 4  # a kill may repeat a message
    assert done.refused > 0  # the outage was felt
