"""Prophet keeps the contract of forecasters, finds what was planted, and says what its own package says."""

import dataclasses
import logging
import warnings
from types import ModuleType

import numpy as np
import polars as pl
import pytest

from miraikakaku_assets.adapters.forecasters import prophet as ours
from miraikakaku_assets.adapters.forecasters.prophet import Prophet, Window, increments, stan_input
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

# pandas 3 inside Prophet's own front end, which we do without.
OLD_PANDAS = "ignore:The inplace keyword"


class TestProphet(ForecasterContract):
    # Enough for the process pool; 5,000 series take a minute, which the benchmark of speed spends.
    many = 120

    def make(self) -> Forecaster:
        return Prophet()


def window(seed: int, closes: int = 251) -> Window:
    """A random walk on weekdays, and the five weekdays after it."""
    days = sessions(closes + 5).cast(pl.Int32).cast(pl.Float64).to_numpy()
    walked = np.random.default_rng(seed).normal(0, 0.02, closes).cumsum() + 7.0
    return Window(days[:closes], walked, days[closes:])


@pytest.fixture(scope="module")
def library() -> ModuleType:
    logging.getLogger("cmdstanpy").setLevel(logging.CRITICAL)
    logging.getLogger("prophet").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import prophet
    return prophet


def theirs(library: ModuleType, one: Window):
    """The class of the package, set up as ours, and the frame it is fitted on."""
    import pandas as pd

    model = library.Prophet(
        scaling="minmax",
        weekly_seasonality=True,
        yearly_seasonality=False,
        daily_seasonality=False,
        uncertainty_samples=0,
    )
    dates = pd.to_datetime(pd.Series(one.days), unit="D")
    return model, pd.DataFrame({"ds": dates, "y": one.log_closes})


@pytest.mark.filterwarnings(OLD_PANDAS)
@pytest.mark.parametrize("closes", [61, 130, 251])
def test_stan_is_given_what_the_package_gives_it(library, closes):
    one = window(closes, closes)
    model, frame = theirs(library, one)
    wanted = model.preprocess(frame)
    data, begin = stan_input(one)
    for name, value in dataclasses.asdict(wanted).items():
        np.testing.assert_allclose(np.asarray(data[name]), np.asarray(value), atol=1e-9, err_msg=name)
    for name, value in dataclasses.asdict(model.calculate_initial_params(wanted.K)).items():
        np.testing.assert_allclose(np.asarray(begin[name]), np.asarray(value), atol=1e-9, err_msg=name)


@pytest.mark.filterwarnings(OLD_PANDAS)
def test_the_same_parameters_give_the_increments_of_the_package(library, monkeypatch):
    import pandas as pd

    one = window(4)
    model, frame = theirs(library, one)
    model.fit(frame, seed=1)
    found = model.params["k"].item(), model.params["delta"][0], model.params["beta"][0]
    monkeypatch.setattr(ours, "_optimum", lambda *_: found)
    dates = pd.to_datetime(pd.Series([one.days[-1], *one.ahead]), unit="D")
    level = model.predict(pd.DataFrame({"ds": dates}))["yhat"].to_numpy()
    np.testing.assert_allclose(increments(one), level[1:] - level[0], atol=1e-9)


@pytest.mark.filterwarnings(OLD_PANDAS)
@pytest.mark.parametrize("seed", range(4))
def test_fitted_and_forecast_it_is_the_package(library, seed):
    import pandas as pd

    one = window(seed)
    model, frame = theirs(library, one)
    model.fit(frame, seed=1)
    dates = pd.to_datetime(pd.Series([one.days[-1], *one.ahead]), unit="D")
    level = model.predict(pd.DataFrame({"ds": dates}))["yhat"].to_numpy()
    # The optimiser stops early: a difference of 1e-10 in its data leads to another place on a flat top. Both are the
    # same forecast if they differ by less than a twentieth of its standard deviation.
    off = np.abs(increments(one) - (level[1:] - level[0]))
    assert (off < 0.05 * 0.02 * np.sqrt([1, 2, 3, 4, 5])).all(), off


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


def test_what_stan_says_is_passed_on():
    data, begin = stan_input(window(1))
    with pytest.raises(RuntimeError, match=r"Stan ended with \d+: .*mismatch"):
        ours._optimum({**data, "T": 7}, begin, seed=1)


def test_an_origin_before_the_training_is_refused_before_anything_is_fitted(monkeypatch):
    monkeypatch.setattr(ours, "each_series", lambda *_: pytest.fail("it has begun to fit"))
    data = walk(6, days=100)
    trained = Prophet().fit(data, data.sessions[90])
    with pytest.raises(Exception, match="cannot forecast from"):
        trained.predict(data, [data.sessions[80]])
