"""Candlestick patterns: some drawn by hand, all against TA-Lib itself."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from miraikakaku_assets.domain.indicators.candlesticks import NEUTRAL, candlesticks, pattern_names
from miraikakaku_assets_tests.support.bars.random_walks import market


def chart(candles: list[tuple[float, float, float, float]]) -> pl.DataFrame:
    """Fifteen ordinary candles, then those given (open, high, low, close)."""
    before: list[tuple[float, float, float, float]] = [
        (104.0, 105.0, 99.0, 100.0),
        (100.0, 105.0, 99.0, 104.0),
    ] * 7
    rows: list[dict[str, Any]] = []
    for number, (opened, high, low, close) in enumerate([*before, (104.0, 105.0, 99.0, 100.0), *candles]):
        ts = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number)
        prices = {"open": opened, "high": high, "low": low, "close": close}
        rows.append({"symbol": "A", "ts": ts, **prices, "volume": 1})
    return pl.DataFrame(rows)


@pytest.mark.parametrize(
    ("candles", "pattern", "direction"),
    [
        ([(100.0, 103.0, 97.0, 100.0)], "doji", "neutral"),
        ([(99.0, 106.0, 98.0, 105.0)], "engulfing", "bullish"),
        ([(100.0, 105.0, 99.0, 104.0), (105.0, 106.0, 98.0, 99.0)], "engulfing", "bearish"),
        ([(100.0, 110.0, 100.0, 110.0)], "marubozu", "bullish"),
        ([(110.0, 110.0, 100.0, 100.0)], "marubozu", "bearish"),
        ([(98.0, 98.6, 90.0, 98.5)], "hammer", "bullish"),
    ],
)
def test_patterns_drawn_by_hand(
    candles: list[tuple[float, float, float, float]], pattern: str, direction: str
) -> None:
    bars = chart(candles)
    shown = candlesticks(bars).filter(pl.col("ts") == bars["ts"][-1])
    assert shown.filter(pl.col("pattern") == pattern)["direction"].to_list() == [direction]


def test_candlesticks_are_what_talib_says() -> None:
    import talib

    names = pattern_names()
    assert len(names) == 61
    assert set(names) >= NEUTRAL
    bars = market(2_000, 1_500, 12)
    shown = candlesticks(bars)
    assert shown.equals(shown.sort("symbol", "ts", "pattern"))
    for own in bars.partition_by("symbol"):
        ohlc = [own[name].to_numpy() for name in ("open", "high", "low", "close")]
        mine = shown.filter(pl.col("symbol") == own["symbol"][0])
        total = 0
        for name in names:
            values = getattr(talib, f"CDL{name.upper()}")(*ohlc)
            seen = mine.filter(pl.col("pattern") == name)
            assert seen["ts"].equals(own["ts"].filter(values != 0))
            assert seen["strength"].to_list() == np.abs(values[values != 0]).tolist()
            total += seen.height
        assert total == mine.height
    assert {80, 100, 200} >= set(shown["strength"])
    assert set(shown.filter(pl.col("pattern").is_in(NEUTRAL))["direction"]) == {"neutral"}
    assert set(shown["direction"]) == {"bullish", "bearish", "neutral"}
