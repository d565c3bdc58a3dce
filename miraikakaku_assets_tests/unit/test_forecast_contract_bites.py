"""The contract of forecasters catches what it is made for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
import pytest

from miraikakaku_assets.domain.forecasting.baselines import RandomWalk
from miraikakaku_assets.domain.forecasting.contract import Forecaster, Needs, Profile, TrainedForecaster
from miraikakaku_assets.domain.forecasting.panel import Panel
from miraikakaku_assets_tests.support.forecasts.forecaster_contract import ForecasterContract


@dataclass(frozen=True)
class _Changed:
    """A random walk that breaks one rule."""

    rule: str
    inner: TrainedForecaster

    def __getattr__(self, name: str):
        return getattr(self.inner, name)

    def predict(self, panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
        forecasts = self.inner.predict(panel, origins)
        if self.rule == "looks ahead":
            centred = pl.col("close").log().rolling_mean(11, center=True, min_samples=1).over("symbol")
            hint = panel.bars.select("symbol", as_of="session", hint=centred - pl.col("close").log())
            forecasts = forecasts.join(hint, on=["symbol", "as_of"], how="left").drop("point")
            return forecasts.rename({"hint": "point"}).select(self.inner.predict(panel, origins).columns)
        if self.rule == "fills":
            return forecasts.with_columns(pl.col("point", "lo80", "hi80", "lo95", "hi95").fill_null(0.0))
        if self.rule == "crosses bands":
            return forecasts.with_columns(hi80="hi95", hi95="hi80")
        return forecasts.filter(pl.col("reason").is_null())


@dataclass(frozen=True)
class _Breaking:
    rule: str
    name: str = "random_walk"
    version: str = "1"
    profile: Profile = RandomWalk.profile

    @property
    def needs(self) -> Needs:
        return RandomWalk().needs

    def fit(self, panel: Panel, until: date, seed: int = 0) -> TrainedForecaster:
        return _Changed(self.rule, RandomWalk().fit(panel, until, seed))

    def load(self, saved: bytes) -> TrainedForecaster:
        return RandomWalk().load(saved)


class _Contract(ForecasterContract):
    __test__ = False

    def __init__(self, rule: str) -> None:
        self.rule = rule

    def make(self) -> Forecaster:
        return _Breaking(self.rule)


@pytest.mark.parametrize(
    ("rule", "test"),
    [
        ("looks ahead", "test_the_future_does_not_matter"),
        ("fills", "test_a_constant_price_has_no_volatility"),
        ("crosses bands", "test_ordinary_series_are_forecast"),
        ("is silent", "test_a_constant_price_has_no_volatility"),
    ],
)
def test_a_broken_rule_is_caught(rule, test):
    with pytest.raises(AssertionError):
        getattr(_Contract(rule), test)()
