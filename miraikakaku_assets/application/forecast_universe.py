"""Use cases of every day: train a universe's models, forecast from its newest session, score what came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from miraikakaku_assets.application.decide_ensemble import decide_weights, review_champion
from miraikakaku_assets.application.forecast_panel import ForecastInputs, forecast_inputs
from miraikakaku_assets.application.make_predictions import (
    ENSEMBLE,
    PredictionPorts,
    PredictionReport,
    make_predictions,
)
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.forecasts import MarketBars, ModelRecord
from miraikakaku_assets.application.score_predictions import ScoreReport, score_predictions
from miraikakaku_assets.application.train_models import Told, TrainingPorts, TrainingReport, train_models
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import last_completed_session, session_table

_OUTGROWN = 2


@dataclass(frozen=True)
class ForecastPorts:
    """What forecasting a universe needs.

    Attributes:
        bars: Daily bars of whole universes.
        training: Where trainings go.
        prediction: Where forecasts go.
        clock: Where the time comes from.
    """

    bars: MarketBars
    training: TrainingPorts
    prediction: PredictionPorts
    clock: Clock


def train_universe(
    universe: Universe,
    ports: ForecastPorts,
    until: date | None = None,
    told: Told = lambda _: None,
    models: Sequence[str] | None = None,
) -> tuple[date, TrainingReport]:
    """Trains every model on a universe, and decides how the ensemble weighs them.

    Args:
        universe: Whose instruments.
        ports: What it needs.
        until: Last session that the training may see; None: the newest with bars.
        told: Hears of each training.
        models: Only these; None for all.

    Returns:
        The end of the training, and what became of the models.

    Raises:
        ConfigurationError: There are no bars, or a model is not known.
    """
    inputs, last = _inputs(universe, ports, until)
    known = {one.name: one for one in ports.prediction.forecasters}
    unknown = sorted(set(models or ()) - set(known))
    if unknown:
        raise ConfigurationError(f"There is no model {unknown[0]}; available: {', '.join(known)}")
    chosen = list(known.values()) if models is None else [known[name] for name in known if name in models]
    report = train_models(inputs, last, chosen, ports.training, told)
    store, names = ports.prediction.store, list(known)
    decide_weights(universe, last, names, store)
    review_champion(universe, last, [*names, ENSEMBLE], store)
    return last, report


def predict_universe(
    universe: Universe,
    ports: ForecastPorts,
    as_of: date | None = None,
    symbols: Sequence[str] | None = None,
    told: Told = lambda _: None,
) -> tuple[ForecastInputs, PredictionReport]:
    """Forecasts from a session; models that were never trained, or on half of the market only, are trained first.

    Args:
        universe: Whose instruments.
        ports: What it needs.
        as_of: Origin; None: the newest session with bars.
        symbols: Only these; None for all that have a bar by then.
        told: Hears of each training.

    Returns:
        What it was made from, and what was made.

    Raises:
        ConfigurationError: There are no bars.
    """
    inputs, origin = _inputs(universe, ports, as_of)
    store = ports.prediction.store
    tried = {one.model for one in store.trainings(universe, None) if one.trained_until <= origin}
    if as_of is None:  # the past is left to the models that it had
        tried -= _outgrown(inputs, store.models(universe, origin))
    new = [one for one in ports.prediction.forecasters if one.name not in tried]
    trained = train_models(inputs, origin, new, ports.training, told) if new else TrainingReport()
    report = make_predictions(inputs, origin, ports.prediction, symbols)
    report.failures = trained.failed | report.failures
    return inputs, report


def _outgrown(inputs: ForecastInputs, models: Sequence[ModelRecord]) -> set[str]:
    """Models whose training saw less than half of the instruments: the first one may have met an import under way."""
    there = inputs.panel.bars["symbol"].n_unique()
    return {one.model for one in models if int(str(one.metrics.get("symbols", there))) * _OUTGROWN <= there}


def score_universe(universe: Universe, ports: ForecastPorts, until: date | None = None) -> ScoreReport:
    """Scores every forecast whose target has ended.

    Args:
        universe: Whose instruments.
        ports: What it needs.
        until: Last session whose closes count; None: the newest with bars.

    Raises:
        ConfigurationError: There are no bars.
    """
    store = ports.prediction.store
    last = until or last_completed_session(universe.calendar, ports.clock())
    oldest = store.unscored(universe, last)["as_of"].min()
    if not isinstance(oldest, date):
        if not store.days_to_score(universe, last):
            return ScoreReport(last, 0, 0, ())
        oldest = last
    inputs = forecast_inputs(universe, oldest, last, ports.bars, foreign=False)
    return score_predictions(inputs, inputs.newest_origin() if until is None else last, store, ports.clock())


def _inputs(universe: Universe, ports: ForecastPorts, wanted: date | None) -> tuple[ForecastInputs, date]:
    """The panel up to a session, and that session."""
    last = last_completed_session(universe.calendar, ports.clock())
    if wanted is None:
        inputs = forecast_inputs(universe, last, last, ports.bars)
        return inputs, inputs.newest_origin()
    if wanted > last:
        raise ConfigurationError(
            f"The bars of {wanted} are not final: the newest session of {universe.name} that has ended is {last}"
        )
    if wanted not in session_table(universe.calendar)["session"]:
        raise ConfigurationError(f"{wanted} was no session of {universe.name}; name a day on which it traded")
    return forecast_inputs(universe, wanted, wanted, ports.bars), wanted
