"""Prophet on log closes: a piecewise straight trend and a weekly pattern, fitted anew at every origin.

The model and its optimiser are Prophet's own: the compiled Stan program that its wheel carries. What surrounds it in
Prophet and cmdstanpy (data frames, pivot tables, consoles) takes two thirds of the 73 ms of computing that the class
needs for a series with these settings, and is left out; tests hold that Stan is given the same, and that the same
parameters give the same forecast.
"""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.adapters.forecasters.per_series import WORKERS, each_series
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.baselines import with_reasons
from miraikakaku_assets.domain.forecasting.contract import (
    HORIZONS,
    Needs,
    Reason,
    TrainedForecaster,
    forecast_frame,
    origin_rows,
)
from miraikakaku_assets.domain.forecasting.panel import Panel, ewma_volatility
from miraikakaku_assets.domain.forecasting.stateless import StatelessForecaster

Numbers = NDArray[np.float64]

FEWEST_RETURNS = 60
"""Two closes for every change of the trend, and a dozen for every weekday."""

WINDOW = 250
"""Returns, about a year, that a series is fitted on."""

CHANGEPOINTS = 25
"""Prophet's default, as are the next four: places at which the trend may bend,"""
CHANGE_RANGE = 0.8
"""in this first part of the history,"""
CHANGE_SCALE = 0.05
"""by Laplace's distribution of this scale;"""
WEEKLY_ORDER = 3
"""sines and cosines of the weekly pattern,"""
WEEKLY_SCALE = 10.0
"""with coefficients of this standard deviation."""

_WEEK = 7.0


@dataclass(frozen=True)
class Window:
    """One series at one origin.

    Attributes:
        days: Dates of the bars, as days since 1970-01-01; the last is the origin.
        log_closes: On those days; at least `FEWEST_RETURNS` + 1, not all the same.
        ahead: Dates that are forecast.
    """

    days: Numbers
    log_closes: Numbers
    ahead: Numbers

    @property
    def height(self) -> float:
        """The unit of the fit: the log closes are scaled to 0…1 (Prophet's "minmax").

        Prophet's default divides them by the largest, which is their distance from 1 yen or dollar: forecasts would
        change with the unit of the currency, and the optimum takes four times as long.
        """
        return float(self.log_closes.max() - self.log_closes.min())

    def times(self, days: Numbers) -> Numbers:
        """Days on the scale of the fit: 0 at the first, 1 at the origin."""
        return np.asarray((days - self.days[0]) / (self.days[-1] - self.days[0]), dtype=np.float64)

    @property
    def bends(self) -> Numbers:
        """Times at which the trend may change its slope."""
        count = int(len(self.days) * CHANGE_RANGE)
        places = np.linspace(0, count - 1, CHANGEPOINTS + 1).round().astype(int)[1:]
        return self.times(self.days[places])


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
    unknown = set(window.ahead % _WEEK) - set(window.days % _WEEK)
    if unknown:
        raise ValueError("there is no bar yet on a weekday that is to be forecast")
    data, begin = stan_input(window)
    slope, slopes, pattern = _optimum(data, begin, seed)
    days = np.append(window.days[-1], window.ahead)
    times = window.times(days)
    trend = slope * times + (times[:, None] - window.bends) @ slopes  # all bends lie behind
    level = (trend + _weekly(days) @ pattern) * window.height
    return np.asarray(level[1:] - level[0], dtype=np.float64)


def _weekly(days: Numbers) -> Numbers:
    angles = 2 * np.pi / _WEEK * days[:, None] * np.arange(1, WEEKLY_ORDER + 1)
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(days), -1)


def stan_input(window: Window) -> tuple[dict[str, Any], dict[str, Any]]:
    """Data and first parameters of Prophet's Stan program, by the names it gives them."""
    # The optimiser stops where a difference of 1e-16 in its data leads to one of 1e-4 in a forecast; rounded, the
    # same prices in another unit are the same data.
    values = ((window.log_closes - window.log_closes.min()) / window.height).round(10)
    bends, weekly = window.bends, _weekly(window.days)
    width = weekly.shape[1]
    data = {
        "T": len(values),
        "S": len(bends),
        "K": width,
        "t": window.times(window.days).tolist(),
        "cap": [0.0] * len(values),
        "y": values.tolist(),
        "t_change": bends.tolist(),
        "X": weekly.tolist(),
        "sigmas": [WEEKLY_SCALE] * width,
        "tau": CHANGE_SCALE,
        "trend_indicator": 0,
        "s_a": [1] * width,
        "s_m": [0] * width,
    }
    begin = {
        "k": float(values[-1] - values[0]),
        "m": float(values[0]),
        "delta": [0.0] * len(bends),
        "beta": [0.0] * width,
        "sigma_obs": 1.0,
    }
    return data, begin


def _optimum(data: dict[str, Any], begin: dict[str, Any], seed: int) -> tuple[float, Numbers, Numbers]:
    """Maximum a posteriori: slope at the begin, its changes, weekly coefficients."""
    with tempfile.TemporaryDirectory(prefix="miraikakaku-prophet-") as name:
        folder = Path(name)
        (folder / "data.json").write_text(json.dumps(data))
        (folder / "begin.json").write_text(json.dumps(begin))
        _stan(folder, seed)
        rows = [
            line for line in (folder / "optimum.csv").read_text().splitlines() if not line.startswith("#")
        ]
    found = dict(zip(rows[0].split(","), map(float, rows[1].split(",")), strict=True))
    slopes, pattern = (
        np.array([found[f"{name}.{place + 1}"] for place in range(len(begin[name]))])
        for name in ("delta", "beta")
    )
    return found["k"], slopes, pattern


def _stan(folder: Path, seed: int) -> None:
    command = [
        _program(),
        "random",
        f"seed={seed % 2**32}",
        "data",
        "file=data.json",
        "init=begin.json",
        "output",
        "file=optimum.csv",
        "refresh=0",
        "sig_figs=12",  # the default of 8 shows in the difference of two levels
        "method=optimize",
        "algorithm=lbfgs",
        "iter=10000",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise RuntimeError(f"Stan ended with {done.returncode}: {said[-1] if said else 'no word'}")


@cache
def _program() -> str:
    """The Stan program in Prophet's wheel; the package itself takes 2 s to import and is not needed."""
    from importlib.util import find_spec

    package = find_spec("prophet")
    places = package.submodule_search_locations if package is not None else None
    for place in places or ():
        program = Path(place) / "stan_model" / "prophet_model.bin"
        if program.is_file():
            return str(program)
    raise ConfigurationError(
        "The Stan program prophet/stan_model/prophet_model.bin is missing: install the wheel of prophet"
    )


@dataclass(frozen=True)
class Prophet(StatelessForecaster):
    """Prophet on the last 251 log closes; the log return over h sessions has standard deviation σ √h.

    σ is the EWMA volatility: Prophet's own is the distance of past closes from its trend, which says nothing of one
    session ahead of the last close.

    Attributes:
        workers: Processes.
    """

    workers: int = WORKERS

    @property
    def name(self) -> str:
        """As in the contract."""
        return "prophet"

    @property
    def version(self) -> str:
        """As in the contract."""
        return "1"

    @property
    def needs(self) -> Needs:
        """As in the contract; the volatility fades but never forgets."""
        return Needs(FEWEST_RETURNS, None)

    def forecasts(self, trained: TrainedForecaster, panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
        """As in the contract."""
        bars = with_reasons(panel, FEWEST_RETURNS).with_columns(
            sigma=ewma_volatility(), place=pl.int_range(pl.len()).over("symbol"), at=pl.int_range(pl.len())
        )
        rows = origin_rows(Panel(bars, panel.sessions, panel.unpriced), origins)
        rows = rows.with_columns(reason=pl.coalesce("reason", "unfit"))
        # Refuses origins before anything is fitted: that would be minutes of work for nothing.
        forecast_frame(panel, rows, trained, {"point": pl.lit(0.0), "sd": pl.lit(1.0)})
        made = self._points(bars, panel.sessions, rows.filter(pl.col("reason").is_null()), trained.seed)
        rows = rows.join(made, on=["symbol", "as_of"], how="left").with_columns(
            reason=pl.coalesce("reason", "failed")
        )
        point = pl.coalesce(pl.when(pl.col("horizon") == h).then(pl.col(f"point_{h}")) for h in HORIZONS)
        spread = pl.col("sigma") * pl.col("horizon").cast(pl.Float64).sqrt()
        return forecast_frame(panel, rows, trained, {"point": point, "sd": spread})

    def _points(self, bars: pl.DataFrame, sessions: pl.Series, rows: pl.DataFrame, seed: int) -> pl.DataFrame:
        """Columns ``symbol``, ``as_of``, ``failed`` (the reason), ``point_1``…."""
        days, closes = _days(bars["session"]), bars["log_close"].to_numpy()
        calendar = _days(sessions)
        windows, names = [], []
        for symbol, at, place, ordinal in rows.select("symbol", "at", "place", "ordinal").iter_rows():
            part = slice(at - min(place, WINDOW), at + 1)
            ahead = calendar[ordinal + 1 : ordinal + 1 + max(HORIZONS)]
            windows.append(Window(days[part], closes[part], ahead))
            names.append(symbol)
        found = each_series(partial(increments, seed=seed), windows, names, self.workers)
        points = np.full((rows.height, len(HORIZONS)), np.nan)
        for place, one in enumerate(found):
            if isinstance(one, np.ndarray):
                points[place] = one
        failed = np.isnan(points).any(axis=1)
        columns = {f"point_{h}": points[:, place] for place, h in enumerate(HORIZONS)}
        reason = pl.when(pl.Series(failed)).then(pl.lit(Reason.FAILED.value))
        return rows.select("symbol", "as_of").with_columns(failed=reason, **columns)


def _days(dates: pl.Series) -> Numbers:
    return np.asarray(dates.cast(pl.Int32).cast(pl.Float64).to_numpy(), dtype=np.float64)
