"""The standard theta method on log prices, for all symbols at once.

It is simple exponential smoothing with half the slope of a straight line as drift (Hyndman and Billah, Unmasking the
Theta method, International Journal of Forecasting 19 (2003) 287-290), which is what R's ``forecast::thetaf`` computes
for a series without season: daily returns have none worth a test. The method of Assimakopoulos and Nikolopoulos
(2000) in statsforecast minimises another sum of squares and gives other, close, numbers.

For a given weight alpha the errors are linear in the first level, so that the best level is closed-form and one
dimension is left to search: a grid, then golden sections, a step of the recursion for all symbols at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.forecasting.baselines import WINDOW
from miraikakaku_assets.domain.forecasting.contract import (
    FEWEST_RETURNS,
    HORIZONS,
    Look,
    Profile,
    TrainedForecaster,
)
from miraikakaku_assets.domain.forecasting.panel import Panel
from miraikakaku_assets.domain.forecasting.single_series import TOGETHER, forecasts_of_series
from miraikakaku_assets.domain.forecasting.stateless import StatelessForecaster

Numbers = NDArray[np.float64]

ALPHAS = (1e-4, 0.9999)
"""Bounds of the smoothing weight, as in R's ``ets``."""

_GRID = 16
_SECTIONS = 30
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class ThetaFit:
    """The method fitted to every column of a matrix.

    Attributes:
        alpha: Smoothing weight.
        level: Last smoothed level.
        drift: Half the slope per step.
        first: The part of the drift that is missing in the level: drift (1 - (1 - alpha)^n) / alpha.
        mean_square: Mean of the squared one-step errors of the smoothing.
    """

    alpha: Numbers
    level: Numbers
    drift: Numbers
    first: Numbers
    mean_square: Numbers

    def ahead(self, horizon: int) -> Numbers:
        """Forecast so many steps ahead."""
        return self.level + self.first + self.drift * (horizon - 1)


def fit_theta(values: Numbers) -> ThetaFit:
    """Fits every column by least squares.

    Args:
        values: Steps × series; shorter series begin with NaN and then have none. At least three values each.
    """
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    steps = np.arange(len(values))[:, None] - (len(values) - count)  # 0 at the first value of each series
    base = values[-1]
    centred = np.where(known, values - base, 0.0)  # a level far from 0 would cost digits
    away = np.where(known, steps - (count - 1) / 2, 0.0)
    drift = (away * centred).sum(axis=0) / (away**2).sum(axis=0) / 2
    weights = known.astype(np.float64)
    alpha = _best_alpha(centred, weights)
    squares, level = _smooth(centred, weights, alpha)
    first = drift * (1 - (1 - alpha) ** count) / alpha
    return ThetaFit(alpha, base + level, drift, first, squares / count)


def _best_alpha(values: Numbers, weights: Numbers) -> Numbers:
    """The weight with the least squares: there may be several valleys, so a grid chooses one."""
    grid = np.linspace(*ALPHAS, _GRID)
    squares = np.stack([_smooth(values, weights, np.full(values.shape[1], alpha))[0] for alpha in grid])
    best = squares.argmin(axis=0)
    low, high = grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, _GRID - 1)]
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = _smooth(values, weights, left)[0], _smooth(values, weights, right)[0]
    for _ in range(_SECTIONS):
        lower = at_left < at_right
        low, high = np.where(lower, low, left), np.where(lower, right, high)
        new = np.where(lower, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        at_new = _smooth(values, weights, new)[0]
        left, right = np.where(lower, new, right), np.where(lower, left, new)
        at_left, at_right = np.where(lower, at_new, at_right), np.where(lower, at_left, at_new)
    middle = (low + high) / 2
    # A minimum at a bound is approached, never reached, by sections.
    ends = np.stack([middle, np.full_like(middle, ALPHAS[0]), np.full_like(middle, ALPHAS[1])])
    chosen = np.stack([_smooth(values, weights, end)[0] for end in ends]).argmin(axis=0)
    return np.asarray(np.take_along_axis(ends, chosen[None], axis=0)[0], dtype=np.float64)


def _smooth(values: Numbers, weights: Numbers, alpha: Numbers) -> tuple[Numbers, Numbers]:
    """Least sum of squared one-step errors over the first level, and the last level.

    The level after some steps is `fixed` + `share` × first level; weights are 0 before a series begins.
    """
    fixed, share = np.zeros_like(alpha), np.ones_like(alpha)
    own, cross, unit = np.zeros_like(alpha), np.zeros_like(alpha), np.zeros_like(alpha)
    for value, weight in zip(values, weights, strict=True):
        error = (value - fixed) * weight
        carried = share * weight
        own += error * error
        cross += error * carried
        unit += carried * carried
        fixed += alpha * error
        share -= alpha * carried
    start = cross / unit
    return np.maximum(own - cross * start, 0.0), fixed + share * start


@dataclass(frozen=True)
class Theta(StatelessForecaster):
    """The theta method on the last 251 log closes, taken as evenly spaced; fitted anew at every origin.

    Its bands are σ √(1 + (h - 1) alpha²), those of the smoothing, with the EWMA volatility as σ.
    """

    word: ClassVar[str] = "theta"
    profile: ClassVar[Profile] = Profile(Look("Theta", "#0b7a53", "^", "▲"))

    def forecasts(self, trained: TrainedForecaster, panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
        """As in the contract."""
        return forecasts_of_series(trained, panel, origins, FEWEST_RETURNS, _fitted)


def _fitted(bars: pl.DataFrame, rows: pl.DataFrame) -> tuple[Numbers, Numbers]:
    """As `single_series.Fits`."""
    points, spreads = np.empty((2, len(HORIZONS), rows.height))
    log_closes, at, place = bars["log_close"].to_numpy(), rows["at"].to_numpy(), rows["place"].to_numpy()
    for start in range(0, rows.height, TOGETHER):
        chunk = slice(start, start + TOGETHER)
        back = np.arange(min(WINDOW, int(place[chunk].max())), -1, -1)[:, None]
        values = log_closes[np.maximum(at[chunk] - back, 0)]
        fit = fit_theta(np.where(back <= place[chunk], values, np.nan))
        points[:, chunk] = [fit.ahead(h) - values[-1] for h in HORIZONS]
        spreads[:, chunk] = [np.sqrt(1 + (h - 1) * fit.alpha**2) for h in HORIZONS]
    return points, spreads
