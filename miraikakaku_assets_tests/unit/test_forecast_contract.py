"""All baselines keep the contract of forecasters, and forecasts become prices at the edge only."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from miraikakaku_assets.domain.errors import ConfigurationError, PermanentSymbolError
from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk, Volatility
from miraikakaku_assets.domain.forecasting.contract import Forecaster
from miraikakaku_assets.domain.forecasting.frames import in_prices
from miraikakaku_assets.domain.forecasting.panel import panel
from miraikakaku_assets.domain.forecasting.theta import Theta
from miraikakaku_assets_tests.support.forecasts.forecast_panels import last_session, sessions, walk, walk_bars
from miraikakaku_assets_tests.support.forecasts.forecaster_contract import ForecasterContract


class TestRandomWalk(ForecasterContract):
    def make(self) -> Forecaster:
        return RandomWalk()


class TestRandomWalkSample(ForecasterContract):
    def make(self) -> Forecaster:
        return RandomWalk(Volatility.SAMPLE)


class TestDrift(ForecasterContract):
    def make(self) -> Forecaster:
        return Drift()


class TestDriftSample(ForecasterContract):
    def make(self) -> Forecaster:
        return Drift(Volatility.SAMPLE)


class TestTheta(ForecasterContract):
    def make(self) -> Forecaster:
        return Theta()


def test_prices_are_the_close_times_the_exponential():
    data = walk(1, symbols=2, days=40)
    origin = last_session(data.bars)
    forecasts = Drift().fit(data, origin).predict(data, [origin])
    closes = data.bars.select("symbol", "close", as_of="session")
    prices = in_prices(forecasts, closes)
    assert prices.height == forecasts.height
    close, low = prices["close"].to_numpy(), forecasts["lo95"].to_numpy()
    np.testing.assert_allclose(prices["lo95"].to_numpy(), close * np.exp(low), rtol=1e-12)
    assert (prices["lo95"] > 0).all()
    assert prices["sd"].equals(forecasts["sd"])


def test_a_panel_refuses_what_it_cannot_place():
    bars, days = walk_bars(1, symbols=2, days=30), sessions(40)
    with pytest.raises(PermanentSymbolError, match=r"S0000.*two bars.*session_twice"):
        panel(pl.concat([bars, bars.head(1)]), days)
    with pytest.raises(PermanentSymbolError, match="not_a_session"):
        panel(bars.with_columns(session=pl.lit(date(2024, 1, 6))).head(1), days)
    with pytest.raises(ConfigurationError, match="close"):
        panel(bars.drop("close"), days)
    with pytest.raises(ConfigurationError, match="ascending"):
        panel(bars, days.reverse())


def test_an_instrument_without_any_price_is_not_forgotten():
    bars = walk_bars(3, symbols=2, days=40)
    broken = bars.with_columns(close=pl.when(pl.col("symbol") == "S0000").then("close"))
    data = panel(broken, sessions(50))
    made = RandomWalk().fit(data, last_session(bars)).predict(data, [last_session(bars)])
    assert made.filter(symbol="S0001")["reason"].to_list() == ["bad_price"] * 5


def test_returns_over_a_gap_span_it():
    bars = walk_bars(2, symbols=1, days=30)
    data = panel(bars.filter(pl.int_range(pl.len()).is_in([4, 5]).not_()), sessions(40)).bars
    assert data["elapsed"].to_list() == [None, 1, 1, 1, 3, *[1] * 23]
    closes = bars["close"].to_list()
    assert data["ret"][4] == pytest.approx(np.log(closes[6] / closes[3]))
