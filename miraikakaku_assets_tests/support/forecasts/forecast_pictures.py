"""Forecasts and scores to be drawn, ordinary and odd, and ways to look at the pictures."""

import io
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from miraikakaku_assets.adapters.charts import forecasts as charts
from miraikakaku_assets.application.ports.forecasts import PERFORMANCE, PREDICTIONS
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.forecasting.contract import Z_80, Z_95
from miraikakaku_assets.domain.forecasting.edges import NO_EDGE
from miraikakaku_assets.domain.market.sessions import sessions_between
from miraikakaku_assets.settings import load_settings

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


LOOKS = Ports(load_settings()).forecasting.looks
fan_chart = partial(charts.fan_chart, looks=LOOKS)
calibration_chart = partial(charts.calibration_chart, looks=LOOKS)
leaderboard_chart = partial(charts.leaderboard_chart, looks=LOOKS)
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


def texts(figure: Any) -> list[Any]:
    from matplotlib.text import Text

    beyond = set()  # labels outside a scale, which Matplotlib keeps and does not draw
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        inside = set(map(id, axis._update_ticks())) if axis.axes.axison else set()
        hidden = [tick for tick in (*axis.majorTicks, *axis.minorTicks) if id(tick) not in inside]
        beyond |= {id(label) for tick in hidden for label in (tick.label1, tick.label2)}
    visible = [text for text in figure.findobj(Text) if text.get_visible() and id(text) not in beyond]
    return [text for text in visible if text.get_text().strip()]


def said(figure: Any) -> str:
    return "\n".join(text.get_text() for text in texts(figure))


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def near(picture: np.ndarray, colour: tuple[int, int, int], off: int = 24) -> np.ndarray:
    """Pixels about of a colour: the palette moves it a little."""
    close_enough: np.ndarray = np.abs(picture - np.array(colour)).max(axis=2) <= off
    return close_enough


def drawn(axes: Any, colour: str) -> list[np.ndarray]:
    """Values of lines of a colour that go somewhere."""
    return [np.asarray(line.get_ydata(), dtype=float) for line in axes.lines if line.get_color() == colour]
