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
from miraikakaku_assets.orchestration.job_builders import asset_jobs, assets_only, op_job, symbols_names
from miraikakaku_assets.orchestration.quality.gates import gate_key
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.run_config import PredictSymbolsConfig
from miraikakaku_assets.orchestration.stage_reports import known_in_run


def _predict_job(universe: Universe) -> dg.JobDefinition:
    job_name, op_name = symbols_names(universe, "predict")

    @dg.op(name=op_name)
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
        name=job_name,
        description=f"Forecasts of stored bars of {universe.name}, as one run.",
    )


training_jobs = asset_jobs("training", models_key, "Trains the models of {}.")
prediction_jobs = asset_jobs(
    "prediction",
    predictions_key,
    "Forecasts a range of symbols of {}, as one run.",
    lambda key: assets_only([key], [gate_key(key)]),
)
performance_jobs = asset_jobs(
    "performance", performance_key, "Scores the forecasts of {}.", lambda key: assets_only([key])
)
predict_symbols_jobs = {universe: _predict_job(universe) for universe in UNIVERSES.values()}
forecast_jobs: list[Any] = [
    *training_jobs.values(),
    *prediction_jobs.values(),
    *performance_jobs.values(),
    *predict_symbols_jobs.values(),
]
