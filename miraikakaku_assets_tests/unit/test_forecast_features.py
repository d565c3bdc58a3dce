"""Features use values known at the origin only, and the leak test catches those that use later ones."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.features import (
    CrossMarket,
    FeatureInputs,
    closes_known,
    features,
)
from miraikakaku_assets.domain.forecasting.leakage import leak_test
from miraikakaku_assets.domain.forecasting.panel import panel
from miraikakaku_assets.domain.market.sessions import session_table
from miraikakaku_assets_tests.support.forecasts.forecast_panels import walk_bars

TOKYO = session_table("XTKS").filter(pl.col("session").is_between(date(2025, 1, 6), date(2025, 7, 31)))
NEW_YORK = session_table("XNYS").filter(pl.col("session").is_between(date(2025, 1, 2), date(2025, 7, 31)))
ORIGINS = [TOKYO["session"][place] for place in (70, 85, 99)]


def inputs(made_after: timedelta = timedelta(hours=1), seed: int = 1) -> FeatureInputs:
    """Tokyo with sectors and indicators, the US market and a currency; forecasts some time after Tokyo's close."""
    count = 120
    bars = walk_bars(seed, symbols=6, days=count).with_columns(
        session=pl.Series(TOKYO["session"].head(count).to_list() * 6),
        sector=pl.col("symbol").str.slice(-1).cast(pl.Int64) % 2,
        rsi_14=pl.col("close").rolling_mean(14).over("symbol"),
    )
    rng = np.random.default_rng(seed)
    us = NEW_YORK.select(known_at="closes", close=100 * np.exp(rng.normal(0, 0.01, NEW_YORK.height).cumsum()))
    minutes = pl.datetime_range(
        datetime(2025, 1, 6, tzinfo=UTC), datetime(2025, 7, 1, tzinfo=UTC), "6h", eager=True, time_unit="us"
    )
    yen = pl.DataFrame({"known_at": minutes, "close": 150 + rng.normal(0, 1, len(minutes)).cumsum() / 10})
    return FeatureInputs(
        panel(bars.with_columns(pl.col("sector").cast(pl.String)), TOKYO["session"]),
        TOKYO.select("session", made_at=pl.col("closes") + made_after),
        ("rsi_14",),
        (closes_known("us", us), closes_known("usdjpy", yen, timedelta(days=1))),
    )


def test_none_of_the_features_knows_the_future():
    assert leak_test(features, inputs(), ORIGINS) == {}


def test_a_centred_mean_is_caught():
    def centred(given: FeatureInputs) -> pl.DataFrame:
        smooth = pl.col("ret_lag_0").rolling_mean(5, center=True).over("symbol")
        return features(given).with_columns(smooth=smooth)

    assert leak_test(centred, inputs(), ORIGINS) == {"smooth": ORIGINS[0]}


def test_a_statistic_of_the_whole_history_is_caught():
    def scaled(given: FeatureInputs) -> pl.DataFrame:
        return features(given).with_columns(
            standardised=(pl.col("volatility_20") / pl.col("volatility_20").mean().over("symbol"))
        )

    assert set(leak_test(scaled, inputs(), ORIGINS)) == {"standardised"}


def test_what_shows_only_when_the_future_is_missing_is_caught():
    """How many bars are still to come does not depend on what they say."""

    def counting(given: FeatureInputs) -> pl.DataFrame:
        return features(given).with_columns(
            left=pl.len().over("symbol") - pl.int_range(pl.len()).over("symbol")
        )

    assert leak_test(counting, inputs(), ORIGINS) == {"left": ORIGINS[0]}


def test_what_shows_only_in_another_future_is_caught():
    """No crash lies ahead in this one, and a missing one is taken for calm."""

    def warned(given: FeatureInputs) -> pl.DataFrame:
        crash = pl.col("ret_lag_0").shift(-1).over("symbol").abs() > 0.12
        return features(given).with_columns(crash_ahead=crash.fill_null(value=False))

    assert not warned(inputs())["crash_ahead"].any()
    assert leak_test(warned, inputs(), ORIGINS) == {"crash_ahead": ORIGINS[0]}


def by_date(given: FeatureInputs) -> pl.DataFrame:
    """The US close of the same date, which comes 15 hours after Tokyo's."""
    us = given.cross[0].values.select(session=pl.col("known_at").dt.date(), us_same_day="ret_1")
    return features(given).join(us.unique("session"), on="session", how="left", maintain_order="left")


def test_a_foreign_close_of_the_same_day_is_caught():
    assert set(leak_test(by_date, inputs(), ORIGINS)) == {"us_same_day"}


def test_the_same_close_is_known_to_who_forecasts_the_next_morning():
    """15:30 in Tokyo and 16 hours are 07:30, when New York has been closed for one or two hours."""
    assert leak_test(by_date, inputs(timedelta(hours=16)), ORIGINS) == {}


def test_the_us_close_is_joined_on_its_moment():
    evening, morning = inputs(), inputs(timedelta(hours=16))
    session = date(2025, 6, 5)  # a Thursday
    us = evening.cross[0].values.with_columns(day=pl.col("known_at").dt.date())

    def shown(given: FeatureInputs) -> float:
        return float(features(given).filter(pl.col("session") == session)["us_ret_1"][0])

    assert shown(evening) == us.filter(day=date(2025, 6, 4))["ret_1"].item()
    assert shown(morning) == us.filter(day=session)["ret_1"].item()


def test_a_value_that_is_too_old_is_not_known():
    given = inputs()
    stale = replace(given.cross[0], max_age=timedelta(hours=1))
    table = features(replace(given, cross=(stale,)))
    assert table["us_ret_1"].null_count() == table.height


def test_own_features_against_a_slow_reference():
    given = inputs()
    bars = given.panel.bars.filter(pl.col("symbol") == "S0002")
    row = features(given).filter(pl.col("symbol") == "S0002").row(80, named=True)
    log, returns = np.log(bars["close"].to_numpy()), np.diff(np.log(bars["close"].to_numpy()))
    assert row["ret_lag_0"] == pytest.approx(returns[79])
    assert row["ret_lag_4"] == pytest.approx(returns[75])
    assert row["ret_sum_20"] == pytest.approx(log[80] - log[60])
    assert row["volatility_20"] == pytest.approx(np.sqrt((returns[60:80] ** 2).mean()))
    assert row["range"] == pytest.approx(np.log(1.01 / 0.98))
    session = pl.col("session") == row["session"]
    everyone = given.panel.bars.filter(session)
    assert row["market_ret"] == pytest.approx(everyone["ret"].mean())
    assert row["sector_ret"] == pytest.approx(everyone.filter(pl.col("sector") == "0")["ret"].mean())


def test_the_calendar_ahead():
    table = features(inputs()).unique("session").sort("session")

    def at(day: date) -> dict[str, object]:
        return table.filter(session=day).row(0, named=True)

    friday = at(date(2025, 5, 2))  # before three holidays: Tokyo opens on Wednesday the 7th
    assert (friday["next_weekday"], friday["days_to_next"], friday["next_is_month_end"]) == (3, 5, False)
    assert at(date(2025, 4, 25))["next_is_month_end"] is False
    monday = at(date(2025, 4, 28))  # before a holiday and the last session of April
    assert (monday["days_to_next"], monday["next_is_month_end"]) == (2, True)
    assert at(date(2025, 5, 29))["next_is_month_end"] is True


def test_what_cannot_be_is_refused():
    given = inputs()
    with pytest.raises(ConfigurationError, match="no columns"):
        features(replace(given, passed=("macd",)))
    with pytest.raises(ConfigurationError, match="names of features"):
        features(replace(given, passed=("elapsed",)))
    with pytest.raises(ConfigurationError, match="No features at"):
        leak_test(features, given, [date(2025, 7, 31)])
    with pytest.raises(ConfigurationError, match=r"volatility_60.*choose later"):
        leak_test(features, given, [TOKYO["session"][30]])


def test_a_value_of_the_moment_itself_is_known_and_one_after_it_is_not():
    given = inputs()
    moment = given.made_at.filter(pl.col("session") == ORIGINS[0])["made_at"].item()
    values = pl.DataFrame({"known_at": [moment, moment + timedelta(microseconds=1)], "rate": [1.0, 2.0]})
    market = CrossMarket("boj", values.with_columns(pl.col("known_at").dt.cast_time_unit("us")))
    table = features(replace(given, cross=(market,)))
    assert table.filter(pl.col("session") == ORIGINS[0])["boj_rate"].unique().to_list() == [1.0]
