"""Use case: forecast every instrument of a universe from one session, by every model, and keep it for good.

A forecast is written once. Made again from the same session, the same models give the same numbers; what is stored
stays, and only what was missing is filled in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import polars as pl

from miraikakaku_assets.application.forecasting.calibration import MovesOnDemand, calibrated, past_errors
from miraikakaku_assets.application.forecasting.inputs import ForecastInputs
from miraikakaku_assets.application.forecasting.members import forecast_by, predict_all
from miraikakaku_assets.application.ports import Clock
from miraikakaku_assets.application.ports.forecasts import (
    PREDICTIONS,
    Decision,
    ForecastStore,
    ModelRecord,
    ModelStore,
)
from miraikakaku_assets.application.stage_reports import PredictionTotals
from miraikakaku_assets.application.work_progress import WorkProgress
from miraikakaku_assets.domain.forecasting.contract import (
    FORECASTS,
    HORIZONS,
    Forecaster,
    Reason,
)
from miraikakaku_assets.domain.forecasting.ensemble import NO_CHANGE, Weights, combine, market_means
from miraikakaku_assets.domain.forecasting.missing import no_forecasts
from miraikakaku_assets.domain.forecasting.panel import Panel
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.sessions import first_open, sessions_back

ENSEMBLE = "ensemble"
_WITHOUT_BAR = (Reason.NO_BAR.value, Reason.BAD_PRICE.value)
BROKEN = (Reason.NOT_TRAINED.value, Reason.FAILED.value)
"""Reasons that lie with a model and not with its bars."""


@dataclass(frozen=True)
class PredictionPorts:
    """What forecasting needs.

    Attributes:
        store: Where trainings and forecasts are.
        shelf: Where models are kept.
        clock: Where the time comes from.
        forecasters: Every model there is, trained or not.
        work: Counts the steps.
    """

    store: ForecastStore
    shelf: ModelStore
    clock: Clock
    forecasters: Sequence[Forecaster]
    work: WorkProgress = field(default_factory=WorkProgress)


@dataclass
class PredictionReport:
    """What was forecast.

    Attributes:
        as_of: Origin (exchange date).
        symbols: Instruments with a forecast of the ensemble, or a reason why not.
        written: Rows that were not there before.
        kept: Rows that were.
        made: Model → symbols with a forecast.
        missing: Model → reason → symbols without.
        failures: Model → why it broke off or could not be read.
        absent: Input → why it was not known; the forecasts fell back to what was.
    """

    as_of: date
    symbols: int = 0
    written: int = 0
    kept: int = 0
    made: dict[str, int] = field(default_factory=dict)
    missing: dict[str, dict[str, int]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def count(self, forecasts: pl.DataFrame) -> None:
        """Counts the forecasts of one model at the origin."""
        first = forecasts.filter(pl.col("horizon") == HORIZONS[0])
        for model, reason, symbols in first.group_by("model", "reason").len().sort("model", "reason").rows():
            if reason is None:
                self.made[model] = symbols
            else:
                self.missing.setdefault(model, {})[reason] = symbols

    def totals(self) -> PredictionTotals:
        """The counts of forecasts."""
        totals = PredictionTotals(
            self.as_of, self.symbols, self.written, self.made, self.missing, self.failures
        )
        return replace(totals, absent_inputs=self.absent) if self.absent else totals


def make_predictions(
    inputs: ForecastInputs, as_of: date, ports: PredictionPorts, symbols: Sequence[str] | None = None
) -> PredictionReport:
    """Forecasts from a session and stores what is not there yet, model by model, the ensemble last.

    Args:
        inputs: Bars of the whole universe up to the origin: the market's mean is of all of them.
        as_of: Origin.
        ports: What it needs.
        symbols: Only these are stored; None for all.
    """
    universe, report, panel = inputs.universe, PredictionReport(as_of), inputs.panel.until(as_of)
    stored = ports.store.predictions(universe, as_of, as_of, symbols)
    report.kept = stored.height
    records = _records(ports.store, universe, as_of, stored)
    base, moves = [], MovesOnDemand(panel, [as_of])
    for forecaster in ports.forecasters:
        name = forecaster.name
        ports.work.start(forecasts_of(name))
        kept = stored.filter(pl.col("model") == name)
        if not _to_be_made(kept, panel, symbols, late=after_the_fact(universe, as_of, ports.clock())):
            base.append(kept.select(FORECASTS.keys()))
            report.count(kept)
            ports.work.finish(forecasts_of(name))
            continue
        seen = panel if symbols is None or forecaster.needs.market else panel.only(list(symbols))
        made = _forecast(forecaster, records.get(name), seen, [as_of], ports.shelf, report.failures)
        made = made if symbols is None else made.filter(pl.col("symbol").is_in(list(symbols)))
        base.append(_store(made, kept, inputs, ports, records.get(name), report, moves))
        ports.work.finish(forecasts_of(name), failed=name in report.failures)
    ports.work.start(forecasts_of(ENSEMBLE))
    weights = weights_of(ports.store, universe, as_of)
    market = None if symbols is None else market_said(ports.store, universe, as_of, base)
    ensemble = combined(base, [as_of], weights, market)
    whole = _store(ensemble, stored.filter(pl.col("model") == ENSEMBLE), inputs, ports, None, report, moves)
    ports.work.finish(forecasts_of(ENSEMBLE))
    _report_absent(report)
    report.symbols = whole["symbol"].n_unique()
    return report


def forecasts_of(model: str) -> str:
    """The forecasts of a model as a step of the work."""
    return f"forecasts of {model}"


def _records(
    store: ForecastStore, universe: Universe, as_of: date, stored: pl.DataFrame
) -> dict[str, ModelRecord]:
    """The training of each model: the one that has forecast from this session already, else the newest."""
    records = {model.model: model for model in store.models(universe, as_of)}
    used = set(stored["model_id"].drop_nulls().unique())
    if used - {record.id for record in records.values()}:
        earlier = [
            training
            for training in store.trainings(universe, None)
            if training.id in used and training.reason is None
        ]
        records |= {training.model: training for training in reversed(earlier)}  # the newest of them counts
    return records


def _report_absent(report: PredictionReport) -> None:
    """A model that has forecast nothing, and not for want of bars, is a failure and not a detail."""
    for model, reasons in report.missing.items():
        broken = {reason: count for reason, count in reasons.items() if reason in BROKEN}
        if broken and not report.made.get(model) and report.made.get(NO_CHANGE):
            counts = ", ".join(f"{count:,} {reason}" for reason, count in broken.items())
            report.failures.setdefault(model, f"it has forecast nothing ({counts})")


def _to_be_made(kept: pl.DataFrame, panel: Panel, symbols: Sequence[str] | None, *, late: bool) -> bool:
    """Whether anything is missing that may still be filled in."""
    known = set(panel.bars["symbol"].unique()) | set(panel.unpriced["symbol"].unique())
    expected = known if symbols is None else known & set(symbols)
    if expected - set(kept["symbol"].unique()):
        return True
    if late:
        return False
    # A bar that has not come still is no reason to forecast the whole market again.
    came = panel.bars.filter(pl.col("session") == kept["as_of"].max())["symbol"]
    waiting = pl.col("reason").is_in(_WITHOUT_BAR) & pl.col("symbol").is_in(came.unique().implode())
    return not kept.filter(pl.col("reason").is_in(BROKEN) | waiting).is_empty()


def _store(
    made: pl.DataFrame,
    kept: pl.DataFrame,
    inputs: ForecastInputs,
    ports: PredictionPorts,
    record: ModelRecord | None,
    report: PredictionReport,
    moves: MovesOnDemand,
) -> pl.DataFrame:
    """Calibrates those forecasts of one model that may still be made, stores them, and returns all that hold."""
    now = ports.clock()  # now, and not when the models began: a session may have begun since
    # A reason that stood when the session of the target began is the forecast's fate.
    late = after_the_fact(inputs.universe, report.as_of, now)
    settled = kept if late else kept.filter(pl.col("reason").is_null())
    new = made.join(settled, on=["symbol", "model", "as_of", "horizon"], how="anti", maintain_order="left")
    past = past_errors(ports.store, inputs, new)
    banded = (
        calibrated(new, past, inputs.panel, moves.frame)
        if new.height
        else calibrated(new, past, inputs.panel, new)
    )
    rows = as_predictions(banded, inputs, None if record is None else record.id)
    report.written += ports.store.save_predictions(inputs.universe, rows, now)
    whole = pl.concat([settled.select(FORECASTS.keys()), new.select(FORECASTS.keys())])
    report.count(whole)
    return whole


def _forecast(
    forecaster: Forecaster,
    record: ModelRecord | None,
    panel: Panel,
    origins: Sequence[date],
    shelf: ModelStore,
    failures: dict[str, str],
) -> pl.DataFrame:
    trained, why = forecast_by(forecaster, record, shelf)
    if trained is None:
        if why is not None:
            failures[forecaster.name] = why
        return no_forecasts(panel, origins, forecaster.name, forecaster.version, Reason.NOT_TRAINED)
    return predict_all(trained, panel, origins, failures)


def weights_of(store: ForecastStore, universe: Universe, as_of: date) -> list[Weights]:
    """The newest weights that were decided before an origin; none decided: no change has all of it.

    Not those of the origin's own session: Saturday's training decides after Friday's forecasts were made.
    """
    before = sessions_back(universe.calendar, as_of, 1)
    decided = {
        decision.horizon: _weights(decision) for decision in store.decisions(universe, "weights", before)
    }
    return [decided.get(h, Weights(as_of, h, 0, 1.0, {}, {NO_CHANGE: 1.0})) for h in HORIZONS]


def _weights(decision: Decision) -> Weights:
    shares = {model: float(str(weight)) for model, weight in decision.outcome.items()}
    # Decisions from before the market was weighed apart have weights only, which hold for both parts.
    known = decision.evidence.get("factors")
    factors = {
        str(part): {str(model): float(str(factor)) for model, factor in of_part.items()}
        for part, of_part in (known.items() if isinstance(known, Mapping) else ())
    }
    return Weights(decision.as_of, decision.horizon, 0, 0.0, {}, shares, factors=factors)


def combined(
    base: Sequence[pl.DataFrame],
    origins: Sequence[date],
    weights: Sequence[Weights],
    market: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The ensemble of forecasts, by weights that hold at all of the origins.

    Args:
        base: Forecasts of the members.
        origins: Sessions.
        weights: Per horizon.
        market: `ensemble.market_means` of all instruments; None: the forecasts are of all of them.
    """
    decisions = [replace(weight, as_of=origin) for origin in origins for weight in weights]
    members = pl.concat([forecasts.select(FORECASTS.keys()) for forecasts in base])
    return combine(members, decisions, ENSEMBLE, market)


def market_said(
    store: ForecastStore, universe: Universe, as_of: date, base: Sequence[pl.DataFrame]
) -> pl.DataFrame:
    """What the models say of the market, by forecasts of some instruments and those of all others that are stored."""
    new = pl.concat([forecasts.select(FORECASTS.keys()) for forecasts in base])
    stored = store.predictions(universe, as_of, as_of).select(FORECASTS.keys())
    others = stored.join(new, on=["symbol", "model", "as_of", "horizon"], how="anti")
    return market_means(pl.concat([new, others]))


def as_predictions(made: pl.DataFrame, inputs: ForecastInputs, model_id: int | None) -> pl.DataFrame:
    """Forecasts with bands as they are stored."""
    predictions = made.join(inputs.closes, on=["symbol", "as_of"], how="left", maintain_order="left")
    predictions = predictions.with_columns(model_id=pl.lit(model_id, pl.Int64()))
    predictions = predictions.join(inputs.known_inputs, on="as_of", how="left", maintain_order="left")
    return predictions.select(pl.col(name).cast(kind) for name, kind in PREDICTIONS.items())


def after_the_fact(universe: Universe, as_of: date, now: datetime) -> bool:
    """Whether the session after an origin has begun (at `now`, UTC)."""
    opens = first_open(universe.calendar, as_of + timedelta(days=1))
    return opens is not None and now >= opens
