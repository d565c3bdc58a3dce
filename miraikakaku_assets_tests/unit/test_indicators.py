"""Indicators as stored: what is null and why, no look-ahead, no dependence on the start, increments equal."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from miraikakaku_assets.domain.errors import ConfigurationError, PermanentSymbolError
from miraikakaku_assets.domain.indicators.candlesticks import (
    CANDLESTICKS,
    candlesticks,
)
from miraikakaku_assets.domain.indicators.compute import compute
from miraikakaku_assets.domain.indicators.definitions import (
    COLUMNS,
    NEEDED_HISTORY,
    SETTLED,
    needed_history,
)
from miraikakaku_assets.domain.indicators.leakage import look_ahead, warm_up_sensitivity
from miraikakaku_assets_tests.support.bars.random_walks import market, walk
from miraikakaku_assets_tests.support.indicator_page import indicator_table


def still(bars: int, price: float = 100.0, volume: int = 0) -> pl.DataFrame:
    """A price that does not move."""
    flat = {name: pl.lit(price) for name in ("open", "high", "low", "close")}
    return walk(bars).with_columns(**flat, volume=pl.lit(volume, pl.Int64))


def test_all_columns_of_the_table() -> None:
    indicators = compute(market(300, 20, 1, 260))
    assert indicators.columns == ["symbol", "ts", *COLUMNS]
    assert indicators.height == 581
    assert set(indicators.dtypes[2:]) == {pl.Float64}
    assert not indicators.select(pl.col(COLUMNS).is_nan().any()).row(0).count(True)
    assert len(COLUMNS) == len(set(COLUMNS)) == 22


def test_the_page_has_every_indicator() -> None:
    assert indicator_table() in (Path(__file__).parents[2] / "docs/indicators.md").read_text(encoding="utf-8")


def test_symbols_do_not_touch_each_other() -> None:
    bars = market(300, 20, 1, 260)
    whole = compute(bars)
    alone = pl.concat([compute(own) for own in bars.partition_by("symbol")])
    assert_frame_equal(whole, alone, check_exact=True)


def test_values_are_null_until_there_is_enough_history() -> None:
    indicators = compute(walk(1_700))
    for column in COLUMNS:
        nulls = indicators[column].is_null()
        assert nulls.head(needed_history(column) - 1).all(), column
        assert not nulls.tail(1_700 - needed_history(column) + 1).any(), column
    recursive = [
        name for name in COLUMNS if name.startswith(("rsi", "macd", "atr", "ema", "adx", "plus", "minus"))
    ]
    assert min(NEEDED_HISTORY[name] for name in recursive) == 250
    assert (needed_history("ema_75"), needed_history("ema_200")) == (594, 1_582)


def test_what_is_shown_does_not_depend_on_where_the_history_begins() -> None:
    bars = walk(5_000, seed=11)
    raw = warm_up_sensitivity(lambda some: compute(some, history={}), bars, [50, 137, 1_000, 2_500])
    settled = raw.filter(pl.col("column") != "obv")
    for start, column, after in settled.select("start", "column", "settled_after").rows():
        assert after is not None, (start, column)
        assert after <= needed_history(column), (start, column)
    assert raw.filter(pl.col("column") == "obv")["settled_after"].null_count() == 4  # its level means nothing
    shown = warm_up_sensitivity(compute, bars, [50, 137, 1_000, 2_500]).filter(pl.col("column") != "obv")
    assert shown["largest"].max() < SETTLED  # type: ignore[operator]


def test_sensitivity_sees_a_start_that_never_wears_off() -> None:
    def anchored(bars: pl.DataFrame) -> pl.DataFrame:
        first = pl.col("close").first().over("symbol")
        return bars.select("symbol", "ts", since_first=pl.col("close") / first)

    sensitivity = warm_up_sensitivity(anchored, walk(500), [100])
    assert sensitivity.select("compared", "settled_after").rows() == [(400, None)]


def test_no_indicator_looks_ahead() -> None:
    bars = market(700, 400)
    moments = bars["ts"].unique().sort()[20::61].to_list()
    assert look_ahead(compute, bars, moments).is_empty()
    assert look_ahead(lambda some: compute(some, history={}), bars, moments).is_empty()
    assert look_ahead(candlesticks, bars, moments).is_empty()


def centred(bars: pl.DataFrame) -> pl.DataFrame:
    mean = pl.col("close").rolling_mean(5, center=True).over("symbol")
    return bars.select("symbol", "ts", mean=mean)


def of_all_time(bars: pl.DataFrame) -> pl.DataFrame:
    close = pl.col("close")
    return bars.select("symbol", "ts", z=(close - close.mean().over("symbol")) / close.std().over("symbol"))


def known_tomorrow(bars: pl.DataFrame) -> pl.DataFrame:
    rises = (pl.col("close").shift(-1) > pl.col("close")).over("symbol")
    return bars.filter(rises).select("symbol", "ts", pattern=pl.lit("rise"), strength=pl.lit(100))


@pytest.mark.parametrize("leaking", [centred, of_all_time, known_tomorrow])
def test_a_leaking_indicator_is_caught(leaking: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    bars = market(200, 150)
    moments = bars["ts"].unique().sort()[30:120:7].to_list()
    differences = look_ahead(leaking, bars, moments)
    assert differences.height > 0
    assert (differences["ts"] <= differences["moment"]).all()
    assert differences.filter(pl.col("then").eq_missing(pl.col("now"))).is_empty()


@given(st.integers(1, 520), st.floats(0.5, 2.0), st.booleans())
@settings(max_examples=25, deadline=None)
def test_after_a_change_everything_before_it_is_what_it_was(at: int, factor: float, grows: bool) -> None:  # noqa: FBT001
    """Incremental: stored values before the change stay, those from it on are new; together they are the full ones."""
    before = walk(520)
    if grows:
        after = walk(521 + at % 7)
    else:
        scaled = [
            pl.when(pl.int_range(pl.len()) == at - 1).then(pl.col(n) * factor).otherwise(n).alias(n)
            for n in ("open", "high", "low", "close")
        ]
        after = before.with_columns(scaled)
    since = before["ts"][-1] if grows else before["ts"][at - 1]
    stored, full = compute(before), compute(after)
    spliced = pl.concat([stored.filter(pl.col("ts") < since), full.filter(pl.col("ts") >= since)])
    assert_frame_equal(spliced, full, check_exact=True)


def test_a_price_that_never_moves_has_no_rsi_and_no_stochastic() -> None:
    indicators = compute(still(400), history={})
    assert indicators["rsi_14"].null_count() == 400
    assert indicators["stoch_k"].null_count() == indicators["stoch_d"].null_count() == 400
    assert set(indicators["adx_14"].drop_nulls()) == {0.0}
    assert set(indicators["atr_14"].drop_nulls()) == {0.0}
    assert indicators["bb_upper"][-1] == indicators["bb_lower"][-1] == 100.0


def test_a_range_that_comes_back_brings_the_stochastic_back() -> None:
    bars = still(60).with_columns(high=pl.when(pl.int_range(60) == 40).then(101.0).otherwise(100.0))
    indicators = compute(bars, only=["stoch_k", "stoch_d"])
    # 14 windows have a range, bars 40-53; %K needs three of them in a row, %D five.
    assert indicators.filter(pl.col("stoch_k").is_not_null())["ts"].equals(bars["ts"][42:54])
    assert indicators.filter(pl.col("stoch_d").is_not_null())["ts"].equals(bars["ts"][44:54])
    assert set(indicators["stoch_k"].drop_nulls()) == {0.0}  # the close is at the bottom of a real range


def test_a_price_that_only_falls_has_an_rsi_of_zero() -> None:
    falling = pl.Series(np.linspace(1_000, 500, 300))
    bars = walk(300).with_columns(close=falling, low=falling - 1, high=falling + 5)
    assert set(compute(bars)["rsi_14"].drop_nulls()) == {0.0}


def test_a_stock_that_halts_keeps_its_rsi() -> None:
    bars = pl.concat([walk(300), still(100, walk(300)["close"][-1])])
    ts = pl.Series([datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(400)])
    indicators = compute(bars.with_columns(ts=ts.cast(pl.Datetime("us", "UTC"))))
    assert indicators["rsi_14"].tail(100).null_count() == 0
    assert indicators["rsi_14"].tail(99).std() == pytest.approx(0, abs=1e-9)


def test_obv_is_null_without_volume() -> None:
    assert compute(still(300), only=["obv"])["obv"].null_count() == 300
    bars = walk(50).with_columns(volume=pl.when(pl.int_range(50) < 20).then(0).otherwise("volume"))
    obv = compute(bars)["obv"]
    assert (obv.head(20).null_count(), obv.tail(30).null_count()) == (20, 0)
    beside = pl.concat([walk(50), still(50).with_columns(symbol=pl.lit("JPY=X"))])
    assert compute(beside)["obv"].is_null().to_list() == [False] * 50 + [True] * 50


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
def test_a_missing_price_is_refused_not_skipped(column: str, value: float | None) -> None:
    bars = market(60, 60).with_columns(pl.col("volume").cast(pl.Float64))
    holed = bars.with_columns(pl.when(pl.int_range(120) == 70).then(value).otherwise(column).alias(column))
    for function in (compute, candlesticks):
        with pytest.raises(PermanentSymbolError) as caught:
            function(holed)
        assert (caught.value.symbol, caught.value.kind) == ("1301.T", "not_finite")


def test_unordered_bars_and_unknown_indicators_are_refused() -> None:
    with pytest.raises(PermanentSymbolError, match="unordered_bars"):
        compute(market(60, 60).reverse())
    with pytest.raises(PermanentSymbolError, match="unordered_bars"):
        compute(pl.concat([walk(5), walk(6)]))
    with pytest.raises(ConfigurationError, match="rsi_15"):
        compute(walk(60), only=["rsi_15"])


def test_nothing_from_nothing() -> None:
    bars = walk(5).clear()
    assert compute(bars).columns == ["symbol", "ts", *COLUMNS]
    assert candlesticks(bars).schema == pl.Schema(CANDLESTICKS)
    assert candlesticks(walk(3)).is_empty()


def toyota(real_data: Path) -> pl.DataFrame:
    table = pl.read_csv(real_data / "jp_daily/7203.csv")
    table = table.rename({name: name.lower() for name in table.columns})
    ts = pl.col("date").str.slice(0, 10).str.to_datetime(time_unit="us").dt.replace_time_zone("UTC")
    bars = table.select(
        pl.lit("7203.T").alias("symbol"), ts.alias("ts"), "open", "high", "low", "close", "volume"
    )
    return bars.drop_nulls().cast({"volume": pl.Int64})


def test_twenty_years_of_a_real_share(real_data: Path) -> None:
    bars = toyota(real_data)
    indicators = compute(bars)
    assert bars.height > 5_000
    for name in ("rsi_14", "stoch_k", "stoch_d", "adx_14", "plus_di_14", "minus_di_14"):
        assert indicators[name].drop_nulls().is_between(-1e-9, 100 + 1e-9).all()
    assert (indicators["bb_upper"] >= indicators["bb_lower"]).all()
    assert indicators["ema_200"].drop_nulls().len() == bars.height - 1_581
    moments = bars["ts"][400::900].to_list()
    assert look_ahead(compute, bars, moments).is_empty()
    assert look_ahead(candlesticks, bars, moments).is_empty()
    shown = warm_up_sensitivity(compute, bars, [100, 2_500]).filter(pl.col("column") != "obv")
    assert shown["largest"].max() < SETTLED  # type: ignore[operator]


def test_a_year_of_five_minutes_of_a_currency(real_data: Path) -> None:
    names = ["day", "time", "open", "high", "low", "close", "volume"]
    table = pl.read_csv(
        real_data / "fx/usdjpy_5m_mt4_2024-10_2025-11.csv", has_header=False, new_columns=names
    )
    clock = (pl.col("day") + " " + pl.col("time")).str.to_datetime("%Y.%m.%d %H:%M", time_unit="us")
    ts = clock.dt.replace_time_zone("Europe/Helsinki").dt.convert_time_zone("UTC")
    bars = table.with_columns(symbol=pl.lit("JPY=X"), ts=ts, volume=pl.lit(0, pl.Int64))
    indicators = compute(bars)
    assert indicators["obv"].null_count() == bars.height == 65_000
    for name in set(COLUMNS) - {"obv"}:
        assert indicators[name].null_count() == needed_history(name) - 1, name
    shown = warm_up_sensitivity(compute, bars, [30_000]).filter(pl.col("column") != "obv")
    assert shown["largest"].max() < SETTLED  # type: ignore[operator]
