"""Forecasts that a whole model does not make: rows that say why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from miraikakaku_assets.domain.forecasting.contract import Reason
from miraikakaku_assets.domain.forecasting.frames import forecast_frame, origin_rows
from miraikakaku_assets.domain.forecasting.panel import Panel


def no_forecasts(
    panel: Panel, origins: Sequence[date], name: str, version: str, reason: Reason
) -> pl.DataFrame:
    """Five rows per symbol and origin that say why a whole model is missing; a bar that is missing says so itself.

    Args:
        panel: Bars.
        origins: Sessions of its calendar.
        name: Of the model.
        version: Of its definition.
        reason: Why.

    Returns:
        Schema `FORECASTS`.
    """
    rows = origin_rows(panel, origins).with_columns(reason=pl.coalesce("reason", pl.lit(reason.value)))
    nothing = pl.lit(None, pl.Float64())
    return forecast_frame(panel, rows, _Absent(name, version), {"point": nothing, "sd": nothing})


@dataclass(frozen=True)
class _Absent:
    """A model that is not there."""

    name: str
    version: str
    trained_until: date = date.min
