"""What rose against its market today falls against it tomorrow, a little: the simplest cross-sectional signal.

It is a peer: a model that learns has to rank issues better than this to have learnt anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import polars as pl

from miraikakaku_assets.domain.forecasting.baselines import with_reasons
from miraikakaku_assets.domain.forecasting.contract import Look, Needs, Profile, TrainedForecaster
from miraikakaku_assets.domain.forecasting.frames import forecast_frame, origin_rows
from miraikakaku_assets.domain.forecasting.panel import Panel, ewma_volatility
from miraikakaku_assets.domain.forecasting.stateless import StatelessForecaster
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock

GIVEN_BACK = 0.02
"""Share of the distance from the market that comes back on the next session; small, because ranks and not sizes are
what the signal is worth."""

LARGEST_DISTANCE = 3.0
"""In units of the issue's volatility; a larger one counts as this large: news is no overreaction."""


@dataclass(frozen=True)
class Reversal(StatelessForecaster):
    """Minus a share of the day's distance from the market, for every horizon; σ √h around it.

    The distance is the mean of that of the day's return and, where the open is known, that of the return from the open
    to the close. A single series has no market: no change.
    """

    word: ClassVar[str] = "reversal"
    profile: ClassVar[Profile] = Profile(
        Look("Reversal", "#be123c", "h", "⬢"), clocks=tuple(ForecastClock), universes=("jp", "us")
    )

    @property
    def needs(self) -> Needs:
        """As in the contract."""
        return Needs(self.fewest, None, market=True)

    def forecasts(self, trained: TrainedForecaster, panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
        """As in the contract."""
        bars = with_reasons(panel).with_columns(sigma=ewma_volatility())
        # The market of other sessions is not asked for: means over three years of a market take seconds.
        there = bars.filter(pl.col("session").is_in(list(origins)))
        signals = there.select("symbol", as_of="session", signal=reversal_signal(bars.columns))
        rows = origin_rows(Panel(bars, panel.sessions, panel.unpriced), origins)
        rows = rows.join(signals, on=["symbol", "as_of"], how="left", maintain_order="left")
        rows = rows.with_columns(reason=pl.coalesce("reason", "unfit"))
        ahead = pl.col("horizon").cast(pl.Float64).sqrt()
        point = GIVEN_BACK * pl.col("signal").fill_null(0.0)
        return forecast_frame(panel, rows, trained, {"point": point, "sd": pl.col("sigma") * ahead})


def reversal_signal(columns: Sequence[str]) -> pl.Expr:
    """Minus the distance from the market's mean, as a log return, over the bars with ``sigma``.

    Args:
        columns: Of the bars; with ``open`` the way from the open to the close counts, too.
    """
    day = _distance(pl.when(pl.col("elapsed") == 1).then(pl.col("ret")))
    if "open" not in columns:
        return -day
    opened = pl.col("open").cast(pl.Float64)
    intraday = pl.when((opened > 0) & opened.is_finite()).then(pl.col("log_close") - opened.log())
    return -pl.mean_horizontal(day, _distance(intraday))


def _distance(move: pl.Expr) -> pl.Expr:
    limit = LARGEST_DISTANCE * pl.col("sigma")
    return (move - move.mean().over("session")).clip(-limit, limit)
