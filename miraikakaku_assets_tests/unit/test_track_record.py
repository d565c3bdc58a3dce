"""What came after signals: the right bars, the market taken off, nothing that was not yet known."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.domain.patterns.track_record import (
    NEXT_72_BARS,
    NEXT_SESSION,
    Horizon,
    outcomes,
    track_record,
)

OPEN, CLOSE = timedelta(hours=0), timedelta(hours=6, minutes=30)
DAY = datetime(2025, 4, 1, tzinfo=UTC)
_UTC = pl.Datetime("us", "UTC")


def days(closes: dict[str, list[float | None]]) -> pl.DataFrame:
    """Daily bars from `DAY` on; None where a symbol has no bar."""
    rows = [
        {
            "symbol": symbol,
            "ts": DAY + timedelta(place) + OPEN,
            "ends": DAY + timedelta(place) + CLOSE,
            "close": close,
        }
        for symbol, prices in closes.items()
        for place, close in enumerate(prices)
        if close is not None
    ]
    return pl.DataFrame(rows).with_columns(pl.col("ts", "ends").cast(_UTC))


def signal(symbol: str, at: datetime, direction: str = "BUY", pattern: str = "6") -> dict[str, Any]:
    return {"symbol": symbol, "at": at, "definition": "v2", "pattern": pattern, "direction": direction}


def made(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows).with_columns(pl.col("at").cast(_UTC))


NOON = DAY + timedelta(hours=3)
MARKET = days({"A": [100, 110, 99], "B": [200, 204, 210], "C": [50, 50, 50]})
LATE = DAY + timedelta(days=30)


def test_an_outcome_is_the_move_to_the_next_close_minus_that_of_the_market() -> None:
    row = outcomes(made(signal("A", NOON)), MARKET, NEXT_SESSION).row(0, named=True)
    market = (0.10 + 0.02 + 0.0) / 3
    assert row["move"] == pytest.approx(0.10)
    assert row["market_move"] == pytest.approx(market)
    assert row["outcome"] == pytest.approx(0.10 - market)
    assert (row["from_close_at"], row["resolved_at"]) == (DAY + CLOSE, DAY + timedelta(1) + CLOSE)
    assert (row["compared"], row["hit"]) == (3, True)


def test_a_sell_signal_wants_a_fall() -> None:
    row = outcomes(made(signal("B", NOON, "SELL")), MARKET, NEXT_SESSION).row(0, named=True)
    assert row["outcome"] == pytest.approx(-(0.02 - 0.04))
    assert row["hit"] is True  # it rose, but less than the market


def test_a_neutral_signal_points_nowhere() -> None:
    signals = made(signal("A", NOON, "NEUTRAL", "5"), signal("C", NOON, "NEUTRAL", "5"))
    measured = outcomes(signals, MARKET, NEXT_SESSION)
    assert measured["hit"].to_list() == [None, None]
    record = track_record(signals, MARKET, NEXT_SESSION, LATE).row(0, named=True)
    assert (record["n"], record["hits"], record["hit_rate"], record["low"]) == (2, None, None, None)
    assert record["mean"] == pytest.approx((0.06 - 0.04) / 2)


def test_a_signal_at_the_close_starts_there_and_one_after_it_at_no_bar_yet_made() -> None:
    at_close = outcomes(made(signal("A", DAY + CLOSE)), MARKET, NEXT_SESSION)
    assert at_close["from_close_at"].to_list() == [DAY + CLOSE]
    between = outcomes(made(signal("A", DAY + CLOSE + timedelta(hours=1))), MARKET, NEXT_SESSION)
    assert between["outcome"].to_list() == [None]


def test_a_symbol_that_missed_a_session_is_compared_over_the_same_time() -> None:
    market = days({"A": [100, None, 121], "B": [100, 150, 110], "C": [100, 100, None]})
    row = outcomes(made(signal("A", NOON)), market, NEXT_SESSION).row(0, named=True)
    assert row["move"] == pytest.approx(0.21)
    assert row["market_move"] == pytest.approx((0.21 + 0.10) / 2)
    assert row["compared"] == 2


def test_a_single_instrument_has_no_market() -> None:
    alone = MARKET.filter(symbol="A")
    signals = made(signal("A", NOON))
    for bars, horizon in (
        (alone, NEXT_SESSION),
        (MARKET, Horizon("next day", 1, timedelta(4), market_adjusted=False)),
    ):
        row = outcomes(signals, bars, horizon).row(0, named=True)
        assert (row["outcome"], row["market_move"], row["compared"]) == (pytest.approx(0.10), 0.0, 0)
        words = track_record(signals, bars, horizon, LATE)["adjustment"].item()
        assert words == "none: an instrument without a market, whose own drift is taken as 0"


def test_72_five_minute_bars_of_a_currency() -> None:
    step = timedelta(minutes=5)
    closes = [150 + 0.01 * n for n in range(100)]
    bars = pl.DataFrame({"symbol": "USDJPY=X", "ts": [DAY + n * step for n in range(100)], "close": closes})
    bars = bars.with_columns(pl.col("ts").cast(_UTC), ends=(pl.col("ts") + step).cast(_UTC))
    rows = [signal("USDJPY=X", DAY + n * step, "SELL") for n in (11, 28, 29)]
    measured = outcomes(made(*rows), bars, NEXT_72_BARS)
    assert measured["resolved_at"].to_list() == [DAY + 83 * step, DAY + 100 * step, None]
    assert measured["outcome"][0] == pytest.approx(-(closes[82] / closes[10] - 1))
    assert measured["hit"].to_list() == [False, False, None]


@pytest.mark.parametrize(
    ("pause", "counts"),
    [
        (timedelta(hours=48), 1),  # a weekend
        (timedelta(days=4), 1),
        (timedelta(days=4, minutes=5), 0),
        (timedelta(days=54), 0),  # a hole in the data
    ],
)
def test_an_outcome_across_a_hole_in_the_data_is_none(pause: timedelta, counts: int) -> None:
    step = timedelta(minutes=5)
    stamps = [DAY + n * step + (pause if n >= 50 else timedelta(0)) for n in range(200)]
    bars = pl.DataFrame({"symbol": "USDJPY=X", "ts": stamps, "close": [150 + 0.01 * n for n in range(200)]})
    bars = bars.with_columns(pl.col("ts").cast(_UTC), ends=(pl.col("ts") + step).cast(_UTC))
    across, behind = stamps[49] + step, stamps[50] + step
    signals = made(signal("USDJPY=X", across), signal("USDJPY=X", behind))
    measured = outcomes(signals, bars, NEXT_72_BARS)
    assert measured["outcome"].is_not_null().to_list() == [counts == 1, True]
    assert measured["resolved_at"].is_not_null().to_list() == [counts == 1, True]
    record = track_record(signals, bars, NEXT_72_BARS, LATE + timedelta(days=60)).row(0, named=True)
    assert (record["signals"], record["n"]) == (2, 1 + counts)


def test_the_longest_holiday_of_tokyo_is_no_hole() -> None:
    market = days({"A": [100, *[None] * 10, 110], "B": [100, *[None] * 10, 100]})
    assert outcomes(made(signal("A", NOON)), market, NEXT_SESSION)["outcome"].to_list() == pytest.approx(
        [0.05]
    )
    market = days({"A": [100, *[None] * 14, 110], "B": [100, *[None] * 14, 100]})
    assert outcomes(made(signal("A", NOON)), market, NEXT_SESSION)["outcome"].to_list() == [None]


def test_outcomes_that_are_open_do_not_count() -> None:
    signals = made(
        signal("A", NOON), signal("A", NOON + timedelta(days=1)), signal("A", NOON + timedelta(days=2))
    )
    complete = DAY + timedelta(1) + CLOSE
    before, at, after = (
        track_record(signals, MARKET, NEXT_SESSION, moment).row(0, named=True)
        for moment in (complete - timedelta(microseconds=1), complete, LATE)
    )
    assert (before["signals"], before["n"], before["hit_rate"], before["last_ten"]) == (2, 0, None, [])
    assert before["adjustment"] == "no outcome is complete yet"
    assert (at["signals"], at["n"], at["hits"], at["hit_rate"]) == (2, 1, 1, 1.0)
    assert (after["signals"], after["n"], after["hits"], after["hit_rate"]) == (3, 2, 1, 0.5)
    assert (after["low"], after["high"]) == pytest.approx((0.094531, 0.905469), abs=1e-6)
    assert (after["days"], after["horizon"]) == (2, "next session")
    assert after["adjustment"] == "minus the mean move of up to 3 symbols over the same time"


def test_a_record_lists_the_last_ten_newest_last() -> None:
    rising = [100 * 1.01 ** (n * (n + 1) / 2) for n in range(16)]
    bars = days({"A": rising, "B": [100.0] * 16})
    signals = made(*(signal("A", NOON + timedelta(days=n)) for n in reversed(range(15))))
    record = track_record(signals, bars, NEXT_SESSION, LATE).row(0, named=True)
    assert record["n"] == 15
    assert record["last_ten"] == pytest.approx([(1.01 ** (n + 1) - 1) / 2 for n in range(5, 15)])


def test_sides_have_their_own_records() -> None:
    signals = made(
        signal("A", NOON), signal("A", NOON, "SELL"), signal("B", NOON), signal("B", NOON, "BUY", "2")
    )
    record = track_record(signals, MARKET, NEXT_SESSION, LATE)
    assert record.select("pattern", "direction", "n", "hits").rows() == [
        ("2", "BUY", 1, 0),
        ("6", "BUY", 2, 1),
        ("6", "SELL", 1, 0),
    ]


def test_no_signals_have_no_record() -> None:
    nothing = made(signal("A", NOON)).clear()
    assert track_record(nothing, MARKET, NEXT_SESSION, LATE).is_empty()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1_000), moment=st.integers(0, 45 * 24))
def test_a_record_as_of_a_moment_needs_nothing_later(seed: int, moment: int) -> None:
    rng = np.random.default_rng(seed)
    closes: dict[str, list[float | None]] = {
        name: [
            None if rng.random() < 0.1 else float(price)
            for price in 100 * np.exp(np.cumsum(rng.normal(0, 0.02, 45)))
        ]
        for name in "ABCDE"
    }
    bars = days(closes)
    signals = made(
        *(
            signal(
                "ABCDE"[rng.integers(5)],
                DAY + timedelta(minutes=int(rng.integers(45 * 24 * 60))),
                ("BUY", "SELL", "NEUTRAL")[rng.integers(3)],
            )
            for _ in range(80)
        )
    )
    as_of = DAY + timedelta(hours=moment)
    known = bars.filter(pl.col("ends") <= as_of)
    record = track_record(signals, bars, NEXT_SESSION, as_of)
    assert record.equals(
        track_record(signals.filter(pl.col("at") <= as_of), known, NEXT_SESSION, as_of + timedelta(days=100))
    )
    by_hand = counted_by_hand(signals, closes, as_of)
    assert {
        row["direction"]: (row["n"], row["hits"]) for row in record.iter_rows(named=True) if row["n"]
    } == by_hand


def counted_by_hand(
    signals: pl.DataFrame, closes: dict[str, list[float | None]], as_of: datetime
) -> dict[str, tuple[int, int | None]]:
    counts: dict[str, tuple[int, int | None]] = {}
    for row in signals.iter_rows(named=True):
        place = (row["at"] - DAY).days
        prices = closes[row["symbol"]]
        within = timedelta(0) < row["at"] - DAY - timedelta(place) <= CLOSE
        start = prices[place] if within else None
        later = [n for n in range(place + 1, len(prices)) if prices[n] is not None]
        if start is None or not later or DAY + timedelta(later[0]) + CLOSE > as_of:
            continue
        moves = {
            name: after / before - 1
            for name, path in closes.items()
            if (before := path[place]) is not None and (after := path[later[0]]) is not None
        }
        beaten = moves[row["symbol"]] - sum(moves.values()) / len(moves)
        n, hits = counts.get(row["direction"], (0, 0))
        hit = beaten > 0 if row["direction"] == "BUY" else beaten < 0
        counts[row["direction"]] = (
            n + 1,
            None if row["direction"] == "NEUTRAL" or hits is None else hits + hit,
        )
    return counts
