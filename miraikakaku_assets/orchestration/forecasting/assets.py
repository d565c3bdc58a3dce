"""Forecasts as assets. Put here: their descriptions and cadence. Keep out: how a forecast is made."""

from collections.abc import Iterator

import dagster as dg

from miraikakaku_assets.domain.market.instruments import Timeframe, Universe
from miraikakaku_assets.orchestration.failures import raise_all
from miraikakaku_assets.orchestration.forecasting.run import (
    models_key,
    performance_key,
    predict_in_run,
    predictions_key,
    score_in_run,
    train_in_run,
)
from miraikakaku_assets.orchestration.partitions import partitions_of
from miraikakaku_assets.orchestration.prices.assets import prices_key
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.run_config import PredictConfig, TrainConfig
from miraikakaku_assets.orchestration.universes import described


def forecast_assets(universe: Universe) -> list[dg.AssetsDefinition]:
    """Models, forecasts and scores of a universe."""
    return [_models(universe), _predictions(universe), _performance(universe)]


def _models(universe: Universe) -> dg.AssetsDefinition:
    text = (
        f"Trained models of {universe.name}, from formulas to XGBoost, LSTM, ARIMA and Prophet, on log returns of "
        "dividend-adjusted closes; trained weekly, stored below `models/` with the version of the data and the code. A "
        "model that fails leaves the others alone. Weights of the ensemble and the review of the champion are decided "
        "here, from errors that are known."
    )

    @dg.asset(
        key=models_key(universe),
        deps=[dg.AssetDep(prices_key(universe, Timeframe.D1), partition_mapping=dg.AllPartitionMapping())],
        **described(universe, "forecast_models", text, {"xgboost", "keras"}),
    )
    def forecast_models(
        context: dg.AssetExecutionContext, config: TrainConfig, ports: PortsResource
    ) -> dg.MaterializeResult:  # type: ignore[type-arg]
        return dg.MaterializeResult(metadata=train_in_run(context, ports.use, universe, config.command()))

    return forecast_models


def _predictions(universe: Universe) -> dg.AssetsDefinition:
    text = (
        f"Forecasts of every instrument of {universe.name} for the next five sessions by every model and their "
        "ensemble, with bands of 80 % and 95 % that are calibrated by past errors; made once a day after the close. A "
        "forecast is written once and stays; one that cannot be made is a row with the reason."
    )
    spec = dg.AssetSpec(
        predictions_key(universe),
        deps=[
            dg.AssetDep(prices_key(universe, Timeframe.D1), partition_mapping=dg.IdentityPartitionMapping()),
            models_key(universe),
        ],
        skippable=True,
        **described(universe, "daily_predictions", text, {"xgboost", "postgres"}, _prediction_columns()),
    )

    @dg.multi_asset(
        name=f"{universe.name}_predict",
        specs=[spec],
        partitions_def=partitions_of(universe, Timeframe.D1),
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),  # the market's mean is of all instruments
    )
    def predictions(
        context: dg.AssetExecutionContext, config: PredictConfig, ports: PortsResource
    ) -> Iterator[dg.MaterializeResult[None]]:
        command = config.command(list(context.partition_keys))
        raise_all([predict_in_run(context, ports.use, universe, command, named=False)])
        yield from ()

    return predictions


def _performance(universe: Universe) -> dg.AssetsDefinition:
    text = (
        f"What came of the forecasts of {universe.name}: each is scored once, when the session it was made for has "
        "ended, beside no change and always-up; per day, over 20 and over 250 days, by universe and sector. Raises an "
        "alert when skill or calibration is lost."
    )

    @dg.asset(
        key=performance_key(universe),
        deps=[dg.AssetDep(predictions_key(universe), partition_mapping=dg.AllPartitionMapping())],
        **described(universe, "prediction_performance", text, {"polars", "postgres"}),
    )
    def prediction_performance(
        context: dg.AssetExecutionContext, ports: PortsResource
    ) -> dg.MaterializeResult:  # type: ignore[type-arg]
        return dg.MaterializeResult(metadata=score_in_run(context, ports.use, universe))

    return prediction_performance


def _prediction_columns() -> list[dg.TableColumn]:
    return [
        dg.TableColumn("instrument_id", "integer", description="Key into instruments"),
        dg.TableColumn("model", "text", description="Model, or ensemble"),
        dg.TableColumn("as_of", "date", description="Session whose close was the last that was known"),
        dg.TableColumn("horizon", "smallint", description="Sessions ahead, 1 to 5"),
        dg.TableColumn("target", "date", description="Session that is forecast"),
        dg.TableColumn("point", "double", description="Median log return from the close at the origin"),
        *(
            dg.TableColumn(name, "double", description="End of a band, log return")
            for name in ("lo80", "hi80", "lo95", "hi95")
        ),
        dg.TableColumn("reason", "text", description="Why there is no forecast, or null"),
        dg.TableColumn("close", "double", description="Close at the origin, as quoted then"),
        dg.TableColumn("version", "text", description="Of the model's definition"),
        dg.TableColumn("made_at", "timestamptz", description="When it was made (UTC)"),
    ]
