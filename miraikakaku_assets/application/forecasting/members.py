"""Forecasts of one trained model, sound or with a reason: what breaks off or makes no sense stops nobody else."""

import logging
from collections.abc import Sequence
from datetime import date

import polars as pl

from miraikakaku_assets.application.ports.forecasts import ModelRecord, ModelStore
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.forecasting.contract import (
    FORECASTS,
    Forecaster,
    Reason,
    TrainedForecaster,
    is_valid,
)
from miraikakaku_assets.domain.forecasting.missing import no_forecasts
from miraikakaku_assets.domain.forecasting.panel import Panel

_log = logging.getLogger(__name__)


def forecast_by(
    forecaster: Forecaster, record: ModelRecord | None, shelf: ModelStore
) -> tuple[TrainedForecaster | None, str | None]:
    """The trained model, or why it cannot be had."""
    if record is None or record.file is None or record.sha256 is None:
        return None, None
    try:
        return forecaster.load(shelf.read(record.file, record.sha256)), None
    except MiraikakakuError as error:
        return None, str(error)


def predict_all(
    trained: TrainedForecaster, panel: Panel, origins: Sequence[date], failures: dict[str, str]
) -> pl.DataFrame:
    """Forecasts of one model; if it breaks off, rows that say so.

    Args:
        trained: The model.
        panel: Bars.
        origins: Sessions.
        failures: Gets the model's name and why it broke off.
    """
    try:
        return _sound(trained.predict(panel, origins), trained, panel, origins, failures)
    except Exception as error:  # noqa: BLE001 - libraries raise anything on odd data; the others go on
        _log.exception("%s broke off", trained.name)
        failures[trained.name] = f"{type(error).__name__}: {error}".splitlines()[0][:500]
        return no_forecasts(panel, origins, trained.name, trained.version, Reason.FAILED)


def _sound(
    made: pl.DataFrame,
    trained: TrainedForecaster,
    panel: Panel,
    origins: Sequence[date],
    failures: dict[str, str],
) -> pl.DataFrame:
    """Forecasts without those that are none: they become failures, and so do those that are not there."""
    expected = no_forecasts(panel, origins, trained.name, trained.version, Reason.FAILED)
    key = ["symbol", "model", "as_of", "horizon", "target"]
    kept = made.filter(is_valid()).join(expected, on=key, how="semi", maintain_order="left")
    count = expected.height - kept.height
    if not count:
        return kept
    failures[trained.name] = (
        f"{count:,} of its {expected.height:,} forecasts are missing, or no numbers in order"
    )
    lost = expected.join(kept, on=key, how="anti")
    return pl.concat([kept.select(FORECASTS.keys()), lost]).sort("symbol", "as_of", "horizon")
