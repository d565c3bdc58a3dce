"""Use case: forecast a window of the past as it would have been forecast then, and score it.

The same trainings, forecasts, decisions and scores as of every day, with many origins at a time: models are trained
anew at the beginning of each fold on what was known by then, and nothing behind an origin is read for it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from miraikakaku_assets.application.forecasting.calibration import calibrated, moves_for, past_errors
from miraikakaku_assets.application.forecasting.inputs import ForecastInputs
from miraikakaku_assets.application.forecasting.members import forecast_by, predict_all
from miraikakaku_assets.application.forecasting.predict import (
    ENSEMBLE,
    PredictionPorts,
    as_predictions,
    combined,
    weights_of,
)
from miraikakaku_assets.application.forecasting.score import score_predictions
from miraikakaku_assets.application.forecasting.train import TrainingPorts, train_models
from miraikakaku_assets.application.forecasting.weights import decide_weights, review_champion
from miraikakaku_assets.domain.forecasting.contract import Forecaster, Reason
from miraikakaku_assets.domain.forecasting.evaluation import Fold
from miraikakaku_assets.domain.forecasting.missing import no_forecasts
from miraikakaku_assets.domain.forecasting.panel import Panel
from miraikakaku_assets.domain.market.sessions import sessions_back


@dataclass(frozen=True)
class Walk:
    """What is walked through.

    Attributes:
        folds: Trainings and their origins, in the order of time.
        few: Model → instruments that it forecasts; of the others it says nothing. For models of single series, whose
            year of a large market would take days.
        kept: Instruments whose forecasts are stored and scored; None for all. All of them are trained on, and are the
            market.
        seed: Of the trainings.
    """

    folds: Sequence[Fold]
    few: Mapping[str, Sequence[str]] = field(default_factory=dict)
    kept: Sequence[str] | None = None
    seed: int = 0


@dataclass
class WalkReport:
    """What was done.

    Attributes:
        origins: Sessions that were forecast from.
        rows: Forecasts that were not there before.
        seconds: Model → wall time of training and forecasting.
        failures: Model → why it broke off.
    """

    origins: int = 0
    rows: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


Step = Callable[[str, date], None]
"""Called with the model at work and the first origin of its fold."""


def walk_forward_universe(
    inputs: ForecastInputs,
    walk: Walk,
    training: TrainingPorts,
    prediction: PredictionPorts,
    step: Step = lambda _what, _origin: None,
) -> WalkReport:
    """Walks through the folds; a fold that is stored completely is not made again.

    Args:
        inputs: Bars up to the last target.
        walk: Folds.
        training: What training needs.
        prediction: What forecasting needs.
        step: Called before each model.
    """
    report = WalkReport()
    members = [forecaster.name for forecaster in prediction.forecasters]
    for fold in walk.folds:
        report.origins += len(fold.origins)
        if _is_stored(inputs, fold, prediction):
            continue
        # At the first origin everything about targets up to it is known.
        _score(inputs, fold.origins[0], prediction)
        before = sessions_back(inputs.universe.calendar, fold.origins[0], 1)
        decide_weights(inputs.universe, before, members, prediction.store)
        panel, base = inputs.panel.until(fold.origins[-1]), []
        moves = moves_for(panel, fold.origins)
        for forecaster in prediction.forecasters:
            step(forecaster.name, fold.origins[0])
            began = time.monotonic()
            made, model_id = _forecasts(forecaster, inputs, panel, fold, walk, training, prediction, report)
            if walk.kept is not None:
                made = made.filter(pl.col("symbol").is_in(list(walk.kept)))
            base.append(made)
            report.rows += _store(made, inputs, prediction, model_id, moves)
            spent = report.seconds.get(forecaster.name, 0.0) + time.monotonic() - began
            report.seconds[forecaster.name] = round(spent, 1)
        step(ENSEMBLE, fold.origins[0])
        weights = weights_of(prediction.store, inputs.universe, fold.origins[0])
        report.rows += _store(combined(base, fold.origins, weights), inputs, prediction, None, moves)
    if walk.folds:
        last = inputs.panel.bars["session"].max()
        _score(inputs, last if isinstance(last, date) else walk.folds[-1].origins[-1], prediction)
    # A review reads what was known on its day, so that it can be held when everything is; no forecast depends on it.
    for origin in (origin for fold in walk.folds for origin in fold.origins):
        review_champion(inputs.universe, origin, [*members, ENSEMBLE], prediction.store)
    return report


def _forecasts(
    forecaster: Forecaster,
    inputs: ForecastInputs,
    panel: Panel,
    fold: Fold,
    walk: Walk,
    training: TrainingPorts,
    prediction: PredictionPorts,
    report: WalkReport,
) -> tuple[pl.DataFrame, int | None]:
    """Forecasts of one model at all origins of a fold, and the number of its training."""
    few = walk.few.get(forecaster.name)
    own = inputs if few is None else inputs.only(few)
    trained = train_models(own, fold.train_until, [forecaster], training, seed=walk.seed)
    report.failures.update(trained.failed)
    seen = panel if few is None else panel.only(list(few))
    record = trained.records.get(forecaster.name)
    model, why = forecast_by(forecaster, record, prediction.shelf)
    if model is None:
        report.failures[forecaster.name] = why or report.failures.get(forecaster.name, "it is not trained")
        absent = no_forecasts(seen, fold.origins, forecaster.name, forecaster.version, Reason.NOT_TRAINED)
        return absent, None
    return predict_all(model, seen, fold.origins, report.failures), record.id if record else None


def _store(
    made: pl.DataFrame,
    inputs: ForecastInputs,
    ports: PredictionPorts,
    model_id: int | None,
    moves: pl.DataFrame,
) -> int:
    banded = calibrated(made, past_errors(ports.store, inputs, made), inputs.panel, moves)
    rows = as_predictions(banded, inputs, model_id)
    return ports.store.save_predictions(inputs.universe, rows, ports.clock())


def _is_stored(inputs: ForecastInputs, fold: Fold, ports: PredictionPorts) -> bool:
    return all(ENSEMBLE in ports.store.predicted(inputs.universe, origin) for origin in fold.origins)


def _score(inputs: ForecastInputs, until: date, ports: PredictionPorts) -> None:
    score_predictions(inputs.until(until), until, ports.store, ports.clock())
