"""What the forecasters of one line share: something that is known leads the next closes by a slope, σ √h around it."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import polars as pl

from miraikakaku_assets.domain.forecasting.baselines import with_reasons
from miraikakaku_assets.domain.forecasting.contract import Needs, TrainedForecaster
from miraikakaku_assets.domain.forecasting.frames import forecast_frame, origin_rows
from miraikakaku_assets.domain.forecasting.panel import Panel, ewma_volatility
from miraikakaku_assets.domain.forecasting.stateless import StatelessForecaster


@dataclass(frozen=True)
class LeadingSignal(StatelessForecaster):
    """A slope times a column of what leads; where that is not known, no change."""

    column: ClassVar[str]
    """Name of what leads, in the bars of the panel."""
    of_market: ClassVar[bool] = False
    """Whether slopes look at the other issues of a session, too."""

    @property
    def needs(self) -> Needs:
        """As in the contract."""
        return Needs(self.fewest, None, (self.column,), market=self.of_market)

    @abstractmethod
    def with_slopes(self, bars: pl.DataFrame) -> pl.DataFrame:
        """Bars of the panel, which have `column`, with what `point` needs of them, as known at each bar."""

    @abstractmethod
    def point(self) -> pl.Expr:
        """The log return over ``horizon`` sessions; null where nothing is known."""

    def forecasts(self, trained: TrainedForecaster, panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
        """As in the contract."""
        bars = with_reasons(panel)
        if self.column not in bars.columns:
            bars = bars.with_columns(pl.lit(None, pl.Float64()).alias(self.column))
        bars = self.with_slopes(bars).with_columns(sigma=ewma_volatility())
        rows = origin_rows(Panel(bars, panel.sessions, panel.unpriced), origins)
        rows = rows.with_columns(reason=pl.coalesce("reason", "unfit"))
        ahead = pl.col("horizon").cast(pl.Float64).sqrt()
        point = self.point().fill_null(0.0)
        return forecast_frame(panel, rows, trained, {"point": point, "sd": pl.col("sigma") * ahead})
