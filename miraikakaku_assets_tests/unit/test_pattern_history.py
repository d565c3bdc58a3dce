"""How much history patterns wait for, and that what they read by then has forgotten how it began."""

import numpy as np
import pytest

from miraikakaku_assets.domain.indicators.compute import compute
from miraikakaku_assets.domain.indicators.definitions import NEEDED_HISTORY
from miraikakaku_assets.domain.patterns.frames import INPUTS
from miraikakaku_assets.domain.patterns.history import PATTERN_HISTORY, READ_HISTORY
from miraikakaku_assets_tests.support.bars.random_walks import walk

PRICES = ("open", "high", "low", "close")


def test_every_indicator_that_patterns_read_has_its_wait_and_no_longer_one_than_people_get() -> None:
    assert set(READ_HISTORY) == set(INPUTS) - set(PRICES)
    for name, bars in READ_HISTORY.items():
        assert bars == min(NEEDED_HISTORY[name], PATTERN_HISTORY), name
    assert READ_HISTORY["bb_middle"] == 20  # a window is whole with its last bar
    assert {READ_HISTORY[name] for name in ("rsi_14", "macd", "atr_14")} == {100}


def test_values_are_read_from_that_bar_on() -> None:
    bars = walk(300)
    read = compute(bars, READ_HISTORY, READ_HISTORY)
    for name, needed in READ_HISTORY.items():
        assert read[name].is_not_null().arg_true()[0] == needed - 1, name
    shown = compute(bars, READ_HISTORY)
    for name in READ_HISTORY:  # the same values, only sooner
        both = shown[name].is_not_null()
        assert read[name].filter(both).equals(shown[name].filter(both)), name


@pytest.mark.parametrize("seed", range(3))
def test_the_start_weighs_as_little_as_the_module_says(seed: int) -> None:
    bars = walk(700, seed=seed)
    whole, cut = compute(bars, READ_HISTORY, {}), compute(bars[400:], READ_HISTORY, READ_HISTORY)
    at = PATTERN_HISTORY - 1
    late = {name: (whole[name][400 + at], cut[name][at]) for name in READ_HISTORY}
    assert late["rsi_14"][1] == pytest.approx(late["rsi_14"][0], abs=0.2)
    assert late["atr_14"][1] == pytest.approx(late["atr_14"][0], rel=0.005)
    moves = np.abs(whole["macd"][400:].to_numpy()).max()
    assert late["macd"][1] == pytest.approx(late["macd"][0], abs=0.01 * moves)
    for name in ("bb_lower", "bb_middle", "bb_upper"):
        assert late[name][1] == pytest.approx(late[name][0], rel=1e-9)
