"""How trainings, forecasts and scores show themselves in Dagster, and how they end honestly.

Shared by the assets and by the job for any list of symbols.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from miraikakaku_assets.application.alerting.conditions.forecast_alerts import watch_forecasts
from miraikakaku_assets.application.commands import PredictCommand, TrainCommand
from miraikakaku_assets.application.forecasting.daily import (
    at_clock,
    predict_universe,
    score_universe,
    train_universe,
)
from miraikakaku_assets.application.forecasting.inputs import ForecastInputs
from miraikakaku_assets.application.forecasting.predict import ENSEMBLE, PredictionReport
from miraikakaku_assets.application.forecasting.replay import replay_predictions
from miraikakaku_assets.application.forecasting.train import TrainingReport
from miraikakaku_assets.application.forecasting.view import direction_edges, standings_in_words
from miraikakaku_assets.application.ports.forecasts import ModelRecord
from miraikakaku_assets.application.stage_reports import ScoreTotals
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.domain.forecasting.edges import NO_EDGE
from miraikakaku_assets.domain.forecasting.frames import in_prices
from miraikakaku_assets.domain.forecasting.timing.clocks import ForecastClock
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.words import counted, the_rest
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.forecasting.pictures import fan_chart_of, score_charts_of
from miraikakaku_assets.orchestration.instance.batched_events import log_materializations
from miraikakaku_assets.orchestration.stage_reports import Context, as_metadata, hand_back

CHARTED_SYMBOLS = 10
"""Runs of up to this many symbols carry a fan chart each."""


def models_key(universe: Universe) -> dg.AssetKey:
    """Key of a universe's trained models."""
    return dg.AssetKey([universe.name, "forecast_models"])


def predictions_key(universe: Universe) -> dg.AssetKey:
    """Key of a universe's forecasts."""
    return dg.AssetKey([universe.name, "predictions"])


def performance_key(universe: Universe) -> dg.AssetKey:
    """Key of how a universe's forecasts came out."""
    return dg.AssetKey([universe.name, "prediction_performance"])


def train_in_run(context: Context, ports: Ports, universe: Universe, command: TrainCommand) -> dict[str, Any]:
    """Trains every model inside a Dagster step; the metadata of its materialization.

    Raises:
        dg.Failure: Nothing could be trained, or some models could not; the others are kept.
    """
    try:
        last, report = train_universe(
            universe, ports.forecasting.daily, command.until, partial(_log_training, context), command.models
        )
        watch_forecasts(universe, ports.forecasting.forecasts, ports.notices.alerting)
    except MiraikakakuError as error:
        raise failure(error) from error
    metadata = hand_back(context, ports, universe, report.totals(last)) | _trainings(report)
    if report.failed:
        context.log_event(dg.AssetObservation(models_key(universe), metadata=metadata))
        worst = "; ".join(f"{model}: {why}" for model, why in report.failed.items())
        raise dg.Failure(
            f"{len(report.failed)} of {counted(len(report.failed) + len(report.records), 'model')} could not be trained"
            f"{the_rest(len(report.records), 'kept')}: {worst}",
            metadata=metadata,
            allow_retries=False,
        )
    return metadata


def _log_training(context: Context, record: ModelRecord) -> None:
    what = record.reason or f"{record.seconds:.1f} s, {record.metrics.get('bytes', 0)} bytes"
    context.log.info("%s, trained until %s: %s", record.model, record.trained_until, what)


def _learnt(record: ModelRecord) -> str:
    """Metrics of a training without its counts of rows; a model of which nothing is believed forecasts no change."""
    learnt = {
        name: value for name, value in record.metrics.items() if name not in ("bytes", "symbols", "bars")
    }
    if not learnt:
        return ""
    return ", ".join(f"{name} {value}" for name, value in learnt.items() if value) or "nothing is believed"


def _trainings(report: TrainingReport) -> dict[str, Any]:
    rows = [
        dg.TableRecord(
            {
                "model": record.model,
                "version": record.version,
                "trained_until": str(record.trained_until),
                "seconds": record.seconds,
                "learnt": _learnt(record),
                "bytes": int(str(record.metrics.get("bytes", 0))),
                "file": record.file or "",
                "data_version": record.data_version[:12],
                "reused": record.model in report.reused,
            }
        )
        for record in report.records.values()
    ]
    return {"trainings": dg.MetadataValue.table(records=rows)} if rows else {}


def predict_in_run(
    context: Context, ports: Ports, universe: Universe, command: PredictCommand, *, named: bool = True
) -> dg.Failure | None:
    """Forecasts inside a Dagster step: a materialization per symbol, the totals as an observation.

    Args:
        context: Of the step.
        ports: The installation.
        universe: Whose instruments.
        command: What is asked for.
        named: Whether somebody has named the symbols, so that one without a bar is worth a failure.

    Returns:
        Why the step has to fail once everything else in it is done: a model broke off, or something was not there to be
        forecast. What could be made is stored. None: it has not.

    Raises:
        dg.Failure: Nothing could be done at all.
    """
    as_of, symbols = command.as_of, command.symbols
    key, trained = predictions_key(universe), list[ModelRecord]()

    def keep(record: ModelRecord) -> None:
        _log_training(context, record)
        trained.append(record)

    try:
        clock = command.clock
        bound = at_clock(ports.forecasting.daily, universe, clock).prediction
        inputs, report = predict_universe(universe, ports.forecasting.daily, as_of, symbols, keep, clock)
    except MiraikakakuError as error:
        raise failure(error) from error
    kept = {record.model: record for record in trained if record.reason is None}
    if kept:
        first = TrainingReport(trained=kept)
        context.log_event(
            dg.AssetMaterialization(
                models_key(universe), metadata=as_metadata(first.totals(report.as_of)) | _trainings(first)
            )
        )
    for name, why in report.absent.items():
        context.log.warning("%s is not known: %s; the forecasts fall back to what is", name, why)
    stored = bound.store.predictions(universe, report.as_of, report.as_of, symbols, [ENSEMBLE])
    evening = clock is ForecastClock.EVENING  # the partitions of the forecasts are those of the evening
    if evening and (as_of is None or report.written):  # a past that is only compared is no news of any symbol
        log_materializations(context, _events(ports, inputs, key, stored, symbols))
    totals, replayed = report.totals(), None
    if as_of is not None and report.kept:
        replayed = replay_predictions(inputs, report.as_of, bound, symbols)
        totals = replayed.added_to(totals)
    context.log_event(dg.AssetObservation(key, metadata=hand_back(context, ports, universe, totals)))
    # Of all keys those without a bar are a number; a symbol that somebody has named is worth a failure.
    missing = sorted(set(symbols or ()) - set(stored["symbol"].unique())) if named else []
    return _shortfall(report, missing, replayed.shortfall if replayed else None)


def _events(
    ports: Ports,
    inputs: ForecastInputs,
    key: dg.AssetKey,
    stored: pl.DataFrame,
    symbols: Sequence[str] | None,
) -> list[dg.AssetMaterialization]:
    few = symbols is not None and len(symbols) <= CHARTED_SYMBOLS
    events = []
    edges: dict[tuple[str, int], str | None] = {}
    if few and symbols and not stored.is_empty():
        edges = direction_edges(inputs.universe, ports.forecasting.forecasts, stored["as_of"][0], symbols)
    prices = in_prices(stored.drop("close"), stored.select("symbol", "as_of", "close").unique())
    for (symbol,), rows in prices.group_by("symbol", maintain_order=True):
        first, last = rows.row(0, named=True), rows.row(-1, named=True)
        metadata: dict[str, Any] = {"as_of": str(first["as_of"]), "status": first["reason"] or "ok"}
        if first["reason"] is None:
            metadata |= {
                "close": first["close"],
                "next_session": str(first["target"]),
                "next_median": first["point"],
                "next_lo80": first["lo80"],
                "next_hi80": first["hi80"],
                "fifth_median": last["point"],
                "fifth_lo80": last["lo80"],
                "fifth_hi80": last["hi80"],
            }
        if few:
            edge = edges.get((str(symbol), max(HORIZONS)), NO_EDGE)
            metadata["chart"] = fan_chart_of(ports, inputs, str(symbol), first["as_of"], edge)
        events.append(dg.AssetMaterialization(key, partition=str(symbol), metadata=metadata))
    return events


def _shortfall(report: PredictionReport, bare: Sequence[str], unlike: str | None) -> dg.Failure | None:
    reasons = [f"{model}: {why}" for model, why in report.failures.items()]
    if bare:
        first = f", the first is {bare[0]}" if len(bare) > 1 else f": {bare[0]}"
        reasons.append(f"no daily bar is stored of {counted(len(bare), 'symbol')}{first}")
    if not report.symbols:
        reasons.append("there was nothing to forecast")
    if unlike is not None:
        reasons.append(unlike)
    if not reasons:
        return None
    return dg.Failure("; ".join(reasons), metadata={"failures": len(reasons)}, allow_retries=False)


def score_in_run(context: Context, ports: Ports, universe: Universe) -> dict[str, Any]:
    """Scores what came inside a Dagster step; the metadata of its materialization.

    Raises:
        dg.Failure: Scoring was not possible.
    """
    try:
        report = score_universe(universe, ports.forecasting.daily)
        watched = watch_forecasts(universe, ports.forecasting.forecasts, ports.notices.alerting)
    except MiraikakakuError as error:
        raise failure(error) from error
    totals = ScoreTotals(
        ensemble=standings_in_words(universe, ports.forecasting.forecasts),
        until=report.until,
        new_outcomes=report.outcomes,
        waiting_targets=report.waiting,
        scored_days=len(report.days),
        standing_alerts=len(watched.standing),
    )
    return hand_back(context, ports, universe, totals) | score_charts_of(ports, universe)
