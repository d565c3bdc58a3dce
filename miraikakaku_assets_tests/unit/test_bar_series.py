"""Frames of many symbols: where each series begins, how its end is cut out, and when a bar was over."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.domain.bars.intervals import with_ends
from miraikakaku_assets.domain.bars.series import positions, series_bounds, tails
from miraikakaku_assets.domain.errors import PermanentSymbolError
from miraikakaku_assets.domain.market.instruments import FX, JP, US, Timeframe, Universe

START = datetime(2025, 3, 3, tzinfo=UTC)
STEP = timedelta(minutes=5)
_UTC = pl.Datetime("us", "UTC")


def frame(**places: list[int]) -> pl.DataFrame:
    """Bars of symbols at multiples of five minutes after `START`."""
    rows = [(symbol, START + at * STEP, at) for symbol, each in places.items() for at in each]
    return pl.DataFrame(rows, schema={"symbol": pl.String, "ts": _UTC, "at": pl.Int64}, orient="row")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")


def test_bounds_and_positions() -> None:
    bars = frame(A=[0, 1, 5], B=[3], C=[0, 1])
    assert series_bounds(bars).tolist() == [0, 3, 4, 6]
    assert positions(series_bounds(bars)).tolist() == [0, 1, 2, 0, 0, 1]
    assert series_bounds(bars.clear()).tolist() == [0]
    assert series_bounds(frame(A=[7])).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("bars", "symbol", "words"),
    [
        (frame(A=[0, 1], B=[2, 2]), "B", "comes after a later or equal one"),
        (frame(A=[1, 0]), "A", "comes after a later or equal one"),
        (pl.concat([frame(A=[0], B=[0]), frame(A=[1])]), "A", "in several places"),
    ],
)
def test_bars_in_another_order_are_refused(bars: pl.DataFrame, symbol: str, words: str) -> None:
    with pytest.raises(PermanentSymbolError, match=words) as refused:
        series_bounds(bars)
    assert (refused.value.symbol, refused.value.kind) == (symbol, "unordered_bars")


def test_tails_begin_at_the_moment_with_some_bars_before_it() -> None:
    bars = frame(A=[0, 1, 2, 3], B=[2, 4, 6], C=[0, 1])
    since = {"A": START + 2 * STEP, "B": START + 3 * STEP, "C": None}
    assert tails(bars, since).rows() == frame(A=[2, 3], B=[4, 6], C=[0, 1]).rows()
    assert tails(bars, since, 1).rows() == frame(A=[1, 2, 3], B=[2, 4, 6], C=[0, 1]).rows()
    assert tails(bars, since, 99).rows() == bars.rows()
    assert tails(bars, dict.fromkeys("ABC")).rows() == bars.rows()
    late = dict.fromkeys("ABC", datetime(9999, 12, 31, tzinfo=UTC))
    assert tails(bars, late).schema == bars.schema
    assert tails(bars, late).is_empty()
    assert tails(bars, late, 1).rows() == frame(A=[3], B=[6], C=[1]).rows()
    assert tails(bars.clear(), late).is_empty()


series = st.sets(st.integers(0, 40), min_size=1).map(sorted)
moments = st.none() | st.integers(-3, 45)


@given(each=st.dictionaries(st.sampled_from("ABCD"), st.tuples(series, moments)), before=st.integers(0, 5))
def test_tails_are_what_counting_by_hand_gives(
    each: dict[str, tuple[list[int], int | None]], before: int
) -> None:
    bars = frame(**{symbol: each[symbol][0] for symbol in sorted(each)})
    since = {symbol: None if at is None else START + at * STEP for symbol, (_, at) in each.items()}
    kept: dict[str, list[int]] = {}
    for symbol in sorted(each):
        places, at = each[symbol]
        earlier = [] if at is None else [place for place in places if place < at]
        kept[symbol] = places[max(len(earlier) - before, 0) :]
    assert tails(bars, since, before).equals(frame(**kept))


ENDS = [
    # A five-minute bar ends after five minutes, the print at the close of Tokyo's morning, too.
    (JP, Timeframe.M5, "2025-03-03T02:30", "2025-03-03T02:35"),
    # Tokyo: half an hour before lunch and the morning, which that print belongs to, the afternoon of before and
    # after 2024-11-05; days and longer bars once they are final.
    (JP, Timeframe.H1, "2025-03-03T02:00", "2025-03-03T02:35"),
    (JP, Timeframe.H4, "2025-03-03T00:00", "2025-03-03T02:35"),
    (JP, Timeframe.H4, "2024-11-01T03:30", "2024-11-01T06:00"),
    (JP, Timeframe.H4, "2024-11-05T03:30", "2024-11-05T06:30"),
    (JP, Timeframe.D1, "2025-03-03T00:00", "2025-03-03T07:00"),
    (JP, Timeframe.W1, "2025-03-03T00:00", "2025-03-07T07:00"),
    (JP, Timeframe.MO1, "2025-03-03T00:00", "2025-03-31T07:00"),
    # New York: half an hour at the end, a half day, and summer time.
    (US, Timeframe.H1, "2025-03-03T20:30", "2025-03-03T21:00"),
    (US, Timeframe.D1, "2025-11-28T14:30", "2025-11-28T18:30"),
    (US, Timeframe.D1, "2025-07-01T13:30", "2025-07-01T20:30"),
    # Currencies: by New York's day; a Friday ends with the week.
    (FX, Timeframe.H1, "2025-03-03T22:00", "2025-03-03T23:00"),
    (FX, Timeframe.H4, "2025-03-07T18:00", "2025-03-07T22:00"),
    (FX, Timeframe.D1, "2025-03-03T00:00", "2025-03-04T00:30"),
    (FX, Timeframe.D1, "2025-03-07T00:00", "2025-03-07T22:30"),
    (FX, Timeframe.D1, "2025-03-14T00:00", "2025-03-14T22:30"),
]  # fmt: skip


@pytest.mark.parametrize(("universe", "timeframe", "ts", "ends"), ENDS)
def test_a_bar_is_known_when_its_last_part_has_ended(
    universe: Universe, timeframe: Timeframe, ts: str, ends: str
) -> None:
    bars = pl.DataFrame({"ts": [utc(ts)], "close": [1.0]}).with_columns(pl.col("ts").cast(_UTC))
    assert with_ends(bars, timeframe, universe).rows() == [(utc(ts), 1.0, utc(ends))]


def test_ends_keep_the_order_of_the_bars_and_are_unknown_outside_of_sessions() -> None:
    stamps = [
        utc("2025-03-04T00:00"),
        utc("2025-03-03T00:00"),
        utc("2025-03-03T00:07"),
        utc("2025-03-04T00:00"),
    ]
    bars = pl.DataFrame({"ts": stamps, "n": np.arange(4)}).with_columns(pl.col("ts").cast(_UTC))
    ended = with_ends(bars, Timeframe.D1, JP)
    assert ended["n"].to_list() == [0, 1, 2, 3]
    assert ended["ends"].to_list() == [
        utc("2025-03-04T07:00"), utc("2025-03-03T07:00"), None, utc("2025-03-04T07:00"),
    ]  # fmt: skip
    assert with_ends(bars.clear(), Timeframe.H1, JP).is_empty()
