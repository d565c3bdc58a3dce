"""Prophet on log closes: a piecewise straight trend and a weekly pattern, fitted anew at every origin.

A series takes 0.07 s of computing, two thirds of it in Prophet's and cmdstanpy's data frames and files: three minutes
for 5,000 issues on two cores. Handing the data to Stan without them took 0.02 s, and a hundred lines that knew what is
inside Prophet.
"""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.adapters.forecasters.per_series import WORKERS, Failure, each_series
from miraikakaku_assets.domain.forecasting.baselines import WINDOW
from miraikakaku_assets.domain.forecasting.contract import HORIZONS, Look, Profile, TrainedForecaster
from miraikakaku_assets.domain.forecasting.panel import Panel
from miraikakaku_assets.domain.forecasting.single_series import forecasts_of_series
from miraikakaku_assets.domain.forecasting.stateless import StatelessForecaster

if TYPE_CHECKING:
    from types import ModuleType

Numbers = NDArray[np.float64]
Days = NDArray[np.datetime64]

_DEFAULTS = {
    "n_changepoints": 25,  # places at which the trend may bend,
    "changepoint_range": 0.8,  # in this first part of the history,
    "changepoint_prior_scale": 0.05,  # by Laplace's distribution of this scale
    "weekly_seasonality": 3,  # sines and cosines of the weekly pattern,
    "seasonality_prior_scale": 10.0,  # with coefficients of this standard deviation
}
"""Prophet's own, written down: another version of it may choose others."""


@dataclass(frozen=True)
class Window:
    """One series at one origin.

    Attributes:
        days: Dates of the bars; the last is the origin.
        log_closes: On those days, not all the same.
        ahead: Dates that are forecast.
    """

    days: Days
    log_closes: Numbers
    ahead: Days

    @property
    def height(self) -> float:
        """The unit of the fit: the log closes are scaled to 0…1 (Prophet's "minmax").

        Prophet's default divides them by the largest, which is their distance from 1 yen or dollar: forecasts would
        change with the unit of the currency, and the optimum takes four times as long.
        """
        return float(self.log_closes.max() - self.log_closes.min())


def increments(window: Window, seed: int = 0) -> Numbers:
    """Trend and weekly pattern on the days ahead less those at the origin: log returns.

    The level is that of the last close, not of the trend there: Prophet's own forecast begins where its trend is,
    and so is wrong by the distance of the last close from it before anything happens.

    Args:
        window: The series.
        seed: Given to Stan, which begins at a fixed point and draws nothing.

    Raises:
        ValueError: A weekday is forecast on which no bar is known: its coefficients would be anything.
        RuntimeError: Stan has found no optimum.
    """
    if not np.isin(_weekdays(window.ahead), _weekdays(window.days)).all():
        raise ValueError("there is no bar yet on a weekday that is to be forecast")
    import pandas as pd

    model = _library().Prophet(
        **_DEFAULTS,
        scaling="minmax",
        yearly_seasonality=False,
        daily_seasonality=False,
        uncertainty_samples=0,
    )
    # The optimiser stops where a difference of 1e-16 in its data leads to one of 1e-4 in a forecast; rounded, the
    # same prices in another unit are the same data.
    values = ((window.log_closes - window.log_closes.min()) / window.height).round(10)
    days = np.append(window.days[-1:], window.ahead)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas 3, about what Prophet does with its frames
        # Of the eight digits that Stan writes by default some are lost in the difference of two levels. One
        # optimiser whatever the length: below 100 bars Prophet would take Newton's method.
        model.fit(
            pd.DataFrame({"ds": window.days, "y": values}), seed=seed % 2**32, algorithm="LBFGS", sig_figs=12
        )
        level = model.predict(pd.DataFrame({"ds": days}))["yhat"].to_numpy() * window.height
    return np.asarray(level[1:] - level[0], dtype=np.float64)


def _weekdays(days: Days) -> NDArray[np.int64]:
    return days.astype("datetime64[D]").astype(np.int64) % 7


@cache
def _library() -> "ModuleType":
    """Prophet, which takes 2 s to import, without a word about Plotly and two lines of log for every series."""
    logging.getLogger("prophet.plot").setLevel(logging.CRITICAL)
    # Without a handler cmdstanpy gives itself one, and the level INFO.
    logging.getLogger("cmdstanpy").addHandler(logging.NullHandler())
    import prophet

    for name in ("cmdstanpy", "prophet"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return prophet


@dataclass(frozen=True)
class Prophet(StatelessForecaster):
    """Prophet on the last 251 log closes; the log return over h sessions has standard deviation σ √h.

    σ is the EWMA volatility: Prophet's own is the distance of past closes from its trend, which says nothing of one
    session ahead of the last close.

    Attributes:
        workers: Processes.
    """

    workers: int = WORKERS
    word: ClassVar[str] = "prophet"
    profile: ClassVar[Profile] = Profile(
        Look("Prophet", "#6b7a0a", "*", "★"), ("prophet", "cmdstanpy"), scoreboard_series=60
    )
    fewest: ClassVar[int] = 60
    """Two closes for every change of the trend, and a dozen for every weekday."""

    @property
    def version(self) -> str:
        """As in the contract."""
        return "2"

    def forecasts(self, trained: TrainedForecaster, panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
        """As in the contract."""
        calendar = panel.sessions.to_numpy()

        def fits(bars: pl.DataFrame, rows: pl.DataFrame) -> tuple[Numbers, Numbers]:
            days, closes = bars["session"].to_numpy(), bars["log_close"].to_numpy()
            windows = []
            for at, place, ordinal in rows.select("at", "place", "ordinal").iter_rows():
                part = slice(at - min(place, WINDOW), at + 1)
                ahead = calendar[ordinal + 1 : ordinal + 1 + max(HORIZONS)]
                windows.append(Window(days[part], closes[part], ahead))
            made = each_series(
                partial(increments, seed=trained.seed), windows, rows["symbol"].to_list(), self.workers
            )
            points = np.full((len(HORIZONS), rows.height), np.nan)
            for place, numbers in enumerate(made):
                if not isinstance(numbers, Failure):
                    points[:, place] = numbers
            return points, np.sqrt(np.array(HORIZONS, dtype=np.float64))[:, None] + np.zeros_like(points)

        return forecasts_of_series(trained, panel, origins, self.fewest, fits)
