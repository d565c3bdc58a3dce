"""Daily price limits (制限値幅) and ticks (呼値): the tables' edges, and the constants derived from them."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.domain.market.price_limits import (
    HIGHEST_PRICE,
    LARGEST_FRACTION,
    SMALLEST_FRACTION,
    limit_width,
    tick_size,
)


def width_of(*bases: float) -> list[float]:
    return pl.DataFrame({"base": bases}).select(limit_width(pl.col("base"))).to_series().to_list()


def tick_of(*prices: float) -> list[float]:
    return pl.DataFrame({"price": prices}).select(tick_size(pl.col("price"))).to_series().to_list()


# JPX, 内国株の売買制度 › 制限値幅: base price below → width
JPX_WIDTHS = [
    (100, 30), (200, 50), (500, 80), (700, 100), (1_000, 150), (1_500, 300), (2_000, 400), (3_000, 500),
    (5_000, 700), (7_000, 1_000), (10_000, 1_500), (15_000, 3_000), (20_000, 4_000), (30_000, 5_000),
    (50_000, 7_000), (70_000, 10_000), (100_000, 15_000), (150_000, 30_000), (200_000, 40_000),
    (300_000, 50_000), (500_000, 70_000), (700_000, 100_000), (1_000_000, 150_000), (1_500_000, 300_000),
    (2_000_000, 400_000), (3_000_000, 500_000), (5_000_000, 700_000), (7_000_000, 1_000_000),
    (10_000_000, 1_500_000), (15_000_000, 3_000_000), (20_000_000, 4_000_000), (30_000_000, 5_000_000),
    (50_000_000, 7_000_000),
]  # fmt: skip


@pytest.mark.parametrize(("below", "width"), JPX_WIDTHS)
def test_width_holds_below_its_edge_and_changes_at_it(below: float, width: float) -> None:
    under, at = width_of(below - 0.1, below)
    assert under == width
    assert at > width


def test_width_of_the_dearest_shares_is_ten_million_yen() -> None:
    assert width_of(50_000_000.0, 167_900_000.0) == [10_000_000.0, 10_000_000.0]


# JPX, 呼値の単位 (issues outside TOPIX 500): price at or below → tick
@pytest.mark.parametrize(
    ("up_to", "tick"),
    [
        (3_000, 1), (5_000, 5), (30_000, 10), (50_000, 50), (300_000, 100), (500_000, 500),
        (3_000_000, 1_000), (5_000_000, 5_000), (30_000_000, 10_000), (50_000_000, 50_000),
    ],
)  # fmt: skip
def test_tick_holds_up_to_its_edge_and_changes_above_it(up_to: float, tick: float) -> None:
    at, above = tick_of(float(up_to), up_to + 0.1)
    assert at == tick
    assert above > tick


def test_tick_of_the_dearest_shares_is_a_hundred_thousand_yen() -> None:
    assert tick_of(50_000_001.0) == [100_000.0]


@settings(max_examples=200, deadline=None)
@given(st.floats(0.1, 70_000_000.0))
def test_no_limit_is_narrower_than_the_fraction_below_which_moves_are_not_looked_at(base: float) -> None:
    assert width_of(base)[0] >= SMALLEST_FRACTION * base


@settings(max_examples=200, deadline=None)
@given(st.floats(500.0, HIGHEST_PRICE))
def test_no_limit_is_wider_than_the_largest_fraction_from_500_yen_on(base: float) -> None:
    assert width_of(base)[0] <= LARGEST_FRACTION * base


@settings(max_examples=100, deadline=None)
@given(st.floats(0.1, HIGHEST_PRICE), st.floats(0.1, HIGHEST_PRICE))
def test_width_and_tick_never_fall_with_the_price(price: float, other: float) -> None:
    low, high = sorted((price, other))
    assert width_of(low)[0] <= width_of(high)[0]
    assert tick_of(low)[0] <= tick_of(high)[0]
