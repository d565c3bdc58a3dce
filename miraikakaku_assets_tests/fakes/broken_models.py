"""Models that do not work, each in its own way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from miraikakaku_assets.domain.forecasting.baselines import Drift
from miraikakaku_assets.domain.forecasting.contract import Needs, TrainedForecaster
from miraikakaku_assets.domain.forecasting.panel import Panel


@dataclass(frozen=True)
class Broken(Drift):
    """A drift that breaks off, in training or in forecasting."""

    word = "broken"
    in_training: bool = True

    def fit(self, panel: Panel, until: date, seed: int = 0) -> TrainedForecaster:
        if self.in_training:
            raise ValueError("no convergence")
        return super().fit(panel, until, seed)

    def forecasts(self, *_: object) -> pl.DataFrame:
        raise FloatingPointError("overflow")

    @property
    def needs(self) -> Needs:
        return Needs(20, None, market=True)


@dataclass(frozen=True)
class Wild(Drift):
    """A drift that is infinite for one issue."""

    word = "wild"
    symbol: str = ""

    def forecasts(self, trained: TrainedForecaster, panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
        made = super().forecasts(trained, panel, origins)
        endless = pl.when(pl.col("symbol") == self.symbol).then(float("inf")).otherwise("hi95")
        return made.with_columns(hi95=endless)
