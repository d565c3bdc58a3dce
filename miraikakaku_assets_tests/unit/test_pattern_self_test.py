"""The self-tests of patterns catch look-ahead and short warm-ups, and pass sound patterns."""

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest

from miraikakaku_assets.domain.patterns.definitions import definition_of
from miraikakaku_assets.domain.patterns.detection import SIGNALS, signals
from miraikakaku_assets.domain.patterns.features import FEATURES, Feature, Kind
from miraikakaku_assets.domain.patterns.frames import Frames
from miraikakaku_assets.domain.patterns.leakage import (
    pattern_look_ahead,
    pattern_warm_up,
    telling_moments,
)
from miraikakaku_assets.domain.patterns.pattern import Definition
from miraikakaku_assets_tests.support.bars.pattern_frames import walk, with_indicators

FRAMES = walk(seed=21, symbols=6, days=80, shown=30)
WHOLE = walk(seed=22, symbols=2, days=80, shown=80)


def unconfirmed_pivots() -> Definition:
    """The second definition with swings that are known at once: what a centred window does."""
    high = pl.col("high")
    pivot = high == high.rolling_max(11, min_samples=1, center=True)

    def at(value: pl.Expr) -> pl.Expr:
        return pl.when(pivot).then(value).shift(1).forward_fill()

    leaking = {
        "swing_high": Feature(Kind.PRICE, at(high), "山", "swing_low"),
        "swing_high_rsi_14": Feature(Kind.OSCILLATOR, at(pl.col("rsi_14")), "山のRSI", "swing_low_rsi_14"),
    }
    return replace(definition_of("v2"), name="leaking", features={**FEATURES, **leaking})


@pytest.mark.parametrize("definition", ["v1", "v2"])
def test_the_definitions_do_not_look_ahead(definition: str) -> None:
    moments = telling_moments(FRAMES, signals(FRAMES, definition), 40)
    result = pattern_look_ahead(FRAMES, moments, definition)
    assert (result.passed, result.moments, result.differences.height) == (True, len(moments), 0)
    assert result.compared > len(moments)


def test_unconfirmed_pivots_are_caught() -> None:
    leaking = unconfirmed_pivots()
    moments = telling_moments(FRAMES, signals(FRAMES, leaking), 40)
    result = pattern_look_ahead(FRAMES, moments, leaking)
    assert not result.passed
    assert set(result.differences["pattern"]) == {"3"}
    assert (result.differences["at"] <= result.differences["moment"]).all()
    assert set(result.differences["found"]) == {"only with the whole history", "only with the cut one"}


def test_an_indicator_that_knows_the_future_is_caught_by_working_it_out_anew() -> None:
    def centred(frames: Frames) -> Frames:
        middle = pl.col("close").rolling_mean(21, min_samples=1, center=True).over("symbol")
        return replace(frames, m5=frames.m5.with_columns(bb_middle=middle))

    moments = telling_moments(FRAMES, signals(centred(FRAMES)), 20)
    assert not pattern_look_ahead(FRAMES, moments, recompute=centred).passed
    # Nothing of it shows while the finished column is taken as given.
    assert pattern_look_ahead(centred(FRAMES), moments).passed


def test_bars_that_count_from_their_start_are_caught() -> None:
    """The whole history has the finished four-hour bar before the five-minute bars it consists of."""

    def unfinished(frames: Frames) -> Frames:
        known = frames.m5["ends"].max()
        began = WHOLE_H4.filter(pl.col("ts") < known).with_columns(ends=pl.col("ts"))
        running = began.join(ENDS, on=["symbol", "ts"]).filter(pl.col("real_end") > known)
        return replace(frames, h4=began.join(running, on=["symbol", "ts"], how="anti"))

    moments = telling_moments(FRAMES, signals(unfinished(FRAMES)), 40)
    assert not pattern_look_ahead(FRAMES, moments, recompute=unfinished).passed


WHOLE_H4 = FRAMES.h4
ENDS = FRAMES.h4.select("symbol", "ts", real_end="ends")


def test_talibs_indicators_worked_out_anew_give_the_same_signals() -> None:
    moments = telling_moments(WHOLE, signals(WHOLE), 12)
    result = pattern_look_ahead(WHOLE, moments, recompute=with_indicators)
    assert result.passed
    assert result.differences.columns == [*SIGNALS, "moment", "found"]


def test_warm_up_of_the_patterns_alone_is_short() -> None:
    last = WHOLE.m5["ts"].max()
    assert isinstance(last, datetime)
    starts = [last - timedelta(days=days) for days in (40, 60)]
    result = pattern_warm_up(WHOLE, starts, from_ts=last - timedelta(days=4))
    assert (result.passed, result.moments) == (True, 2)


def test_warm_up_finds_that_averages_need_a_past() -> None:
    last = WHOLE.m5["ts"].max()
    assert isinstance(last, datetime)
    from_ts = last - timedelta(days=20)
    reports = [
        pattern_warm_up(WHOLE, [last - timedelta(days=days)], from_ts, recompute=with_indicators)
        for days in (22, 78)
    ]
    assert not reports[0].passed
    assert reports[1].differences.height < reports[0].differences.height


def test_a_test_without_signals_has_not_passed() -> None:
    quiet = replace(FRAMES, d1=FRAMES.d1.clear())
    silent = Definition("none", (definition_of("v2").patterns[0],))
    result = pattern_look_ahead(quiet, [FRAMES.m5["ends"][500]], silent)
    assert (result.passed, result.compared, result.differences.height) == (False, 0, 0)


def test_moments_are_those_of_signals_and_of_bars() -> None:
    shown = signals(FRAMES)
    moments = telling_moments(FRAMES, shown, 10)
    assert moments == sorted(set(moments))
    assert 4 <= len(moments) <= 10
    assert set(moments) & set(shown["at"])
    assert set(moments) <= set(FRAMES.m5["ends"])
    assert telling_moments(FRAMES, shown.clear(), 10)
