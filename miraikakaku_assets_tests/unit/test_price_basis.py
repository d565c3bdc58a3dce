"""The same bars on three bases."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from miraikakaku_assets.domain.bars.adjustment import dividend_adjusted
from miraikakaku_assets.domain.bars.frame import ACTIONS, PRICES
from miraikakaku_assets.domain.bars.price_basis import PriceBasis, on_basis
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import FX, JP, Timeframe
from miraikakaku_assets.domain.market.sessions import expected_slots, session_table

DAYS = [date(2025, 6, day) for day in (2, 3, 4, 5, 6)]
NOTHING = pl.DataFrame(schema=ACTIONS)


def actions(*rows: tuple[str, date, str, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=ACTIONS, orient="row")


def daily(closes: list[float], symbol: str = "A") -> pl.DataFrame:
    opens = session_table("XTKS").filter(pl.col("session").is_in(DAYS))["opens"]
    rows: list[dict[str, Any]] = [
        {"symbol": symbol, "ts": ts, **dict.fromkeys(PRICES, close), "volume": 100}
        for ts, close in zip(opens, closes, strict=True)
    ]
    return pl.DataFrame(rows).cast({"ts": pl.Datetime("us", "UTC")})


def minutes(closes: list[float], fetched_after: timedelta, symbol: str = "A") -> pl.DataFrame:
    """Two bars per session, fetched so long after the session's open."""
    frames = []
    for day, close in zip(DAYS, closes, strict=True):
        slots = expected_slots("XTKS", day).gather([0, 40])
        prices = {name: pl.lit(close) for name in PRICES}
        fetched = pl.lit(slots[0] + fetched_after, pl.Datetime("us", "UTC"))
        frames.append(
            slots.to_frame().select(
                pl.lit(symbol).alias("symbol"), "ts", **prices, volume=100, fetched_at=fetched
            )
        )
    return pl.concat(frames).with_columns(pl.col("volume").cast(pl.Int64))


def test_raw_is_what_is_stored() -> None:
    bars = daily([10.0, 11.0, 12.0, 13.0, 14.0])
    split = actions(("A", DAYS[2], "split", 2.0), ("A", DAYS[3], "dividend", 1.0))
    assert on_basis(bars, PriceBasis.RAW, Timeframe.D1, JP, split) is bars
    # A source restates its daily history at every split: it is on today's scale already.
    assert on_basis(bars, PriceBasis.SPLIT_ADJUSTED, Timeframe.D1, JP, split) is bars


def test_five_minute_bars_fetched_before_a_split_follow_it() -> None:
    stored = minutes([600.0, 600.0, 300.0, 300.0, 100.0], timedelta(hours=8))
    splits = actions(("A", DAYS[2], "split", 2.0), ("A", DAYS[4], "split", 3.0), ("B", DAYS[4], "split", 7.0))
    rebased = on_basis(stored, PriceBasis.SPLIT_ADJUSTED, Timeframe.M5, JP, splits)
    assert set(rebased["close"]) == {100.0}
    assert rebased["volume"].to_list() == [600] * 4 + [300] * 4 + [100] * 2
    assert rebased.columns == stored.columns


def test_five_minute_bars_fetched_after_a_split_have_its_scale() -> None:
    stored = minutes([100.0] * 5, timedelta(days=30))
    splits = actions(("A", DAYS[2], "split", 2.0))
    rebased = on_basis(stored, PriceBasis.SPLIT_ADJUSTED, Timeframe.M5, JP, splits)
    assert_frame_equal(rebased, stored, check_exact=True)


def test_a_dividend_lowers_what_came_before_it() -> None:
    bars = daily([100.0, 100.0, 95.0, 95.0, 95.0])
    paid = actions(("A", DAYS[2], "dividend", 5.0))
    rebased = on_basis(bars, PriceBasis.ADJUSTED, Timeframe.D1, JP, paid)
    assert rebased["close"].to_list() == pytest.approx([95.0] * 5, rel=1e-15)
    assert rebased["volume"].to_list() == [100] * 5
    dated = bars.with_columns(session=pl.Series(DAYS))
    assert rebased.equals(dividend_adjusted(dated, paid).drop("session"))


def test_five_minute_bars_follow_splits_and_dividends_of_the_daily_closes() -> None:
    stored = minutes([202.0, 198.0, 95.5, 96.0, 95.0], timedelta(hours=8))
    days = daily([100.0, 100.0, 95.0, 95.0, 95.0])
    both = actions(("A", DAYS[2], "split", 2.0), ("A", DAYS[2], "dividend", 5.0))
    rebased = on_basis(stored, PriceBasis.ADJUSTED, Timeframe.M5, JP, both, days)
    expected = [101 * 0.95, 101 * 0.95, 99 * 0.95, 99 * 0.95, 95.5, 95.5, 96.0, 96.0, 95.0, 95.0]
    assert rebased["close"].to_list() == pytest.approx(expected, rel=1e-12)
    assert rebased["ts"].equals(stored["ts"])
    without_a_day = on_basis(
        stored, PriceBasis.ADJUSTED, Timeframe.M5, JP, both, days.filter(pl.col("ts") != days["ts"][1])
    )
    assert without_a_day["close"].to_list() == pytest.approx(expected, rel=1e-12)


def test_several_symbols_do_not_touch_each_other() -> None:
    paid = actions(("A", DAYS[2], "dividend", 5.0), ("B", DAYS[1], "split", 4.0))
    stored = pl.concat([minutes([100.0] * 5, timedelta(hours=8), symbol) for symbol in ("A", "B", "C")])
    days = pl.concat([daily([100.0] * 5, symbol) for symbol in ("A", "B", "C")])
    rebased = on_basis(stored, PriceBasis.ADJUSTED, Timeframe.M5, JP, paid, days)
    assert rebased["symbol"].equals(stored["symbol"])
    closes = dict(rebased.group_by("symbol").agg(pl.col("close").first()).iter_rows())
    assert closes == pytest.approx({"A": 95.0, "B": 25.0, "C": 100.0})


def test_without_actions_nothing_changes() -> None:
    stored = minutes([100.0] * 5, timedelta(hours=8))
    for basis in PriceBasis:
        rebased = on_basis(stored, basis, Timeframe.M5, FX, NOTHING, daily([100.0] * 5))
        assert_frame_equal(rebased, stored, check_exact=True)


def test_what_cannot_be_adjusted_is_said() -> None:
    stored = minutes([100.0] * 5, timedelta(hours=8))
    with pytest.raises(ConfigurationError, match="1w bars are built"):
        on_basis(stored, PriceBasis.ADJUSTED, Timeframe.W1, JP, NOTHING)
    with pytest.raises(ConfigurationError, match="fetched_at"):
        on_basis(stored.drop("fetched_at"), PriceBasis.SPLIT_ADJUSTED, Timeframe.M5, JP, NOTHING)
    with pytest.raises(ConfigurationError, match="daily bars"):
        on_basis(stored, PriceBasis.ADJUSTED, Timeframe.M5, JP, NOTHING)


def test_a_split_fetched_on_its_morning_is_told_by_the_open() -> None:
    """At 8:59 of the ex-date the source still has the old scale, at 9:00 the new one."""
    ex_open = datetime(2025, 6, 4, tzinfo=UTC)
    bars = minutes([100.0] * 5, timedelta(0)).head(4)
    splits = actions(("A", DAYS[2], "split", 2.0))
    for fetched, close in ((ex_open - timedelta(minutes=1), 50.0), (ex_open, 100.0)):
        dated = bars.with_columns(fetched_at=pl.lit(fetched, pl.Datetime("us", "UTC")))
        rebased = on_basis(dated, PriceBasis.SPLIT_ADJUSTED, Timeframe.M5, JP, splits)
        assert set(rebased["close"]) == {close}
