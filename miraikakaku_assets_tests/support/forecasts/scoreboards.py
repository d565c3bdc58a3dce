"""A scoreboard of series that exist nowhere, made by the use cases, for tests of how it is shown."""

from datetime import date

import numpy as np
import polars as pl

from miraikakaku_assets.application.backtest.load_datasets import Taken
from miraikakaku_assets.application.backtest.make_scoreboard import Scoreboard
from miraikakaku_assets.application.backtest.scoreboard import QUICK, counted, folds_in
from miraikakaku_assets.application.backtest.series import (
    currency_panel,
    in_papers_measures,
    metal_panel,
    papers_folds,
    series_board,
    walk_series,
)
from miraikakaku_assets.application.backtest.tables import (
    BacktestResult,
)
from miraikakaku_assets.domain.forecasting.bands import conformal_bands
from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
from miraikakaku_assets.domain.forecasting.contract import Forecaster
from miraikakaku_assets.domain.forecasting.evaluation import outcomes
from miraikakaku_assets.domain.forecasting.panel import Panel
from miraikakaku_assets_tests.support.forecasts.forecast_panels import walk_bars

FORECASTERS: tuple[Forecaster, ...] = (RandomWalk(), Drift())


def metal_board(forecasters: tuple[Forecaster, ...] = FORECASTERS) -> BacktestResult:
    """Two series, 25 origins."""
    data = metal_panel(walk_bars(13, symbols=2, days=170).select("symbol", "session", "close"))
    folds = folds_in(data.sessions, QUICK, "lme")
    walked = walk_series(data, folds, forecasters, 0, lambda _what, _origin: None)
    return series_board("lme", data, counted(folds, QUICK, "lme"), walked, QUICK.refit_every["lme"])


def currencies(days: int = 260) -> pl.DataFrame:
    """Two currencies; the second is pegged in the last fifth."""
    steps = np.random.default_rng(17).normal(0, 0.005, (days, 2))
    steps[int(0.6 * days) :, 1] = 0
    values = np.exp(steps.cumsum(axis=0)) * [0.8, 1.6]
    return pl.DataFrame(values, schema=["column_1", "column_2"])


def scoreboard() -> Scoreboard:
    """Of two sets, with the papers' measures and an account of an import."""
    made = Scoreboard(QUICK, {forecaster.name: forecaster.version for forecaster in FORECASTERS})
    made.boards["lme"] = metal_board()
    data, folds = currency_panel(currencies()), papers_folds(currencies(), 20)
    walked = walk_series(data, folds, FORECASTERS, 0, lambda _what, _origin: None)
    made.boards["exchange_rate"] = series_board(
        "exchange_rate", data, [day for fold in folds for day in fold.origins], walked, None
    )
    made.papers = in_papers_measures(currencies(), walked.rows)
    rules = {"no_price": 3, "not_a_session": 1}
    made.taken["copper"] = Taken(0, 1, ("XX=F",), 10, 6, rules, date(2024, 1, 4), date(2024, 2, 1))
    return made


FIRST = 25


def rows_of(data: Panel, days: int, *models: str) -> pl.DataFrame:
    """Forecasts with bands and outcomes from so many origins; `models` are names for drift."""
    origins = data.sessions[FIRST : FIRST + days].to_list()
    made = [RandomWalk().fit(data, origins[0]).predict(data, origins)]
    drift = Drift().fit(data, origins[0]).predict(data, origins)
    made += [drift.with_columns(model=pl.lit(name)) for name in models]
    return outcomes(conformal_bands(pl.concat(made), data), data)
