"""Bands and quantiles of new forecasts, from what earlier ones of the same models missed by."""

from collections.abc import Sequence
from datetime import date
from functools import cached_property

import polars as pl

from miraikakaku_assets.application.forecasting.inputs import ForecastInputs
from miraikakaku_assets.application.ports.forecasts import PREDICTIONS, ForecastStore
from miraikakaku_assets.domain.forecasting.bands import DEFAULT_RULE, conformal_bands
from miraikakaku_assets.domain.forecasting.contract import FORECASTS, HORIZONS
from miraikakaku_assets.domain.forecasting.density.expected_moves import expected_moves
from miraikakaku_assets.domain.forecasting.panel import Panel
from miraikakaku_assets.domain.market.sessions import sessions_back

SAMPLE = 400
"""Instruments whose past errors calibrate a market: 250 sessions of them are 100,000 errors per model and horizon, a
third of them in each regime; the error of a 95 % quantile is then far below that of the days themselves."""

_BAND_COLUMNS = ("calibration", "calibration_scores", "quantiles")


def past_errors(store: ForecastStore, inputs: ForecastInputs, made: pl.DataFrame) -> pl.DataFrame:
    """Earlier forecasts of the same models whose errors calibrate these; of a large market, those of a sample."""
    first = made["as_of"].min()
    if not isinstance(first, date):
        return made.clear()
    calendar = inputs.universe.calendar
    since = sessions_back(calendar, first, DEFAULT_RULE.window + max(HORIZONS) + 1)
    until = sessions_back(calendar, first, 1)
    models = made["model"].unique().to_list()
    past = store.scored(inputs.universe, since, until, models=models, sample=SAMPLE)
    return past.select(FORECASTS.keys())


def calibrated(made: pl.DataFrame, past: pl.DataFrame, panel: Panel, moves: pl.DataFrame) -> pl.DataFrame:
    """Forecasts with bands and quantiles from past errors, as far as there are enough of them.

    Args:
        made: Schema `FORECASTS`.
        past: `past_errors`.
        panel: Bars of the universe.
        moves: `expected_moves.expected_moves` of it, which all models share.
    """
    if made.is_empty():
        nothing = {name: pl.lit(None, PREDICTIONS[name]) for name in _BAND_COLUMNS}
        return made.with_columns(**nothing)
    origins = made["as_of"].unique().sort().to_list()
    rows = pl.concat([past, made.select(FORECASTS.keys())])
    return conformal_bands(rows, panel, only=origins, moves=moves)


def moves_for(panel: Panel, origins: Sequence[date]) -> pl.DataFrame:
    """Expected moves of origins, and of those before them whose errors calibrate their bands."""
    first = min(origins)
    before = panel.sessions.filter(panel.sessions < first).tail(DEFAULT_RULE.window + max(HORIZONS) + 1)
    return expected_moves(panel.until(max(origins)), [*before.to_list(), *origins])


class MovesOnDemand:
    """Expected moves, computed when the first model needs them: mostly nothing is left to be done."""

    def __init__(self, panel: Panel, origins: Sequence[date]) -> None:
        self._panel, self._origins = panel, origins

    @cached_property
    def frame(self) -> pl.DataFrame:
        """`moves_for`."""
        return moves_for(self._panel, self._origins)
