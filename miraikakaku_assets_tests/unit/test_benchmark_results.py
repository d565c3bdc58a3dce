"""Results of benchmarks: verdicts on figures, and results files of one run only."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.__main__ import GROUPS
from benchmarks.metrics import GOALS, Metric, measured

REACHED = {name: measured(name, goal.goal, None, "no peer") for name, goal in GOALS.items()}


def commits(content: object) -> list[str]:
    """Every commit that a results file names, at whatever depth."""
    if not isinstance(content, dict):
        return []
    inner = [commit for value in content.values() for commit in commits(value)]
    return [*([content["commit"]] if "commit" in content else []), *inner]


def test_every_metric_is_measured_by_one_group() -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(GOALS)


@pytest.mark.parametrize(
    "name", [name for name, goal in GOALS.items() if goal.unit in {"s", "ms", "min", "1/s"}]
)
def test_a_time_or_a_speed_is_never_missed_on_a_slower_machine(name: str) -> None:
    slow, fast = GOALS[name].goal * 100, GOALS[name].goal / 100

    assert {measured(name, value, None, "").holds for value in (slow, fast)} == {None}


@pytest.mark.parametrize(
    ("name", "reached", "missed"),
    [
        ("bookkeeping_vs_stock", 25.0, 24.0),
        ("fx_cycle_vs_empty_run", 1.4, 1.5),
        ("fetch_vs_yfinance", 1.5, 1.4),
        ("definitions_load_vs_dagster", 2.9, 3.1),
        ("band80_coverage_jp", 0.78, 0.77),
        ("band80_coverage_jp", 0.82, 0.83),
    ],
)
def test_a_ratio_against_a_peer_and_a_share_are_judged(name: str, reached: float, missed: float) -> None:
    assert measured(name, reached, None, "").holds is True
    assert measured(name, missed, None, "").holds is False


def test_a_run_of_some_metrics_leaves_the_published_results_as_they_are(tmp_path: Path) -> None:
    whole, parts = tmp_path / "results.json", tmp_path / "cache" / "parts.json"
    results.write(REACHED, quick=False, whole=whole, parts=parts)
    published = whole.read_bytes()

    written = results.write(
        {"ingest_vs_adbc": _worse("ingest_vs_adbc")}, quick=False, whole=whole, parts=parts
    )

    assert written == parts
    assert whole.read_bytes() == published
    assert list(json.loads(parts.read_text())["metrics"]) == ["ingest_vs_adbc"]


def test_published_results_are_of_one_run_on_one_commit(tmp_path: Path) -> None:
    whole = tmp_path / "results.json"
    whole.write_text(json.dumps({"machine": results.machine(), "commit": "older", "metrics": {"gone": {}}}))

    results.write(REACHED, quick=False, whole=whole, parts=tmp_path / "parts.json")

    content = json.loads(whole.read_text())
    assert set(content["metrics"]) == set(GOALS)
    assert commits(content) == [results.commit()]


def _worse(name: str) -> Metric:
    return replace(REACHED[name], value=0.0, holds=False)
