"""Tomorrow's close follows what Wall Street did in the night: one rolling beta per issue.

Tokyo opens hours after New York has closed, and its close still moves with the night. Each issue's own beta is half
shrunk to the day's mean over all issues: a beta over a year of sessions is mostly noise.
"""

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from miraikakaku_assets.domain.forecasting.contract import Look, Profile
from miraikakaku_assets.domain.forecasting.peers.leading_signal import LeadingSignal
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock

NIGHT_COLUMN = "us_night"
"""Log return of Wall Street's median issue since the own close."""

WINDOW = 250
"""Bars of an issue that its beta is made of."""

FEWEST_NIGHTS = 60
"""Nights before an issue has a beta of its own; until then it has that of the market."""

SHRUNK = 0.5
"""Share of the mean beta over all issues."""

LARGEST_MOVE = 0.15
"""Larger log returns of one session count as this large: bad prices and limits are no betas."""


@dataclass(frozen=True)
class NightBeta(LeadingSignal):
    """The night's return times the issue's beta to it, for every horizon; σ √h around it.

    A night without Wall Street, or one of which nothing is known, says nothing: no change.
    """

    word: ClassVar[str] = "night_beta"
    profile: ClassVar[Profile] = Profile(
        Look("Night beta", "#1d4ed8", "*", "★"), clocks=(ForecastClock.MORNING,), universes=("jp",)
    )

    column: ClassVar[str] = NIGHT_COLUMN
    of_market: ClassVar[bool] = True

    def with_slopes(self, bars: pl.DataFrame) -> pl.DataFrame:
        """As in `LeadingSignal`."""
        return with_betas(bars, self.column)

    def point(self) -> pl.Expr:
        """As in `LeadingSignal`."""
        return pl.col("beta") * pl.col(self.column)


def with_betas(bars: pl.DataFrame, night: str) -> pl.DataFrame:
    """Bars with ``beta``: of the next session's return to the night before it, as known at each bar.

    Args:
        bars: As of `Panel.bars`, with a column of nights: at each origin, what came before its forecast was made.
        night: Name of that column.

    Returns:
        The bars; null where not even the market has a beta.
    """
    fresh = pl.col("elapsed") == 1
    x = pl.when(fresh).then(pl.col(night).shift(1).over("symbol"))
    y = pl.when(x.is_not_null()).then(pl.col("ret").clip(-LARGEST_MOVE, LARGEST_MOVE))
    pairs = bars.with_columns(_x=x, _y=y).with_columns(
        _xx=pl.col("_x") ** 2, _xy=pl.col("_x") * pl.col("_y"), _n=pl.col("_x").is_not_null().cast(pl.Float64)
    )
    names = ("_x", "_y", "_xx", "_xy", "_n")
    sums = pairs.with_columns(
        pl.col(name).rolling_sum(WINDOW, min_samples=1).over("symbol").alias(f"_sum{name}") for name in names
    )
    n = pl.col("_sum_n")
    spread = pl.col("_sum_xx") - pl.col("_sum_x") ** 2 / n
    slope = (pl.col("_sum_xy") - pl.col("_sum_x") * pl.col("_sum_y") / n) / spread
    own = pl.when((n >= FEWEST_NIGHTS) & (spread > 0)).then(slope)
    known = sums.with_columns(_own=own).with_columns(_mean=pl.col("_own").mean().over("session"))
    shrunk = SHRUNK * pl.col("_mean") + (1 - SHRUNK) * pl.col("_own")
    beta = pl.coalesce(shrunk, "_mean")
    return known.with_columns(beta=beta).drop(pl.selectors.starts_with("_"))
