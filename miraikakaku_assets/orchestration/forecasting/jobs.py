"""Jobs of forecasts: trainings, forecasts of everything or of any list of symbols, scores."""

from typing import Any

import dagster as dg

from miraikakaku_assets.domain.market.instruments import UNIVERSES, Universe
from miraikakaku_assets.orchestration.failures import raise_all
from miraikakaku_assets.orchestration.forecasting.run import (
    models_key,
    performance_key,
    predict_in_run,
    predictions_key,
)
from miraikakaku_assets.orchestration.op_job import op_job
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.run_config import PredictSymbolsConfig
from miraikakaku_assets.orchestration.stage_reports import known_in_run


def predict_job_name(universe: Universe) -> str:
    """Name of the job that forecasts any list of symbols; its op has the name with the verb in front."""
    return f"{universe.name}_predict_symbols"


def predict_op_name(universe: Universe) -> str:
    """Name of the only op of that job."""
    return f"predict_{universe.name}_symbols"


def _predict_job(universe: Universe) -> dg.JobDefinition:
    @dg.op(name=predict_op_name(universe), description="Forecasts the symbols named in its config, or all.")
    def predict_symbols(
        context: dg.OpExecutionContext, config: PredictSymbolsConfig, ports: PortsResource
    ) -> None:
        """Forecasts the symbols named in its config, or all."""
        known, shortfall = known_in_run(ports.use, universe, config.symbols, "forecast")
        shortfalls = [shortfall]
        if known or not shortfall:
            shortfalls.append(predict_in_run(context, ports.use, universe, config.command(known)))
        raise_all(shortfalls)

    return op_job(
        predict_symbols,
        name=predict_job_name(universe),
        description=f"Forecasts of stored bars of {universe.name}, as one run.",
    )


def _asset_job(universe: Universe, what: str, key: dg.AssetKey, description: str) -> Any:
    selection = dg.AssetSelection.assets(key)
    return dg.define_asset_job(f"{universe.name}_{what}_job", selection=selection, description=description)


training_jobs = {
    universe: _asset_job(universe, "training", models_key(universe), f"Trains the models of {universe.name}.")
    for universe in UNIVERSES.values()
}
prediction_jobs = {
    universe: _asset_job(
        universe,
        "prediction",
        predictions_key(universe),
        f"Forecasts a range of symbols of {universe.name}, as one run.",
    )
    for universe in UNIVERSES.values()
}
performance_jobs = {
    universe: _asset_job(
        universe, "performance", performance_key(universe), f"Scores the forecasts of {universe.name}."
    )
    for universe in UNIVERSES.values()
}
predict_symbols_jobs = {universe: _predict_job(universe) for universe in UNIVERSES.values()}
forecast_jobs: list[Any] = [
    *training_jobs.values(),
    *prediction_jobs.values(),
    *performance_jobs.values(),
    *predict_symbols_jobs.values(),
]
