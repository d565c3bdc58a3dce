"""The LSTM keeps the contract, learns what there is to learn and believes nothing else."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from miraikakaku_assets.adapters.forecasters.lstm import Lstm, Network, TrainedLstm, _keras, _training
from miraikakaku_assets.adapters.forecasters.lstm_windows import (
    CHANNELS,
    LENGTH,
    PEERS,
    Samples,
    batch,
    beliefs,
    beside_the_market,
    channels,
    held_out,
    samples,
    with_volatility,
)
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.contract import HORIZONS
from miraikakaku_assets.domain.forecasting.evaluation import outcomes
from miraikakaku_assets.domain.forecasting.panel import Panel, panel
from miraikakaku_assets.domain.forecasting.scores import score
from miraikakaku_assets.domain.forecasting.serialization import packed
from miraikakaku_assets_tests.support.forecasts.forecast_panels import (
    START,
    last_session,
    sessions,
    walk,
    walk_bars,
)
from miraikakaku_assets_tests.support.forecasts.forecaster_contract import ForecasterContract
from miraikakaku_assets_tests.support.patience import PATIENCE

pytestmark = pytest.mark.slow

SMALL = Lstm(units=4, batch=128, passes=2, most=2_000, fewest=20, fewest_sessions=5)


class TestContract(ForecasterContract):
    # The matrix product of another number of rows adds in another order, in single precision.
    tolerance = 1e-7

    def make(self) -> Lstm:
        # Fully believed: on random walks a factor of 0 would hide the network.
        return replace(SMALL, belief=1.0)

    def enough(self) -> int:
        return 75

    def test_the_network_is_behind_these_forecasts(self):
        data = walk(1, days=self.enough())
        forecasts = self.forecast(data, [last_session(data.bars)])
        assert forecasts["point"].n_unique() == forecasts.height


class TestContractWithoutNetwork(ForecasterContract):
    """Sixty bars are too few to learn from: no change."""

    many = 500

    def make(self) -> Lstm:
        return Lstm()

    def test_it_forecasts_no_change(self):
        data = walk(1, days=self.enough())
        assert set(self.forecast(data, [last_session(data.bars)])["point"]) == {0.0}


def reverting(symbols: int, days: int, share: float = 0.6) -> Panel:
    """Half of every day's own noise is taken back on the next: a relation to be found."""
    random = np.random.default_rng(3)
    noise = random.normal(0, 0.02, (days, symbols))
    returns = noise.copy()
    returns[1:] -= share * noise[:-1]
    closes = pl.Series((100 * np.exp(returns.cumsum(axis=0))).T.ravel())
    return panel(
        walk_bars(0, symbols, days).with_columns(close=closes).drop("high", "low"), sessions(days + 10)
    )


@pytest.fixture(scope="module")
def learned() -> tuple[Panel, date, TrainedLstm]:
    data = reverting(PEERS + 10, 260)
    until = data.sessions[219]
    learning = Lstm(units=8, batch=64, passes=12, fewest=100, fewest_sessions=10)
    trained = learning.fit(data, until, seed=2)
    assert isinstance(trained, TrainedLstm)
    return data, until, trained


def test_a_planted_relation_is_found_and_holds_on_sessions_not_seen(learned):
    data, until, trained = learned
    assert (trained.beliefs > 0.5).all()
    origins = data.sessions.filter(data.sessions.is_between(until, data.sessions[254])).to_list()
    table = score(outcomes(trained.predict(data, origins), data))
    first = table.filter(pl.col("horizon") == 1)
    # Knowing the noise itself, the error would be 1/√1.36 = 0.857 of no change.
    assert 0.84 < first["mae_to_no_change"].item() < 0.91
    assert first["hit_rate"].item() > 0.6
    assert (table["dm_p_better"] < 0.01).all()


def test_noise_costs_next_to_nothing():
    believed: list[float] = []
    unquestioned: list[float] = []
    for seed in range(20, 24):
        data = walk(seed, symbols=PEERS, days=240)
        until, origins = data.sessions[189], data.sessions[189:234].to_list()
        trained = Lstm(units=8, batch=64, passes=20, fewest=100, fewest_sessions=10).fit(data, until)
        assert isinstance(trained, TrainedLstm)
        for forecaster, ratios in ((trained, believed), (replace(trained, beliefs=np.ones(5)), unquestioned)):
            ratios.extend(score(outcomes(forecaster.predict(data, origins), data))["mae_to_no_change"])
    assert max(unquestioned) > 1.004  # what it has learned is not worth believing
    assert max(believed) < 1.001


def test_numpy_forecasts_what_keras_would(learned):
    data, until, trained = learned
    bars = with_volatility(data.until(until))
    values = channels(bars)
    chosen = samples(data.until(until), bars, until).where(np.arange(0, 4_000, 40))
    keras = _keras()
    cells, head = keras.layers.LSTM(trained.of.units), keras.layers.Dense(len(HORIZONS))
    model = keras.Sequential([keras.Input((LENGTH, len(CHANNELS))), cells, head])
    model.set_weights([vars(trained.network)[name] for name in Network.__dataclass_fields__])
    expected = model.predict(batch(values, chosen, len(chosen.rows))[0], verbose=0)
    np.testing.assert_allclose(trained.network.standardised(values, chosen.rows), expected, atol=2e-6)


def test_bytes_come_back_as_the_same_bytes_and_hold_no_pickle(learned):
    data, until, trained = learned
    saved = trained.save()
    loaded = trained.of.load(saved)
    assert loaded.save() == saved
    assert_frame_equal(loaded.predict(data, [until]), trained.predict(data, [until]), check_exact=True)
    with pytest.raises(ConfigurationError, match="train it again"):
        Lstm().load(saved)  # of a network of another size
    for broken in (b"", b"\x80 no archive", saved[saved.index(b"\n") + 1 : -200]):
        with pytest.raises(ConfigurationError, match="damaged: train it again"):
            trained.of.load(packed(trained, broken))


def printed_by(program: str, folder: Path) -> str:
    """What a Python program prints in a process of its own that warns of nothing."""
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        cwd=folder,
    )
    assert ended.stderr == ""
    return ended.stdout.strip()


LOGGED_ANEW = """
import logging.config, sys
sys.stderr = at_import = open("at_import.txt", "w")
from miraikakaku_assets.adapters.forecasters.lstm import _keras
_keras()
sys.stderr = sys.__stderr__
logging.config.dictConfig({"version": 1})
print(at_import.closed)
"""


def test_a_stream_stays_open_when_logging_is_configured_after_the_library_was_loaded(tmp_path):
    assert printed_by(LOGGED_ANEW, tmp_path) == "False"


FRESH = f"""
import hashlib
from miraikakaku_assets.adapters.forecasters.lstm import Lstm
from miraikakaku_assets_tests.support.forecasts.forecast_panels import walk
data = walk(5, symbols=8, days=100)
print(hashlib.sha256({SMALL!r}.fit(data, data.sessions[99], seed=4).save()).hexdigest())
"""


def test_another_process_learns_the_same_to_the_bit(tmp_path):
    data = walk(5, symbols=8, days=100)
    saved = SMALL.fit(data, data.sessions[99], seed=4).save()
    assert saved == SMALL.fit(data, data.sessions[99], seed=4).save()
    assert saved != SMALL.fit(data, data.sessions[99], seed=5).save()
    assert printed_by(FRESH, tmp_path) == hashlib.sha256(saved).hexdigest()


def test_training_leaves_the_generators_of_others_alone():
    import random

    data = walk(5, symbols=8, days=100)
    np.random.seed(11)  # noqa: NPY002
    random.seed(11)
    SMALL.fit(data, data.sessions[99])
    drawn = np.random.random(), random.random()  # noqa: NPY002, S311
    np.random.seed(11)  # noqa: NPY002
    random.seed(11)
    assert drawn == (np.random.random(), random.random())  # noqa: NPY002, S311


def test_nothing_is_compiled_again_for_other_panels():
    compiled: Any = _training(SMALL.units)[1]
    for seed, symbols, days in ((1, 4, 90), (2, 7, 101)):
        data = walk(seed, symbols=symbols, days=days)
        SMALL.fit(data, data.sessions[days - 1])
    assert compiled._cache_size() == 1


def test_channels_by_hand():
    days = sessions(60)
    bars = walk_bars(8, symbols=2, days=40).filter(
        (pl.col("symbol") == "S0000") | (pl.col("session") != days[30])
    )
    data = panel(bars, days)
    known = with_volatility(data)
    values = channels(known)
    assert values.shape == (79, len(CHANNELS))
    move, span, market, gap, regime = (values[:, place] for place in range(len(CHANNELS)))
    sigma, returns = known["sigma"].to_numpy(), known["ret"].to_numpy()
    np.testing.assert_allclose(move[1:30], returns[1:30] / sigma[1:30], atol=1e-4)
    np.testing.assert_allclose(span[1:40], np.log(1.01 / 0.98) / sigma[1:40], atol=1e-4)
    assert values[0].tolist() == [0.0] * 5  # the first bar has no return yet
    after = 40 + 30  # the second's bar after its hole
    assert gap[after] == 1
    assert np.delete(gap, after).any() is np.False_
    np.testing.assert_allclose(move[after], returns[after] / sigma[after] / np.sqrt(2), atol=1e-4)
    np.testing.assert_allclose(market[29], (move[29] + move[69]) / 2, atol=2e-4)
    np.testing.assert_allclose(
        market[[30, 31]], move[[30, 31]], atol=1e-4
    )  # alone, and beside the one with a hole
    usual = np.sqrt(np.mean(returns[1:40] ** 2))
    np.testing.assert_allclose(regime[39], np.log(sigma[39] / usual), atol=1e-4)


def test_windows_end_at_their_bar_and_do_not_reach_into_another_instrument():
    data = walk(9, symbols=3, days=50)
    until = last_session(data.bars)
    bars = with_volatility(data)
    windows = samples(data, bars, until)
    assert (windows.rows % 50 >= LENGTH).all()
    assert windows.rows.max() == 148  # from the newest bar nothing is known
    values = np.arange(150, dtype=np.float32)[:, None] + np.zeros(len(CHANNELS), np.float32)
    seen, ahead = batch(values, windows, len(windows.rows) + 2)
    assert (seen[: len(windows.rows), -1, 0] == windows.rows).all()
    assert (np.diff(seen[: len(windows.rows), :, 0], axis=1) == 1).all()
    assert np.isnan(ahead[-2:]).all()


def test_no_outcome_of_a_lesson_lies_on_the_sessions_that_judge_it():
    data = walk(10, symbols=2, days=150)
    until = last_session(data.bars)
    older, newer = held_out(samples(data, with_volatility(data), until))
    assert older.ordinals.max() + max(HORIZONS) == newer.ordinals.min()
    assert len(np.unique(newer.ordinals)) == pytest.approx(0.2 * (150 - LENGTH), abs=1)


def made(ahead: np.ndarray, day: np.ndarray) -> Samples:
    five = np.repeat(ahead[:, None], len(HORIZONS), axis=1).astype(np.float32)
    return Samples(np.arange(len(day)), day, np.full(len(day), 0.02), five)


def test_the_market_is_taken_out_only_where_there_is_one():
    day = np.array([0] * PEERS + [1] * (PEERS - 1))
    ahead = np.random.default_rng(1).normal(1, 1, len(day))
    ahead[3] = np.nan
    relative = beside_the_market(made(np.append(ahead, 7.0), np.append(day, 0))).ahead[:, 2]
    with_market = np.append(day == 0, True)
    assert abs(np.nanmean(relative[with_market])) < 1e-6
    np.testing.assert_allclose(relative[~with_market], ahead[day == 1], rtol=1e-6)
    assert np.isnan(relative[3])


def test_belief_is_measured_and_shrunk_by_its_noise():
    random = np.random.default_rng(2)
    day = np.repeat(np.arange(60), 40)
    truth = random.normal(0, 1, len(day))
    forecast = np.repeat(2 * truth[:, None], len(HORIZONS), axis=1).astype(
        np.float32
    )  # twice as far as it should
    good = beliefs(forecast, made(truth + random.normal(0, 0.5, len(day)), day))
    assert good == pytest.approx([0.5] * 5, abs=0.03)
    assert (beliefs(forecast, made(-truth, day)) == 0).all()
    few = day < 3
    doubtful = beliefs(forecast[few], made((truth + random.normal(0, 3, len(day)))[few], day[few]))
    assert (doubtful < 0.5).all()


def test_one_instrument_with_a_hundred_bars_is_no_change():
    data = walk(12, symbols=1, days=100)
    origin = last_session(data.bars)
    forecasts = Lstm().fit(data, origin).predict(data, [origin])
    assert forecasts["point"].to_list() == [0.0] * 5
    assert forecasts["sd"].is_not_null().all()


def test_nothing_at_all_can_be_trained_on_and_saved():
    data = walk(12, symbols=1, days=100).only([])
    trained = Lstm().fit(data, START)
    assert Lstm().load(trained.save()).predict(data, [START]).is_empty()
