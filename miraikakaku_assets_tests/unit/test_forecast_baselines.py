"""Random walk, drift and theta against published series, other implementations and slow references."""

from math import sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk, Volatility
from miraikakaku_assets.domain.forecasting.contract import Forecaster
from miraikakaku_assets.domain.forecasting.panel import ewma_volatility, panel
from miraikakaku_assets.domain.forecasting.theta import Theta, fit_theta
from miraikakaku_assets_tests.support.forecasts.forecast_panels import last_session, of_closes, walk

# Annual flow of the Nile at Aswan 1871-1970, 10^8 m^3: R's dataset `Nile`, the example of `forecast::thetaf`.
NILE = [
    *(
        1120,
        1160,
        963,
        1210,
        1160,
        1160,
        813,
        1230,
        1370,
        1140,
        995,
        935,
        1110,
        994,
        1020,
        960,
        1180,
        799,
        958,
        1140,
    ),
    *(
        1100,
        1210,
        1150,
        1250,
        1260,
        1220,
        1030,
        1100,
        774,
        840,
        874,
        694,
        940,
        833,
        701,
        916,
        692,
        1020,
        1050,
        969,
    ),
    *(831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759),
    *(781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890),
    *(744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740),
]
SCALE = 1e4
"""The series as log prices, small enough for their exponentials."""


def nile_forecast(forecaster: Forecaster) -> pl.DataFrame:
    data = of_closes([float(np.exp(flow / SCALE)) for flow in NILE])
    origin = last_session(data.bars)
    return forecaster.fit(data, origin).predict(data, [origin])


def test_random_walk_with_sample_volatility_is_statsforecast_naive():
    """Golden values: Naive of statsforecast 2, h = 1…5."""
    forecasts = nile_forecast(RandomWalk(Volatility.SAMPLE))
    assert forecasts["point"].to_list() == [0.0] * 5
    golden_hi80 = np.array([954.43515512, 1043.25710462, 1111.4125836, 1168.87031024, 1219.49158362]) - 740
    golden_hi95 = np.array([1067.95026931, 1203.79171864, 1308.0265288, 1395.90053862, 1473.31909542]) - 740
    np.testing.assert_allclose(forecasts["hi80"].to_numpy() * SCALE, golden_hi80, rtol=1e-6)
    np.testing.assert_allclose(forecasts["hi95"].to_numpy() * SCALE, golden_hi95, rtol=1e-6)
    np.testing.assert_allclose(forecasts["lo80"].to_numpy(), -forecasts["hi80"].to_numpy())


def test_drift_with_sample_volatility_is_statsforecast_drift():
    """Golden values: RandomWalkWithDrift of statsforecast 2, h = 1…5.

    It divides the squares of the 99 residuals by 99, ours by 98 as Hyndman and Athanasopoulos do (5.5: one
    parameter is estimated).
    """
    forecasts = nile_forecast(Drift(Volatility.SAMPLE))
    golden = np.array([736.16161616, 732.32323232, 728.48484848, 724.64646465, 720.80808081]) - 740
    golden_hi80 = np.array([951.62034299, 1038.54761932, 1105.38368992, 1161.97991571, 1212.12957171]) - 740
    np.testing.assert_allclose(forecasts["point"].to_numpy() * SCALE, golden, rtol=1e-8)
    reach = (forecasts["hi80"] - forecasts["point"]).to_numpy() * SCALE
    np.testing.assert_allclose(reach, (golden_hi80 - golden) * sqrt(99 / 98), rtol=1e-6)


def test_theta_is_exponential_smoothing_with_half_the_slope():
    """Golden values: SimpleExpSmoothing of statsmodels 0.14 (both parameters estimated) and the slope of its
    ThetaModel, -2.714305, put together as Hyndman and Billah do."""
    fit = fit_theta(np.array(NILE, dtype=float)[:, None])
    alpha, smoothed, drift = 0.24572858, 805.31610625, -2.714305 / 2
    assert fit.alpha[0] == pytest.approx(alpha, abs=1e-5)
    assert fit.level[0] == pytest.approx(smoothed, abs=2e-3)
    assert fit.mean_square[0] * 100 == pytest.approx(
        2038674.4320548975, rel=1e-9
    )  # by Nelder and Mead, 1e-10
    golden = [smoothed + drift * (h + (1 - (1 - alpha) ** 100) / alpha) for h in range(5)]
    assert [fit.ahead(h)[0] for h in range(1, 6)] == pytest.approx(golden, abs=3e-3)
    # statsmodels estimates the weight as an ARIMA(0,1,1) by likelihood, statsforecast by other squares.
    assert golden[0] == pytest.approx(799.539, abs=0.5)
    assert golden[0] == pytest.approx(800.885, abs=1.2)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 25), st.floats(-1, 1))
def test_theta_is_the_mean_of_two_theta_lines(seed, length, slope):
    """As Assimakopoulos and Nikolopoulos define it: the straight line, and the smoothed line of twice the curvature."""
    steps = np.arange(length)
    values = np.random.default_rng(seed).normal(0, 1, length) + slope * steps + 7
    fit = fit_theta(values[:, None])
    alpha = fit.alpha[0]
    beta, start = np.polyfit(steps, values, 1)
    curved = 2 * values - (start + beta * steps)

    def smoothed(series: np.ndarray, level: float) -> float:
        for value in series:
            level += alpha * (value - level)
        return level

    powers = (1 - alpha) ** steps
    from_zero = np.array([smoothed(values[:step], 0.0) for step in steps])
    first = (powers @ (values - from_zero)) / (powers @ powers)
    level = smoothed(curved, 2 * first - start)
    for h in (1, 2, 5):
        line = start + beta * (length - 1 + h)
        assert fit.ahead(h)[0] == pytest.approx((line + level) / 2, rel=1e-6, abs=1e-6)


def test_theta_forecasts_from_a_panel_are_those_of_the_fit():
    forecasts = nile_forecast(Theta())
    fit = fit_theta(np.array(NILE, dtype=float)[:, None])
    golden = [(fit.ahead(h)[0] - NILE[-1]) / SCALE for h in range(1, 6)]
    np.testing.assert_allclose(forecasts["point"].to_numpy(), golden, rtol=1e-4)
    spread = np.sqrt(1 + np.arange(5) * fit.alpha[0] ** 2)
    np.testing.assert_allclose(forecasts["sd"].to_numpy() / forecasts["sd"][0], spread, rtol=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 60), st.floats(0.0, 1.0))
def test_no_smoothing_weight_has_less_squares(seed, length, persistence):
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, length) + persistence * rng.normal(0, 1, length).cumsum() + 50
    fit = fit_theta(values[:, None])
    for alpha in np.linspace(1e-4, 0.9999, 200):
        powers = (1 - alpha) ** np.arange(length)
        level = np.zeros(length)  # levels of a smoothing from 0, before each step
        for step in range(1, length):
            level[step] = level[step - 1] + alpha * (values[step - 1] - level[step - 1])
        start = (powers @ (values - level)) / (powers @ powers)
        squares = ((values - level - start * powers) ** 2).sum()
        assert squares >= fit.mean_square[0] * length * (1 - 1e-9)


def test_shorter_series_in_one_matrix_are_fitted_alone():
    rng = np.random.default_rng(3)
    long, short = rng.normal(0, 1, 80).cumsum(), rng.normal(0, 1, 30).cumsum()
    padded = np.column_stack([long, np.concatenate([np.full(50, np.nan), short])])
    both, alone = fit_theta(padded), fit_theta(short[:, None])
    for name in ("alpha", "level", "drift", "first", "mean_square"):
        assert getattr(both, name)[1] == pytest.approx(getattr(alone, name)[0], rel=1e-9), name


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sets(st.integers(3, 38), max_size=8))
def test_ewma_is_the_weighted_mean_of_squares(seed, missing):
    data = walk(seed, symbols=2, days=40)
    keep = ~pl.int_range(pl.len()).over("symbol").is_in(list(missing))
    bars = data.bars.filter(keep).select("symbol", "session", "close")
    estimated = panel(bars, data.sessions).bars.with_columns(sigma=ewma_volatility())
    for _, own in estimated.group_by("symbol"):
        squares = (own["ret"].to_numpy()[1:] ** 2) / own["elapsed"].to_numpy()[1:]
        weights = 0.94 ** np.arange(len(squares))[::-1]
        assert own["sigma"][-1] == pytest.approx(sqrt(weights @ squares / weights.sum()), rel=1e-12)


def test_ewma_keeps_the_recursion_of_riskmetrics():
    """σ²[t] = 0.94 σ²[t-1] + 0.06 r²[t] once the start is forgotten: 600 returns leave 0.94^600 = 8e-17 of it."""
    own = walk(4, symbols=1, days=620).bars.with_columns(variance=ewma_volatility().pow(2))
    variance, squared = own["variance"].to_numpy(), own["ret"].to_numpy() ** 2
    np.testing.assert_allclose(variance[605:], 0.94 * variance[604:-1] + 0.06 * squared[605:], rtol=1e-12)


def test_the_random_walk_grows_with_the_root_of_time():
    data = walk(6, symbols=3)
    origin = last_session(data.bars)
    forecasts = RandomWalk().fit(data, origin).predict(data, [origin])
    sd = forecasts.sort("horizon", "symbol")["sd"].to_numpy().reshape(5, 3)
    np.testing.assert_allclose(sd, sd[0] * np.sqrt(np.arange(1, 6))[:, None])


def test_drift_forgets_what_is_older_than_its_window():
    data = walk(7, symbols=1, days=400)
    origin = last_session(data.bars)
    forecasts = Drift().fit(data, origin).predict(data, [origin])
    log = data.bars["log_close"]
    assert forecasts["point"][0] == pytest.approx((log[-1] - log[-251]) / 250)
