"""Conformal bands cover what they promise, nest, and are made from the past."""

from math import ceil

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.bands import (
    Calibration,
    ConformalRule,
    Regimes,
    conformal_bands,
    volatility_regime,
)
from miraikakaku_assets.domain.forecasting.baselines import RandomWalk
from miraikakaku_assets.domain.forecasting.evaluation import outcomes
from miraikakaku_assets.domain.forecasting.panel import Panel, ewma_volatility, panel
from miraikakaku_assets.domain.forecasting.scores import score
from miraikakaku_assets_tests.support.forecasts.forecast_panels import sessions, walk, walk_bars


def fat_tailed(seed: int, symbols: int, days: int) -> Panel:
    """Student's t of 3 degrees: the normal band of 80 % is too wide, that of 95 % too narrow."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_t(3, (days, symbols)) * rng.uniform(0.005, 0.02, symbols)
    bars = walk_bars(seed, symbols, days).with_columns(
        close=pl.Series((100 * np.exp(noise.cumsum(axis=0))).T.ravel())
    )
    return panel(bars.select("symbol", "session", "close"), sessions(days + 10))


def no_change(data: Panel) -> pl.DataFrame:
    """From every session with bars."""
    origins = data.bars["session"].unique().sort().to_list()
    return RandomWalk().fit(data, origins[0]).predict(data, origins)


FAT = fat_tailed(1, symbols=80, days=220)
FAT_FORECASTS = no_change(FAT)
WALK = walk(5, symbols=4, days=150)
WALK_FORECASTS = no_change(WALK)
SMALL = ConformalRule(window=60, fewest=40)


@pytest.mark.parametrize("regimes", list(Regimes))
def test_bands_cover_what_they_promise_where_days_are_exchangeable(regimes):
    banded = conformal_bands(FAT_FORECASTS, FAT, ConformalRule(window=100, fewest=100, regimes=regimes))
    calibrated = outcomes(banded, FAT).filter(pl.col("calibration") != Calibration.NONE)
    table = score(calibrated)
    assert table["n"].gt(10_000).all()
    assert table["coverage_80"].is_between(0.78, 0.82).all(), table["coverage_80"].to_list()
    assert table["coverage_95"].is_between(0.94, 0.96).all(), table["coverage_95"].to_list()


def test_normal_bands_do_not():
    table = score(outcomes(FAT_FORECASTS, FAT))
    assert table.filter(pl.col("horizon") == 1)["coverage_80"].item() > 0.82
    assert table.filter(pl.col("horizon") == 1)["coverage_95"].item() < 0.94


def test_every_third_is_covered_across_instruments():
    banded = outcomes(conformal_bands(FAT_FORECASTS, FAT, ConformalRule(window=100, fewest=100)), FAT)
    third = FAT.bars.with_columns(sigma=ewma_volatility()).select(
        "symbol", as_of="session", third=volatility_regime(ConformalRule())
    )
    used = banded.filter(pl.col("calibration") == Calibration.REGIME).join(third, on=["symbol", "as_of"])
    table = score(used, ["third"])
    assert sorted(table["third"].unique()) == [0, 1, 2]
    assert table["coverage_80"].is_between(0.77, 0.83).all(), table["coverage_80"].to_list()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.integers(30, 80), st.integers(19, 60), st.sampled_from(list(Regimes)))
def test_bands_nest_around_the_point(seed, window, fewest, regimes):
    data = walk(seed, symbols=2, days=110)
    banded = conformal_bands(no_change(data), data, ConformalRule(window, fewest, regimes))
    made = banded.filter(pl.col("reason").is_null())
    assert (made["lo95"] <= made["lo80"]).all()
    assert (made["lo80"] <= made["point"]).all()
    assert (made["point"] <= made["hi80"]).all()
    assert (made["hi80"] <= made["hi95"]).all()
    missing = banded.filter(pl.col("reason").is_not_null())
    empty = missing.select("lo80", "hi95", "calibration", "calibration_scores")
    assert all(empty[name].null_count() == missing.height for name in empty.columns)


@pytest.mark.parametrize("horizon", [1, 5])
def test_a_band_against_a_slow_reference(horizon):
    """The k-th smallest score with k = ceil((n + 1) 0.8), of targets up to the origin."""
    at = 120
    origin, days = WALK.sessions[at], WALK.sessions.to_list()
    rule = ConformalRule(window=60, fewest=40, regimes=Regimes.NONE)
    banded = conformal_bands(WALK_FORECASTS, WALK, rule).filter(as_of=origin, horizon=horizon, symbol="S0002")
    scores, sigma_now = [], 0.0
    for symbol, own in WALK.bars.with_columns(sigma=ewma_volatility()).group_by("symbol"):
        log, sigma = own["log_close"].to_list(), own["sigma"].to_list()
        for past in range(at - horizon - 60 + 1, at - horizon + 1):
            scores.append(abs(log[past + horizon] - log[past]) / (sigma[past] * horizon**0.5))
            assert days[past + horizon] <= origin
        if symbol == ("S0002",):
            sigma_now = sigma[at]
    assert len(scores) == 240
    for level, column in ((0.80, "hi80"), (0.95, "hi95")):
        reach = sorted(scores)[ceil(241 * level) - 1] * sigma_now * horizon**0.5
        assert banded[column].item() == pytest.approx(reach, rel=1e-9)
        assert banded[column.replace("hi", "lo")].item() == pytest.approx(-reach, rel=1e-9)
    assert banded.select("calibration", "calibration_scores").row(0) == (Calibration.POOLED, 240)


@pytest.mark.parametrize("regimes", list(Regimes))
def test_the_future_does_not_matter(regimes):
    rule = ConformalRule(window=60, fewest=40, regimes=regimes)
    origin = FAT.sessions[150]
    later = pl.when(pl.col("session") > origin).then(pl.col("close") * 3).otherwise("close")
    other = panel(FAT.bars.select("symbol", "session", close=later), FAT.sessions)
    known = pl.col("as_of") <= origin
    banded = conformal_bands(FAT_FORECASTS.filter(known), FAT, rule, only=[origin])
    assert_frame_equal(banded, conformal_bands(FAT_FORECASTS.filter(known), other, rule, only=[origin]))
    assert_frame_equal(banded, conformal_bands(FAT_FORECASTS, FAT, rule).filter(as_of=origin))
    assert banded["calibration"].drop_nulls().unique().to_list() != [Calibration.NONE]


def test_a_small_regime_falls_back_to_all_and_all_to_the_model():
    rule = ConformalRule(window=40, fewest=100, regimes=Regimes.OWN_PAST)
    banded = conformal_bands(WALK_FORECASTS, WALK, rule).filter(pl.col("horizon") == 1)
    made = banded.filter(pl.col("reason").is_null())
    assert set(made["calibration"]) == {Calibration.NONE, Calibration.POOLED}  # a third of 160 is too few
    early = made.filter(pl.col("calibration") == Calibration.NONE)
    assert (early["calibration_scores"] < 100).all()
    keys = ["symbol", "as_of", "horizon"]
    kept = early.join(WALK_FORECASTS, on=keys, suffix="_own", maintain_order="left")
    assert kept["lo80"].equals(kept["lo80_own"])
    assert made.filter(pl.col("calibration") == Calibration.POOLED)["calibration_scores"].ge(100).all()


def test_pools_and_models_do_not_mix():
    twice = pl.concat(
        [WALK_FORECASTS, WALK_FORECASTS.with_columns(pl.col("point") + 0.05, model=pl.lit("off"))]
    )
    banded = conformal_bands(twice, WALK, SMALL)
    alone = conformal_bands(WALK_FORECASTS, WALK, SMALL)
    assert_frame_equal(banded.filter(model="random_walk"), alone)
    wide, narrow = (banded.filter(model=name).tail(1)["hi80"].item() for name in ("off", "random_walk"))
    assert wide > narrow + 0.05
    parts = WALK_FORECASTS.with_columns(universe=pl.col("symbol").str.slice(0, 5))
    counts = conformal_bands(parts, WALK, SMALL, pool=["universe"])["calibration_scores"]
    assert max(counts.drop_nulls()) == 60


def test_a_rule_that_cannot_give_95_percent_is_refused():
    with pytest.raises(ConfigurationError, match="at least 19"):
        conformal_bands(WALK_FORECASTS, WALK, ConformalRule(fewest=18))


def test_no_forecasts_no_bands():
    assert conformal_bands(WALK_FORECASTS.clear(), WALK).is_empty()
