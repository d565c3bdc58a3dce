"""Pictures of forecasts: what is written in them and where lines are, whatever the forecasts are like."""

import io
from math import exp
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from miraikakaku_assets.adapters.charts import forecast_canvas
from miraikakaku_assets.adapters.charts import forecasts as forecast_charts
from miraikakaku_assets.adapters.charts import text as chart_text
from miraikakaku_assets.adapters.charts.fan_paths import CLOSES
from miraikakaku_assets.domain.forecasting.contract import Z_80, Z_95, Reason
from miraikakaku_assets.domain.forecasting.edges import NO_EDGE
from miraikakaku_assets_tests.support.forecasts.forecast_pictures import (
    AHEAD,
    CASES,
    HEIGHTS,
    LABEL,
    ORIGIN,
    PAST,
    WORST,
    Missing,
    calibration_chart,
    closes,
    drawn,
    fan,
    fan_chart,
    forecasts,
    leaderboard_chart,
    near,
    pixels,
    said,
    texts,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("case", CASES)
def test_every_picture_is_small_and_says_all_it_says_within_its_edges(case: str, figures: list[Any]) -> None:
    png = CASES[case]()
    picture = Image.open(io.BytesIO(png))
    picture.load()
    assert picture.format == "PNG"
    assert picture.width == 860
    assert picture.height in HEIGHTS.values()
    assert 2_000 < len(png) < 100_000
    assert (pixels(png).min(axis=2) < 128).sum() > 300  # ink
    for text in texts(figures[-1]):
        box = text.get_window_extent()
        assert box.x0 >= 0, text.get_text()
        assert box.x1 <= picture.width, text.get_text()
        assert box.y0 >= 0, text.get_text()
        assert box.y1 <= picture.height, text.get_text()


@pytest.mark.parametrize("case", ["all", "three hundred percent", "bad calibration", "bad leaders"])
def test_the_same_data_in_any_order_is_the_same_picture(case: str) -> None:
    before = CASES[case]()
    assert before == CASES[case]()
    mixed = {
        "all": lambda: fan(
            closes().reverse(), forecasts().sample(fraction=1, shuffle=True, seed=3), edge=NO_EDGE
        ),
        "three hundred percent": lambda: fan(closes().reverse(), forecasts(sd=1.4).reverse()),
        "bad calibration": lambda: calibration_chart(WORST.sample(fraction=1, shuffle=True, seed=3), "jp"),
        "bad leaders": lambda: leaderboard_chart(WORST.reverse(), "jp", horizon=5),
    }
    assert before == mixed[case]()


def test_a_fan_is_in_prices(figures: list[Any]) -> None:
    fan(closes(), forecasts())
    axes = figures[0].axes[-1]
    medians = drawn(axes, "#2563eb")[0]
    assert medians == pytest.approx([2800 * exp(4 * h / 10_000) for h in range(6)])
    reach = [
        (2800 * exp(0.0020 + z * 0.015 * 5**0.5), 2800 * exp(0.0020 - z * 0.015 * 5**0.5))
        for z in (Z_80, Z_95)
    ]
    for (high, low), colour in zip(reach, ("#5b8fe0", "#8fb3ea"), strict=True):
        ends = sorted(side[-1] for side in drawn(axes, colour) if len(side))
        assert ends == pytest.approx([low, high])
    assert drawn(axes, "#c2255c")[0][-1] == pytest.approx(2800 * exp(-0.01))
    still = [line for line in axes.lines if list(line.get_ydata()) == [2800.0, 2800.0]]
    assert len(still) == 1
    assert still[0].is_dashed()
    assert "in 5 sessions: median 2,805.6 (+0.2%)" in said(figures[0])


def test_a_fan_starts_from_the_close_as_it_is_shown(figures: list[Any]) -> None:
    """A split since then has halved the history; the forecast kept the close of its day."""
    fan(closes(close=1400.0), forecasts(close=2800.0))
    assert drawn(figures[0].axes[-1], "#2563eb")[0][0] == 1400.0
    fan(closes(0), forecasts(close=2800.0))
    assert drawn(figures[1].axes[-1], "#2563eb")[0][0] == 2800.0


def test_targets_stand_on_their_dates_without_weekends_and_holidays(figures: list[Any]) -> None:
    fan(closes(), forecasts())
    axes = figures[0].axes[-1]
    named = dict(zip([text.get_text() for text in axes.get_xticklabels()], axes.get_xticks(), strict=True))
    assert list(named)[-6:] == ["11/20", "11/24", "11/25", "11/26", "11/27", "11/30"]  # the 23rd is a holiday
    assert np.diff(list(named.values())[-6:]) == pytest.approx(6.0)
    assert named["11/20"] == 0
    close = next(line for line in axes.lines if len(line.get_ydata()) == CLOSES)
    assert np.diff(close.get_xdata()) == pytest.approx(1.0)
    assert close.get_xdata()[-1] == 0


def test_only_the_newest_closes_up_to_the_origin_are_shown() -> None:
    later = pl.DataFrame({"session": AHEAD, "close": [9000.0] * 5})
    assert fan(pl.concat([closes(200), later]), forecasts()) == fan(closes(200).tail(CLOSES), forecasts())


def test_of_several_origins_the_newest_is_shown() -> None:
    older = forecasts(sd=0.05).with_columns(as_of=pl.lit(PAST[-2]), target=pl.lit(ORIGIN))
    assert fan(closes(), pl.concat([older, forecasts()])) == fan(closes(), forecasts())


@pytest.mark.parametrize("reason", Reason)
def test_a_missing_fan_says_why(reason: Reason, figures: list[Any]) -> None:
    fan(closes(), forecasts(missing={"ensemble": reason.value}))
    words = {
        Reason.TOO_SHORT: "history too short",
        Reason.CONSTANT: "price does not move",
        Reason.NO_BAR: "no bar on that day",
        Reason.BAD_PRICE: "no valid close on that day",
        Reason.NOT_TRAINED: "not trained",
        Reason.FAILED: "failed",
    }[reason]
    assert f"No forecast\n{words}" in said(figures[0])
    assert f"No forecast: Ensemble ({words})" in said(figures[0])
    assert "median" not in said(figures[0])


def test_missing_models_are_named_with_their_reasons(figures: list[Any]) -> None:
    absent: Missing = {"prophet": "failed", "arima": {4: "failed", 5: "failed"}, "lstm": "not_trained"}
    fan(closes(), forecasts(missing=absent))
    assert "No forecast: LSTM (not trained); ARIMA at 4, 5, Prophet (failed)" in said(figures[0])
    shown = said(figures[0]).splitlines()
    assert "◀ ARIMA" in shown
    assert "★ Prophet" not in shown
    fan(closes(), forecasts(("random_walk", "theta")))
    assert "No forecast\nnone by the ensemble" in said(figures[1])
    fan(closes(), forecasts(()))
    assert "No forecast\nnone was made" in said(figures[2])
    fan(closes(0), forecasts(close=None))
    assert "No forecast\nno close to start from" in said(figures[3])


def test_bands_that_are_not_calibrated_say_so(figures: list[Any]) -> None:
    fan(closes(), forecasts(calibration="none"))
    fan(closes(), forecasts(calibration="pooled"))
    assert "Bands are not calibrated" in said(figures[0])
    assert "calibrated" not in said(figures[1])


def test_wild_bands_leave_the_past_its_shape(figures: list[Any]) -> None:
    png = fan(closes(), forecasts(sd=1.4))  # 95 % at five sessions: from 1/460 to 460 times the close
    axes = figures[0].axes[-1]
    low, high = axes.get_ylim()
    past = closes().tail(CLOSES)["close"]
    assert (past.max() - past.min()) / (high - low) > 0.2  # type: ignore[operator]
    ink = near(pixels(png)[100:450, 20:515], (51, 71, 91)).any(axis=1)
    assert np.ptp(np.flatnonzero(ink)) > 70
    for words in ("▲ 95 % to", "▲ 80 % to", "▼ 95 % to", "▼ 80 % to"):
        assert words in said(figures[0])
    fan(closes(), forecasts())
    assert "▲" not in said(figures[1]).replace("▲ Theta", "")


@given(
    past=st.lists(st.floats(1e-3, 1e7), min_size=5, max_size=60),
    ahead=st.lists(st.floats(0, 1e12), max_size=25),
)
def test_the_scale_holds_the_whole_past_and_is_not_lost_to_what_is_ahead(
    past: list[float], ahead: list[float]
) -> None:
    low, high = forecast_charts._limits(np.array(past), np.array(ahead))
    assert 0 <= low < min(past) <= max(past) < high
    wide = max(past) - min(past)
    if wide >= 0.005 * max(past):
        assert wide / (high - low) > 0.2
    above, below = (
        max(0.0, by) for by in (max(ahead, default=0) - max(past), min(past) - min(ahead, default=1e9))
    )
    if ahead and above + below < 2.99 * wide:  # what leaves the past its share is shown whole
        assert low <= min(ahead) <= max(ahead) <= high


def test_no_edge_is_said_beside_the_name(figures: list[Any]) -> None:
    plain = fan(closes(), forecasts())
    marked = fan(closes(), forecasts(), edge=NO_EDGE)
    assert NO_EDGE not in said(figures[0])
    assert NO_EDGE in said(figures[1])
    amber = near(pixels(marked)[8:32], (255, 244, 224), 6) & ~near(pixels(plain)[8:32], (255, 244, 224), 6)
    assert amber.sum() > 200


def test_japanese_names_have_their_letters(figures: list[Any]) -> None:
    if not chart_text.japanese_font():
        pytest.skip("this machine has no font with Japanese letters")
    fan(closes(), forecasts())
    other = fan_chart(closes(), forecasts(), "7203.T 本田技研工業", LABEL)
    assert "トヨタ自動車" in said(figures[0])
    assert (pixels(other)[:32] != pixels(fan(closes(), forecasts()))[:32]).any()


@pytest.mark.parametrize("case", ["all", "words", "calibration of one day", "leaders of one day"])
def test_without_a_japanese_font_the_rest_is_drawn(
    case: str, monkeypatch: pytest.MonkeyPatch, figures: list[Any]
) -> None:
    # Warnings are errors here: a letter that no font has would fail.
    monkeypatch.setattr(forecast_canvas, "japanese_font", lambda: ())
    CASES[case]()
    assert "優" not in said(figures[0])
    assert ("no edge" in said(figures[0])) == (case in ("all", "words"))
