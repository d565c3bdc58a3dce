"""The forecasts that every other one is measured against: no change, and the past drift.

Both are closed-form and vectorised over all symbols and origins.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar

import polars as pl

from miraikakaku_assets.domain.forecasting.contract import (
    FEWEST_RETURNS,
    Look,
    Needs,
    Profile,
    Reason,
    TrainedForecaster,
)
from miraikakaku_assets.domain.forecasting.frames import forecast_frame, origin_rows
from miraikakaku_assets.domain.forecasting.panel import Panel, ewma_volatility, sample_volatility
from miraikakaku_assets.domain.forecasting.stateless import StatelessForecaster
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock

WINDOW = 250
"""Returns, about a year, over which drift and sample volatility are taken."""


class Volatility(StrEnum):
    """Where the width of the bands comes from."""

    EWMA = "ewma"
    """Exponentially weighted squares of returns, λ = 0.94."""
    SAMPLE = "sample"
    """The textbook's: residuals of the last 250 returns, equally weighted."""


@dataclass(frozen=True)
class _Closed(StatelessForecaster):
    """A closed form: point and standard deviation over columns of the bar at the origin."""

    volatility: Volatility = Volatility.EWMA

    @property
    def name(self) -> str:
        """As in the contract."""
        return self.word if self.volatility is Volatility.EWMA else f"{self.word}_sample"

    @property
    def needs(self) -> Needs:
        """As in the contract."""
        return Needs(FEWEST_RETURNS, None if self.volatility is Volatility.EWMA else WINDOW + 1)

    @abstractmethod
    def terms(self) -> dict[str, pl.Expr]:
        """Columns of the bars from which `numbers` are made."""

    @abstractmethod
    def numbers(self) -> dict[str, pl.Expr]:
        """Point and standard deviation over the terms and ``horizon``."""

    def forecasts(self, trained: TrainedForecaster, panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
        """As in the contract."""
        prepared = with_reasons(panel).with_columns(**self.terms())
        rows = origin_rows(Panel(prepared, panel.sessions, panel.unpriced), origins)
        rows = rows.with_columns(reason=pl.coalesce("reason", "unfit"))
        return forecast_frame(panel, rows, trained, self.numbers())


@dataclass(frozen=True)
class RandomWalk(_Closed):
    """Tomorrow is as today; the log return over h sessions has mean 0 and standard deviation σ √h.

    Attributes:
        volatility: Where σ comes from.
    """

    volatility: Volatility = Volatility.EWMA
    word: ClassVar[str] = "random_walk"
    profile: ClassVar[Profile] = Profile(Look("No change", "#64748b", "X", "✖"), clocks=tuple(ForecastClock))

    def terms(self) -> dict[str, pl.Expr]:
        """Columns of the bars from which `numbers` are made."""
        ewma = self.volatility is Volatility.EWMA
        return {"sigma": ewma_volatility() if ewma else sample_volatility(WINDOW)}

    def numbers(self) -> dict[str, pl.Expr]:
        """Point and standard deviation over the terms and ``horizon``."""
        return {"point": pl.lit(0.0), "sd": pl.col("sigma") * pl.col("horizon").cast(pl.Float64).sqrt()}


@dataclass(frozen=True)
class Drift(_Closed):
    """The line from the first to the last log close of the last 250 returns goes on.

    With K sessions behind the drift, the standard deviation over h is σ √(h (1 + h/K)); the sample σ is that of
    the residuals around the drift. Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd
    ed., 5.2 and 5.5.

    Attributes:
        volatility: Where σ comes from.
    """

    volatility: Volatility = Volatility.EWMA
    word: ClassVar[str] = "drift"
    profile: ClassVar[Profile] = Profile(Look("Drift", "#9a5b2f", "P", "✚"))

    def terms(self) -> dict[str, pl.Expr]:
        """Columns of the bars from which `numbers` are made."""
        spanned = pl.col("ordinal") - _begin("ordinal")
        drift = (pl.col("log_close") - _begin("log_close")) / spanned
        if self.volatility is Volatility.EWMA:
            return {"spanned": spanned, "drift": drift, "sigma": ewma_volatility()}
        squares = (pl.col("ret").pow(2) / pl.col("elapsed")).rolling_sum(WINDOW, min_samples=1).over("symbol")
        count = pl.col("ret").is_not_null().cast(pl.Float64).rolling_sum(WINDOW, min_samples=1).over("symbol")
        # Around the drift: the sum of (r - drift k)^2 / k is that of r^2 / k less drift^2 times all k.
        rest = pl.max_horizontal(squares - drift.pow(2) * spanned, pl.lit(0.0))
        return {"spanned": spanned, "drift": drift, "sigma": (rest / (count - 1)).sqrt()}

    def numbers(self) -> dict[str, pl.Expr]:
        """Point and standard deviation over the terms and ``horizon``."""
        ahead = pl.col("horizon").cast(pl.Float64)
        return {
            "point": pl.col("drift") * ahead,
            "sd": pl.col("sigma") * (ahead * (1 + ahead / pl.col("spanned"))).sqrt(),
        }


def _begin(column: str) -> pl.Expr:
    """The value at the begin of the window, or of the series if it is shorter."""
    return pl.coalesce(pl.col(column).shift(WINDOW).over("symbol"), pl.col(column).first().over("symbol"))


def with_reasons(panel: Panel, fewest: int = FEWEST_RETURNS) -> pl.DataFrame:
    """The bars with ``unfit``: why no volatility can be told there, else null.

    Args:
        panel: Bars.
        fewest: Returns that a symbol must have by then.
    """
    place = pl.int_range(pl.len()).over("symbol")
    moved = (pl.col("ret") != 0).cast(pl.Int64)
    moves = moved.rolling_sum(FEWEST_RETURNS, min_samples=1).over("symbol")
    return panel.bars.with_columns(
        unfit=pl.when(place < fewest)
        .then(pl.lit(Reason.TOO_SHORT.value))
        .when(moves == 0)
        .then(pl.lit(Reason.CONSTANT.value))
    )
