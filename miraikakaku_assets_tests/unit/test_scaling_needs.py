"""How measured costs are carried on to sizes that nobody has run, and what the page says of them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.scaling import page
from benchmarks.scaling.growth import Growth, growth
from benchmarks.scaling.needs import SCENARIOS, Units, daily, needs

ROOT = Path(__file__).resolve().parents[2]
PROPORTIONAL = growth([(1_000, 1.0), (2_000, 2.0), (4_000, 4.0)])
QUADRATIC = growth([(1_000, 1.0), (2_000, 4.0), (4_000, 16.0)])
STARTING_UP = growth([(1_000, 10.0), (2_000, 10.5), (4_000, 11.5)])
STAGES = (
    "collect",
    "analyze",
    "coverage",
    "vacuum",
    "backup",
    "forecasts",
    "night_analyze",
    "books",
    "fetch",
)
KINDS = ("bars", "bars_key", "indicators", "forecasts", "books", "backup")


def units(**cpu: Growth) -> Units:
    costs = dict.fromkeys(STAGES, PROPORTIONAL) | cpu
    sizes = dict.fromkeys(KINDS, PROPORTIONAL)
    return Units(costs, sizes, {"derived": PROPORTIONAL, "books": PROPORTIONAL}, PROPORTIONAL, assets=4)


def test_a_power_law_is_found_and_carried_on() -> None:
    assert QUADRATIC.exponent == pytest.approx(2.0)
    assert QUADRATIC.at(40_000) == pytest.approx(1_600.0)


def test_start_up_promises_no_large_size_for_next_to_nothing() -> None:
    assert STARTING_UP.exponent < 0.2
    assert STARTING_UP.at(40_000) == pytest.approx(115.0)


def test_the_order_of_the_sizes_does_not_matter() -> None:
    assert growth([(4_000, 4.0), (1_000, 1.0), (2_000, 2.0)]) == PROPORTIONAL


@pytest.mark.parametrize(
    "points", [[(1_000, 1.0)], [(1_000, 1.0), (1_000, 2.0)], [(1_000, 1.0), (2_000, 0.0)]]
)
def test_what_tells_no_growth_is_refused(points: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="size"):
        growth(points)


def test_a_request_for_every_instrument_takes_as_long_as_the_rate_allows() -> None:
    hours = needs(daily(16_000), units()).request_hours

    assert hours == {5.0: pytest.approx(16_000 / 5 / 3_600), 20.0: pytest.approx(16_000 / 20 / 3_600)}


def test_workers_keep_a_night_as_short_as_its_requests() -> None:
    night = needs(daily(16_000), units())
    seconds = sum(night.night_hours.values()) * 3_600

    assert seconds / 2 / night.workers(20.0) <= 800
    assert seconds / 2 / (night.workers(20.0) - 1) > 800
    assert night.workers(5.0) < night.workers(20.0)


def test_what_grows_faster_than_the_market_needs_more_workers() -> None:
    same, faster = (needs(daily(64_000), each) for each in (units(), units(night_analyze=QUADRATIC)))

    assert faster.workers(20.0) > same.workers(20.0)


def test_of_five_minute_bars_nothing_is_claimed_that_daily_ones_were_measured_for() -> None:
    (five_minutes,) = (needs(each, units()) for each in SCENARIOS if not each.analysed)

    assert five_minutes.scenario.bars == 10**9
    assert five_minutes.derived_rows is None
    assert set(five_minutes.bytes) == {"bars", "bars_key", "books"}
    assert set(five_minutes.night_hours) == {"fetch", "books"}


def measured() -> Any:
    stages = {name: SimpleNamespace(peak_mib=100.0 + number) for number, name in enumerate(STAGES)}
    size = SimpleNamespace(symbols=4_000, sessions=250, stages=stages)
    return SimpleNamespace(markets=(size,), units=units(), fetch_mib=500.0, memory_bytes=16 * 2**30)


def test_figures_go_between_the_marks_and_the_text_stays() -> None:
    old = f"before\n{page.BEGIN}\nold figures\n{page.END}\nafter\n"

    new = page.with_figures(old, measured())

    assert new.startswith(f"before\n{page.BEGIN}\n")
    assert new.endswith(f"\n{page.END}\nafter\n")
    assert "old figures" not in new
    assert "| hours of them at 20/s | 0.22 | 0.89 | 13.9 | 0.22 |" in new


def test_a_page_without_a_place_is_left_alone() -> None:
    with pytest.raises(ValueError, match="no place"):
        page.with_figures("a page", measured())


def test_the_shipped_page_takes_the_figures_of_every_size() -> None:
    shipped = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")

    new = page.with_figures(shipped, measured())

    assert new.count("|  | " + " | ".join(scenario.name for scenario in SCENARIOS) + " |") == 1
    assert new.partition(page.END)[2] == shipped.partition(page.END)[2]
