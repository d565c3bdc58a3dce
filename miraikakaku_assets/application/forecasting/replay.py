"""Use case: make the forecasts of a past session again, and compare them with those that were stored then."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from miraikakaku_assets.application.forecasting.calibration import calibrated, moves_for, past_errors
from miraikakaku_assets.application.forecasting.inputs import ForecastInputs
from miraikakaku_assets.application.forecasting.members import forecast_by, predict_all
from miraikakaku_assets.application.forecasting.predict import (
    BROKEN,
    ENSEMBLE,
    PredictionPorts,
    combined,
    market_said,
    weights_of,
)
from miraikakaku_assets.application.stage_reports import PredictionTotals
from miraikakaku_assets.domain.forecasting.contract import FORECASTS, NUMBERS

SAME = 1e-9
"""Log return within which points and standard deviations count as one: a bar's last digit, far below a tick."""


@dataclass
class ReplayReport:
    """How the past came out when it was made again.

    Attributes:
        as_of: Origin.
        same: Model → forecasts that are what they were.
        different: Model → forecasts that are not: a bar was restated since, or a library changed.
        gone: Model → why it could not be made again.
        other_bands: Model → forecasts that are what they were with other bands: past forecasts that calibrate them, or
            their outcomes, came after they had been made.
        largest: Largest difference, in log returns.
    """

    as_of: date
    same: dict[str, int] = field(default_factory=dict)
    different: dict[str, int] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    other_bands: dict[str, int] = field(default_factory=dict)
    largest: float = 0.0

    def added_to(self, totals: PredictionTotals) -> PredictionTotals:
        """The counts of forecasts with those of the comparison."""
        return replace(
            totals,
            same=self.same,
            different=self.different,
            gone=self.gone,
            other_bands=self.other_bands,
            largest_difference=self.largest,
        )

    @property
    def shortfall(self) -> str | None:
        """What did not come out as it was, as one sentence; None if all of it did."""
        changes = [f"{model}: {why}" for model, why in self.gone.items()]
        changes += [f"{model}: {count:,} forecasts differ" for model, count in self.different.items()]
        if not changes:
            return None
        why = ""
        if self.different:
            why = f", by {self.largest:.2g} at most as log returns: bars were restated since, or a library was changed"
        return (
            f"The forecasts from {self.as_of} could not be made again as they are stored ({'; '.join(changes)}){why}; "
            "what is stored stays"
        )


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
    records = {record.id: record for record in ports.store.trainings(universe, None)}
    base, moves = [], moves_for(panel, [as_of])

    def compare(kept: pl.DataFrame, made: pl.DataFrame) -> None:
        past = past_errors(ports.store, inputs, made)
        _compare(kept, calibrated(made, past, inputs.panel, moves), report)

    for forecaster in ports.forecasters:
        # What a model could not do at all, for want of a training or by an accident, is nothing to do again.
        kept = stored.filter(
            pl.col("model") == forecaster.name,
            pl.col("model_id").is_not_null(),
            ~pl.col("reason").is_in(BROKEN).fill_null(value=False),
        )
        for (training,), rows in kept.group_by("model_id", maintain_order=True):
            model, why = forecast_by(forecaster, records.get(training), ports.shelf)
            if model is None:
                report.gone[forecaster.name] = why or "its training is not recorded any more"
                continue
            seen = panel if symbols is None or forecaster.needs.market else panel.only(list(symbols))
            made = predict_all(model, seen, [as_of], report.gone)
            made = made.join(rows.select("symbol", "horizon"), on=["symbol", "horizon"], how="semi")
            base.append(made)
            compare(rows, made)
    if base and not report.gone:
        market = None if symbols is None else market_said(ports.store, universe, as_of, base)
        ensemble = combined(base, [as_of], weights_of(ports.store, universe, as_of), market)
        compare(stored.filter(pl.col("model") == ENSEMBLE), ensemble)
    return report


def _compare(kept: pl.DataFrame, made: pl.DataFrame, report: ReplayReport) -> None:
    keys = ["symbol", "model", "as_of", "horizon"]
    pairs = kept.select(FORECASTS.keys()).join(made, on=keys, suffix="_again", how="left")
    judged = pairs.select(
        "model", away=_apart("point", "sd"), alike=_alike("point", "sd"), whole=_alike(*NUMBERS)
    )
    for (model,), rows in judged.group_by("model"):
        name, same = str(model), int(rows["alike"].sum())
        report.same[name] = report.same.get(name, 0) + same
        if same < rows.height:
            report.different[name] = report.different.get(name, 0) + rows.height - same
        if others := rows.filter(pl.col("alike") & ~pl.col("whole")).height:
            report.other_bands[name] = report.other_bands.get(name, 0) + others
        largest = rows["away"].max()
        report.largest = max(report.largest, largest if isinstance(largest, float) else 0.0)


def _apart(*names: str) -> pl.Expr:
    return pl.max_horizontal((pl.col(name) - pl.col(f"{name}_again")).abs() for name in names)


def _alike(*names: str) -> pl.Expr:
    """Whether all are the same, a forecast that is missing being like another one that is."""
    missing = pl.col("point").is_null() & pl.col("point_again").is_null()
    both = pl.all_horizontal(pl.col(name).is_null() == pl.col(f"{name}_again").is_null() for name in names)
    return missing | (both & (_apart(*names) <= SAME).fill_null(value=True))
