"""ARIMA keeps the contract of forecasters, finds what was planted, and says what statsforecast says."""

import warnings

import numpy as np
import polars as pl
import pytest

from miraikakaku_assets.adapters.forecasters.arima import (
    FEWEST_RETURNS,
    Arima,
    Coefficients,
    Filter,
    TrainedArima,
    chosen,
)
from miraikakaku_assets.domain.forecasting.baselines import WINDOW
from miraikakaku_assets.domain.forecasting.contract import Forecaster, Reason
from miraikakaku_assets.domain.forecasting.panel import Panel, panel
from miraikakaku_assets_tests.support.forecasts.forecast_panels import (
    last_session,
    of_closes,
    sessions,
    walk,
    walk_bars,
)
from miraikakaku_assets_tests.support.forecasts.forecaster_contract import ForecasterContract

pytestmark = pytest.mark.slow

MODELS = [
    Coefficients((0.5,), ()),
    Coefficients((), (-0.4, 0.2)),
    Coefficients((1.1, -0.4), (-0.6, 0.3)),
    Coefficients((-0.7,), (0.95,)),  # nearly not invertible: what came before the window is long remembered
    Coefficients(),
]


class TestArima(ForecasterContract):
    # Enough for the process pool; 5,000 series take a minute, which the benchmark of speed spends.
    many = 120

    def make(self) -> Forecaster:
        return Arima()


def planted(model: Coefficients, seed: int, days: int) -> np.ndarray:
    """Log returns of a known model."""
    shocks = np.random.default_rng(seed).normal(0, 0.02, days + 100)
    returns = np.zeros(days + 100)
    for day in range(2, days + 100):
        returns[day] = shocks[day]
        returns[day] += sum(x * returns[day - 1 - lag] for lag, x in enumerate(model.ar))
        returns[day] += sum(x * shocks[day - 1 - lag] for lag, x in enumerate(model.ma))
    return returns[100:]


def planted_panel(models: list[Coefficients], days: int) -> Panel:
    calendar = sessions(days + 10)
    bars = [
        pl.DataFrame(
            {
                "symbol": f"S{place}",
                "session": calendar.head(days),
                "close": 100 * np.exp(planted(model, place, days).cumsum()),
            }
        )
        for place, model in enumerate(models)
    ]
    return panel(pl.concat(bars), calendar)


def theirs(log_closes: np.ndarray, model: Coefficients) -> tuple[np.ndarray, np.ndarray]:
    """Log returns over 1…5 steps and their standard errors: statsforecast with these coefficients, its own filter."""
    from statsforecast.arima import Arima as Library
    from statsforecast.arima import predict_arima

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        carried = Library(
            log_closes - log_closes[-1],
            order=(len(model.ar), 1, len(model.ma)),
            include_mean=False,
            method="ML",
            fixed=np.array([*model.ar, *model.ma]),
        )
    points, errors = predict_arima(carried, 5)
    return points, errors


def test_forecasts_at_the_end_of_the_training_are_those_of_statsforecast(monkeypatch):
    import statsforecast.arima

    search, fitted = statsforecast.arima.auto_arima_f, []

    def remembered(*values, **options):
        fitted.append(search(*values, **options))
        return fitted[-1]

    monkeypatch.setattr(statsforecast.arima, "auto_arima_f", remembered)
    data = planted_panel(MODELS, 300)
    origin = last_session(data.bars)
    made = Arima().fit(data, origin).predict(data, [origin])
    assert sum(len(fit["coef"]) > 0 for fit in fitted) >= 4
    for place, model in enumerate(fitted):
        points, errors = statsforecast.arima.predict_arima(model, 5)
        mine = made.filter(symbol=f"S{place}")
        np.testing.assert_allclose(mine["point"].to_numpy(), points, atol=1e-9)
        # Its level begins with a variance of 1e6, ours with none.
        np.testing.assert_allclose(mine["sd"].to_numpy() / mine["sd"][0], errors / errors[0], rtol=1e-4)


@pytest.mark.parametrize("days", [70, 251, 300])
def test_carried_forward_without_a_fit_they_are_still_those_of_statsforecast(days):
    data = planted_panel(MODELS, days)
    origins = data.sessions[days - 4 : days].to_list()
    trained = TrainedArima(origins[0], 0, {f"S{place}": model for place, model in enumerate(MODELS)})
    made = trained.predict(data, origins)
    for place, model in enumerate(MODELS):
        for origin in origins:
            known = data.until(origin).bars.filter(symbol=f"S{place}")["log_close"].to_numpy()
            points, _ = theirs(known[-WINDOW - 1 :], model)
            mine = made.filter(symbol=f"S{place}", as_of=origin)["point"].to_numpy()
            np.testing.assert_allclose(mine, points, atol=1e-9)


def test_it_finds_planted_momentum():
    model = Coefficients((0.5,), ())
    models = [chosen(np.append(0.0, planted(model, seed, 250).cumsum())) for seed in range(12)]
    # What a shock is worth a step later, whatever the order: a single sample is off by 0.055 (√(0.75 / 250)).
    first = [sum(model.ar[:1]) + sum(model.ma[:1]) for model in models]
    assert np.mean(first) == pytest.approx(0.5, abs=0.05)


def test_planted_momentum_is_forecast():
    returns = planted(Coefficients((0.5,), ()), 2, 250)
    data = of_closes(list(100 * np.exp(returns.cumsum())))
    origin = last_session(data.bars)
    made = Arima().fit(data, origin).predict(data, [origin])
    assert made["point"][0] == pytest.approx(0.5 * returns[-1], abs=0.003)
    assert made["sd"][4] / made["sd"][0] > 5**0.5 * 1.2  # moves that go on add up


def test_it_finds_nothing_in_most_random_walks():
    walks = np.random.default_rng(3).normal(0, 0.02, (20, 251)).cumsum(axis=1)
    assert sum(chosen(log_closes) == Coefficients() for log_closes in walks) >= 17


@pytest.mark.parametrize(
    "model",
    [Coefficients((0.8,), ()), Coefficients((), (0.6,)), Coefficients((), (1 / 0.6,)), Coefficients()],
)
def test_the_spread_is_that_of_what_cannot_be_forecast(model):
    """As a share of the volatility of returns, which is what is measured at the origin; over many windows."""
    returns = planted(model, 2, 100_000)
    windows = np.lib.stride_tricks.sliding_window_view(returns, 65)[::10].T
    count = np.full(windows.shape[1], 60)
    points, spreads = Filter([model] * windows.shape[1]).run(windows[:60], count)
    errors = windows[60:].cumsum(axis=0) - points
    np.testing.assert_allclose(errors.std(axis=1) / returns.std(), spreads[:, 0], rtol=0.03)


def test_a_listing_after_the_training_waits_for_the_next():
    days = FEWEST_RETURNS + 30
    bars = walk_bars(4, symbols=2, days=days)
    young = (pl.col("symbol") == "S0001") & (pl.int_range(pl.len()).over("symbol") < 20)
    data = panel(bars.filter(~young), sessions(days + 10))
    trained = Arima().fit(data, data.sessions[FEWEST_RETURNS + 10])
    made = trained.predict(data, [data.sessions[days - 1]])
    assert set(made.filter(symbol="S0001")["reason"]) == {Reason.NOT_TRAINED}
    assert made.filter(symbol="S0000")["reason"].null_count() == 5


def test_a_series_on_which_the_training_broke_off_says_so_and_still_does_when_loaded(monkeypatch, caplog):
    import statsforecast.arima

    search, data = statsforecast.arima.auto_arima_f, walk(5, symbols=3, days=80)
    bad = data.bars.filter(symbol="S0001")["log_close"].to_numpy()

    def fragile(values, **options):
        if np.allclose(values, bad - bad[-1]):
            raise ValueError("No suitable ARIMA model found")
        return search(values, **options)

    monkeypatch.setattr(statsforecast.arima, "auto_arima_f", fragile)
    origin = last_session(data.bars)
    trained = Arima().fit(data, origin, seed=3)
    assert "1 of 3 series failed with ValueError, the first of them S0001: No suitable" in caplog.text
    for forecaster in (trained, Arima().load(trained.save())):
        made = forecaster.predict(data, [origin])
        assert set(made.filter(symbol="S0001")["reason"]) == {Reason.FAILED}
        assert made["reason"].null_count() == 10
