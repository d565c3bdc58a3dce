"""Use case: make the forecasts of a past session again, and compare them with those that were stored then."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from miraikakaku_assets.application.forecast_panel import ForecastInputs
from miraikakaku_assets.application.make_predictions import (
    ENSEMBLE,
    PredictionPorts,
    combined,
    forecast_by,
    predict_all,
    weights_of,
)
from miraikakaku_assets.domain.forecasting.contract import FORECASTS

SAME = 1e-9
"""Log return within which points and standard deviations count as one: a bar's last digit, far below a tick."""


@dataclass
class ReplayReport:
    """How the past came out when it was made again.

    Attributes:
        as_of: Origin.
        same: Model → forecasts that are what they were.
        different: Model → forecasts that are not; a bar was restated since, or a library changed.
        gone: Model → why it could not be made again.
        largest: Largest difference, in log returns.
    """

    as_of: date
    same: dict[str, int] = field(default_factory=dict)
    different: dict[str, int] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    largest: float = 0.0


def replay_predictions(
    inputs: ForecastInputs, as_of: date, ports: PredictionPorts, symbols: Sequence[str] | None = None
) -> ReplayReport:
    """Makes forecasts again by the trainings they were made by; stores nothing.

    Args:
        inputs: Bars up to the origin.
        as_of: Origin.
        ports: What it needs.
        symbols: Only these; None for all.
    """
    report, universe = ReplayReport(as_of), inputs.universe
    panel = inputs.panel.until(as_of)
    stored = ports.store.predictions(universe, as_of, as_of, symbols)
    records = {one.id: one for one in ports.store.trainings(universe, None)}
    base = []
    for forecaster in ports.forecasters:
        kept = stored.filter(pl.col("model") == forecaster.name)
        made_by = kept["model_id"].drop_nulls().unique().to_list()
        if len(made_by) != 1:
            if not kept.filter(pl.col("reason").is_null()).is_empty():
                report.gone[forecaster.name] = f"its forecasts come from {len(made_by)} trainings"
            continue
        model, why = forecast_by(forecaster, records.get(made_by[0]), ports.shelf)
        if model is None:
            report.gone[forecaster.name] = why or "its training is not recorded any more"
            continue
        seen = panel if symbols is None or forecaster.needs.market else panel.only(list(symbols))
        made = predict_all(model, seen, [as_of], report.gone)
        base.append(made)
        _compare(kept, made, report)
    if base:
        ensemble = combined(base, [as_of], weights_of(ports.store, universe, as_of))
        _compare(stored.filter(pl.col("model") == ENSEMBLE), ensemble, report)
    return report


def _compare(kept: pl.DataFrame, made: pl.DataFrame, report: ReplayReport) -> None:
    keys = ["symbol", "model", "as_of", "horizon"]
    pairs = kept.select(FORECASTS.keys()).join(made, on=keys, suffix="_again", how="left")
    away = pl.max_horizontal((pl.col(name) - pl.col(f"{name}_again")).abs() for name in ("point", "sd"))
    alike = (pl.col("point").is_null() & pl.col("point_again").is_null()) | (away <= SAME)
    judged = pairs.select("model", away=away, alike=alike.fill_null(value=False))
    for (model,), rows in judged.group_by("model"):
        name, same = str(model), int(rows["alike"].sum())
        report.same[name] = same
        if same < rows.height:
            report.different[name] = rows.height - same
        largest = rows["away"].max()
        report.largest = max(report.largest, largest if isinstance(largest, float) else 0.0)
