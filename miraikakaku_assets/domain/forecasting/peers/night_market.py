"""What Wall Street did in the night moves Tokyo's market, and the market moves each issue.

Two betas instead of one: that of the whole market to the night needs no more than the days there are, and that of an
issue to its own market is known from every session, also of the years of which no night is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import polars as pl

from miraikakaku_assets.domain.forecasting.baselines import with_reasons
from miraikakaku_assets.domain.forecasting.contract import (
    Look,
    Needs,
    Profile,
    TrainedForecaster,
    forecast_frame,
    origin_rows,
)
from miraikakaku_assets.domain.forecasting.panel import Panel, ewma_volatility
from miraikakaku_assets.domain.forecasting.peers.night_beta import LARGEST_MOVE, NIGHT_COLUMN, WINDOW
from miraikakaku_assets.domain.forecasting.stateless import StatelessForecaster
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock

FEWEST_NIGHTS = 20
"""Nights before the market has a beta."""

FEWEST_MOVES = 60
"""Returns before an issue has a beta to its market; until then it moves as the market does."""

SHRUNK = 0.25
"""Share of one, the market's own beta, in that of an issue."""


@dataclass(frozen=True)
class NightMarket(StatelessForecaster):
    """The night's return times the market's beta to it times the issue's beta to the market; σ √h around it.

    A night without Wall Street, or one of which nothing is known, says nothing: no change.
    """

    word: ClassVar[str] = "night_market"
    profile: ClassVar[Profile] = Profile(
        Look("Night market", "#7c3aed", "p", "⬟"), clocks=(ForecastClock.MORNING,), universes=("jp",)
    )

    @property
    def needs(self) -> Needs:
        """As in the contract."""
        return Needs(self.fewest, None, (NIGHT_COLUMN,), market=True)

    def forecasts(self, trained: TrainedForecaster, panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
        """As in the contract."""
        absent = (
            [pl.lit(None, pl.Float64()).alias(NIGHT_COLUMN)] if NIGHT_COLUMN not in panel.bars.columns else []
        )
        bars = with_reasons(panel).with_columns(absent).with_columns(sigma=ewma_volatility())
        bars = with_market_betas(bars, NIGHT_COLUMN)
        rows = origin_rows(Panel(bars, panel.sessions, panel.unpriced), origins)
        rows = rows.with_columns(reason=pl.coalesce("reason", "unfit"))
        ahead = pl.col("horizon").cast(pl.Float64).sqrt()
        point = (pl.col("issue_beta") * pl.col("market_beta") * pl.col(NIGHT_COLUMN)).fill_null(0.0)
        return forecast_frame(panel, rows, trained, {"point": point, "sd": pl.col("sigma") * ahead})


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
