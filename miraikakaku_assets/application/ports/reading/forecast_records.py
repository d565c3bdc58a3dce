"""Port of the records of forecasts: what came of them, counted where they lie."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Protocol

import polars as pl

from miraikakaku_assets.application.ports.forecasts import Decision
from miraikakaku_assets.domain.market.instruments import Universe

RANK_DAYS: dict[str, pl.DataType] = {
    "as_of": pl.Date(),
    "n": pl.Int64(),
    "ic": pl.Float64(),
    "top": pl.Float64(),
    "bottom": pl.Float64(),
}
"""Of a day of origins: issues with an outcome, Spearman's correlation of what was forecast and what came, and the mean
log returns of the tenths that were ranked first and last. The correlation is null where either did not differ."""

RISK_BINS: dict[str, pl.DataType] = {
    "bin": pl.Int64(),
    "n": pl.Int64(),
    "calls": pl.Int64(),
    "hits": pl.Int64(),
    "error": pl.Float64(),
    "no_change": pl.Float64(),
}
"""One of some equal parts, 1 the surest: forecasts, those with a direction that moved, hits, and sums of the sizes of
the errors and of the moves (log returns)."""


class ForecastRecords(Protocol):
    """Counts what came of stored forecasts where they lie."""

    def rank_days(self, universe: Universe, model: str, horizon: int, since: date) -> pl.DataFrame:
        """Schema `RANK_DAYS` of the origins since a session, ascending."""

    def risk_bins(self, universe: Universe, model: str, horizon: int, since: date, bins: int) -> pl.DataFrame:
        """Schema `RISK_BINS`: forecasts by the size of the expected move over the width of the band of 80 %."""

    def decision_history(self, universe: Universe, kind: str, last: int) -> Sequence[Decision]:
        """The newest decisions of a kind, newest first."""

    def inputs(self, universe: Universe, symbol: str, as_of: date) -> dict[str, Any] | None:
        """What the forecast of a symbol was made from, None where nothing is stored of it."""
