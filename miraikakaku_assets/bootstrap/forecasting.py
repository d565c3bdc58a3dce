"""What forecasts are made by."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miraikakaku_assets.adapters.files.state_folders import FolderModelStore
    from miraikakaku_assets.adapters.storage.forecasts.market import PostgresMarketBars
    from miraikakaku_assets.adapters.storage.forecasts.store import PostgresForecasts
    from miraikakaku_assets.application.forecasting.daily import ForecastPorts
    from miraikakaku_assets.application.forecasting.predict import PredictionPorts
    from miraikakaku_assets.application.forecasting.train import TrainingPorts
    from miraikakaku_assets.bootstrap.installation import Installation
    from miraikakaku_assets.domain.forecasting.contract import Forecaster, Look

_WORKERS = 8  # processes at most for models of single series; each holds 0.3 GB of libraries


@dataclass(frozen=True)
class Forecasting:
    """Models, forecasts and their scores."""

    installation: Installation

    @cached_property
    def market_bars(self) -> PostgresMarketBars:
        """Daily bars of whole universes."""
        from miraikakaku_assets.adapters.storage.forecasts.market import PostgresMarketBars

        return PostgresMarketBars(self.installation.database)

    @cached_property
    def forecasts(self) -> PostgresForecasts:
        """Trainings, forecasts, outcomes and scores."""
        from miraikakaku_assets.adapters.storage.forecasts.store import PostgresForecasts

        return PostgresForecasts(self.installation.database)

    @cached_property
    def models(self) -> FolderModelStore:
        """Files of trained models."""
        from miraikakaku_assets.adapters.files.state_folders import FolderModelStore

        return FolderModelStore(self.installation.settings.home)

    @cached_property
    def forecasters(self) -> tuple[Forecaster, ...]:
        """Every model, baselines first; their libraries are loaded when they are used."""
        from miraikakaku_assets.adapters.forecasters.arima import Arima
        from miraikakaku_assets.adapters.forecasters.boosted_trees import RandomForest, XGBoost
        from miraikakaku_assets.adapters.forecasters.lstm import Lstm
        from miraikakaku_assets.adapters.forecasters.prophet import Prophet
        from miraikakaku_assets.application.forecasting.inputs import FOREIGN
        from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
        from miraikakaku_assets.domain.forecasting.peers.lead_beta import LeadBeta
        from miraikakaku_assets.domain.forecasting.peers.night_beta import NightBeta
        from miraikakaku_assets.domain.forecasting.peers.night_market import NightMarket
        from miraikakaku_assets.domain.forecasting.peers.reversal import Reversal
        from miraikakaku_assets.domain.forecasting.theta import Theta

        workers = min(os.cpu_count() or 1, _WORKERS)
        return (
            RandomWalk(),
            Drift(),
            Theta(),
            Reversal(),
            NightBeta(),
            NightMarket(),
            LeadBeta(),
            RandomForest(passed=FOREIGN),
            XGBoost(passed=FOREIGN),
            Lstm(),
            Arima(workers=workers),
            Prophet(workers=workers),
        )

    @property
    def looks(self) -> dict[str, Look]:
        """How models are drawn."""
        return {model.name: model.profile.look for model in self.forecasters if model.profile.look}

    @property
    def training(self) -> TrainingPorts:
        """What training needs."""
        from miraikakaku_assets.adapters.forecasters.code_version import code_version
        from miraikakaku_assets.application.forecasting.train import TrainingPorts

        libraries = frozenset(name for model in self.forecasters for name in model.profile.libraries)
        return TrainingPorts(
            self.forecasts,
            self.models,
            self.installation.clock,
            code_version(libraries),
            self.installation.work,
        )

    @property
    def prediction(self) -> PredictionPorts:
        """What forecasting needs."""
        from miraikakaku_assets.application.forecasting.predict import PredictionPorts

        return PredictionPorts(
            self.forecasts, self.models, self.installation.clock, self.forecasters, self.installation.work
        )

    @property
    def daily(self) -> ForecastPorts:
        """What training, forecasting and scoring a universe need."""
        from miraikakaku_assets.application.forecasting.daily import ForecastPorts

        return ForecastPorts(self.market_bars, self.training, self.prediction, self.installation.clock)
