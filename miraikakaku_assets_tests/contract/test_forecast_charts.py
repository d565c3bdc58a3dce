"""Pictures of forecasts: what is written in them and where lines are, whatever the forecasts are like."""

import io
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from math import exp
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from miraikakaku_assets.adapters import calibration_chart as calibration
from miraikakaku_assets.adapters import chart_text, forecast_canvas, forecast_charts
from miraikakaku_assets.adapters import leaderboard_chart as leaderboard
from miraikakaku_assets.adapters.fan_paths import CLOSES
from miraikakaku_assets.adapters.forecast_charts import calibration_chart, fan_chart, leaderboard_chart
from miraikakaku_assets.application.ports.forecasts import PERFORMANCE, PREDICTIONS
from miraikakaku_assets.domain.forecasting.contract import Z_80, Z_95, Reason
from miraikakaku_assets.domain.forecasting.scores import NO_EDGE
from miraikakaku_assets.domain.market.sessions import sessions_between

SESSIONS = sessions_between("XTKS", date(2025, 6, 1), date(2026, 12, 20))
ORIGIN = date(2026, 11, 20)
PAST = [day for day in SESSIONS if day <= ORIGIN]
AHEAD = [day for day in SESSIONS if day > ORIGIN][:5]
MODELS = (
    "random_walk",
    "drift",
    "theta",
    "arima",
    "random_forest",
    "xgboost",
    "lstm",
    "prophet",
    "ensemble",
)
SLOPES = dict(zip(MODELS, (0, 5, 12, -3, -9, -20, 15, 30, 4), strict=True))
"""Of the medians, 1/10,000 a session."""

LABEL = "JPY per share"
BLUE, RED, GREY, GREEN = (37, 99, 235), (194, 37, 92), (100, 116, 139), (11, 122, 83)

Missing = Mapping[str, str | dict[int, str]]
NONE: Missing = {}


def closes(count: int = 90, close: float = 2800.0, spread: float = 0.015) -> pl.DataFrame:
    """A random walk that ends at the close."""
    path = np.exp(np.cumsum(np.random.default_rng(1).normal(0, spread, count)))
    sessions = pl.Series(PAST[len(PAST) - count :], dtype=pl.Date())
    return pl.DataFrame({"session": sessions, "close": path / path[-1:] * close})


def forecasts(
    models: tuple[str, ...] = MODELS,
    missing: Missing = NONE,
    sd: float = 0.015,
    close: float | None = 2800.0,
    calibration: str = "regime",
) -> pl.DataFrame:
    """Forecasts of one instrument from one origin."""
    rows: list[dict[str, Any]] = []
    for model in models:
        for horizon, target in enumerate(AHEAD, start=1):
            absent = missing.get(model)
            reason = absent.get(horizon) if isinstance(absent, dict) else absent
            point, wide = SLOPES.get(model, 7) * horizon / 10_000, sd * horizon**0.5
            band = {"point": point, "sd": wide, "lo80": point - Z_80 * wide, "hi80": point + Z_80 * wide}
            band |= {"lo95": point - Z_95 * wide, "hi95": point + Z_95 * wide, "calibration": calibration}
            named = {"symbol": "7203.T", "model": model, "version": "1", "as_of": ORIGIN, "close": close}
            named |= {"horizon": horizon, "target": target, "reason": reason}
            rows.append(named | (band if reason is None else {}))
    return pl.DataFrame(rows, schema=PREDICTIONS)


def performance(days: int = 60, ratios: Mapping[str, float] | None = None) -> pl.DataFrame:
    """Scores over 20 days each, the same on every day."""
    known = ratios or {model: 1 + SLOPES[model] / 1000 for model in MODELS} | {"random_walk": 1.0}
    rows = [
        {
            "segment_kind": "universe", "segment": "jp", "model": model, "horizon": horizon, "window": 20,
            "until": until, "n": 80_000, "days": 20, "missing": 0, "mae_to_no_change": ratio,
            "coverage_80": 0.80 - SLOPES.get(model, 0) / 1000, "coverage_95": 0.95 - SLOPES.get(model, 0) / 2000,
        }
        for model, ratio in known.items()
        for horizon in range(1, 6)
        for until in PAST[-days:]
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=PERFORMANCE)


fan = partial(fan_chart, title="7203.T トヨタ自動車", unit=LABEL)
ALL_MISSING = dict.fromkeys(MODELS, "too_short")
WORST = performance().with_columns(
    mae_to_no_change=pl.when(pl.col("model") == "prophet").then(9.0).otherwise("mae_to_no_change"),
    coverage_80=pl.when(pl.col("model") == "prophet").then(0.4).otherwise("coverage_80"),
)
NO_SCORES = performance().with_columns(
    pl.lit(None, pl.Float64()).alias(name) for name in ("mae_to_no_change", "coverage_80", "coverage_95")
)

CASES: dict[str, Callable[[], bytes]] = {
    "all": lambda: fan(closes(), forecasts(), edge=NO_EDGE),
    "one close": lambda: fan(closes(1), forecasts(), decimals=1),
    "no close": lambda: fan(closes(0), forecasts()),
    "nothing": lambda: fan(closes(0), forecasts(())),
    "no forecast": lambda: fan(closes(), forecasts(())),
    "all missing": lambda: fan(closes(), forecasts(missing=ALL_MISSING)),
    "no close to start from": lambda: fan(closes(0), forecasts(close=None)),
    "no bar at the origin": lambda: fan(
        closes(40).filter(pl.col("session") < PAST[-3]), forecasts(missing=dict.fromkeys(MODELS, "no_bar"))
    ),
    "one horizon": lambda: fan(closes(), forecasts().filter(pl.col("horizon") == 1)),
    "one hole": lambda: fan(closes(), forecasts(missing={"ensemble": {3: "failed"}})),
    "every second": lambda: fan(closes(), forecasts(missing={"ensemble": {2: "failed", 4: "failed"}})),
    "three hundred percent": lambda: fan(closes(), forecasts(sd=1.4)),
    "beyond all prices": lambda: fan(closes(), forecasts(sd=900.0)),
    "no width": lambda: fan(closes(40, spread=0), forecasts(sd=0)),
    "a still price": lambda: fan(closes(40, spread=0), forecasts()),
    "zero and below": lambda: fan(closes(40).with_columns(pl.col("close") - 2800), forecasts(close=-1.0)),
    "nulls": lambda: fan(
        closes(40).with_columns(close=pl.Series([None, float("nan"), float("inf"), 5.0] * 10)), forecasts()
    ),
    "many unknown models": lambda: fan(closes(), forecasts((*MODELS, *(f"model_{n:02}" for n in range(20))))),
    "words": lambda: fan_chart(
        closes(),
        forecasts(missing={"lstm": "new_reason"}),
        "BRK$A_$B 😀\n" + "長い名前" * 40,
        "円 / 株 $/lb",
        edge="優位性なし",
    ),
    "large": lambda: fan(closes(close=5.1e8), forecasts(close=5.1e8), decimals=2),
    "small": lambda: fan(closes(close=1e-6), forecasts(close=1e-6)),
    "calibration": lambda: calibration_chart(performance(), "jp"),
    "calibration of one day": lambda: calibration_chart(performance(1), "jp 東証"),
    "calibration of nothing": lambda: calibration_chart(performance().clear(), "jp"),
    "calibration without outcome": lambda: calibration_chart(NO_SCORES, "jp"),
    "bad calibration": lambda: calibration_chart(WORST, "jp"),
    "one horizon's calibration": lambda: calibration_chart(WORST.filter(pl.col("horizon") == 3), "jp"),
    "leaders": lambda: leaderboard_chart(performance(), "jp"),
    "leaders of one day": lambda: leaderboard_chart(performance(1), "jp 東証"),
    "leaders of two days": lambda: leaderboard_chart(performance(2), "jp"),
    "leaders of nothing": lambda: leaderboard_chart(performance().clear(), "jp"),
    "leaders without outcome": lambda: leaderboard_chart(NO_SCORES, "jp"),
    "bad leaders": lambda: leaderboard_chart(WORST, "jp", horizon=5),
    "a horizon that is not there": lambda: leaderboard_chart(WORST, "jp", horizon=7),
    "nobody is good": lambda: leaderboard_chart(performance(ratios={"lstm": 40.0, "theta": 3e6}), "jp"),
    "perfect": lambda: leaderboard_chart(performance(ratios={"lstm": 0.0}), "jp"),
    "no change alone": lambda: leaderboard_chart(performance(ratios={"random_walk": 1.0}), "jp"),
    "long names": lambda: leaderboard_chart(
        performance(ratios={"temporal_fusion_transformer_2": 12.0}), "jp"
    ),
    "a crowd": lambda: leaderboard_chart(performance(ratios={f"m{n}": 1 + n / 1e4 for n in range(40)}), "jp"),
}
HEIGHTS = {fan_chart: 500, calibration_chart: 420, leaderboard_chart: 470}


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every figure that is turned into a PNG, which it still is."""
    seen: list[Any] = []
    for module in (forecast_charts, calibration, leaderboard):
        draw = module.as_png

        def keep(figure: Any, draw: Callable[[Any], bytes] = draw) -> bytes:
            seen.append(figure)
            return draw(figure)

        monkeypatch.setattr(module, "as_png", keep)
    return seen


def texts(figure: Any) -> list[Any]:
    from matplotlib.text import Text

    beyond = set()  # labels outside a scale, which Matplotlib keeps and does not draw
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        inside = set(map(id, axis._update_ticks())) if axis.axes.axison else set()
        hidden = [tick for tick in (*axis.majorTicks, *axis.minorTicks) if id(tick) not in inside]
        beyond |= {id(label) for tick in hidden for label in (tick.label1, tick.label2)}
    found = [text for text in figure.findobj(Text) if text.get_visible() and id(text) not in beyond]
    return [text for text in found if text.get_text().strip()]


def said(figure: Any) -> str:
    return "\n".join(text.get_text() for text in texts(figure))


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def near(picture: np.ndarray, colour: tuple[int, int, int], off: int = 24) -> np.ndarray:
    """Pixels about of a colour: the palette moves it a little."""
    found: np.ndarray = np.abs(picture - np.array(colour)).max(axis=2) <= off
    return found


def drawn(axes: Any, colour: str) -> list[np.ndarray]:
    """Values of lines of a colour that go somewhere."""
    return [np.asarray(one.get_ydata(), dtype=float) for one in axes.lines if one.get_color() == colour]


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
    still = [one for one in axes.lines if list(one.get_ydata()) == [2800.0, 2800.0]]
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
    close = next(one for one in axes.lines if len(one.get_ydata()) == CLOSES)
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
    assert "No forecast: ARIMA at 4, 5, Prophet (failed); LSTM (not trained)" in said(figures[0])
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


def test_coverage_stands_at_its_height(figures: list[Any]) -> None:
    png = calibration_chart(performance(), "jp")
    eighty, ninety_five = (axes for axes in figures[0].axes if axes.get_xlim() == (0.5, 5.5))
    for axes, promised, low, high, column in (
        (eighty, 0.80, 0.78, 0.82, 0.80 - 0.004),
        (ninety_five, 0.95, 0.935, 0.965, 0.95 - 0.002),
    ):
        assert any(list(one.get_ydata()) == [promised, promised] and one.is_dashed() for one in axes.lines)
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
    levels = [one.get_ydata()[0] for one in main.lines if list(one.get_xdata()) == [0, 1]]
    assert sorted(levels) == [1.0, 1.10]
    assert "1.10: skill lost" in said(figures[0])
    assert "Prophet 9.000 ▲" in said(figures[0])
    assert "5 sessions ahead, over 20 days each" in said(figures[0])
    height = main.get_window_extent().height
    at = main.transData.transform([(0, 1.0), (0, 1.10)])[:, 1]
    assert (at[1] - at[0]) / height > 0.4


def test_ties_and_rounding_lead_nobody_past_no_change() -> None:
    even = np.array([1.0, 1 - 1e-12, 0.999, np.nan])
    found = leaderboard._leading({"ensemble": even, "random_walk": np.array([1.0, 1.0, 1.0, np.nan])})
    assert found == ["random_walk", "random_walk", "ensemble", None]
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
    found = leaderboard._apart(sorted(heights), 14.0, 330.0)
    assert np.all(np.diff(found) >= 14 - 1e-6)
    assert found.min() >= -1e-6
    assert found.max() <= 330 + 1e-6
    if np.all(np.diff(sorted(heights)) >= 14):
        assert found == pytest.approx(sorted(heights))


def test_every_model_looks_different() -> None:
    for part in ("colour", "marker", "sign", "name"):
        known = [getattr(look, part) for look in forecast_canvas.looks(MODELS).values()]
        assert len(set(known)) == len(MODELS)
    assert list(forecast_canvas.looks(["zebra", "theta", "ensemble"])) == ["ensemble", "theta", "zebra"]
