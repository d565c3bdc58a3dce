"""The forecasts of one instrument in prices, session by session, as a fan is drawn from them."""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from miraikakaku_assets.adapters.charts.forecast_canvas import (
    ENSEMBLE,
    NO_LOOKS,
    Looks,
    Numbers,
    drawable,
    looks_of,
    numbers,
)
from miraikakaku_assets.domain.forecasting.bands import Calibration
from miraikakaku_assets.domain.forecasting.contract import HORIZONS, Reason
from miraikakaku_assets.domain.forecasting.ensemble import NO_CHANGE

CLOSES = 60
"""Newest closes that are shown."""

COLUMNS = ("point", "lo80", "hi80", "lo95", "hi95")

_FARTHEST = 30.0  # log return; exp() of more is no price, and overflows in the end
_WIDE = 30  # closes from which on the past takes as much room as it has sessions
_NARROW = 6  # places it takes at least
_AHEAD = 10  # the five sessions ahead take half as much room as the past, or nobody could read them

_WHY = {
    Reason.TOO_SHORT: "history too short",
    Reason.CONSTANT: "price does not move",
    Reason.NO_BAR: "no bar on that day",
    Reason.BAD_PRICE: "no valid close on that day",
    Reason.NOT_TRAINED: "not trained",
    Reason.FAILED: "failed",
}


@dataclass(frozen=True)
class Fan:
    """What is drawn.

    Attributes:
        as_of: Origin.
        past: Columns ``session`` and ``close`` up to the origin; no close is null.
        base: Close at the origin, NaN if there is none.
        horizons: Sessions ahead, ascending.
        targets: Their dates.
        prices: Model → column → price at each horizon, NaN where there is none.
        missing: Model → horizon → why there is no forecast.
        own_bands: Whether too few past errors were known to calibrate the ensemble's bands.
        looks: How models are drawn.
    """

    as_of: date | None
    past: pl.DataFrame
    base: float
    horizons: tuple[int, ...] = ()
    targets: tuple[date | None, ...] = ()
    prices: dict[str, dict[str, Numbers]] = field(default_factory=dict)
    missing: dict[str, dict[int, str]] = field(default_factory=dict)
    own_bands: bool = False
    looks: Looks = field(default_factory=dict)

    @property
    def reach(self) -> int:
        """Places that the past takes."""
        return max(self.past.height, _NARROW)

    @property
    def step(self) -> float:
        """Places from one session ahead to the next."""
        return max(self.past.height, _WIDE) / _AHEAD

    @property
    def end(self) -> float:
        """Place of the last session ahead."""
        return max(self.horizons, default=max(HORIZONS)) * self.step

    @property
    def ahead(self) -> Numbers:
        """Places of the origin and the targets."""
        return np.array([0, *self.horizons], dtype=np.float64) * self.step

    @property
    def behind(self) -> Numbers:
        """Places of the past: what ends before the origin ends left of it."""
        stale = self.past.height > 0 and self.as_of is not None and self.past["session"][-1] != self.as_of
        return np.arange(1 - self.past.height, 1, dtype=np.float64) - stale

    @property
    def drawn(self) -> list[str]:
        """Models that have a line, in the order of the legend; that of no change is drawn in any case."""
        some = [model for model, prices in self.prices.items() if np.isfinite(prices["point"]).any()]
        return [model for model in looks_of(some, self.looks) if model != NO_CHANGE]

    def path(self, model: str, column: str = "point") -> Numbers:
        """Prices from the origin on, as long as `ahead`."""
        values = self.prices[model][column]
        start = self.base if np.isfinite(values[0]) else np.nan
        return np.concatenate([[start], values])


def fan_of(history: pl.DataFrame, forecasts: pl.DataFrame, looks: Looks = NO_LOOKS) -> Fan:
    """The newest closes, and the forecasts of the newest origin from the close there.

    Args:
        history: ``session`` and ``close`` of one instrument.
        forecasts: Schema `PREDICTIONS` of the same instrument.
        looks: How models are drawn.
    """
    past = history.select("session", close=pl.Series(numbers(history["close"])).fill_nan(None)).drop_nulls()
    past = past.unique("session", keep="last").sort("session")
    if forecasts.is_empty():
        past = past.tail(CLOSES)
        return Fan(past["session"].max(), past, past["close"][-1] if past.height else np.nan)  # type: ignore[arg-type]
    as_of = forecasts["as_of"].max()
    rows = forecasts.filter(pl.col("as_of") == as_of).sort("model", "horizon")
    past = past.filter(pl.col("session") <= as_of).tail(CLOSES)
    closes = [*past.filter(pl.col("session") == as_of)["close"], *rows["close"].drop_nulls()]
    base = next((close for close in closes if np.isfinite(close) and close > 0), np.nan)
    targets = dict(rows.select("horizon", "target").sort("horizon", "target").iter_rows())
    prices, missing = {}, {}
    rows = rows.unique(["model", "horizon"], keep="last", maintain_order=True)
    for (name,), own in rows.partition_by("model", as_dict=True).items():
        model = str(name)
        known = pl.DataFrame({"horizon": list(targets)}).join(own, on="horizon", how="left").sort("horizon")
        returns = {column: numbers(known[column]).clip(-_FARTHEST, _FARTHEST) for column in COLUMNS}
        prices[model] = {column: base * np.exp(values) for column, values in returns.items()}
        missing[model] = {
            horizon: _why(reason)
            for horizon, reason, point in zip(targets, known["reason"], returns["point"], strict=True)
            if np.isnan(point)
        }
    made_of = rows.filter(pl.col("model") == ENSEMBLE)["calibration"]
    own_bands = bool((made_of == Calibration.NONE.value).any())
    return Fan(
        as_of,  # type: ignore[arg-type]
        past,
        base,
        tuple(targets),
        tuple(targets.values()),
        prices,
        missing,
        own_bands,
        looks,
    )


def _why(reason: str | None) -> str:
    if reason is None:
        return "no reason given"
    return _WHY[Reason(reason)] if reason in set(Reason) else drawable(reason.replace("_", " "))
