"""A history ends up judged alike, however it was delivered: whole, in parts, and any part of it again."""

from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.domain.bars.frame import RAW_DAILY
from miraikakaku_assets.domain.bars.rules import BEYOND_LIMIT
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Universe
from miraikakaku_assets.domain.market.sessions import session_table
from miraikakaku_assets_tests.support.bars.delivered_in_parts import Shelf
from miraikakaku_assets_tests.support.bars.raw_bars import NOW, actions, bar, closes, raw

pytestmark = pytest.mark.slow

SPLIT_RATIOS = (2.0, 5.0, 0.1)
_EVENTS = (
    "limit",
    "double",
    "garbage",
    "spike",
    "unit",
    "split",
    "untraded",
    "stray",
    "wrong_split",
    "drift",
)


def sessions_of(universe: Universe, number: int) -> list[date]:
    table = session_table(universe.calendar).filter(pl.col("session") >= date(2024, 1, 4))
    return table["session"].head(number).to_list()


@st.composite
def histories(draw: st.DrawFn, universe: Universe) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bars of one issue as a source sends them, with what goes wrong in real ones; and its splits."""
    gaps = draw(
        st.lists(
            st.tuples(st.sampled_from([1, 1, 2, 3, 7, 8, 9, 15, 17, 30]), st.sampled_from(_EVENTS)),
            min_size=1,
            max_size=10,
        )
    )
    events, place = dict[int, str](), 0
    for gap, event in gaps:
        place += gap
        events[place] = event
    days = sessions_of(universe, place + draw(st.integers(1, 20)))
    price, rows, splits = draw(st.sampled_from([40.0, 150.0, 1_000.0, 9_000.0])), [], []
    wrong: list[float] = []
    for number, day in enumerate(days):
        event = events.get(number, "")
        price *= {"limit": 1.25, "double": 2.2, "drift": 0.8}.get(event, 1.01 if number % 2 else 0.99)
        ratio = draw(st.sampled_from(SPLIT_RATIOS)) if event in {"split", "wrong_split"} else 1.0
        if event == "split":  # recorded, and applied to what lies before it
            splits.append(("7203.T", day, "split", ratio))
        if event == "wrong_split":
            splits.append(("7203.T", day, "split", ratio))
            wrong = [ratio] * draw(st.integers(1, 9))
        if event == "unit":
            wrong = [100.0] * draw(st.integers(1, 10))
        if event in {"garbage", "spike"}:
            wrong = [3_000.0 if event == "garbage" else 0.4]
        close = round(price * (wrong.pop() if wrong else 1.0), 4)
        fields: dict[str, Any] = {"volume": 0.0 if event == "untraded" else 100.0}
        if event == "stray":
            fields["high"] = close * 15
        rows.append(bar(day, close, **fields))
    return raw(rows), actions(*splits)


def parts(history: pl.DataFrame, cuts: set[int]) -> list[pl.DataFrame]:
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < history.height), history.height]
    return [history[first:last] for first, last in pairwise(edges)]


def of_window(known: pl.DataFrame, window: pl.DataFrame) -> pl.DataFrame:
    """Actions as a source sends them: with the bars of their day."""
    return known.filter(pl.col("ex_date").is_in(window["session"].implode()))


def check(
    universe: Universe, history: pl.DataFrame, known: pl.DataFrame, cuts: set[int], again: list[Any]
) -> None:
    whole, piecewise = Shelf(universe, NOW), Shelf(universe, NOW)
    whole.deliver(history, known)
    for window in parts(history, cuts):
        piecewise.deliver(window, of_window(known, window))
    assert piecewise.verdicts() == whole.verdicts()
    for shelf in (whole, piecewise):
        shelf.withdrawn.clear()
        settled = shelf.verdicts()
        for first, length in again:
            window = history[first : first + length]
            if not window.is_empty():
                shelf.deliver(window, of_window(known, window))
        assert shelf.verdicts() == settled
        assert shelf.withdrawn == []


windows = st.lists(st.tuples(st.integers(0, 99), st.integers(1, 20)), max_size=4)
cuts = st.sets(st.integers(1, 99), min_size=1, max_size=12)


@pytest.mark.parametrize("universe", [JP, US], ids=["limits", "factors"])
def test_a_history_in_any_parts_ends_as_the_whole_does_and_no_part_again_changes_it(
    universe: Universe,
) -> None:
    @settings(max_examples=20, deadline=None)
    @given(histories(universe), cuts, windows)
    def holds(history: tuple[pl.DataFrame, pl.DataFrame], cut: set[int], again: list[Any]) -> None:
        check(universe, *history, cut, again)

    holds()


def test_a_bar_that_later_sessions_confirmed_stays_when_its_own_day_comes_again() -> None:
    shelf = Shelf(JP, NOW)
    rows = closes(6_050.0, 1_210.0, 1_215.0, 1_198.0)
    shelf.deliver(raw(rows))
    shelf.deliver(raw(rows[1:2]))
    assert shelf.withdrawn == []
    assert [row[3:] for row in shelf.verdicts()] == [
        (None, None), (BEYOND_LIMIT, None), (None, None), (None, None)
    ]  # fmt: skip


def test_the_last_bar_of_a_month_is_settled_by_the_file_of_the_next() -> None:
    rows = closes(6_050.0, 1_210.0, 1_215.0)
    shelf = Shelf(JP, NOW)
    shelf.deliver(raw(rows[:2]))
    assert shelf.verdicts()[-1][3:] == (None, "limit_absurd")
    shelf.deliver(raw(rows[2:]))
    assert [row[3:] for row in shelf.verdicts()] == [(None, None), (BEYOND_LIMIT, None), (None, None)]
    spike = closes(1_900.0, 1_300.0, 1_900.0)
    shelf = Shelf(JP, NOW)
    shelf.deliver(raw(spike[:2]))
    assert shelf.withdrawn == []
    shelf.deliver(raw(spike[2:]))
    assert [row[3:] for row in shelf.verdicts()] == [(None, None), (None, "limit_undone"), (None, None)]
    assert shelf.withdrawn == [("7203.T", spike[1]["session"])]


def test_real_series_delivered_month_by_month_end_as_the_whole_year_does(real_data: Path) -> None:
    table = pl.read_parquet(real_data / "jp_daily/jp_daily_all4178_2024-12_2025-12.parquet")
    moved = (pl.col("close") / pl.col("close").shift(1).over("symbol")).log().abs()
    restless = table.filter(moved > 0.25)["symbol"].unique().sort()[::4]
    table = table.filter(pl.col("symbol").is_in(restless.implode())).with_row_index("row")
    history = table.select(
        "symbol",
        pl.col("date").cast(pl.String).str.slice(0, 10).str.to_date().alias("session"),
        pl.lit(None, RAW_DAILY["stamp"]).alias("stamp"),
        *("open", "high", "low", "close"),
        pl.col("volume").cast(pl.Float64),
        pl.col("row").cast(pl.Int64),
        pl.lit(None, pl.String).alias("refusal"),
    )
    later = NOW.replace(year=2026)
    whole, monthly = Shelf(JP, later), Shelf(JP, later)
    whole.deliver(history)
    for _, month in sorted(history.group_by(pl.col("session").dt.strftime("%Y-%m"))):
        monthly.deliver(month)
    assert monthly.verdicts() == whole.verdicts()
    settled = monthly.verdicts()
    monthly.withdrawn.clear()
    days = history["session"].unique().sort()
    for day in days[::25]:
        monthly.deliver(history.filter(pl.col("session") == day))
    assert (monthly.verdicts(), monthly.withdrawn) == (settled, [])


def test_a_currency_in_parts_ends_as_the_whole_does() -> None:
    days = sessions_of(FX, 30)
    prices = [150.0] * 30
    prices[9], prices[20], prices[21] = 170.0, 400.0, 410.0
    history = raw(bar(day, price, volume=0.0) for day, price in zip(days, prices, strict=True))
    for cut in range(2, 30, 5):
        check(FX, history, actions(), {cut}, [(cut, 1), (cut - 1, 2)])
