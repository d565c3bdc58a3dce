"""Use cases of every day: train a universe's models, forecast from its newest session, score what came."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from miraikakaku_assets.application.forecasting.inputs import ForecastInputs, forecast_inputs
from miraikakaku_assets.application.forecasting.predict import (
    ENSEMBLE,
    PredictionPorts,
    PredictionReport,
    forecasts_of,
    make_predictions,
)
from miraikakaku_assets.application.forecasting.score import ScoreReport, score_predictions
from miraikakaku_assets.application.forecasting.train import (
    Told,
    TrainingPorts,
    TrainingReport,
    train_models,
    training_of,
)
from miraikakaku_assets.application.forecasting.weights import decide_weights, review_champion
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.forecasts import MarketBars
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.contract import Forecaster
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock
from miraikakaku_assets.domain.forecasting.timing.known_at import morning_of
from miraikakaku_assets.domain.market.instruments import JP, Universe
from miraikakaku_assets.domain.market.sessions import last_completed_session, session_table, sessions_back

_USUAL_SYMBOLS = 4178  # which `Profile.training_seconds` are told of
_SOON = 1.0  # seconds; everything else, forecasts included
_OUTGROWN = 2
_USED_FOR = 20  # sessions: three weekly trainings may fail to take place


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
    listener: Told = lambda _: None,
    models: Sequence[str] | None = None,
) -> tuple[date, TrainingReport]:
    """Trains every model on a universe, and decides from the newest session on how the ensemble weighs them.

    Args:
        universe: Whose instruments.
        ports: What it needs.
        until: Last session that the training may see; None: the newest with bars.
        listener: Called after each training.
        models: Only these; None for all.

    Returns:
        The end of the training, and what became of the models.

    Raises:
        ConfigurationError: There are no bars, or a model is not known.
    """
    inputs, last = _inputs(universe, ports, until)
    serving = [at_clock(ports, universe, clock).prediction for clock in clocks_of(universe)]
    known = {forecaster.name: forecaster for each in serving for forecaster in each.forecasters}
    unknown = sorted(set(models or ()) - set(known))
    if unknown:
        raise ConfigurationError(f"There is no model {unknown[0]}; available: {', '.join(known)}")
    chosen = list(known.values()) if models is None else [known[name] for name in known if name in models]
    ports.training.work.plan(_expected_trainings(inputs, chosen, ports))
    report = train_models(inputs, last, chosen, ports.training, listener)
    if until is None:  # what is decided of a past day now would change how its forecasts are made again
        for each in serving:
            names = [forecaster.name for forecaster in each.forecasters]
            decide_weights(universe, last, names, each.store)
            review_champion(universe, last, [*names, ENSEMBLE], each.store)
    return last, report


def predict_universe(
    universe: Universe,
    ports: ForecastPorts,
    as_of: date | None = None,
    symbols: Sequence[str] | None = None,
    listener: Told = lambda _: None,
    clock: ForecastClock = ForecastClock.EVENING,
) -> tuple[ForecastInputs, PredictionReport]:
    """Forecasts from a session; models that lack a usable training are trained first.

    A training is used for a month of sessions, and as long as it has seen more than half of the bars that there are. A
    session that was forecast already keeps the models that it had.

    Args:
        universe: Whose instruments.
        ports: What it needs.
        as_of: Origin; None: the newest session with bars.
        symbols: Only these; None for all that have a bar by then.
        listener: Called after each training.
        clock: When it is made: in the evening, or before the next session opens.

    Returns:
        What it was made from, and what was made.

    Raises:
        ConfigurationError: There are no bars, or there is no morning to forecast in.
    """
    ports = at_clock(ports, universe, clock)
    inputs, origin = _inputs(universe, ports, as_of)
    store = ports.prediction.store
    new = [] if as_of and store.predicted(universe, as_of) else _untrained(inputs, origin, ports)
    ports.training.work.plan(_expected_trainings(inputs, new, ports))
    models = [*(forecaster.name for forecaster in ports.prediction.forecasters), ENSEMBLE]
    ports.prediction.work.plan({forecasts_of(model): _SOON for model in models})
    trained = train_models(inputs, origin, new, ports.training, listener) if new else TrainingReport()
    report = make_predictions(inputs, origin, ports.prediction, symbols)
    report.failures = trained.failed | report.failures
    report.absent = inputs.absent_inputs(origin)
    return inputs, report


def clocks_of(universe: Universe) -> tuple[ForecastClock, ...]:
    """When a universe is forecast: in the morning only where another market's night comes before it opens."""
    return tuple(ForecastClock) if universe == JP else (ForecastClock.EVENING,)


def require_clock(universe: Universe, clock: ForecastClock) -> None:
    """Refuses a clock at which nothing of a universe is forecast.

    Raises:
        ConfigurationError: It is such a one.
    """
    if clock not in clocks_of(universe):
        raise ConfigurationError(
            f"{universe.name} is forecast in the evening only; a {clock.value} forecast is made of: {JP.name}"
        )


def at_clock(ports: ForecastPorts, universe: Universe, clock: ForecastClock) -> ForecastPorts:
    """The ports with the forecasters of a universe and a clock, and the store of that clock's forecasts.

    Raises:
        ConfigurationError: The universe is not forecast then.
    """
    require_clock(universe, clock)
    prediction = ports.prediction
    serving = tuple(each for each in prediction.forecasters if each.profile.serves(universe.name, clock))
    return replace(
        ports, prediction=replace(prediction, forecasters=serving, store=prediction.store.at(clock))
    )


def _expected_trainings(
    inputs: ForecastInputs, forecasters: Sequence[Forecaster], ports: ForecastPorts
) -> dict[str, float]:
    """Trainings as steps of the work, with the seconds that each may take: what the last one took, if there was one."""
    size = inputs.panel.bars["symbol"].n_unique() / _USUAL_SYMBOLS
    newest = reversed(ports.prediction.store.trainings(inputs.universe, 1))
    took = {training.model: training.seconds for training in newest}
    expected = {
        model.name: took.get(model.name, size * model.profile.training_seconds) for model in forecasters
    }
    return {training_of(name): max(seconds, _SOON) for name, seconds in expected.items()}


def _untrained(inputs: ForecastInputs, origin: date, ports: ForecastPorts) -> list[Forecaster]:
    """Models without a training, also a failed one, in the month before an origin, or with one on half of the bars."""
    universe, store = inputs.universe, ports.prediction.store
    oldest = sessions_back(universe.calendar, origin, _USED_FOR)
    known = store.trainings(universe, None)
    tried = {training.model for training in known if oldest <= training.trained_until <= origin}
    bars = inputs.panel.bars.height
    # The first training may have met an import under way.
    outgrown = {
        model.model
        for model in store.models(universe, origin)
        if int(str(model.metrics.get("bars", bars))) * _OUTGROWN <= bars
    }
    return [
        forecaster for forecaster in ports.prediction.forecasters if forecaster.name not in tried - outgrown
    ]


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
        if not any(store.at(clock).days_to_score(universe, last) for clock in clocks_of(universe)):
            return ScoreReport(last, 0, 0, ())
        oldest = last
    inputs = forecast_inputs(universe, oldest, last, ports.bars, foreign=False)
    newest = inputs.newest_origin() if until is None else last
    scored = [
        score_predictions(inputs, newest, store.at(clock), ports.clock()) for clock in clocks_of(universe)
    ]
    # What came is everybody's: the first of them has stored it.
    outcomes, days = (
        sum(report.outcomes for report in scored),
        {day for report in scored for day in report.days},
    )
    return ScoreReport(newest, outcomes, scored[-1].waiting, tuple(sorted(days)))


def _inputs(universe: Universe, ports: ForecastPorts, as_of: date | None) -> tuple[ForecastInputs, date]:
    """The panel up to a session, and that session."""
    clock = ports.prediction.store.clock
    last = last_completed_session(universe.calendar, ports.clock())
    if as_of is None and clock is ForecastClock.MORNING:
        origin, _ = morning_of(session_table(universe.calendar), universe.time_zone, ports.clock())
        inputs = forecast_inputs(universe, origin, origin, ports.bars, clock=clock)
        if inputs.newest_origin() != origin:
            raise ConfigurationError(
                f"The bars of {universe.name} of {origin} are not stored; collect them first "
                f"(miraikakaku collect --universe {universe.name}): a morning forecast starts from its last close"
            )
        return inputs, origin
    if as_of is None:
        inputs = forecast_inputs(universe, last, last, ports.bars)
        return inputs, inputs.newest_origin()
    if as_of > last:
        raise ConfigurationError(
            f"The bars of {as_of} are not final: the newest session of {universe.name} that has ended is {last}"
        )
    if as_of not in session_table(universe.calendar)["session"]:
        raise ConfigurationError(f"{as_of} was no session of {universe.name}; name a day on which it traded")
    return forecast_inputs(universe, as_of, as_of, ports.bars, clock=clock), as_of
