"""Dividend-adjusted prices: golden values by hand, and what must hold for any series."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.domain.bars.adjustment import dividend_adjusted, dividends_undone
from miraikakaku_assets.domain.bars.frame import ACTIONS, empty

DAY = date(2025, 1, 6)


def bars(closes: list[float], symbol: str = "7203.T") -> pl.DataFrame:
    days = [DAY + timedelta(days=number) for number in range(len(closes))]
    return pl.DataFrame(
        {"symbol": [symbol] * len(closes), "session": days, "volume": [100] * len(closes)}
        | dict.fromkeys(("open", "high", "low", "close"), closes),
        schema_overrides=dict.fromkeys(("open", "high", "low", "close"), pl.Float64),
    )


def dividend(offset: int, value: float, symbol: str = "7203.T") -> pl.DataFrame:
    rows = [(symbol, DAY + timedelta(days=offset), "dividend", value)]
    return pl.DataFrame(rows, schema=ACTIONS, orient="row")


def test_prices_before_the_ex_date_shrink_by_the_share_of_the_dividend():
    # 100 → ex 5: factor 1 - 5/100 = 0.95 on both earlier bars; the ex-date and later bars stay.
    adjusted = dividend_adjusted(bars([90.0, 100.0, 96.0, 97.0]), dividend(2, 5.0))
    assert adjusted["close"].to_list() == pytest.approx([85.5, 95.0, 96.0, 97.0])
    assert adjusted["open"].to_list() == pytest.approx([85.5, 95.0, 96.0, 97.0])
    assert adjusted["volume"].to_list() == [100, 100, 100, 100]


def test_two_dividends_compound():
    twice = pl.concat([dividend(1, 10.0), dividend(3, 20.0)])
    adjusted = dividend_adjusted(bars([100.0, 95.0, 80.0, 70.0]), twice)
    # second: 1 - 20/80 = 0.75; first: 1 - 10/100 = 0.9
    assert adjusted["close"].to_list() == pytest.approx([100 * 0.9 * 0.75, 95 * 0.75, 80 * 0.75, 70.0])


def test_a_dividend_dated_to_a_day_without_a_bar_counts_from_the_next_bar():
    holes = bars([100.0, 100.0, 100.0, 100.0]).filter(pl.col("session") != DAY + timedelta(days=2))
    adjusted = dividend_adjusted(holes, dividend(2, 10.0))
    assert adjusted["close"].to_list() == pytest.approx([90.0, 90.0, 100.0])


def test_an_impossible_dividend_is_ignored():
    assert dividend_adjusted(bars([100.0, 50.0]), dividend(1, 100.0))["close"].to_list() == [100.0, 50.0]


def test_one_symbol_never_adjusts_another():
    both = pl.concat([bars([100.0, 100.0]), bars([100.0, 100.0], "9984.T")])
    adjusted = dividend_adjusted(both, dividend(1, 10.0, "9984.T"))
    assert adjusted["close"].to_list() == pytest.approx([100.0, 100.0, 90.0, 100.0])


def test_without_dividends_nothing_changes():
    raw = bars([100.0, 101.0])
    assert dividend_adjusted(raw, empty(ACTIONS)).equals(raw)


@given(
    st.lists(st.floats(min_value=10, max_value=10_000), min_size=2, max_size=30),
    st.lists(st.tuples(st.integers(1, 29), st.floats(min_value=0.01, max_value=5)), max_size=4),
)
def test_adjusted_returns_equal_total_returns(closes: list[float], paid: list[tuple[int, float]]):
    paid = list({offset: (offset, value) for offset, value in paid if offset < len(closes)}.values())
    actions = pl.concat([empty(ACTIONS), *(dividend(offset, value) for offset, value in paid)])
    adjusted = dividend_adjusted(bars(closes), actions)["close"].to_list()
    amounts = dict(paid)
    for today in range(1, len(closes)):
        before = closes[today - 1] - amounts.get(today, 0.0)
        assert adjusted[today] / adjusted[today - 1] == pytest.approx(closes[today] / before, rel=1e-9)
    assert adjusted[-1] == pytest.approx(closes[-1])


@given(
    st.lists(st.floats(min_value=50.0, max_value=5_000.0), min_size=3, max_size=30),
    st.lists(
        st.tuples(st.integers(0, 29), st.floats(0.01, 40.0)), max_size=6, unique_by=lambda paid: paid[0]
    ),
)
def test_undoing_gives_the_raw_prices_back(closes: list[float], paid: list[tuple[int, float]]):
    quoted = bars(closes)
    happened = pl.concat([empty(ACTIONS), *(dividend(offset, value) for offset, value in paid)])
    adjusted = dividend_adjusted(quoted, happened)
    again = dividends_undone(adjusted.reverse(), happened, quoted["session"]).reverse()
    assert again["close"].to_list() == pytest.approx(closes)
    assert again["low"].to_list() == pytest.approx(closes)


def test_undoing_reads_a_vendors_negative_prices():
    # A dividend of 150 on a close of 100: Yahoo's factor is 1 - 1.5 = -0.5.
    negative = bars([-45.0, -50.0, 80.0])
    assert dividends_undone(negative, dividend(2, 150.0), negative["session"])["close"].to_list() == [
        90.0,
        100.0,
        80.0,
    ]


def test_undoing_measures_a_dividend_by_the_last_session_and_not_by_a_holidays_row():
    rows = bars([95.0, 1.0, 100.0])
    sessions = rows["session"].gather([0, 2])
    assert dividends_undone(rows, dividend(2, 5.0), sessions)["close"].to_list()[0] == pytest.approx(100.0)


def test_undoing_leaves_other_symbols_and_days_from_the_ex_date_on_alone():
    both = pl.concat([bars([95.0, 100.0]), bars([95.0, 100.0], "9984.T")])
    undone = dividends_undone(both, dividend(1, 5.0), both["session"])
    assert undone["close"].to_list() == pytest.approx([100.0, 100.0, 95.0, 100.0])
