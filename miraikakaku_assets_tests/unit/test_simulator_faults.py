"""Fault specs and configurations: accepted forms, refused forms, and the share of attempts a rate hits."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.simulator.core.config import SimulatorConfig
from miraikakaku_assets.simulator.faults.kinds import BAD_VALUES, KINDS, TRANSIENT
from miraikakaku_assets.simulator.faults.specs import FaultBoard, parse_fault, parse_faults
from miraikakaku_assets.simulator.world.world import World


@given(
    st.sampled_from(sorted(set(KINDS) - {"latency", "unlisted"})),
    st.floats(0.001, 1.0),
    st.lists(st.sampled_from(["7203.T", "BRK-B", "USDJPY=X", "data_j.xls"]), max_size=3),
    st.integers(1, 99),
)
def test_fault_specs_mean_what_they_say(kind: str, rate: float, names: list[str], times: int) -> None:
    target, count = f"@{','.join(names)}" if names else "", f"*{times}"
    fault = parse_fault(f"{kind}={rate!r}{target}{count}")
    swapped = parse_fault(f"{kind}={rate!r}{count}{target}")
    assert replace(swapped, spec=fault.spec) == fault
    assert (fault.kind, fault.rate, fault.targets, fault.times) == (kind, rate, frozenset(names), times)
    assert parse_fault(kind) == replace(fault, spec=kind, rate=1.0, targets=frozenset(), times=None)


BAD_SPECS = [
    "",
    "999",
    "429=2",
    "429=x",
    "429=0",
    "404@",
    "404@,",
    "500*0",
    "latency",
    "latency=5",
    "500*3*3",
    "unlisted",
    "404=0.1:stuck",
    "all",
    "all=3",
]


@pytest.mark.parametrize("spec", BAD_SPECS)
def test_a_bad_fault_spec_is_refused_with_its_name_and_the_known_kinds(spec: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        parse_faults([spec])
    assert repr(spec) in str(refusal.value)
    assert "garbage-tick" in str(refusal.value)


def test_a_rate_hits_its_share_of_attempts_and_the_same_ones_every_time() -> None:
    def run(order: list[str]) -> dict[str, list[bool]]:
        board = FaultBoard(7, (parse_fault("429=0.2"), parse_fault("500*2@7203.T")))
        plans = [(name, board.plan(name)) for _ in range(500) for name in order]
        assert sum("500" in plan.kinds for _, plan in plans) == 2
        return {name: ["429" in plan.kinds for symbol, plan in plans if symbol == name] for name in order}

    first = run(["7203.T", "AAPL", "1301.T"])
    assert first == run(["1301.T", "7203.T", "AAPL"])
    assert all(60 < sum(hits) < 140 for hits in first.values())
    assert first["7203.T"] != first["AAPL"]


def test_a_sticky_rate_hits_the_same_symbols_on_every_attempt_and_in_every_run() -> None:
    names = [f"S{number}" for number in range(2_000)]

    def hit(board: FaultBoard) -> set[str]:
        return {name for name in names if "404" in board.plan(name).kinds}

    board = FaultBoard(7, (parse_fault("404=0.05:sticky"),))
    first = hit(board)
    assert 60 < len(first) < 140
    assert hit(board) == hit(board) == first
    assert hit(FaultBoard(7, (parse_fault("404=0.05:sticky"),))) == first
    assert hit(FaultBoard(8, (parse_fault("404=0.05:sticky"),))) != first


@pytest.mark.parametrize(("group", "kinds"), [("all", TRANSIENT), ("bad-values", BAD_VALUES)])
def test_a_group_spreads_its_rate_over_its_kinds(group: str, kinds: tuple[str, ...]) -> None:
    faults = parse_faults([f"{group}=0.02*3"])
    assert tuple(fault.kind for fault in faults) == kinds
    assert sum(fault.rate for fault in faults) == pytest.approx(0.02)
    assert {fault.times for fault in faults} == {3}
    board = FaultBoard(7, parse_faults([f"{group}=0.2"]))
    plans = [board.plan(f"S{number}") for number in range(10_000)]
    assert 0.15 < sum(bool(plan.kinds) for plan in plans) / 10_000 < 0.21
    assert set(board.hits) == set(kinds)


def test_what_a_retry_can_cure_is_cured_by_retries() -> None:
    board = FaultBoard(7, parse_faults(["all=0.2"]))
    for number in range(2_000):
        attempts = next(attempt for attempt in range(1, 9) if not board.plan(f"S{number}").kinds)
        assert attempts < 9


def test_bad_configurations_are_refused(tmp_path: Path) -> None:
    naive = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    wrong: dict[str, Any] = {"symbols": 0, "latency": -1.0, "now": naive, "archive_dir": tmp_path / "no"}
    for name, value in wrong.items():
        with pytest.raises(ConfigurationError, match=name):
            SimulatorConfig(**{name: value})
    with pytest.raises(ConfigurationError, match="begins in 2016"):
        World(SimulatorConfig(), int(datetime(2017, 5, 1, tzinfo=UTC).timestamp()))
    with pytest.raises(ConfigurationError, match=r"only [0-9]+ codes"):
        World(SimulatorConfig(symbols=16_000), int(datetime(2021, 5, 3, tzinfo=UTC).timestamp()))
