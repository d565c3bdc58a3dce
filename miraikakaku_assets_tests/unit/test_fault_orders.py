"""How fault points are armed."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from miraikakaku_assets import fault_points
from miraikakaku_assets.domain.errors import DependencyUnavailableError
from miraikakaku_assets.fault_points import POINTS, Faults, Order, arm, drawn, fault_point, parse_orders


@pytest.fixture(autouse=True)
def _unarmed_afterwards() -> Iterator[None]:
    yield
    arm(None)


def test_orders_are_read_as_they_are_written() -> None:
    assert parse_orders("") == ()
    assert parse_orders(" bars.after_commit:kill@2, ledger.before_end:raise ,seed=7") == (
        Order("bars.after_commit", "kill", 2),
        Order("ledger.before_end", "raise"),
        drawn(7),
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("bars.after_commit", "must look like"),
        ("bars.after_commit:kill@0", "must look like"),
        ("nowhere:kill", "nowhere is none"),
        ("bars.after_commit:crash", "crash is none"),
    ],
)
def test_anything_else_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_orders(text)


def test_a_seed_draws_the_same_and_seeds_reach_every_point() -> None:
    assert drawn(7) == drawn(7)
    draws = [drawn(seed) for seed in range(1_000)]
    assert {order.point for order in draws} == set(POINTS)
    assert set(Counter(order.passage for order in draws)) == {1, 2, 3}


def test_an_order_is_carried_out_at_its_passage_and_once_in_a_folder(tmp_path: Path) -> None:
    order = Order("bars.after_commit", "raise", 2)
    arm(Faults((order,), tmp_path, DependencyUnavailableError))
    fault_point("bars.after_commit")
    fault_point("bars.before_commit")
    with pytest.raises(DependencyUnavailableError, match=r"broke off at the fault point bars\.after_commit"):
        fault_point("bars.after_commit")
    assert [path.name for path in tmp_path.iterdir()] == [str(order)]

    arm(Faults((order,), tmp_path, DependencyUnavailableError))  # the next process
    fault_point("bars.after_commit")
    fault_point("bars.after_commit")


def test_a_delay_holds_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = list[float]()
    monkeypatch.setattr(time, "sleep", held.append)
    arm(Faults((Order("outbox.after_send", "delay"),), tmp_path, DependencyUnavailableError))
    fault_point("outbox.after_send")
    assert held == [fault_points.DELAY_SECONDS]


def test_unarmed_a_point_does_nothing() -> None:
    assert fault_points.armed() is None
    fault_point("bars.after_commit")
