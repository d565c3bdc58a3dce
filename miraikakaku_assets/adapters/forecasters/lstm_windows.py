"""What the LSTM reads, and how far it is believed.

It reads the last bars up to an origin, in units in which all instruments look alike.

A window is not copied out of the bars before its batch is due: three years of the TSE have three million of them.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from miraikakaku_assets.domain.forecasting.baselines import WINDOW, with_reasons
from miraikakaku_assets.domain.forecasting.comparison import diebold_mariano
from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.domain.forecasting.learning import TARGETS, targets
from miraikakaku_assets.domain.forecasting.panel import Panel, ewma_volatility, sample_volatility

LENGTH = 30
"""Bars of a window, about six weeks; each has a return, so that an instrument needs one bar more."""

CHANNELS = ("move", "range", "market", "gap", "regime")
"""Numbers per bar, in this order."""

HELD_OUT = 0.2
"""Share of the sessions, the newest, that training leaves to judge it by."""

PEERS = 20
"""Instruments on a session that make a market to be set against."""

_DIGITS = 4
_FACTORS = np.linspace(0, 1, 21)

Single = NDArray[np.float32]
Numbers = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Samples:
    """Windows with what came after them.

    Attributes:
        rows: Last bar of each window.
        ordinals: Number of its session in the calendar.
        sigma: Volatility there.
        ahead: Windows × horizons, standardised returns; NaN where none is known.
    """

    rows: Places
    ordinals: Places
    sigma: Numbers
    ahead: Single

    def where(self, chosen: NDArray[np.bool_] | Places) -> "Samples":
        """Some of them."""
        return Samples(self.rows[chosen], self.ordinals[chosen], self.sigma[chosen], self.ahead[chosen])


def with_volatility(panel: Panel) -> pl.DataFrame:
    """The bars with ``unfit`` (why there is no forecast from there, else null), ``sigma`` and ``row``."""
    return with_reasons(panel, LENGTH).with_columns(
        sigma=ewma_volatility(), row=pl.int_range(pl.len(), dtype=pl.Int64())
    )


def channels(bars: pl.DataFrame) -> Single:
    """The bars as numbers, bars × `CHANNELS`, each known at its bar and of one meaning for all instruments.

    They are the return over its volatility; log of high over low over the volatility (0 in a panel without them);
    the mean of the first over the instruments that traded on the session before too; the sessions skipped before
    the bar; and the log of the volatility over that of the last 250 returns.

    Args:
        bars: `with_volatility`.
    """
    sigma = pl.when(pl.col("sigma") > 0).then(pl.col("sigma"))
    move = pl.col("ret") / (sigma * pl.col("elapsed").cast(pl.Float64).sqrt())
    numbers = {
        "move": move.clip(-5, 5),
        "range": (_range(bars.columns) / sigma).clip(0, 10),
        "market": pl.when(pl.col("elapsed") == 1).then(move).mean().over("session"),
        "gap": (pl.col("elapsed") - 1).clip(0, 5).cast(pl.Float64),
        "regime": (sigma / sample_volatility(WINDOW)).log().clip(-3, 3),
    }
    # A last digit that differs (another basis of adjustment, other bars in one sum) would grow through a training.
    rounded = [
        number.fill_nan(None).fill_null(0).round(_DIGITS).cast(pl.Float32).alias(name)
        for name, number in numbers.items()
    ]
    return np.ascontiguousarray(bars.select(rounded).select(CHANNELS).to_numpy(), dtype=np.float32)


def _range(columns: list[str]) -> pl.Expr:
    """Null for prices without a logarithm."""
    if not {"high", "low"} <= set(columns):
        return pl.lit(None, pl.Float64())
    high, low = pl.col("high").cast(pl.Float64), pl.col("low").cast(pl.Float64)
    return pl.when((low > 0) & high.is_finite() & (high >= low)).then((high / low).log())


def batch(values: Single, chosen: Samples, size: int) -> tuple[Single, Single]:
    """Windows × bars × channels, and what came; filled up to one size, or JAX would compile anew for another.

    Args:
        values: `channels`.
        chosen: At most so many.
        size: Windows; those that are made up have no outcome and teach nothing.
    """
    count = len(chosen.rows)
    seen = np.zeros((size, LENGTH, len(CHANNELS)), np.float32)
    seen[:count] = values[chosen.rows[:, None] + np.arange(1 - LENGTH, 1)]
    ahead = np.full((size, len(HORIZONS)), np.nan, np.float32)
    ahead[:count] = chosen.ahead
    return seen, ahead


def samples(panel: Panel, bars: pl.DataFrame, until: date) -> Samples:
    """All windows after which something is known.

    Args:
        panel: Bars, none behind `until`.
        bars: Those, `with_volatility`.
        until: Last session whose closes may be known.
    """
    ahead = targets(panel, until).select(TARGETS).to_numpy().astype(np.float32)
    complete = bars["unfit"].is_null().to_numpy() & ~np.isnan(ahead).all(axis=1)
    rows = np.flatnonzero(complete)
    return Samples(rows, bars["ordinal"].to_numpy()[rows], bars["sigma"].to_numpy()[rows], ahead[rows])


def held_out(windows: Samples) -> tuple[Samples, Samples]:
    """The older windows to learn from, and those of the newest sessions to judge by.

    The last session to learn from lies so far before the first to judge by as the outcomes reach ahead.
    """
    sessions = np.unique(windows.ordinals)
    first = sessions[int(len(sessions) * (1 - HELD_OUT))] if len(sessions) else 0
    return windows.where(windows.ordinals <= first - max(HORIZONS)), windows.where(windows.ordinals >= first)


def beside_the_market(windows: Samples) -> Samples:
    """What came less the mean of what came to all on the session, where there are `PEERS`.

    With the market in it a network learns the days by heart, of which there are a few hundred. On the S&P 500
    2016-2019 (one seed, eight passes) its training loss fell from 0.77 to 0.72 while its forecasts became 12-15 %
    worse than no change on the sessions held out; less their mean of each day they were 1.0-1.6 % worse.
    """
    sessions, day = np.unique(windows.ordinals, return_inverse=True)
    ahead = windows.ahead.copy()
    for place in range(len(HORIZONS)):
        known = ~np.isnan(ahead[:, place])
        count = np.bincount(day[known], minlength=len(sessions))
        total = np.bincount(day[known], ahead[known, place], minlength=len(sessions))
        mean = np.where(count >= PEERS, total / np.maximum(count, 1), 0.0)
        ahead[:, place] -= mean[day].astype(np.float32)
    return Samples(windows.rows, windows.ordinals, windows.sigma, ahead)


def beliefs(forecasts: Single, came: Samples) -> Numbers:
    """Per horizon the factor from 0 to 1 by which forecasts err least, in log returns, on sessions held out.

    It is known no better than the gain it brings, and shrunk by that gain's noise, as James and Stein do: by 1 - 1/t²
    with the statistic t of a Diebold-Mariano test against no change, and to 0 where t is below 1.

    Args:
        forecasts: Forecasts in standard deviations, windows × horizons.
        came: The windows.
    """
    factors = np.zeros(len(HORIZONS))
    for place, h in enumerate(HORIZONS):
        known = ~np.isnan(came.ahead[:, place])
        sigma = came.sigma[known]
        still, moved = came.ahead[known, place] * sigma, forecasts[known, place] * sigma
        best = min(_FACTORS, key=lambda factor: float(np.abs(still - factor * moved).sum()))
        _, day = np.unique(came.ordinals[known], return_inverse=True)
        count = np.bincount(day)
        loss = np.bincount(day, np.abs(still - best * moved)) / count
        statistic = diebold_mariano(loss, np.bincount(day, np.abs(still)) / count, h).statistic
        if statistic is not None and statistic < -1:
            factors[place] = best * (1 - 1 / statistic**2)
    return factors
