"""Pictures of calibration and of who led: every mark where its figure is."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miraikakaku_assets.adapters.charts import forecast_canvas, leaderboard
from miraikakaku_assets_tests.support.forecasts.forecast_pictures import (
    BLUE,
    GREEN,
    GREY,
    LOOKS,
    MODELS,
    ORIGIN,
    PAST,
    WORST,
    calibration_chart,
    drawn,
    leaderboard_chart,
    near,
    performance,
    pixels,
    said,
)


def test_coverage_stands_at_its_height(figures: list[Any]) -> None:
    png = calibration_chart(performance(), "jp")
    eighty, ninety_five = (axes for axes in figures[0].axes if axes.get_xlim() == (0.5, 5.5))
    for axes, promised, low, high, column in (
        (eighty, 0.80, 0.78, 0.82, 0.80 - 0.004),
        (ninety_five, 0.95, 0.935, 0.965, 0.95 - 0.002),
    ):
        assert any(list(line.get_ydata()) == [promised, promised] and line.is_dashed() for line in axes.lines)
        corridor = axes.patches[0].get_bbox()
        assert (corridor.y0, corridor.y1) == (low, high)
        assert drawn(axes, "#2563eb")[0] == pytest.approx([column] * 5)
    assert near(pixels(png), (227, 244, 233), 6).sum() > 10_000
    for words in (
        "● Ensemble",
        "★ Prophet",
        "kept: 78 % – 82 %",
        "kept: 93.5 % – 96.5 %",
        "80,000 forecasts",
    ):
        assert words in said(figures[0])


def test_calibration_shows_the_newest_figures_and_says_whose_are_older(figures: list[Any]) -> None:
    stopped = (pl.col("model") == "lstm") & (pl.col("until") > PAST[-20])
    nothing = pl.when(pl.col("model") != "arima")
    scores = performance().filter(~stopped)
    scores = scores.with_columns(nothing.then(name).alias(name) for name in ("coverage_80", "coverage_95"))
    newest = pl.col("until") == ORIGIN
    scores = scores.with_columns(coverage_80=pl.when(newest).then("coverage_80").otherwise(0.75))
    calibration_chart(scores, "jp")
    assert f"No outcome: ARIMA   ·   Older: LSTM (until {PAST[-20]})".replace("   ", " ") in said(figures[0])
    axes = next(axes for axes in figures[0].axes if axes.get_xlim() == (0.5, 5.5))
    assert drawn(axes, "#2563eb")[0] == pytest.approx([0.796] * 5)


def test_a_band_that_holds_little_is_told_in_words(figures: list[Any]) -> None:
    calibration_chart(WORST, "jp")
    assert "▼ Prophet 40%" in said(figures[0])
    axes = next(axes for axes in figures[0].axes if axes.get_xlim() == (0.5, 5.5))
    assert axes.get_ylim()[0] > 0.68


def ribbon(png: bytes, figure: Any) -> np.ndarray:
    """One row of pixels of the strip beneath the leaderboard."""
    box = figure.axes[-1].get_window_extent()
    middle = int(470 - (box.y0 + box.y1) / 2)
    return pixels(png)[middle, int(box.x0) + 2 : int(box.x1) - 2]


def test_one_sees_who_led_and_when(figures: list[Any]) -> None:
    scores = performance(60, {"random_walk": 1.0, "ensemble": 0.99, "theta": 0.995, "xgboost": 1.02})
    then = pl.col("until")
    changed: Any = pl.when(pl.col("model") == "random_walk").then(1.0)
    changed = changed.when(then > PAST[-21]).then(pl.col("mae_to_no_change") + 0.04)
    changed = changed.when((then > PAST[-41]) & (pl.col("model") == "theta")).then(0.97)
    scores = scores.with_columns(mae_to_no_change=changed.otherwise("mae_to_no_change"))
    strip = ribbon(leaderboard_chart(scores, "jp"), figures[0])
    third = len(strip) // 3
    for place, colour in enumerate((BLUE, GREEN, GREY)):
        part = strip[place * third + 4 : (place + 1) * third - 4]
        assert np.abs(part - np.array(colour)).max() <= 24
    words = said(figures[0])
    for name in ("XGBoost 1.060", "Theta 1.035", "Ensemble 1.030", "No change 1.000"):
        assert name in words


def test_both_lines_are_there_and_bad_models_do_not_press_the_good(figures: list[Any]) -> None:
    leaderboard_chart(WORST, "jp", horizon=5)
    main = figures[0].axes[0]
    levels = [line.get_ydata()[0] for line in main.lines if list(line.get_xdata()) == [0, 1]]
    assert sorted(levels) == [1.0, 1.10]
    assert "1.10: skill lost" in said(figures[0])
    assert "Prophet 9.000 ▲" in said(figures[0])
    assert "5 sessions ahead, over 20 days each" in said(figures[0])
    height = main.get_window_extent().height
    at = main.transData.transform([(0, 1.0), (0, 1.10)])[:, 1]
    assert (at[1] - at[0]) / height > 0.4


def test_ties_and_rounding_lead_nobody_past_no_change() -> None:
    even = np.array([1.0, 1 - 1e-12, 0.999, np.nan])
    leaders = leaderboard._leading({"ensemble": even, "random_walk": np.array([1.0, 1.0, 1.0, np.nan])})
    assert leaders == ["random_walk", "random_walk", "ensemble", None]
    assert leaderboard._leading({"theta": np.array([1.2])}) == ["random_walk"]
    assert leaderboard._leading({}) == []


def test_a_model_that_stopped_is_named_with_its_last_day(figures: list[Any]) -> None:
    stopped = (pl.col("model") == "lstm") & (pl.col("until") > PAST[-20])
    scores = performance().filter(~stopped)
    scores = scores.with_columns(
        mae_to_no_change=pl.when(pl.col("model") != "arima").then("mae_to_no_change")
    )
    leaderboard_chart(scores, "jp")
    assert f"LSTM until {PAST[-20]:%-m/%-d}" in said(figures[0])
    assert "No outcome: ARIMA" in said(figures[0])
    lstm = drawn(figures[0].axes[0], "#7c3aed")[0]
    assert np.isnan(lstm[-19:]).all()
    assert not np.isnan(lstm[:-19]).any()


@given(st.floats(0, 1e6))
def test_the_narrower_scale_can_be_undone(ratio: float) -> None:
    assert leaderboard._stretched(leaderboard._pressed(ratio)) == pytest.approx(ratio)


@given(st.lists(st.floats(0, 330), min_size=1, max_size=20))
def test_names_are_apart_and_where_they_belong_if_there_is_room(heights: list[float]) -> None:
    places = leaderboard._apart(sorted(heights), 14.0, 330.0)
    assert np.all(np.diff(places) >= 14 - 1e-6)
    assert places.min() >= -1e-6
    assert places.max() <= 330 + 1e-6
    if np.all(np.diff(sorted(heights)) >= 14):
        assert places == pytest.approx(sorted(heights))


def test_every_model_looks_different() -> None:
    for part in ("colour", "marker", "sign", "name"):
        known = [getattr(look, part) for look in forecast_canvas.looks_of(MODELS, LOOKS).values()]
        assert len(set(known)) == len(MODELS)
    assert list(forecast_canvas.looks_of(["zebra", "theta", "ensemble"], LOOKS)) == [
        "ensemble",
        "theta",
        "zebra",
    ]
