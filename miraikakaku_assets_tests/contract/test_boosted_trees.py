"""Boosted trees and the random forest: the contract, and that they find what is there to find."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from miraikakaku_assets.adapters.forecasters.boosted_trees import BoostedTrees, RandomForest, XGBoost
from miraikakaku_assets.adapters.forecasters.trained_trees import CROSS_SECTIONAL, MARKET, TrainedTrees
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.domain.forecasting.evaluation import outcomes, rolling_origins, walk_forward
from miraikakaku_assets.domain.forecasting.panel import Panel, panel
from miraikakaku_assets.domain.forecasting.scores import score
from miraikakaku_assets_tests.support.forecasts.forecast_panels import (
    last_session,
    of_closes,
    sessions,
    walk,
    walk_bars,
)
from miraikakaku_assets_tests.support.forecasts.forecaster_contract import ForecasterContract

pytestmark = pytest.mark.slow

BOTH = [XGBoost, RandomForest]


class TestXGBoost(ForecasterContract):
    """With every forecast believed, so that trees are grown and asked in each test."""

    def make(self) -> BoostedTrees:
        return XGBoost(trees=4, rows=20_000, fewest=20, share=1.0)


class TestRandomForest(ForecasterContract):
    def make(self) -> BoostedTrees:
        return RandomForest(trees=4, rows=20_000, fewest=20, share=1.0)


class TestXGBoostAsItIsUsed(ForecasterContract):
    """Believed as far as held-out sessions bear it out: of random walks nothing."""

    many = 500

    def make(self) -> BoostedTrees:
        return XGBoost(trees=4)


@dataclass(frozen=True)
class Planted:
    """Daily returns that are partly known a day ahead: per issue by a column, or for all alike."""

    seed: int
    symbols: int = 30
    days: int = 260
    together: bool = False

    def panel(self, strength: float = 0.5) -> Panel:
        rng = np.random.default_rng(self.seed)
        hint = rng.normal(0, 1, (self.days, 1 if self.together else self.symbols))
        noise = rng.normal(0, 1, (self.days, self.symbols))
        returns = 0.02 * noise
        returns[1:] += 0.02 * strength * hint[:-1]
        shown = np.broadcast_to(hint, noise.shape)
        bars = walk_bars(self.seed, self.symbols, self.days).drop("high", "low")
        closes = 100 * np.exp(returns.cumsum(axis=0))
        given = bars.with_columns(close=pl.Series(closes.T.ravel()), hint=pl.Series(shown.T.ravel()))
        return panel(given, sessions(self.days + 10))


def scored(forecaster: BoostedTrees, data: Panel, first: int) -> pl.DataFrame:
    days = data.sessions
    folds = rolling_origins(days, days[first], last_session(data.bars), 40)
    return score(outcomes(walk_forward(forecaster, data, folds), data))


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("together", [False, True])
def test_a_relation_is_found_and_holds_out_of_sample(kind, together):
    """The hint explains 20 % of the variance of the next day: the best possible MAE is 0.894 of no change."""
    symbols, days, first = (6, 700, 600) if together else (30, 220, 160)
    data = Planted(3, symbols, days, together).panel()
    scores = scored(kind(passed=("hint",)), data, first).row(0, named=True)
    assert scores["horizon"] == 1
    assert 0.88 < scores["mae_to_no_change"] < 0.97, scores
    assert scores["dm_p_better"] < 0.001
    assert scores["hit_rate"] > 0.58


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("together", [False, True])
def test_hardly_anything_is_believed_where_there_is_nothing(kind, together):
    """Of ten markets of noise, each with both parts at five horizons, the gates let one part in twenty pass at most."""
    shares = []
    for seed in range(10):
        data = Planted(seed, 30, 260, together).panel(strength=0.0)
        trained = kind(passed=("hint",), trees=10).fit(data, data.sessions[240])
        shares += [part.share for part in trained.parts if part.share > 0]
        forecast = trained.predict(data, [data.sessions[245]])
        assert forecast.select((pl.col("point").abs() < 0.1 * pl.col("sd")).all()).item()
    possible = 10 * 2 * len(HORIZONS)
    assert len(shares) <= possible / 20, shares
    assert sum(shares) / possible < 0.02, shares


@pytest.mark.parametrize("kind", BOTH)
def test_what_is_believed_is_the_part_that_was_planted(kind):
    for together, of in ((False, CROSS_SECTIONAL), (True, MARKET)):
        days = 600 if together else 220
        data = Planted(5, 12, days, together).panel()
        trained = kind(passed=("hint",), trees=20).fit(data, data.sessions[days - 1])
        best = max(trained.parts, key=lambda part: part.share)
        assert (best.of, best.horizon) == (of, 1)
        assert 0 < best.share <= 1


@pytest.mark.parametrize("kind", BOTH)
def test_threads_and_repetition_change_nothing(kind):
    data = Planted(6, 60, 200).panel()
    until = data.sessions[190]
    serial, threaded, again = (
        kind(passed=("hint",), trees=6, share=1.0, threads=threads, rows=8_000).fit(data, until, seed=2)
        for threads in (1, 2, 2)
    )
    assert serial.save() == threaded.save() == again.save()
    assert_frame_equal(serial.predict(data, [until]), threaded.predict(data, [until]), check_exact=True)
    another = kind(passed=("hint",), trees=6, share=1.0, rows=8_000).fit(data, until, seed=3)
    assert not another.predict(data, [until])["point"].equals(serial.predict(data, [until])["point"])


@pytest.mark.parametrize("kind", BOTH)
def test_one_series_is_a_market_of_its_own(kind):
    moves = np.random.default_rng(7).normal(0, 0.02, 700)
    moves[1:] -= 0.5 * moves[:-1]
    data = of_closes(list(100 * np.exp(moves.cumsum())))
    trained = kind().fit(data, data.sessions[650])
    assert {part.of for part in trained.parts} == {MARKET}
    point = trained.predict(data, data.sessions[650:699].to_list()).filter(horizon=1)["point"].to_numpy()
    assert np.corrcoef(point, moves[650:699])[0, 1] < -0.5


@pytest.mark.parametrize("kind", BOTH)
def test_nothing_to_learn_from_is_no_change(kind):
    empty = walk(1, symbols=1).only([])
    few = walk(2, symbols=2, days=60)
    flat = of_closes([100.0] * 100)
    for data, origin in ((empty, 50), (few, 59), (flat, 99)):
        trained = kind().fit(data, data.sessions[origin])
        assert isinstance(trained, TrainedTrees)
        assert trained.parts == ()
        assert trained.predict(data, [data.sessions[origin]])["point"].drop_nulls().abs().sum() == 0


def test_a_damaged_archive_and_another_configuration_are_refused():
    data = walk(3, days=80)
    saved = XGBoost(trees=4, fewest=20, share=1.0).fit(data, last_session(data.bars)).save()
    head, _, content = saved.partition(b"\n")
    with pytest.raises(ConfigurationError, match="damaged: train it again"):
        XGBoost(trees=4, fewest=20, share=1.0).load(head + b"\n" + content[:100])
    with pytest.raises(ConfigurationError, match="train it again"):
        XGBoost(trees=5, fewest=20, share=1.0).load(saved)
    assert XGBoost(trees=4, fewest=20, share=1.0, threads=1).load(saved).parts


def test_a_panel_without_what_was_trained_on_is_refused():
    data = walk(3, days=80)
    origin = last_session(data.bars)
    trained = XGBoost(trees=4, fewest=20, share=1.0).fit(data, origin)
    bare = panel(data.bars.select("symbol", "session", "close"), data.sessions)
    with pytest.raises(ConfigurationError, match=r"\['range', 'range_5'\].*same columns"):
        trained.predict(bare, [origin])


def test_a_share_scales_the_forecast_and_horizons_are_all_there():
    data = walk(8, symbols=10, days=120)
    origin = last_session(data.bars)
    whole = XGBoost(trees=4, fewest=20, share=1.0).fit(data, origin).predict(data, [origin])
    half = XGBoost(trees=4, fewest=20, share=0.5).fit(data, origin).predict(data, [origin])
    assert set(whole["horizon"]) == set(HORIZONS)
    assert (whole["point"] != 0).all()
    assert np.allclose(half["point"], whole["point"] / 2, rtol=1e-5)
    assert_frame_equal(half.select("sd"), whole.select("sd"))
