"""A small Tokyo that is forecast by runs on a real instance: what its tests share."""

from datetime import date
from typing import Any

import dagster as dg

from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
from miraikakaku_assets.domain.forecasting.contract import Forecaster
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.domain.market.sessions import last_completed_session
from miraikakaku_assets_tests.support.installations.installation import Installation
from miraikakaku_assets_tests.support.moments import last_evening

MODELS, PREDICTIONS, SCORES = (
    dg.AssetKey(["jp", name]) for name in ("forecast_models", "predictions", "prediction_performance")
)
ROWS = "SELECT model, count(*), count(point) FROM miraikakaku.daily_predictions GROUP BY 1 ORDER BY 1"


def market_of(collected: Installation) -> Installation:
    """Two baselines stand for all models, which have tests of their own."""
    use(collected, RandomWalk(), Drift())
    return collected


def use(installation: Installation, *forecasters: Forecaster) -> None:
    """These stand for all models."""
    vars(installation.ports.forecasting)["forecasters"] = forecasters


def newest() -> date:
    """The last session that has ended by the clock of the installation."""
    return last_completed_session(JP.calendar, last_evening())


def predict(market: Installation, **config: Any) -> dg.ExecuteInProcessResult:
    """Forecasts all symbols as one run."""
    keys = market.partition_keys()
    tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
    return market.run("jp_prediction_job", config={"ops": {"jp_predict": {"config": config}}}, tags=tags)
