"""Prophet keeps the contract of forecasters, finds what was planted, and says what its own package says."""

import dataclasses
import warnings

import numpy as np
import polars as pl
import pytest

from miraikakaku_assets.adapters.forecasters import prophet as ours
from miraikakaku_assets.adapters.forecasters.prophet import Prophet, Window, increments
from miraikakaku_assets.domain.forecasting.contract import Forecaster, Reason
from miraikakaku_assets.domain.forecasting.panel import panel
from miraikakaku_assets_tests.support.forecasts.forecast_panels import (
    last_session,
    of_closes,
    sessions,
    walk,
    walk_bars,
)
from miraikakaku_assets_tests.support.forecasts.forecaster_contract import ForecasterContract

pytestmark = pytest.mark.slow


class TestProphet(ForecasterContract):
    # Enough for the process pool; 5,000 series take three minutes, which the benchmark of speed spends.
    many = 120

    def make(self) -> Forecaster:
        return Prophet()


def window(seed: int, closes: int = 251) -> Window:
    """A random walk on weekdays, and the five weekdays after it."""
    days = sessions(closes + 5).to_numpy()
    walked = np.random.default_rng(seed).normal(0, 0.02, closes).cumsum() + 7.0
    return Window(days[:closes], walked, days[closes:])


def test_it_is_the_package_begun_at_the_last_close():
    """Fitted on prices as they are, not on rounded ones between 0 and 1."""
    import pandas as pd

    history = window(4)
    model = ours._library().Prophet(
        scaling="minmax",
        weekly_seasonality=True,
        yearly_seasonality=False,
        daily_seasonality=False,
        uncertainty_samples=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas 3, about Prophet
        model.fit(pd.DataFrame({"ds": history.days, "y": history.log_closes}), seed=1)
        dates = np.append(history.days[-1:], history.ahead)
        level = model.predict(pd.DataFrame({"ds": dates}))["yhat"].to_numpy()
    # The optimiser stops early: a difference of 1e-10 in its data leads to another place on a flat top. Both are the
    # same forecast if they differ by less than a twentieth of its standard deviation.
    off = np.abs(increments(history) - (level[1:] - level[0]))
    assert (off < 0.05 * 0.02 * np.sqrt([1, 2, 3, 4, 5])).all(), off


@pytest.mark.parametrize("closes", [61, 130, 251])
def test_another_unit_of_the_currency_changes_nothing(closes):
    yen = window(closes, closes)
    cents = dataclasses.replace(yen, log_closes=yen.log_closes + np.log(100))
    np.testing.assert_allclose(increments(yen), increments(cents), rtol=1e-9)


def test_it_finds_a_planted_trend():
    noise = np.random.default_rng(1).normal(0, 0.004, 260)
    data = of_closes(list(np.exp(4 + 0.002 * np.arange(260) + noise)))
    origin = last_session(data.bars)
    made = Prophet().fit(data, origin).predict(data, [origin])
    np.testing.assert_allclose(made["point"].to_numpy(), 0.002 * np.arange(1, 6), atol=0.0015)


def test_it_finds_a_planted_weekday():
    """Up on Mondays, down on the other days; from a Thursday the Monday is two sessions ahead."""
    days = sessions(260 + 10)
    monday = (days.dt.weekday() == 1).head(259).to_numpy()
    noise = np.random.default_rng(2).normal(0, 0.002, 259)
    data = of_closes(list(100 * np.exp((np.where(monday, 0.02, -0.005) + noise).cumsum())))
    origin = last_session(data.bars)
    assert origin.isoweekday() == 4
    made = Prophet().fit(data, origin).predict(data, [origin])
    steps = np.diff(np.append(0.0, made["point"].to_numpy()))
    np.testing.assert_allclose(steps, [-0.005, 0.02, -0.005, -0.005, -0.005], atol=0.003)


def test_a_weekday_without_any_bar_is_not_made_up(caplog):
    bars = walk_bars(3, symbols=2, days=200)
    friday = (pl.col("symbol") == "S0001") & (pl.col("session").dt.weekday() == 5)
    data = panel(bars.filter(~friday), sessions(210))
    origin = data.sessions[198]
    assert origin.isoweekday() == 4
    made = Prophet().fit(data, origin).predict(data, [origin])
    assert set(made.filter(symbol="S0001")["reason"]) == {Reason.FAILED}
    assert made.filter(symbol="S0000")["reason"].null_count() == 5
    assert "S0001: there is no bar yet on a weekday" in caplog.text


def test_a_series_that_stan_cannot_fit_is_said(monkeypatch, caplog):
    data = walk(6, days=100)
    monkeypatch.setitem(ours._DEFAULTS, "changepoint_prior_scale", -1.0)  # no scale of a distribution
    made = Prophet().fit(data, data.sessions[90]).predict(data, [data.sessions[90]])
    assert set(made["reason"]) == {Reason.FAILED}
    assert "4 of 4 series failed with" in caplog.text


def test_an_origin_before_the_training_is_refused_before_anything_is_fitted(monkeypatch):
    monkeypatch.setattr(ours, "each_series", lambda *_: pytest.fail("it has begun to fit"))
    data = walk(6, days=100)
    trained = Prophet().fit(data, data.sessions[90])
    with pytest.raises(Exception, match="cannot forecast from"):
        trained.predict(data, [data.sessions[80]])
