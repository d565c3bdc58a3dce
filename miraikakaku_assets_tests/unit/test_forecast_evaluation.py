"""Walks forward leave no gap and no overlap; figures of the scoreboard follow their definitions."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.forecasting.baselines import Drift, RandomWalk
from miraikakaku_assets.domain.forecasting.comparison import diebold_mariano
from miraikakaku_assets.domain.forecasting.evaluation import outcomes, rolling_origins, walk_forward
from miraikakaku_assets.domain.forecasting.panel import panel
from miraikakaku_assets.domain.forecasting.scores import score
from miraikakaku_assets_tests.support.forecasts.forecast_panels import of_closes, sessions, walk, walk_bars


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 90), st.integers(0, 40), st.integers(1, 120))
def test_folds_hold_every_origin_once(cadence, skipped, length):
    days = sessions(200)
    first, last = days[skipped], days[min(skipped + length, 199)]
    folds = list(rolling_origins(days, first, last, cadence))
    held = [origin for fold in folds for origin in fold.origins]
    assert held == days.filter(days.is_between(first, last)).to_list()
    assert all(fold.train_until == min(fold.origins) for fold in folds)
    assert all(len(fold.origins) == cadence for fold in folds[:-1])


def test_folds_of_nothing_are_refused():
    with pytest.raises(ConfigurationError, match="no session"):
        list(rolling_origins(sessions(10), date(2030, 1, 1), date(2030, 2, 1), 5))
    with pytest.raises(ConfigurationError, match="1 or more"):
        list(rolling_origins(sessions(10), date(2024, 1, 1), date(2024, 2, 1), 0))


def test_a_walk_forward_forecasts_at_every_origin():
    data = walk(1, symbols=3, days=80)
    folds = list(rolling_origins(data.sessions, data.sessions[40], data.sessions[79], 7))
    forecasts = walk_forward(Drift(), data, folds)
    assert forecasts.height == 3 * 40 * 5
    alone = Drift().fit(data, data.sessions[40]).predict(data, data.sessions[40:80].to_list())
    assert_frame_equal(forecasts.sort("symbol", "as_of", "horizon"), alone)


def test_outcomes_are_log_returns_to_the_target_session():
    bars, days = walk_bars(2, symbols=1, days=40), sessions(50)
    hole = days[33]
    data = panel(bars.filter(pl.col("session") != hole), days)
    forecasts = RandomWalk().fit(data, days[30]).predict(data, [days[30], days[38]])
    measured = outcomes(forecasts, data)
    closes = bars["close"].to_list()
    early = measured.filter(pl.col("as_of") == days[30])["actual"].to_list()
    golden = [None if ahead == 33 else float(np.log(closes[ahead] / closes[30])) for ahead in range(31, 36)]
    assert early == pytest.approx(golden)  # the session without bar has no outcome
    assert measured.filter(pl.col("as_of") == days[38])["actual"].null_count() == 4  # not yet
    returns = np.abs(np.diff(np.log(closes[:31])))
    assert measured["naive"][0] == pytest.approx(returns.mean())


def frame(points: Sequence[float | None], actuals: Sequence[float | None], horizon: int = 1) -> pl.DataFrame:
    """Scored forecasts of one instrument, one a day, with bands of 0.02 and 0.04 around the point."""
    days = sessions(len(points) + 6)
    return pl.DataFrame(
        {
            "symbol": "S",
            "model": "m",
            "horizon": horizon,
            "as_of": days.head(len(points)),
            "point": pl.Series(points, dtype=pl.Float64),
            "actual": pl.Series(actuals, dtype=pl.Float64),
        }
    ).with_columns(
        lo80=pl.col("point") - 0.02,
        hi80=pl.col("point") + 0.02,
        lo95=pl.col("point") - 0.04,
        hi95=pl.col("point") + 0.04,
        close=pl.lit(200.0),
        naive=pl.lit(0.01),
        reason=pl.when(pl.col("point").is_null()).then(pl.lit("too_short")),
    )


def test_scores_by_hand():
    """Errors -0.01, 0.03, 0.01 of outcomes 0.02, -0.02, 0; a missing forecast and one without outcome."""
    rows = frame([0.01, 0.01, 0.01, None, 0.01], [0.02, -0.02, 0.0, 0.05, None])
    scores = score(rows).row(0, named=True)
    golden = {
        "n": 3,
        "days": 3,
        "missing": 1,
        "pending": 1,
        "mae": 0.05 / 3,
        "rmse": np.sqrt(0.0011 / 3),
        "mase": 5 / 3,
        "mape": (1 - np.exp(-0.01) + np.exp(0.03) - 1 + np.exp(0.01) - 1) / 3,
        "mape_no_change": (1 - np.exp(-0.02) + np.exp(0.02) - 1) / 3,
        "mae_price": 200
        * (np.exp(0.02) - np.exp(0.01) + np.exp(0.01) - np.exp(-0.02) + np.exp(0.01) - 1)
        / 3,
        "mae_to_no_change": 1.25,
        "skill": -0.25,
        "calls": 2,
        "no_call": 0,
        "unchanged": 1,
        "hit_rate": 0.5,
        "always_up": 0.5,
        "coverage_80": 2 / 3,
        "coverage_95": 1.0,
        "width_80": 0.04,
        "width_95": 0.08,
    }
    assert {name: scores[name] for name in golden} == pytest.approx(golden)


def test_the_edge_of_a_band_lies_within_it():
    rows = frame([0.0, 0.0], [0.02, -0.04])
    scores = score(rows)
    assert (scores["coverage_80"][0], scores["coverage_95"][0]) == (0.5, 1.0)


def test_no_change_calls_no_direction_and_has_no_skill():
    scores = score(frame([0.0] * 30, [0.01, -0.02, 0.0] * 10)).row(0, named=True)
    assert (scores["calls"], scores["no_call"], scores["unchanged"]) == (0, 30, 10)
    assert (scores["hit_rate"], scores["always_up"], scores["hit_low"]) == (None, None, None)
    assert (scores["mae_to_no_change"], scores["skill"], scores["dm_statistic"]) == (1.0, 0.0, None)


def test_prices_of_several_instruments_have_no_mean_error():
    single = frame([0.01], [0.02])
    two = pl.concat([single, single.with_columns(symbol=pl.lit("T"))])
    assert score(two)["mae_price"].to_list() == [None]
    assert score(two, ["symbol"])["mae_price"].null_count() == 0


def test_the_test_against_no_change_is_on_daily_means():
    rng = np.random.default_rng(5)
    actual = rng.normal(0, 0.02, 60)
    rows = frame((actual / 2).tolist(), actual.tolist(), horizon=3)
    other = rows.with_columns(symbol=pl.lit("T"), point=pl.col("actual") * 2)
    scores = score(pl.concat([rows, other])).row(0, named=True)
    own = (np.abs(actual / 2) + np.abs(actual)) / 2
    assert scores["dm_statistic"] == pytest.approx(diebold_mariano(own, np.abs(actual), 3).statistic)
    assert scores["days"] == 60
    assert scores["n"] == 120


def test_outcomes_of_one_day_are_not_independent():
    """A hundred issues that all move alike are worth one; a hundred that do not are worth a hundred."""
    rng = np.random.default_rng(6)
    together = np.repeat(rng.choice([-0.01, 0.01], 60)[:, None], 100, axis=1)
    apart = rng.choice([-0.01, 0.01], (60, 100))
    scores = []
    for moves in (together, apart):
        rows = pl.concat(
            frame([0.01] * 60, moves[:, place].tolist()).with_columns(symbol=pl.lit(f"S{place}"))
            for place in range(100)
        )
        scores.append(score(rows).row(0, named=True))
    assert (scores[0]["calls"], scores[0]["days"]) == (6_000, 60)
    assert 50 <= scores[0]["independent"] <= 60
    assert scores[1]["independent"] > 3_000
    assert scores[0]["hit_high"] - scores[0]["hit_low"] > 5 * (scores[1]["hit_high"] - scores[1]["hit_low"])


def test_few_days_count_as_days():
    rows = frame([0.01] * 10, [0.01] * 7 + [-0.01] * 3)
    scores = score(rows).row(0, named=True)
    assert scores["independent"] == 10
    assert (scores["hit_low"], scores["hit_high"]) == pytest.approx((0.396778, 0.892209), abs=1e-6)


def test_the_interval_holds_the_truth_as_often_as_promised():
    """Calls over five sessions overlap: taken for independent, 95 % would be about 65 %."""
    rng = np.random.default_rng(8)
    held = 0
    for _ in range(60):
        actual = np.convolve(rng.normal(0, 0.01, 254), np.ones(5), "valid")
        scores = score(frame([0.01] * 250, actual.tolist(), horizon=5)).row(0, named=True)
        held += scores["hit_low"] <= 0.5 <= scores["hit_high"]
    assert held >= 50


def test_mape_of_no_change_on_a_known_series():
    """100, 110, 99: no change is off by 10/110 and 11/99."""
    data = of_closes([100.0] * 5 + [100.0 * 1.01**k for k in range(30)] + [100.0, 110.0, 99.0])
    days = data.sessions
    made = RandomWalk().fit(data, days[35]).predict(data, [days[35], days[36]])
    scores = score(outcomes(made, data).filter(pl.col("horizon") == 1))
    assert scores["mape"][0] == pytest.approx((10 / 110 + 11 / 99) / 2)
