"""Series without a database: the papers' split, and forecasts that are those of each origin alone."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from miraikakaku_assets.application.backtest.published_results import (
    first_target,
    root_relative_squared_error,
)
from miraikakaku_assets.application.backtest.scoreboard import QUICK, counted, folds_in
from miraikakaku_assets.application.backtest.series import (
    currency_panel,
    in_papers_measures,
    metal_panel,
    papers_folds,
    series_board,
    walk_series,
)
from miraikakaku_assets.application.forecasting.predict import ENSEMBLE
from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
from miraikakaku_assets.domain.forecasting.contract import FORECASTS, Needs, TrainedForecaster
from miraikakaku_assets.domain.forecasting.ensemble import choose_weights
from miraikakaku_assets.domain.forecasting.evaluation import outcomes
from miraikakaku_assets.domain.forecasting.panel import Panel
from miraikakaku_assets_tests.support.forecasts.forecast_panels import walk_bars
from miraikakaku_assets_tests.support.forecasts.scoreboards import FORECASTERS, currencies, metal_board

KEYS = ["symbol", "as_of", "horizon"]


def silent(_what: str, _origin: date) -> None:
    """Hears nothing."""


def metal() -> Panel:
    return metal_panel(walk_bars(13, symbols=2, days=170).select("symbol", "session", "close"))


@dataclass(frozen=True)
class Broken(RandomWalk):
    """Cannot be trained."""

    @property
    def name(self) -> str:
        return "broken"

    def fit(self, panel: Panel, until: date, seed: int = 0) -> TrainedForecaster:
        raise MemoryError(f"{panel.bars.height} bars until {until} are too many, seed {seed}")


@dataclass(frozen=True)
class Counting(RandomWalk):
    """Counts its trainings."""

    trained: tuple[list[date], ...] = ([],)

    @property
    def name(self) -> str:
        return "counting"

    @property
    def needs(self) -> Needs:
        return Needs(1, None)

    def fit(self, panel: Panel, until: date, seed: int = 0) -> TrainedForecaster:
        assert panel.bars["session"].max() == until  # nothing behind it is handed over
        self.trained[0].append(until)
        return super().fit(panel, until, seed)


def test_the_forecasts_are_those_of_every_origin_alone():
    data = metal()
    folds = folds_in(data.sessions, QUICK, "lme")
    walked = walk_series(data, folds, FORECASTERS, 0, silent)
    origin = folds[-1].origins[2]
    alone = Drift().fit(data.until(origin), origin).predict(data.until(origin), [origin])
    same = (pl.col("model") == "drift") & (pl.col("as_of") == origin)
    shown = ["symbol", "horizon", "point"]
    assert_frame_equal(walked.rows.filter(same).select(shown), alone.select(shown))


def test_the_ensemble_weighs_by_what_was_known_at_the_first_origin_of_its_fold():  # pragma: allowlist secret
    data = metal()
    folds = folds_in(data.sessions, QUICK, "lme")
    walked = walk_series(data, folds, FORECASTERS, 0, silent)
    second = folds[1].origins[0]
    members = walked.rows.filter(pl.col("model") != ENSEMBLE).select(FORECASTS.keys())
    known = outcomes(members.filter(pl.col("as_of") < second), data.until(second)).drop_nulls("actual")
    weight = {
        choose_weight.horizon: choose_weight.factor("market", "drift")
        for choose_weight in choose_weights(known, second)
    }
    rows = walked.rows.filter(pl.col("as_of") == second)
    wide = rows.pivot(on="model", index=KEYS, values="point")
    golden = [weight[h] * point for h, point in wide.select("horizon", "drift").iter_rows()]
    assert wide[ENSEMBLE].to_list() == pytest.approx(golden, abs=1e-15)
    first = walked.rows.filter(pl.col("as_of") == folds[0].origins[0], pl.col("model") == ENSEMBLE)
    assert first["point"].to_list() == [0.0] * first.height  # nothing was known: no change


def test_a_model_that_breaks_is_named_and_the_others_go_on():
    board = metal_board((RandomWalk(), Broken()))
    assert "MemoryError" in board.failed["broken"]
    assert board.missing.rows() == [("broken", "not_trained", 2 * 25 * 5)]
    there = board.scores.filter(pl.col("model") == "broken")
    assert there["n"].to_list() == [0] * 5
    assert board.scores.filter(pl.col("model") == "random_walk")["n"].to_list() == [50] * 5


def test_folds_of_one_training_are_trained_once():
    data, counting = metal(), Counting(trained=([],))
    folds = folds_in(data.sessions, QUICK, "lme")
    walk_series(data, folds, (RandomWalk(), counting), 0, silent)
    assert counting.trained[0] == [fold.train_until for fold in folds]
    once, counted = papers_folds(currencies(), 20), Counting(trained=([],))
    walk_series(currency_panel(currencies()), once, (RandomWalk(), counted), 0, silent)
    assert len(once) > 1
    assert counted.trained[0] == [once[0].train_until]


def test_the_papers_days_are_the_last_fifth():
    folds = papers_folds(currencies(), 20)
    data = currency_panel(currencies())
    origins = [origin for fold in folds for origin in fold.origins]
    days = data.sessions.to_list()
    assert days.index(origins[0]) + 3 == first_target(260) == 208
    assert days.index(origins[-1]) + 3 == 259
    assert len(origins) == len(set(origins)) == 52
    assert {fold.train_until for fold in folds} == {origins[0]}
    short = [origin for fold in papers_folds(currencies(), 20, 30) for origin in fold.origins]
    assert short == origins[:30]


def test_our_forecasts_are_measured_as_levels_on_the_test_days():
    data, folds = currency_panel(currencies()), papers_folds(currencies(), 20)
    walked = walk_series(data, folds, FORECASTERS, 0, silent)
    still, drift, _ = measures = in_papers_measures(currencies(), walked.rows)
    assert [measure.method for measure in measures] == ["random_walk", "drift", ENSEMBLE]
    values = currencies().to_numpy()
    targets = np.arange(208, 260)
    for step in (3, 6, 12, 24):
        golden = root_relative_squared_error(values[targets], values[targets - step])
        assert still.rse[step] == pytest.approx(golden)
    # Drift by hand: the line through the first and last of the newest 251 log closes, or of all there are by then.
    logs, forecast = np.log(values), np.empty((52, 2))
    for place, target in enumerate(targets):
        origin = target - 3
        begin: int = max(0, int(origin) - 250)
        forecast[place] = np.exp(logs[origin] + 3 * (logs[origin] - logs[begin]) / (origin - begin))
    forecast[:, 1] = values[targets - 3, 1]  # the pegged one is constant: no forecast, the last value stands
    assert drift.rse == pytest.approx({3: root_relative_squared_error(values[targets], forecast)})
    assert drift.filled == 52


def test_a_board_says_what_was_walked():
    data = metal()
    folds = folds_in(data.sessions, QUICK, "lme")
    board = series_board(
        "lme", data, counted(folds, QUICK, "lme"), walk_series(data, folds, FORECASTERS, 0, silent), 20
    )
    assert (board.origins, board.instruments, board.refit_every) == (25, 2, 20)
    assert board.scores["model"].unique(maintain_order=True).to_list() == ["random_walk", "drift", ENSEMBLE]
    assert set(board.weights) == {1, 2, 3, 4, 5}
