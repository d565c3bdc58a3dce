"""What Wall Street did in the night moves Tokyo's market, and the market moves each issue.

Two betas instead of one: that of the whole market to the night needs no more than the days there are, and that of an
issue to its own market is known from every session, also of the years of which no night is stored.
"""

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from miraikakaku_assets.domain.forecasting.contract import Look, Profile
from miraikakaku_assets.domain.forecasting.peers.leading_signal import LeadingSignal
from miraikakaku_assets.domain.forecasting.peers.night_beta import LARGEST_MOVE, NIGHT_COLUMN, WINDOW
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock

FEWEST_NIGHTS = 20
"""Nights before the market has a beta."""

FEWEST_MOVES = 60
"""Returns before an issue has a beta to its market; until then it moves as the market does."""

SHRUNK = 0.25
"""Share of one, the market's own beta, in that of an issue."""


@dataclass(frozen=True)
class NightMarket(LeadingSignal):
    """The night's return times the market's beta to it times the issue's beta to the market; σ √h around it.

    A night without Wall Street, or one of which nothing is known, says nothing: no change.
    """

    word: ClassVar[str] = "night_market"
    profile: ClassVar[Profile] = Profile(
        Look("Night market", "#7c3aed", "p", "⬟"), clocks=(ForecastClock.MORNING,), universes=("jp",)
    )

    column: ClassVar[str] = NIGHT_COLUMN
    of_market: ClassVar[bool] = True

    def with_slopes(self, bars: pl.DataFrame) -> pl.DataFrame:
        """As in `LeadingSignal`."""
        return with_market_betas(bars, self.column)

    def point(self) -> pl.Expr:
        """As in `LeadingSignal`."""
        return pl.col("issue_beta") * pl.col("market_beta") * pl.col(self.column)


def with_market_betas(bars: pl.DataFrame, night: str) -> pl.DataFrame:
    """Bars with ``issue_beta`` to the market's mean return, and ``market_beta`` of that to the night before it.

    Args:
        bars: As of `Panel.bars`, with a column of nights: at each origin, what came before its forecast was made.
        night: Name of that column.
    """
    fresh = pl.when(pl.col("elapsed") == 1).then(pl.col("ret").clip(-LARGEST_MOVE, LARGEST_MOVE))
    moves = bars.with_columns(_y=fresh).with_columns(_x=pl.col("_y").mean().over("session"))
    days = moves.group_by("session").agg(pl.col("_x").first(), night=pl.col(night).first()).sort("session")
    days = days.with_columns(night=pl.col("night").shift(1)).with_columns(
        night=pl.when(pl.col("_x").is_not_null()).then("night"),
        move=pl.when(pl.col("night").is_not_null()).then("_x"),
    )
    squares = (pl.col("night") ** 2).rolling_sum(WINDOW, min_samples=FEWEST_NIGHTS)
    products = (pl.col("night") * pl.col("move")).rolling_sum(WINDOW, min_samples=FEWEST_NIGHTS)
    days = days.select("session", market_beta=pl.when(squares > 0).then(products / squares))

    pairs = moves.with_columns(_x=pl.when(pl.col("_y").is_not_null()).then("_x"))
    pairs = pairs.with_columns(_xx=pl.col("_x") ** 2, _xy=pl.col("_x") * pl.col("_y"))
    sums = {
        name: pl.col(name).rolling_sum(WINDOW, min_samples=FEWEST_MOVES).over("symbol")
        for name in ("_x", "_y", "_xx", "_xy")
    }
    count = pl.col("_y").is_not_null().cast(pl.Float64).rolling_sum(WINDOW, min_samples=1).over("symbol")
    spread = sums["_xx"] - sums["_x"] ** 2 / count
    slope = (sums["_xy"] - sums["_x"] * sums["_y"] / count) / spread
    own = pl.when(spread > 0).then(slope)
    issue = (SHRUNK + (1 - SHRUNK) * own).fill_null(1.0)
    return (
        pairs.with_columns(issue_beta=issue)
        .drop("_x", "_y", "_xx", "_xy")
        .join(days, on="session", how="left", maintain_order="left")
    )
